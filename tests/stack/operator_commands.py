"""The operator's commands as an operator runs them: as processes that have only their configuration and the rights of
docs/deploy.md."""

import contextlib
import datetime
import json
import subprocess
import urllib.error
import urllib.request

from emulator import REGION, WEBHOOK_TOKEN
from tools import ROOT, TARGET, WORK, Failed, check, clean_environment, equal, heading

# The fields that people use to bill and to plan.
NUMBERS = (
    "Status",
    "Balance",
    "Total Posts Harvested",
    "Apify API Costs",
    "Posts Examined for Scoring",
    "Posts Successfully Scored",
    "Post Scoring Tokens",
    "AI Cost",
)


def show(deployed, world):
    heading("operator: runs and explain, of a run that is at its end")
    runtally = Commands(deployed, world)
    client, base = world.clients[0]
    before = world.billed()
    _, posts = world.harvest(client, base, "2026-09-01T08:00:00.000Z", (0, 45), deployed.webhook(client))
    run_id = f"260901-080000-{client}"
    world.record_at_end(run_id)
    deployed.settle()
    listed(runtally, world, run_id)
    explained(runtally, world, run_id, posts)
    seen_on_the_page(runtally, world, run_id)
    reprojected(runtally, deployed, world, run_id)
    replayed(runtally, deployed, world, run_id, before)
    redriven(runtally, deployed, world)
    ingested(runtally, deployed, world)
    examined(runtally, deployed, world)


class Commands:
    """`runtally`, with the stack's outputs as its configuration and a separate user."""

    def __init__(self, deployed, world):
        places = {
            "SCORING_QUEUE_URL": "ScoringQueueUrl",
            "SCORING_DEAD_LETTERS_URL": "ScoringDeadLettersUrl",
            "METRICS_QUEUE_URL": "MetricsQueueUrl",
            "METRICS_DEAD_LETTERS_URL": "MetricsDeadLettersUrl",
            "RETRY_QUEUE_URL": "RetryQueueUrl",
            "RETRY_DEAD_LETTERS_URL": "RetryDeadLettersUrl",
            "EVENT_LOG_TABLE": "EventLogTable",
        }
        self.environment = clean_environment(
            **{variable: deployed.outputs[output] for variable, output in places.items()},
            **operators_keys(deployed),
            **world.variables,
            AWS_REGION=REGION,
            AWS_ENDPOINT_URL=deployed.emulator.url,
            MASTER_BASE_ID=world.master_base,
            WEBHOOK_TOKEN=WEBHOOK_TOKEN,
        )

    def ask(self, *arguments, code=0, **changed):
        """Runs a command that must end with `code`, and returns its answer."""
        # The system never ran in this folder, so every answer comes from AWS.
        command = [TARGET / "debug" / "runtally", *arguments, "--json", "--data", WORK / "nothing"]
        environment = self.environment | changed
        done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
        if done.returncode != code:
            said = f"{done.stdout}\n{done.stderr}"
            raise Failed(f"runtally {' '.join(arguments)} ended with {done.returncode}, not {code}\n{said}")
        answer = json.loads(done.stdout)
        equal(answer.pop("schema_version"), 1, f"the shape of what {arguments[0]} answers")
        return answer


