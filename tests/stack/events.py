"""Runs every file of events/ through Lambda's runtime interface emulator, which the SAM CLI includes: with the built
template, its parameters, and a file that names the queues and the table. The binaries are real; services, queues and
log are simulated or emulated. The event source mappings are off meanwhile."""

import contextlib
import json
import os
import pathlib
import re

import samcli
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from emulator import REGION, WEBHOOK_TOKEN
from tools import ARCHITECTURE, ROOT, WORK
from tools import check, clean_environment, equal, free_port, heading, http, listens, start, stop, until

# The placeholder in the events' `authorization` header.
PLACEHOLDER = "replace-with-your-webhook-token"
ACCEPTED, NOTHING_TO_DO, DONE = 202, 200, {"batchItemFailures": []}
BUILD = ROOT / ".aws-sam" / "build"
LOCAL_TEMPLATE, LOCAL_VARIABLES = BUILD / "local.yaml", WORK / "local.json"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

# Function, file, its answer, and the messages that it leaves: on the scoring queue, on the metrics queue, and how
# many dead letters.
FILES = [
    # Three files are about one end of one harvest, and one names no end. The queue accepts the same `Heard` only once
    # in five minutes.
    ("WebhookIntake", "webhook-run-succeeded", ACCEPTED, ["ingest"], ["heard"], 0),
    ("WebhookIntake", "webhook-run-failed", ACCEPTED, ["ingest"], [], 0),
    ("WebhookIntake", "webhook-run-timed-out", ACCEPTED, ["ingest"], [], 0),
    ("WebhookIntake", "webhook-custom-template", ACCEPTED, ["ingest"], ["heard"], 0),
    ("WebhookIntake", "webhook-test", NOTHING_TO_DO, [], [], 0),
    ("WebhookIntake", "runs-post", ACCEPTED, ["score"], [], 0),
    # One lead of the harvest has no posts yet. `Planned` comes last, and one criterion is odd.
    ("Scoring", "scoring-ingest", DONE, ["chunk"], ["opened", "harvested", "planned_chunk", "noted", "planned"], 0),
    ("Scoring", "scoring-chunk", DONE, [], ["announced", "billed", "settled", "chunk_done"], 0),
    # Leads with posts and leads with unreadable posts are two chunks, with a plan each.
    (
        "Scoring",
        "scoring-score",
        DONE,
        ["chunk", "chunk"],
        ["opened", "planned_chunk", "planned_chunk", "planned", "noted", "planned"],
        0,
    ),
    ("Scoring", "scoring-replay", DONE, ["chunk"], ["planned_chunk", "noted", "planned"], 0),
    # A task whose wait is over is only passed on.
    ("Scoring", "scoring-retry", DONE, ["ingest"], [], 0),
    # The good message is about the same harvest again: its chunk has an id that the queue had before.
    ("Scoring", "scoring-one-bad-message", DONE, [], ["opened", "harvested", "planned_chunk", "noted", "planned"], 1),
    # These files leave their results in the event log and in Airtable.
    ("MetricsFinalizer", "metrics-heard", DONE, [], [], 0),
    ("MetricsFinalizer", "metrics-events", DONE, [], [], 0),
    ("MetricsFinalizer", "metrics-project", DONE, [], [], 0),
    ("MetricsFinalizer", "metrics-tick", DONE, [], [], 0),
]


def show(deployed, world):
    heading("events: each file through the runtime interface emulator")
    files = {path.stem for path in (ROOT / "events").glob("*.json")}
    equal(sorted(files - {file for _, file, *_ in FILES}), [], "files without an expected answer")
    as_documented(deployed, world)
    effects = Effects(deployed, world)
    with deployed.mappings_off():
        for function in ("WebhookIntake", "Scoring", "MetricsFinalizer"):
            with runtime_emulator(world, function) as invoke:
                for of, file, *expected in FILES:
                    if of == function:
                        effects.before(file)
                        one_file(deployed, invoke, file, *expected)
                        effects.after(file)
                if function == "Scoring":
                    unattributed(deployed, invoke)


def event(file, token=WEBHOOK_TOKEN):
    """A file's event, with our token."""
    return (ROOT / "events" / f"{file}.json").read_text().replace(PLACEHOLDER, token)


def body_of(file, fact=None):
    """The body of a file's first message, or of the message with this fact."""
    bodies = [json.loads(record["body"]) for record in json.loads(event(file))["Records"]]
    return next(body for body in bodies if fact is None or body["fact"]["type"] == fact)


def one_file(deployed, invoke, file, *expected, token=WEBHOOK_TOKEN):
    answer, scoring, metrics, dead = expected
    waited = deployed.waiting("RetryQueue")
    one_answer(invoke, file, answer, token)
    equal(deployed.waiting("RetryQueue") - waited, 0, f"{file}: waiting for another attempt")
    found = (taken(deployed, "ScoringQueue"), taken(deployed, "MetricsQueue"))
    equal(found, (scoring, metrics), f"{file}: queued")
    equal(len(deployed.dead_letters("Scoring")), dead, f"{file}: dead letters")


def one_answer(invoke, file, answer, token):
    got = invoke(event(file, token))
    if isinstance(answer, int):
        got = got.get("statusCode", got)
    equal(got, answer, f"{file}: answer")


def taken(deployed, queue):
    """Takes a queue's messages off it. Returns their types."""
    bodies = [json.loads(body) for _, body in deployed.take(queue)]
    return [body.get("fact", body)["type"] for body in bodies]


