"""Crashes and faults: accepted work is done nevertheless, and the numbers stay right."""

import hashlib
import json
import os
import signal

from runs import counted, followed
from tools import WORK, check, equal, heading, http, until

# A message whose function died comes back after this time. On AWS it is 900 s (six times the function's timeout),
# which would take too long here. No chunk below takes this long.
VISIBILITY_SECONDS = 20


def show(emulator, deployed, world):
    for queue in ("ScoringQueueUrl", "MetricsQueueUrl"):
        attributes = {"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        deployed.sqs.set_queue_attributes(QueueUrl=deployed.outputs[queue], Attributes=attributes)
    killed(deployed, world)
    restarted(emulator, deployed, world)
    poison(deployed, world)
    stuck(deployed, world)
    revoked_token(deployed, world)
    deleted_secret(deployed, world)
    heading("faults: what was tried again stays in the trace of its webhook")
    followed(deployed, world.harvests)


def begin(deployed, world, number, leads, client=0):
    """Starts a run on a separate day. Returns its id, its number of posts, and what was billed before."""
    name, base = world.clients[client]
    before = world.billed()
    run_id = f"2610{number:02}-080000-{name}"
    at = f"2026-10-{number:02}T08:00:00.000Z"
    world.harvests[run_id], posts = world.harvest(name, base, at, leads, deployed.webhook(name))
    return run_id, posts, before


def ends_right(world, run_id, posts, before, seconds=240):
    """The run's record is complete, and its tokens are the billed ones, or the record says what is not known."""
    record = world.record_at_end(run_id, seconds)
    equal(record["Total Posts Harvested"], posts, f"{run_id}: posts harvested")
    # Some of the invented leads have unreadable `Posts Content`: only those may fail.
    errors = [line for line in record.get("Error Details", "").splitlines() if not line.startswith(" ")]
    expected = [line for line in errors if "(POSTS_UNREADABLE)" in line]
    equal(errors, expected, f"{run_id}: {record['Status']}, errors besides the invented")
    billed, recorded = world.billed()[1] - before[1], record["Post Scoring Tokens"]
    if record["Balance"] == "balanced":
        equal(recorded, billed, f"{run_id}: balanced, and tokens as billed")
    else:
        check("unobserved" in record["Balance"], f"{run_id}: balance says {record['Balance']!r}")
        check(recorded <= billed, f"{run_id}: {recorded} tokens of {billed} billed are known")
    return record


def killed(deployed, world):
    heading("faults: scoring is killed in the middle of a chunk")
    run_id, posts, before = begin(deployed, world, 1, (0, 45))
    until(lambda: world.billed()[0] >= before[0] + 5, "the chunk has begun", 60)
    processes = deployed.processes("Scoring")
    check(processes, "the function's process is found")
    for process in processes:
        os.kill(process, signal.SIGKILL)
    ends_right(world, run_id, posts, before)
    deployed.settle()
    tries = {}
    for fact in deployed.facts(run_id):
        if fact["type"] == "announced":
            one = fact["attempt"]
            tries.setdefault((one["plan"], one["chunk"]), set()).add(one["attempt"])
    most = max(len(attempts) for attempts in tries.values())
    check(most >= 2, f"{run_id}: a chunk was begun and begun again; tries: {most}")


def restarted(emulator, deployed, world):
    heading("faults: the whole of AWS is restarted between chunks")
    run_id, posts, before = begin(deployed, world, 2, (0, 110))
    until(lambda: world.billed()[0] >= before[0] + 12, "one chunk or more is done, others wait", 90)
    check(deployed.waiting("ScoringQueue") > 0, "chunks wait on the queue")
    emulator.stop()
    check(world.records()[run_id]["Status"] == "Running", "the run is not at its end")
    emulator.start()
    ends_right(world, run_id, posts, before)
    deployed.settle()


def poison(deployed, world):
    heading("faults: a message that nobody can read")
    for queue in ("ScoringQueueUrl", "MetricsQueueUrl"):
        deployed.sqs.send_message(
            QueueUrl=deployed.outputs[queue],
            MessageBody=json.dumps({"version": 1, "type": "surprise"}),
            MessageGroupId="plan#poison",
        )
    run_id, posts, before = begin(deployed, world, 3, (0, 5))
    ends_right(world, run_id, posts, before)
    deployed.settle()
    for queue in ("Scoring", "Metrics"):
        reasons = deployed.dead_letters(queue)
        equal(len(reasons), 1, f"dead letters of {queue.lower()}")
        check("surprise" in reasons[0], f"with the reason: {reasons[0]}")


def stuck(deployed, world):
    """Checks only order and counts, because the emulator's time is real."""
    heading("faults: 20 harvests that Apify still calls RUNNING, and another client's behind them in their lane")
    name, base = world.clients[0]
    neighbour = next(other for other in map("Neighbour-{}".format, range(99)) if lane(other) == lane(name))
    posted = []
    for number in range(20):
        started_at = f"2026-10-06T08:{number:02}:00.000Z"
        apify_run, _ = world.harvest(name, base, started_at, (0, 1), None, status="RUNNING")
        body = {"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": apify_run}}
        equal(deployed.post(f"/webhooks/apify?clientId={neighbour}", body)[0], 202, f"webhook of {apify_run}")
        posted.append(apify_run)
    run_id, posts, before = begin(deployed, world, 7, (0, 5))
    ends_right(world, run_id, posts, before)
    opened = min(fact["at"] for fact in deployed.events(run_id) if fact["fact"]["type"] == "opened")
    tries = lambda: attempts(deployed, posted)
    until(lambda: any(attempt > 1 for _, attempt in tries()), "a second attempt at one of them", 120)
    before_it = [attempt for at, attempt in tries() if at < opened]
    check(len(before_it) <= 20, f"attempts at the stuck ones before it began: {len(before_it)}")
    equal([attempt for attempt in before_it if attempt > 1], [], "second ones among them")
    for apify_run in posted:
        http("DELETE", f"{world.apify}/_sim/runs/{apify_run}")
    until(lambda: deployed.waiting("RetryQueue") == 0, "all of them left the retry queue", 240)
    deployed.settle()