def operators_keys(deployed):
    """The keys of a user with the functions' rights to send and to the log, and the rights of docs/deploy.md. The
    emulator requires actions for batches that IAM does not have."""
    queues = ("ScoringQueue", "MetricsQueue")
    dead_letters = ("ScoringDeadLetters", "MetricsDeadLetters", "RetryDeadLetters")
    arn = lambda queue: deployed.sqs.get_queue_attributes(
        QueueUrl=deployed.outputs[f"{queue}Url"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    table = deployed.dynamodb.describe_table(TableName=deployed.outputs["EventLogTable"])["Table"]["TableArn"]
    allowed = [
        (["sqs:SendMessage", "sqs:SendMessageBatch"], [arn(queue) for queue in queues]),
        (["sqs:GetQueueAttributes"], [arn(queue) for queue in queues + ("RetryQueue",) + dead_letters]),
        (
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:ChangeMessageVisibilityBatch"],
            [arn(queue) for queue in dead_letters],
        ),
        (["dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:Scan", "dynamodb:DescribeTimeToLive"], [table]),
        (["dynamodb:Query"], [f"{table}/index/open-runs", f"{table}/index/finished-runs"]),
    ]
    statements = [{"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in allowed]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam, name = deployed.emulator.client("iam"), "operator"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="operator", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def listed(runtally, world, run_id):
    record = world.records()[run_id]
    answer = runtally.ask("runs", "--days", "1")
    equal(answer["left_out"], 0, "runs that are left out of the list")
    equal(sorted(run["run"] for run in answer["runs"]), sorted(world.records()), "runs that are listed")
    run = next(run for run in answer["runs"] if run["run"] == run_id)
    found = (run["status"], run["post_tokens"], run["posts_scored"], run["balance"], run["open"], run["missing"])
    cells = ("Status", "Post Scoring Tokens", "Posts Successfully Scored", "Balance")
    equal(found, (*(record[cell] for cell in cells), False, []), f"{run_id}: as it is listed")


def explained(runtally, world, run_id, posts):
    record = world.records()[run_id]
    answer = runtally.ask("explain", run_id)
    equal(answer["differences"], [], f"{run_id}: differences between its events and its record")
    equal(answer["duplicates"], [], f"{run_id}: records of the same run")
    equal((answer["events_left_out"], answer["events_unreadable"]), (0, 0), f"{run_id}: events left out, unreadable")
    equal(answer["events_on_record"], len(answer["events"]), f"{run_id}: events that its record shows")
    equal(answer["fold"]["record"]["Total Posts Harvested"], posts, f"{run_id}: posts by its events")
    equal(answer["fold"]["posts"]["tokens"]["total"], record["Post Scoring Tokens"], f"{run_id}: tokens by its events")


def seen_on_the_page(runtally, world, run_id):
    heading("operator: ui, the page over what is on AWS")
    with page(runtally) as address:
        record = world.records()[run_id]
        check(run_id in get(address), f"{run_id}: on the page's list")
        tokens = f"{record['Post Scoring Tokens']:,}"
        check(tokens in get(f"{address}run/{run_id}"), f"{run_id}: {tokens} tokens on its page")
        check("not known here" in get(f"{address}system"), "slots of the bases are not known here")
        refused = urllib.request.Request(f"{address}do/tick", method="POST", data=b"")
        try:
            urllib.request.urlopen(refused, timeout=30)
            raise Failed("the page acts without --allow-actions")
        except urllib.error.HTTPError as refusal:
            equal(refusal.code // 100, 4, "an action without --allow-actions: 4xx")


@contextlib.contextmanager
def page(runtally):
    """Runs the page, and yields its address."""
    command = [TARGET / "debug" / "runtally", "ui", "--port", "0", "--data", WORK / "nothing"]
    process = subprocess.Popen(command, cwd=ROOT, env=runtally.environment, text=True, stdout=subprocess.PIPE)
    try:
        yield process.stdout.readline().split()[1]
    finally:
        process.terminate()
        equal(process.wait(30), 0, "how the page ends when it is asked to")


def get(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def reprojected(runtally, deployed, world, run_id):
    heading("operator: reproject, of a record that somebody deleted")
    before = world.records()[run_id]
    world.delete_record(run_id)
    equal(runtally.ask("explain", run_id, code=1)["record"], None, f"{run_id}: its record by explain")
    equal(runtally.ask("reproject", run_id), {"count": 1}, f"{run_id}: reproject answers")
    world.record_at_end(run_id)
    deployed.settle()
    after = world.records()[run_id]
    for number in NUMBERS:
        equal(after[number], before[number], f"{run_id}: {number} as before")
    equal(runtally.ask("explain", run_id)["differences"], [], f"{run_id}: differences")
    runs = len(world.records())
    equal(runtally.ask("reproject", "--all"), {"count": runs}, "reproject of all answers")
    deployed.settle()
    equal(len(world.records()), runs, "run records after that")


def replayed(runtally, deployed, world, run_id, before):
    heading("operator: replay, of leads whose posts could not be read")
    client, base = world.clients[0]
    leads = runtally.ask("explain", run_id)["fold"]["posts"]["leads"]
    check(leads["failed"] > 0, f"{run_id}: leads that failed: {leads['failed']}")
    for row in world.rows(base, "Leads"):
        if row["fields"].get("Posts JSON Status") == "Failed":
            world.edit(base, "Leads", row["id"], {"Posts Content": ""})
    answer = runtally.ask("replay", run_id)
    equal(answer, {"run": run_id, "leads": leads["failed"], "harvests": 0}, f"{run_id}: replay answers")
    deployed.settle()
    record = world.record_at_end(run_id)
    deployed.settle()
    after = runtally.ask("explain", run_id)["fold"]["posts"]["leads"]
    scored = leads["scored"] + leads["failed"]
    equal((after["scored"], after["failed"]), (scored, 0), f"{run_id}: leads scored and failed")
    tokens = world.billed()[1] - before[1]
    equal(record["Post Scoring Tokens"], tokens, f"{run_id}: tokens of both tries, as billed")
    equal((record["Status"], record["Balance"]), ("Completed", "balanced"), f"{run_id}: status and balance")
    equal(runtally.ask("replay", run_id)["leads"], 0, f"{run_id}: leads that another replay would ask about")


def redriven(runtally, deployed, world):
    heading("operator: redrive, of two dead letters one")
    client, base = world.clients[0]
    apify_run, posts = world.harvest(client, base, "2026-09-02T08:00:00.000Z", (80, 90), None)
    run_id = f"260902-080000-{client}"
    # SQS itself moves a task to the dead letters if no function ever answered for it.
    task = {
        "version": 1,
        "type": "ingest",
        "apify_run_id": apify_run,
        "event_type": "ACTOR.RUN.SUCCEEDED",
        "hints": {"client": client, "base_run": run_id[:13]},
        "received_at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
    }
    send = lambda queue, body: deployed.sqs.send_message(
        QueueUrl=deployed.outputs[queue], MessageBody=json.dumps(body), MessageGroupId="plan#0"
    )
    send("ScoringDeadLettersUrl", task)
    send("ScoringQueueUrl", {"version": 1, "type": "riddle"})
    deployed.settle()
    answer = runtally.ask("redrive")
    equal((answer["count"], answer["left_out"], answer["redriven"]), (2, 0, 0), "dead letters, left out, redriven")
    reasons = {letter["run"]: letter["reason"] for letter in answer["dead_letters"]}
    check("riddle" in reasons[None], f"one that nobody can read: {reasons[None]}")
    check("without success" in reasons[run_id], f"one of {run_id}: {reasons[run_id]}")
    with page(runtally) as address:
        check("2 dead letters</b> of any run" in get(address), "both are counted on the page's list")
    calls = world.billed()[0]
    warned = checks(runtally.ask("doctor"), "warning")
    before = world.billed()
    equal(before[0] - calls, 1, "calls of the model that doctor makes")
    equal(warned[-1], "scoring dead letters: 2: their work is not done", "what doctor warns of")
    equal(runtally.ask("redrive", "--yes", "--run", run_id)["redriven"], 1, f"{run_id}: letters put back")
    record = world.record_at_end(run_id)
    deployed.settle()
    equal(record["Total Posts Harvested"], posts, f"{run_id}: posts harvested")
    equal(record["Balance"], "balanced", f"{run_id}: balance")
    equal(record["Post Scoring Tokens"], world.billed()[1] - before[1], f"{run_id}: tokens as billed")
    left = runtally.ask("redrive")["dead_letters"]
    equal([letter["run"] for letter in left], [None], "the other letter is where it was")
    equal(len(deployed.dead_letters("Scoring")), 1, "letters that are taken away")


def ingested(runtally, deployed, world):
    heading("operator: ingest, of a harvest whose webhook never came; score, of what waits")
    client, base = world.clients[0]
    apify_run, posts = world.harvest(client, base, "2026-09-03T08:00:00.000Z", (90, 95), None)
    run_id = f"260903-080000-{client}"
    answer = runtally.ask("ingest", apify_run, "--client", client)
    equal(answer, {"run": run_id, "apify_run": apify_run, "client": client}, f"{run_id}: ingest answers")
    record = world.record_at_end(run_id)
    deployed.settle()
    equal(record["Total Posts Harvested"], posts, f"{run_id}: posts harvested")
    refused = runtally.ask("ingest", apify_run, "--client", "Nobody", code=1)
    check("Nobody" in refused["error"]["message"] and refused["error"]["hint"], f"of nobody's: {refused['error']}")
    refused = runtally.ask("trigger", "harvest", code=1)
    check(refused["error"]["hint"], f"nothing is invented there: {refused['error']}")
    before = world.billed()
    priced = runtally.ask("score", "--all", "--dry-run")
    equal(sorted(plan["client"] for plan in priced["clients"]), sorted(name for name, _ in world.clients), "clients with a price")
    equal(world.billed(), before, "what the model billed for that")
    without = runtally.ask("runs", "--no-airtable", "--days", "366")
    check(run_id in [run["run"] for run in without["runs"]], f"{run_id}: listed without Airtable")


def examined(runtally, deployed, world):
    heading("operator: doctor, of a sound system and of one that is not")
    answer = runtally.ask("doctor", "--url", deployed.api_url)
    equal(checks(answer, "wrong"), [], "doctor: wrong")
    # Each invented rubric has one criterion of an unknown category.
    odd = "criteria of an unknown category count as positive: C1_REGION"
    warned = sorted(f'base {base} of client "{client}": {odd}' for client, base in world.clients)
    equal(sorted(checks(answer, "warning")), warned, "doctor: warnings")
    found = checks(answer, "ok")
    for of, says in [
        ("scoring queue", "reachable, 0 messages"),
        ("scoring dead letters", "none"),
        ("metrics queue", "reachable, 0 messages"),
        ("metrics dead letters", "none"),
        ("retry queue", "reachable"),
        ("retry dead letters", "none"),
        ("event log", "reachable in AWS, 0 open runs"),
        ("deduplication", "events are never deleted"),
        (f"webhook {deployed.api_url}/webhooks/apify", "reachable, and closed to strangers"),
        (f"webhook {deployed.api_url}/webhooks/apify", "it knows our token"),
    ]:
        line = f"{of}: {says}"
        check(any(other.startswith(line) for other in found), f"doctor: {line}")
    for _, base in world.clients:
        check(any(line.startswith(f"base {base} of") for line in found), f"doctor: the base {base}")

    queue, log = f"{deployed.outputs['MetricsQueueUrl']}-of-nobody", "nobodys-table"
    places = {"METRICS_QUEUE_URL": queue, "EVENT_LOG_TABLE": log, "WEBHOOK_TOKEN": "another-webhook-token"}
    answer = runtally.ask("doctor", "--url", deployed.api_url, code=1, **places)
    wrong = [line.split(": ")[0] for line in checks(answer, "wrong")]
    equal(wrong, ["metrics queue", "event log", f"webhook {deployed.api_url}/webhooks/apify"], "doctor: wrong")
    check(all(line["hint"] for line in answer["checks"] if line["level"] == "wrong"), "doctor says what to do of each")


def checks(answer, level):
    """What doctor says at a level, as a list of lines."""
    return [f"{line['what']}: {line['message']}" for line in answer["checks"] if line["level"] == level]
