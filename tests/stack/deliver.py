"""Does what AWS does between a queue and a function, and `sam local` does not: takes messages off the queues, calls the
function, deletes what is done and leaves what failed. With the API in front, a webhook that is sent to
`sam local start-api` ends in a run record."""

import contextlib
import json
import pathlib
import sys
import threading
import time

import boto3
from botocore.config import Config

import local
from emulator import REGION
from tools import WORK, Failed, clean_environment, free_port, heading, listens, start, stop, until

SAM = pathlib.Path(sys.executable).parent / "sam"
API_PORT = 3000
# Queue, function and batch, as the template maps them.
MAPPINGS = [("ScoringQueue", "Scoring", 1), ("RetryQueue", "Scoring", 10), ("MetricsQueue", "MetricsFinalizer", 10)]


def client(service, url):
    config = Config(retries={"max_attempts": 0}, read_timeout=200)
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test", config=config
    )


def record(message, queue):
    """A message as the event source mapping passes it on."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:{queue.split('/')[-1]}",
        "awsRegion": REGION,
    }


class Mappings:
    """Delivers messages until it is stopped. Each function has one invocation at a time, because it has one container."""

    def __init__(self, state, lambda_url):
        self.state, self.lambda_url = state, lambda_url
        self.stopped = threading.Event()
        locks = {function: threading.Lock() for _, function, _ in MAPPINGS}
        self.threads = [
            threading.Thread(target=self._deliver, args=(*mapping, locks[mapping[1]]), daemon=True) for mapping in MAPPINGS
        ]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(timeout=10)

    def _deliver(self, queue, function, size, lock):
        sqs, functions = client("sqs", self.state["emulator"]), client("lambda", self.lambda_url)
        url = self.state["outputs"][f"{queue}Url"]
        asked = {"MaxNumberOfMessages": size, "WaitTimeSeconds": 1, "AttributeNames": ["All"]}
        while not self.stopped.is_set():
            try:
                messages = sqs.receive_message(QueueUrl=url, **asked).get("Messages", [])
                if messages:
                    with lock:
                        self._one_batch(sqs, functions, (url, function), messages)
            except Exception as error:  # whatever it is, the messages come back
                if not self.stopped.is_set():
                    print(f"   {queue}: {error}", flush=True)
                time.sleep(1)

    @staticmethod
    def _one_batch(sqs, functions, place, messages):
        url, function = place
        begun = time.monotonic()
        payload = {"Records": [record(message, url) for message in messages]}
        answer = functions.invoke(FunctionName=function, Payload=json.dumps(payload))
        body = json.loads(answer["Payload"].read())
        if "batchItemFailures" not in body:
            raise Failed(f"{function} answers {body}")
        failed = {failure["itemIdentifier"] for failure in body["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        kinds = [kind(message["Body"]) for message in messages]
        took = time.monotonic() - begun
        print(f"   {function}: {', '.join(kinds)} ({took:.1f} s){f', {len(failed)} failed' if failed else ''}", flush=True)


def kind(body):
    with contextlib.suppress(ValueError, AttributeError):
        message = json.loads(body)
        return message.get("fact", message).get("type", "?")
    return "?"


@contextlib.contextmanager
def sam_local(what, port, environment):
    """`sam local start-api` or `start-lambda`, as samconfig.toml configures them."""
    log = f"sam-{what}.log"
    (WORK / log).unlink(missing_ok=True)
    command = [SAM, "local", what, "--config-env", "local", "--port", str(port)]
    process = start(command, log, env=environment)
    try:
        until(lambda: listens(port) or process.poll() is not None, f"sam local {what} listens", 60)
        if process.poll() is not None:
            raise Failed(f"sam local {what} ended: {(WORK / log).read_text()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@contextlib.contextmanager
def running(environment, api_port=None):
    """The API and the mappings; the API's address."""
    state = local.state()
    with sam_local("start-api", api_port or free_port(), environment) as api:
        with sam_local("start-lambda", free_port(), environment) as functions:
            mappings = Mappings(state, functions)
            try:
                yield api
            finally:
                mappings.stop()


def show():
    """`tests/stack/run deliver`: delivers until it is interrupted."""
    with running(sams_environment(), API_PORT) as api:
        heading(f"deliver: webhooks are taken at {api}/webhooks/apify, messages are delivered, until you press Ctrl-C")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


def sams_environment():
    """What SAM needs to run a container, without keys of this machine's user."""
    return clean_environment(**local.KEYS, SAM_CLI_TELEMETRY="0")
