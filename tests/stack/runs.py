"""Four runs end to end, and what AWS' API shows of them."""

import datetime
import json
import pathlib

from samcli.yamlhelper import yaml_parse

from emulator import STACK
from tools import ROOT, Failed, check, equal, heading, http, until


def show(deployed, world):
    heading("runs: three harvests, one of them announced twice")
    (first, first_base), (second, second_base) = world.clients[:2]
    answers_before, tokens_before = world.billed()
    runs, harvests = {}, {}
    for client, base, at, leads, sentences in [
        # More than 100 leads, so that one of the two lanes has a full chunk of 50. Each lead has 12 kB of posts.
        (first, first_base, "2026-11-20T08:00:00.000Z", (0, 110), 55),
        (second, second_base, "2026-11-20T09:00:00.000Z", (0, 12), 1),
        (first, first_base, "2026-11-21T08:00:00.000Z", (60, 75), 1),
    ]:
        harvest, posts = world.harvest(client, base, at, leads, deployed.webhook(client), posts=3, sentences=sentences)
        stamp = at[2:19].replace("-", "").replace(":", "").replace("T", "-")
        runs[f"{stamp}-{client}"], harvests[f"{stamp}-{client}"] = posts, harvest
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
    followed(deployed, harvests)
    memory(deployed, next(iter(runs)))
    twice(deployed, world, first, first_base)
    healed(deployed, world, next(iter(runs)))
    asked(deployed, world, second)
    refused(deployed)
    metrics(deployed, len(runs) + 2)
    rights(deployed)
    encrypted_only(deployed)


def encrypted_only(deployed):
    """No queue accepts a message, or any other request, over plain HTTP."""
    queues = sorted(output for output in deployed.outputs if output.endswith(("QueueUrl", "DeadLettersUrl")))
    with deployed.emulator.plain():
        refused = []
        for output in queues:
            try:
                deployed.sqs.get_queue_attributes(QueueUrl=deployed.outputs[output])
            except deployed.sqs.exceptions.ClientError as error:
                refused.append((output, error.response["Error"]["Code"]))
    equal([output for output, code in refused if "AccessDenied" in code], queues, "queues that refuse plain HTTP")


def followed(deployed, harvests):
    """Each log line about a webhook's messages names the trace in which Lambda has the webhook, and each write of its
    record links it. `harvests` are the harvests of runs."""
    lines = {}
    for function in ("WebhookIntake", "Scoring", "MetricsFinalizer"):
        found = [json.loads(line) for line in deployed.log_lines(function) if line.startswith("{")]
        lines[function] = [(line, line["span"]) for line in found if "span" in line]
    accepted = [(line, span) for line, span in lines["WebhookIntake"] if line["message"] == "webhook accepted"]
    for run_id, harvest in harvests.items():
        # If a webhook comes twice within five minutes, the queue has only the first message.
        heard = sorted((line["timestamp"], span["trace.id"]) for line, span in accepted if line["apify.run_id"] == harvest)
        trace = heard[0][1]
        named = [span.get("trace.id") for _, span in lines["Scoring"] if span.get("run.id") == run_id]
        equal(set(named), {trace}, f"{run_id}: the trace in its {len(named)} lines of scoring")
        is_write = lambda line, run=run_id: line["message"] == "run record written" and line["run.id"] == run
        links = [span.get("trace.links", "").split(",") for line, span in lines["MetricsFinalizer"] if is_write(line)]
        check(links and all(trace in linked for linked in links), f"{run_id}: linked from {len(links)} writes of its record")


def again(deployed, world, client):
    """Posts the first harvest's webhook again, as Apify does after a lost answer. Within five minutes its message has
    the same deduplication id, and the queue drops it."""
    runs = http("GET", f"{world.apify}/_sim/dispatches")[1]
    first = next(dispatch for dispatch in runs if dispatch.get("runId"))
    code, answer = http("POST", f"{world.apify}/_sim/dispatch", {"runId": first["runId"]})
    equal(code, 200, "the first webhook is delivered a second time")


def twice(deployed, world, client, base):
    """Sends all of a run's scoring messages again, past the queue's deduplication: first the harvest's, then each
    chunk's."""
    heading("runs: a harvest and its chunks, each message delivered twice")
    before, at, run_id = world.billed(), "2026-11-22T08:00:00.000Z", f"261122-080000-{client}"
    with deployed.mappings_off():
        _, posts = world.harvest(client, base, at, (30, 60), deployed.webhook(client))
        until(lambda: deployed.waiting("ScoringQueue") == 1, "the webhook is queued")
        (ingest,) = deployed.take("ScoringQueue")
        for _ in range(2):
            invoked(deployed, *ingest)
        # The second time the same chunks were made, and the queue dropped them.
        chunks = deployed.take("ScoringQueue")
        plans = {json.loads(body)["plan"] for _, body in chunks}
        equal((len(plans), len(chunks)), (1, 2), "plans and chunks of a harvest that came twice")
        for time in range(2):
            for number, (group, body) in enumerate(chunks):
                deployed.sqs.send_message(
                    QueueUrl=deployed.outputs["ScoringQueueUrl"],
                    MessageBody=body,
                    MessageGroupId=group,
                    MessageDeduplicationId=f"chunk-{number}-{time}",
                )
    deployed.settle()
    record = world.record_at_end(run_id)
    lines = deployed.log_lines("Scoring")
    done = [line for line in lines if '"chunk done"' in line and next(iter(plans)) in line]
    equal(len(done), 4, f"{run_id}: deliveries of its two chunks that were worked on")
    equal(record["Total Posts Harvested"], posts, f"{run_id}: posts harvested")
    equal(record["Balance"], "balanced", f"{run_id}: balance")
    equal(record["Post Scoring Tokens"], world.billed()[1] - before[1], f"{run_id}: tokens as billed")


