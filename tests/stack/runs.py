"""Three runs end to end, and what is to be seen of them through AWS' API."""

import datetime
import json
import pathlib

from tools import check, equal, heading, http


def show(deployed, world):
    heading("runs: three harvests, one of them announced twice")
    (first, first_base), (second, second_base) = world.clients[:2]
    answers_before, tokens_before = world.billed()
    runs = {}
    for client, base, at, leads in [
        (first, first_base, "2026-11-20T08:00:00.000Z", (0, 55)),
        (second, second_base, "2026-11-20T09:00:00.000Z", (0, 12)),
        (first, first_base, "2026-11-21T08:00:00.000Z", (60, 75)),
    ]:
        _, posts = world.harvest(client, base, at, leads, deployed.webhook(client))
        stamp = at[2:19].replace("-", "").replace(":", "").replace("T", "-")
        runs[f"{stamp}-{client}"] = posts
    run_id, posts = next(iter(runs.items()))
    world.record_at_end(run_id)
    again(deployed, world, first)
    for run_id in runs:
        world.record_at_end(run_id)
    deployed.settle()

    records = world.records()
    equal(sorted(records), sorted(runs), "run records, one for each run")
    for run_id, posts in runs.items():
        record = records[run_id]
        equal(record["Total Posts Harvested"], posts, f"{run_id}: posts harvested")
        equal(record["Balance"], "balanced", f"{run_id}: balance")
        equal(record["Status"][:9], "Completed", f"{run_id}: status")
        check(record["Post Scoring Tokens"] > 0, f"{run_id}: tokens {record['Post Scoring Tokens']}")
    answers, tokens = world.billed()
    recorded = sum(record["Post Scoring Tokens"] for record in records.values())
    equal(recorded, tokens - tokens_before, f"tokens on the records against the {answers - answers_before} answers billed")

    for queue in ("Scoring", "Metrics"):
        equal(deployed.waiting(f"{queue}Queue"), 0, f"messages on the queue of {queue.lower()}")
        equal(deployed.dead_letters(queue), [], f"dead letters of {queue.lower()}")
    for run_id in runs:
        kinds = [item["sk"]["S"][0] for item in deployed.log_items(run_id)]
        check(kinds.count("E") > 5 and kinds.count("M") == 1, f"{run_id}: {kinds.count('E')} events in the log, one state")
    equal(deployed.open_runs(), [], "runs that the index of open runs holds")
    memory(deployed)
    healed(deployed, world, next(iter(runs)))
    asked(deployed, world, second)
    refused(deployed)
    metrics(deployed, len(runs) + 1)
    rights(deployed)


def again(deployed, world, client):
    """The first harvest's webhook once more, as Apify repeats it after a lost answer."""
    runs = http("GET", f"{world.apify}/_sim/dispatches")[1]
    first = next(dispatch for dispatch in runs if dispatch.get("runId"))
    code, answer = http("POST", f"{world.apify}/_sim/dispatch", {"runId": first["runId"]})
    equal(code, 200, "the first webhook is delivered a second time")


def memory(deployed):
    """The most memory that a process of scoring had, after a chunk of 50 leads and others."""
    processes = deployed.processes("Scoring")
    check(processes, f"processes of scoring: {len(processes)}")
    for process in processes:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        check(peak <= 60, f"scoring had {peak:.0f} MiB at most, with a chunk of 50 leads; at most 60")


def healed(deployed, world, run_id):
    """A record that somebody deletes, after the next tick. The scheduler's would come in minutes."""
    before = world.records()[run_id]
    world.delete_record(run_id)
    equal(run_id in world.records(), False, f"{run_id}: its record is there")
    at = datetime.datetime.now(datetime.timezone.utc).isoformat()
    deployed.sqs.send_message(
        QueueUrl=deployed.outputs["MetricsQueueUrl"],
        MessageBody=json.dumps({"version": 1, "type": "tick", "at": at}),
        MessageGroupId=world.master_base,
    )
    world.record_at_end(run_id)
    deployed.settle()
    # What was odd is told on the record; the numbers are those of before.
    after = world.records()[run_id]
    for field in ("Status", "Balance", "Total Posts Harvested", "Post Scoring Tokens", "AI Cost"):
        equal(after[field], before[field], f"{run_id}: {field} after its record was deleted")
    check("was gone" in after["System Notes"], f"{run_id}: its notes say that the record was gone")


def asked(deployed, world, client):
    """Ten of the client's profiles that wait, by `POST /runs`."""
    before = world.billed()
    status, answer = deployed.post("/runs", {"clientId": client, "kind": "profile", "limit": 10})
    equal((status, answer.get("accepted")), (202, True), "a run of ten profiles is asked for")
    run_id = f"{answer['runId']}-{client}"
    record = world.record_at_end(run_id)
    deployed.settle()
    billed = world.billed()
    check(billed[0] > before[0] and record["Profiles Successfully Scored"] > 0, f"{run_id}: profiles are scored")
    equal(record["Balance"], "balanced", f"{run_id}: balance")
    equal(record["Profile Scoring Tokens"], billed[1] - before[1], f"{run_id}: tokens as billed")


def refused(deployed):
    status, body = deployed.post("/webhooks/apify", {"resource": {"id": "HG7ML7M8z78YcAPEB"}}, token="wrong")
    equal((status, body.get("error", {}).get("type")), (401, "UNAUTHORIZED"), "a webhook with a wrong token")


def rights(deployed):
    """That the roles are what lets the functions work: without the right intake can queue nothing."""
    iam, role = deployed.emulator.client("iam"), deployed.names["WebhookIntakeRole"]
    body = {"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": "HG7ML7M8z78YcAPEB"}}
    policy = iam.get_role_policy(RoleName=role, PolicyName="emulator")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="emulator")
    status, _ = deployed.post("/webhooks/apify", body)
    iam.put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=json.dumps(policy))
    equal(status, 503, "a webhook while intake's role may send nothing")


def metrics(deployed, runs):
    """EMF lines in the functions' logs. The emulator keeps them as logs and makes no CloudWatch
    metrics of them: that CloudWatch reads them is AWS' own documented format."""
    counted = {}
    for function in ("WebhookIntake", "Scoring", "MetricsFinalizer"):
        for line in deployed.log_lines(function):
            if '"_aws"' not in line:
                continue
            document = json.loads(line)
            for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                name = metric["Name"]
                counted[name] = counted.get(name, 0) + document[name]
    equal(counted.get("RunsEnded"), runs, "metric RunsEnded, a record that was written again not counted")
    equal(counted.get("UnpricedAnswers"), 0, "metric UnpricedAnswers")
    equal(counted.get("RunsUnbalanced"), 0, "metric RunsUnbalanced")
    equal(counted.get("RequestsUnauthorized"), 1, "metric RequestsUnauthorized")
    check(counted.get("PromptTokens", 0) > 0 and counted.get("ModelCost", 0) > 0, "metrics of tokens and cost")
    check(counted.get("AirtableRequests", 0) > 0, f"metric AirtableRequests: {counted.get('AirtableRequests')}")