def lane(client):
    """The planning lane of a client, as the functions choose it."""
    name = client.encode()
    digest = hashlib.sha256(len(name).to_bytes(8, "big") + name).digest()
    return int.from_bytes(digest[:4], "big") % 3


def attempts(deployed, harvests):
    """The log's times at which attempts at one of these harvests failed, with the number of the attempt."""
    failed = [json.loads(line) for line in deployed.log_lines("Scoring") if "is still running" in line]
    is_one = lambda line: any(harvest in line["failure"] for harvest in harvests)
    return [(line["timestamp"], line["queue.attempt"]) for line in failed if is_one(line)]


def restart_functions(deployed):
    """On AWS any change of its configuration gives a function new processes, which read the secret again. This emulator
    keeps the old processes, so they are ended here."""
    for function in ("Scoring", "MetricsFinalizer"):
        deployed.restart_function(function)
        for process in deployed.processes(function):
            os.kill(process, signal.SIGKILL)


def revoked_token(deployed, world):
    heading("faults: Airtable does not take the token in the secret any more")
    deployed.put_services_secret(AIRTABLE_TOKEN="patExpired")
    restart_functions(deployed)
    run_id, posts, before = begin(deployed, world, 4, (0, 5))
    said = lambda: [line for line in deployed.log_lines("Scoring") if "UNAUTHORIZED" in line]
    said = json.loads(until(said, "the log says so", 60)[0])
    check(said["message"] == "message is requeued", f"the log says: {said['failure']}")
    until(lambda: deployed.waiting("ScoringQueue") == 0, "the task left its lane", 60)
    check(deployed.waiting("RetryQueue") > 0, "it waits for its next attempt")
    equal(world.billed(), before, "nothing billed meanwhile")
    given_back = ("MessagesGivenBack", "Service=scoring")
    check(counted(deployed).get(given_back, 0) > 0, "metric MessagesGivenBack of scoring")
    deployed.put_services_secret(AIRTABLE_TOKEN=world.variables["AIRTABLE_TOKEN"])
    restart_functions(deployed)
    ends_right(world, run_id, posts, before)
    deployed.settle()


def deleted_secret(deployed, world):
    heading("faults: the secret cannot be read, so the functions do not start")
    deployed.secrets.delete_secret(SecretId="runtally/services", RecoveryWindowInDays=7)
    restart_functions(deployed)
    run_id, posts, before = begin(deployed, world, 5, (0, 5))
    # What a process logs before its first poll goes to the emulator's own log, not to the log group.
    said = '"error":"the secret runtally/services could not be read: InvalidRequestException (400)"'
    until(lambda: said in (WORK / "emulator.log").read_text(), "the log names the secret", 60)
    check(deployed.waiting("ScoringQueue") == 1, "the task waits on its queue")
    deployed.secrets.restore_secret(SecretId="runtally/services")
    restart_functions(deployed)
    ends_right(world, run_id, posts, before)
    deployed.settle()
