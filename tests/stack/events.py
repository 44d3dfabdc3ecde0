"""Every file of events/ through Lambda's runtime interface emulator, which the SAM CLI ships, and
through `sam local invoke` where a Docker engine answers. The real binaries, the simulated services,
the queues and the log of the emulator; the event source mappings are switched off meanwhile."""

import contextlib
import json
import pathlib
import shutil
import subprocess

import samcli

from emulator import REGION
from tools import ARCHITECTURE, ROOT, WORK, clean_environment, equal, free_port, heading, http, start, stop, until

# The token in the events' `authorization` header.
TOKEN = "replace-with-your-webhook-token"
ACCEPTED, NOTHING_TO_DO, DONE = 202, 200, {"batchItemFailures": []}

# Function, file, its answer, and what it leaves on the queues: of scoring, of metrics, dead ones.
FILES = [
    # All four are about one harvest: the queue takes word of it once in five minutes.
    ("WebhookIntake", "webhook-run-succeeded", ACCEPTED, ["ingest"], ["heard"], 0),
    ("WebhookIntake", "webhook-run-failed", ACCEPTED, ["ingest"], [], 0),
    ("WebhookIntake", "webhook-run-timed-out", ACCEPTED, ["ingest"], [], 0),
    ("WebhookIntake", "webhook-custom-template", ACCEPTED, ["ingest"], [], 0),
    ("WebhookIntake", "webhook-test", NOTHING_TO_DO, [], [], 0),
    ("WebhookIntake", "runs-post", ACCEPTED, ["score"], [], 0),
    # Apify does not know the harvest, nor Airtable the base: that is recorded, the messages are done.
    ("Scoring", "scoring-ingest", DONE, [], ["opened", "run_failed"], 0),
    ("Scoring", "scoring-chunk", DONE, [], ["chunk_failed"], 0),
    # One task for each client that is served; a replay for a client nobody knows is noted.
    ("Scoring", "scoring-score", DONE, ["score", "score"], [], 0),
    ("Scoring", "scoring-replay", DONE, [], ["noted"], 0),
    ("Scoring", "scoring-one-bad-message", DONE, [], ["opened", "run_failed"], 1),
    ("MetricsFinalizer", "metrics-events", DONE, [], [], 0),
    ("MetricsFinalizer", "metrics-heard", DONE, [], [], 0),
    ("MetricsFinalizer", "metrics-tick", DONE, [], [], 0),
]


def show(deployed, world):
    heading("events: each file through the runtime interface emulator")
    files = {path.stem for path in (ROOT / "events").glob("*.json")}
    equal(sorted(files - {file for _, file, *_ in FILES}), [], "files without an expected answer")
    with mappings_off(deployed):
        for function in ("WebhookIntake", "Scoring", "MetricsFinalizer"):
            with runtime_emulator(deployed, world, function) as invoke:
                for of, file, *expected in FILES:
                    if of == function:
                        one_file(deployed, invoke, file, *expected)
        run = json.loads(json.loads(event("metrics-events"))["Records"][0]["body"])["run"]
        run_id = f"{run['base_run']}-{run['client']}"
        equal(run_id in world.records(), True, f"the record of {run_id} is in Airtable")
    through_docker(deployed, world)


def event(file):
    return (ROOT / "events" / f"{file}.json").read_text()


def one_file(deployed, invoke, file, answer, scoring, metrics, dead):
    one_answer(invoke, file, answer)
    found = (taken(deployed, "ScoringQueue"), taken(deployed, "MetricsQueue"))
    equal(found, (scoring, metrics), f"{file}: queued")
    equal(len(deployed.dead_letters("Scoring")), dead, f"{file}: dead letters")


def one_answer(invoke, file, answer):
    got = invoke(event(file))
    if isinstance(answer, int):
        got = got.get("statusCode", got)
    equal(got, answer, f"{file}: answer")


def taken(deployed, queue):
    """The types of a queue's messages; they are taken off it."""
    url, types = deployed.outputs[f"{queue}Url"], []
    while messages := deployed.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            body = json.loads(message["Body"])
            types.append(body.get("fact", body)["type"])
            deployed.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return types


@contextlib.contextmanager
def mappings_off(deployed):
    mappings = deployed.functions.list_event_source_mappings()["EventSourceMappings"]
    try:
        for mapping in mappings:
            deployed.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        yield
    finally:
        for mapping in mappings:
            deployed.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def variables(deployed, world, function):
    """What the template gives the function, and the secrets as plain variables: there is no
    Secrets Manager for a single invocation."""
    configuration = deployed.functions.get_function_configuration(FunctionName=deployed.names[function])
    given = dict(configuration["Environment"]["Variables"])
    del given["SECRET_ID"]
    given |= {"WEBHOOK_TOKEN": TOKEN} if function == "WebhookIntake" else world.variables
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
    return given | keys | {"AWS_ENDPOINT_URL": deployed.emulator.url}


@contextlib.contextmanager
def runtime_emulator(deployed, world, function):
    suffix = {"x86_64": "x86_64", "arm64": "arm64"}[ARCHITECTURE]
    binary = pathlib.Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{suffix}"
    port, api = free_port(), free_port()
    bootstrap = ROOT / ".aws-sam" / "build" / function / "bootstrap"
    settings = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "150", "AWS_LAMBDA_FUNCTION_NAME": function}
    command = [binary, f"--runtime-interface-emulator-address=127.0.0.1:{port}", f"--runtime-api-address=127.0.0.1:{api}", bootstrap]
    log = f"events-{function}.log"
    process = start(command, log, env=clean_environment(**variables(deployed, world, function), **settings))
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"

    def invoke(payload):
        status, answer = http("POST", url, json.loads(payload), timeout=120)
        return answer if status == 200 else {"status": status, "answer": answer}

    try:
        until(lambda: listens(port), f"the runtime interface emulator of {function} listens", 20)
        yield invoke
    finally:
        stop(process)


def listens(port):
    import socket

    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def through_docker(deployed, world):
    """`sam local invoke` runs a function in a container. It can set only variables that the template
    declares, so it gets a template of the built functions that declares what a single invocation needs."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        print("   skipped: sam local invoke, because no Docker engine answers here", flush=True)
        return
    heading("events: each file through sam local invoke")

    functions = {}
    for name in ("WebhookIntake", "Scoring", "MetricsFinalizer"):
        functions[name] = {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": str(ROOT / ".aws-sam" / "build" / name),
                "Handler": "bootstrap",
                "Runtime": "provided.al2023",
                "Architectures": [ARCHITECTURE],
                "MemorySize": 512,
                "Timeout": 150,
                "Environment": {"Variables": variables(deployed, world, name)},
            },
        }
    local = WORK / "local.json"
    local.write_text(json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": functions}))
    with mappings_off(deployed):
        for function, file, answer, *_ in FILES:

            def invoke(_, function=function, file=file):
                command = ["sam", "local", "invoke", function, "-t", local, "-e", ROOT / "events" / f"{file}.json"]
                command += ["--docker-network", "host", "--region", REGION]
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=clean_environment())
                return json.loads(done.stdout.strip().splitlines()[-1])

            # For five minutes the queues drop what they had from the first time: only the answer counts.
            one_answer(invoke, file, answer)
            for queue in ("ScoringQueue", "MetricsQueue"):
                taken(deployed, queue)
            deployed.dead_letters("Scoring")