def invoked(deployed, group, body):
    """Calls scoring with a message, as the event source mapping does."""
    record = {"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {"MessageGroupId": group}}
    record |= {"eventSource": "aws:sqs", "awsRegion": "eu-west-1", "messageAttributes": {}}
    answer = deployed.functions.invoke(
        FunctionName=deployed.names["Scoring"], Payload=json.dumps({"Records": [record]})
    )
    equal(json.load(answer["Payload"]), {"batchItemFailures": []}, "the harvest's message is done")


def memory(deployed, run_id):
    """The peak memory of a scoring process, after a chunk of 50 leads or more with long posts."""
    facts = deployed.facts(run_id)
    chunks = [len(fact["leads"]) for fact in facts if fact["type"] == "planned_chunk"]
    check(50 <= max(chunks) <= 200, f"{run_id}: leads of its largest chunk: {max(chunks)}")
    processes = deployed.processes("Scoring")
    check(processes, f"processes of scoring: {len(processes)}")
    for process in processes:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        check(peak <= 60, f"scoring had {peak:.0f} MiB at most, with a chunk of {max(chunks)} leads; at most 60")


def healed(deployed, world, run_id):
    """A record that somebody deletes comes back with the next tick. The test sends the tick, because the scheduler's
    takes minutes."""
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
    # The record names what was odd; its numbers are the same as before.
    after = world.records()[run_id]
    for field in ("Status", "Balance", "Total Posts Harvested", "Post Scoring Tokens", "AI Cost"):
        equal(after[field], before[field], f"{run_id}: {field} after its record was deleted")
    check("was gone" in after["System Notes"], f"{run_id}: its notes say that the record was gone")


def asked(deployed, world, client):
    """Ten of the client's waiting profiles, requested by `POST /runs`."""
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
    """The roles are what allows the functions to work: without its right, intake cannot queue anything."""
    iam, role = deployed.emulator.client("iam"), deployed.names["WebhookIntakeRole"]
    body = {"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": "HG7ML7M8z78YcAPEB"}}
    policy = iam.get_role_policy(RoleName=role, PolicyName="emulator")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="emulator")
    status, _ = deployed.post("/webhooks/apify", body)
    iam.put_role_policy(RoleName=role, PolicyName="emulator", PolicyDocument=json.dumps(policy))
    equal(status, 503, "a webhook while intake's role may send nothing")


def metrics(deployed, runs):
    """EMF lines in the functions' logs. The emulator keeps them as logs and makes no CloudWatch metrics of them; AWS
    documents the format that CloudWatch reads."""
    found = counted(deployed)
    of = lambda metric, service: found.get((metric, f"Service={service}"))
    ended = "metric RunsEnded, a record that was written again not counted"
    equal(of("RunsEnded", "metrics-finalizer"), runs, ended)
    # A count of 0 is not sent, because each hour with a metric is paid for.
    equal(of("UnpricedAnswers", "scoring"), None, "metric UnpricedAnswers")
    equal(of("RunsUnbalanced", "metrics-finalizer"), None, "metric RunsUnbalanced")
    equal(of("RequestsUnauthorized", "webhook-intake"), 1, "metric RequestsUnauthorized")
    check(of("PromptTokens", "scoring") > 0 and of("ModelCost", "scoring") > 0, "metrics of tokens and cost")
    check(of("AirtableRequests", "scoring") > 0, "metric AirtableRequests")
    check(of("Ticks", "metrics-finalizer") > 0, f"metric Ticks: {of('Ticks', 'metrics-finalizer')}")
    # Every metric that an alarm watches is sent under the same name, except for events that did not happen here.
    unseen = sorted(watched() - set(found))
    not_here = [
        ("ModelHalted", "Service=scoring"),
        ("RunsCostIncomplete", "Service=metrics-finalizer"),
        ("RunsFailed", "Service=metrics-finalizer"),
        ("RunsStalled", "Service=metrics-finalizer"),
        ("RunsUnbalanced", "Service=metrics-finalizer"),
        ("RunsUnprojected", "Service=metrics-finalizer"),
    ]
    equal(unseen, not_here, "metrics of alarms that nothing here counted")


def counted(deployed):
    """What the functions counted in the stack's namespace, by metric and dimensions."""
    sums = {}
    for function in ("WebhookIntake", "Scoring", "MetricsFinalizer"):
        for line in deployed.log_lines(function):
            if '"_aws"' not in line:
                continue
            document = json.loads(line)
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            if directive["Namespace"] != STACK:
                raise Failed(f"metrics of another namespace: {line}")
            (names,) = directive["Dimensions"]
            dimensions = ",".join(f"{name}={document[name]}" for name in names)
            for metric in directive["Metrics"]:
                key = (metric["Name"], dimensions)
                sums[key] = sums.get(key, 0) + document[metric["Name"]]
    return sums


def watched():
    """The stack's own metrics that the template's alarms watch, by metric and dimensions."""
    found = set()
    for resource in yaml_parse((ROOT / "template.yaml").read_text())["Resources"].values():
        alarm = resource["Properties"]
        if resource["Type"] == "AWS::CloudWatch::Alarm" and alarm["Namespace"] == {"Ref": "AWS::StackName"}:
            dimensions = ",".join(f"{one['Name']}={one['Value']}" for one in alarm["Dimensions"])
            found.add((alarm["MetricName"], dimensions))
    return found