class Effects:
    """What the finalizer's files do. The function answers all of them with "done"."""

    def __init__(self, deployed, world):
        self.deployed, self.world = deployed, world
        self.harvest = body_of("metrics-heard")["apify_run_id"]
        run = body_of("metrics-events")["run"]
        self.run_id = f"{run['base_run']}-{run['client']}"

    def before(self, file):
        if file == "scoring-score":
            self.have_leads_wait(body_of(file)["clients"]["one"])
        if file == "metrics-heard":
            equal(self.deployed.has_heard(self.harvest), False, f"{file}: the harvest is known")
        if file == "metrics-events":
            equal(self.deployed.facts(self.run_id), [], f"{file}: events of the run in the log")
        if file == "metrics-tick":
            self.world.delete_record(self.run_id)

    def have_leads_wait(self, client):
        """Makes leads wait if other parts had all of the client's leads scored: some with posts, and one whose posts
        cannot be read."""
        base = dict(self.world.clients)[client]
        rows = [row for row in self.world.rows(base, "Leads") if row["fields"].get("Posts Content")]
        if all(row["fields"].get("Date Posts Scored") for row in rows):
            for row in rows[:4]:
                self.world.edit(base, "Leads", row["id"], {"Date Posts Scored": None})
            self.world.edit(base, "Leads", rows[4]["id"], {"Date Posts Scored": None, "Posts Content": "Dear diary"})

    def after(self, file):
        if file == "scoring-chunk":
            lead = body_of("metrics-events", "settled")["fact"]["leads"][0]["record"]
            rows = self.world.rows(body_of(file)["base"], "Leads")
            row = next(row["fields"] for row in rows if row["id"] == lead)
            check("Posts Relevance Score" in row, f"{file}: its lead has a score: {row.get('Posts Relevance Score')}")
        if file == "metrics-heard":
            equal(self.deployed.has_heard(self.harvest), True, f"{file}: the harvest is known")
        if file == "metrics-events":
            sent = len(json.loads(event(file))["Records"])
            equal(len(self.deployed.facts(self.run_id)), sent, f"{file}: events of the run in the log")
            check(self.run_id in self.world.records(), f"{file}: the record of {self.run_id} is in Airtable")
        if file == "metrics-tick":
            check(self.run_id in self.world.records(), f"{file}: the record that was deleted is back")
            notes = [fact["text"] for fact in self.deployed.facts(self.run_id) if fact["type"] == "noted"]
            check(any("was gone" in text for text in notes), f"{file}: noted in the log")


def unattributed(deployed, invoke):
    """The file's harvest, when the task says that it has no client. The harvest is recorded, and the message is done."""
    payload = json.loads(event("scoring-ingest"))
    body = body_of("scoring-ingest")
    body["hints"]["unattributed"] = "no client is found"
    payload["Records"][0]["body"] = json.dumps(body)
    equal(invoke(json.dumps(payload)), DONE, "scoring-ingest, of nobody: answer")
    equal(taken(deployed, "MetricsQueue"), ["opened", "harvested", "run_failed"], "scoring-ingest, of nobody: told")


def as_documented(deployed, world):
    """Writes the two files of a local invocation. `sam` sets only variables that the template declares, so the
    template's copy declares where the emulator is. On AWS this is not needed."""
    text = (BUILD / "template.yaml").read_text()
    text = re.sub(r"^( +)METRICS_NAMESPACE:", r"\1AWS_ENDPOINT_URL: ''\n\g<0>", text, flags=re.MULTILINE)
    LOCAL_TEMPLATE.write_text(text)
    outputs = {
        "SCORING_QUEUE_URL": "ScoringQueueUrl",
        "SCORING_DEAD_LETTERS_URL": "ScoringDeadLettersUrl",
        "METRICS_QUEUE_URL": "MetricsQueueUrl",
        "METRICS_DEAD_LETTERS_URL": "MetricsDeadLettersUrl",
        "RETRY_QUEUE_URL": "RetryQueueUrl",
        "RETRY_DEAD_LETTERS_URL": "RetryDeadLettersUrl",
        "EVENT_LOG_TABLE": "EventLogTable",
    }
    given = {variable: deployed.outputs[output] for variable, output in outputs.items()}
    given["AWS_ENDPOINT_URL"] = deployed.emulator.url
    LOCAL_VARIABLES.write_text(json.dumps({"Parameters": given}))


def parameters(world):
    return {"MasterBaseId": world.master_base, "Architecture": ARCHITECTURE}


def variables(world, function):
    """The variables that `sam local invoke` gives a function, computed with SAM's own code."""
    os.environ.update(KEYS)
    stacks, _ = SamLocalStackProvider.get_stacks(str(LOCAL_TEMPLATE), parameter_overrides=parameters(world))
    functions = SamFunctionProvider(stacks)
    folder, given = str(ROOT), json.loads(LOCAL_VARIABLES.read_text())
    local = LocalLambdaRunner(None, functions, folder, folder, aws_region=REGION, env_vars_values=given)
    return local._make_env_vars(functions.get(function)).resolve()


@contextlib.contextmanager
def runtime_emulator(world, function):
    binary = pathlib.Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}"
    port, api = free_port(), free_port()
    addresses = [f"--runtime-interface-emulator-address=127.0.0.1:{port}", f"--runtime-api-address=127.0.0.1:{api}"]
    command = [binary, *addresses, BUILD / function / "bootstrap"]
    process = start(command, f"events-{function}.log", env=clean_environment(**variables(world, function)))
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"

    def invoke(payload):
        status, answer = http("POST", url, json.loads(payload), timeout=120)
        return answer if status == 200 else {"status": status, "answer": answer}

    try:
        until(lambda: listens(port), f"the runtime interface emulator of {function} listens", 20)
        yield invoke
    finally:
        stop(process)
