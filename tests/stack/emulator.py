"""The AWS emulator, reachable only from this machine, and the real template deployed to it."""

import contextlib
import json
import pathlib
import shutil
import signal
import uuid

import boto3
from botocore.config import Config

from tools import ARCHITECTURE, ROOT, WORK, answers, clean_environment, equal, free_port, http, run, start, stop, until

REGION = "eu-west-1"
STACK = "runtally"
WEBHOOK_TOKEN = "invented-webhook-token"
# The roles that send messages in batches, and their policies.
SENDERS = [
    ("WebhookIntakeRole", "webhook-intake"),
    ("ScoringRole", "scoring"),
    ("MetricsFinalizerRole", "metrics-finalizer"),
]


class Emulator:
    """ministack as a process. Its data survives an orderly restart."""

    def __init__(self, host="127.0.0.1", name="emulator", auth=True):
        self.port = free_port()
        self.url = f"http://{host}:{self.port}"
        self.log = f"{name}.log"
        state = WORK / name
        shutil.rmtree(state, ignore_errors=True)
        keys = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }
        self.environment = clean_environment(
            **keys,
            BIND_HOST=host,  # its default is every interface
            GATEWAY_PORT=str(self.port),
            AUTH=str(auth).lower(),  # each function may do only what its role allows
            MINISTACK_REGION=REGION,
            PERSIST_STATE="1",
            STATE_DIR=str(state),
            SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0",
            LAMBDA_EXECUTOR="local",
            COUNTS=str(WORK / f"{name}.counts"),
            PLAIN=str(WORK / f"{name}.plain"),
        )
        self.plain_file = WORK / f"{name}.plain"
        self.plain_file.unlink(missing_ok=True)
        self.counts_file = WORK / f"{name}.counts"
        self.counts_file.unlink(missing_ok=True)
        self.sam_environment = clean_environment(**keys, SAM_CLI_TELEMETRY="0")
        (WORK / self.log).unlink(missing_ok=True)
        self.process = None

    def start(self):
        self.process = start(["python", ROOT / "tests" / "stack" / "aws.py"], self.log, env=self.environment)
        until(lambda: answers(f"{self.url}/_ministack/health"), "the emulator answers", 60)

    def stop(self, how=signal.SIGTERM):
        if self.process:
            stop(self.process, how)
            self.process = None

    @contextlib.contextmanager
    def plain(self):
        """Makes connections count as what they are: not encrypted."""
        self.plain_file.touch()
        try:
            yield
        finally:
            self.plain_file.unlink()

    def counts(self):
        """The requests so far, counted as they are billed."""
        found = {}
        lines = self.counts_file.read_text().splitlines() if self.counts_file.exists() else []
        for what, units in (line.split() for line in lines):
            found[what] = found.get(what, 0) + float(units)
        return found

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}, read_timeout=120),
        )


class Resources:
    """Queues and event log, as an operator sees them. `outputs` has the names of the stack's outputs."""

    def __init__(self, emulator, outputs):
        self.emulator, self.outputs = emulator, outputs
        self.sqs = emulator.client("sqs")
        self.dynamodb = emulator.client("dynamodb")
        self.secrets = emulator.client("secretsmanager")

    def waiting(self, queue):
        """The number of messages of a queue: waiting, in work and delayed."""
        url = self.outputs[f"{queue}Url"]
        kinds = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found.get(name, 0)) for name in names)

    def settle(self, seconds=60):
        """Waits until the FIFO queues are empty. On the retry queue, a record may still wait until it is due."""
        until(lambda: self.waiting("ScoringQueue") + self.waiting("MetricsQueue") == 0, "both queues are empty", seconds)

    def in_work(self, queue):
        """The number of messages of a queue that a function has taken."""
        name = "ApproximateNumberOfMessagesNotVisible"
        found = self.sqs.get_queue_attributes(QueueUrl=self.outputs[f"{queue}Url"], AttributeNames=[name])
        return int(found["Attributes"].get(name, 0))

    def send(self, queue, group, body):
        """Sends one of the system's own messages."""
        options = {"MessageGroupId": group, "MessageBody": json.dumps(body)}
        self.sqs.send_message(QueueUrl=self.outputs[f"{queue}Url"], **options)

    def kinds(self, queue):
        """The kinds of a queue's messages. They are taken off the queue and put back in their order, because a message
        hides those behind it in its group."""
        messages = self.take(queue)
        for group, body in messages:
            options = {"MessageGroupId": group, "MessageDeduplicationId": str(uuid.uuid4())}
            self.sqs.send_message(QueueUrl=self.outputs[f"{queue}Url"], MessageBody=body, **options)
        bodies = [json.loads(body) for _, body in messages]
        return {body.get("fact", body)["type"] for body in bodies}

    def take(self, queue):
        """Takes the messages off a queue. Returns group and body of each."""
        url, found = self.outputs[f"{queue}Url"], []
        options = {"MaxNumberOfMessages": 10, "AttributeNames": ["MessageGroupId"]}
        while messages := self.sqs.receive_message(QueueUrl=url, **options).get("Messages"):
            for message in messages:
                found.append((message["Attributes"]["MessageGroupId"], message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def dead_letters(self, queue):
        """Takes the messages off a dead-letter queue. Returns them with their reasons."""
        url, found = self.outputs[f"{queue}DeadLettersUrl"], []
        while True:
            answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            messages = answer.get("Messages", [])
            if not messages:
                return found
            for message in messages:
                found.append(message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", ""))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def log_items(self, run_id):
        """The items of the event log for a run."""
        return self.dynamodb.query(
            TableName=self.outputs["EventLogTable"],
            KeyConditionExpression="pk = :run",
            ExpressionAttributeValues={":run": {"S": run_id}},
        )["Items"]

    def facts(self, run_id):
        """The facts that the event log has of a run."""
        items = self.log_items(run_id)
        return [json.loads(item["body"]["S"])["fact"] for item in items if "body" in item]

    def events(self, run_id):
        """The events that the log has of a run."""
        return [json.loads(item["body"]["S"]) for item in self.log_items(run_id) if "body" in item]

    def has_heard(self, harvest):
        """Whether the event log knows that a harvest's webhook came."""
        key = {"pk": {"S": f"apify#{harvest}"}, "sk": {"S": "H"}}
        return "Item" in self.dynamodb.get_item(TableName=self.outputs["EventLogTable"], Key=key)

    def put_secret(self, name, values):
        try:
            self.secrets.create_secret(Name=name, SecretString=json.dumps(values))
        except self.secrets.exceptions.ResourceExistsException:
            self.secrets.put_secret_value(SecretId=name, SecretString=json.dumps(values))


class Deployed(Resources):
    """The stack: its outputs, and what an operator sees."""

    def __init__(self, emulator, world, template=None, parameters=None):
        super().__init__(emulator, {})
        self.parameters = parameters or {}
        self.functions = emulator.client("lambda")
        self.logs = emulator.client("logs")
        self.put_secret("runtally/webhook", {"WEBHOOK_TOKEN": WEBHOOK_TOKEN})
        # The secret also names the simulators, so the template is deployed unchanged.
        self.services = dict(world.variables)
        self.put_secret("runtally/services", self.services)
        self.deploy(world.master_base, template)

    def deploy(self, master_base, template=None):
        """Deploys what was built, or another template, and reads the stack's outputs."""
        emulator, is_first = self.emulator, not self.outputs
        self._deploy(master_base, template)
        stacks = emulator.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        status = "CREATE_COMPLETE" if is_first else "UPDATE_COMPLETE"
        equal(stacks[0]["StackStatus"], status, "the stack's status")
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        resources = emulator.client("cloudformation").describe_stack_resources(StackName=STACK)
        self.names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources["StackResources"]}
        self._allow_batches()
        self._add_routes()

    def put_services_secret(self, **changed):
        """Changes values of the secret of scoring and the finalizer."""
        self.services |= changed
        self.put_secret("runtally/services", self.services)

    def restart_function(self, name):
        """Restarts a function as an operator does after a secret was changed."""
        self.functions.update_function_configuration(FunctionName=self.names[name], Description="restarted")

    def _deploy(self, master_base, template):
        ours = {"MasterBaseId": master_base, "Architecture": ARCHITECTURE, "NightlyState": "DISABLED", "AlarmEmail": "ops@example.org"}
        overrides = [f"{name}={value}" for name, value in (ours | self.parameters).items()]
        options = ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--region", REGION]
        options += ["--template-file", template, "--config-file", ROOT / "samconfig.toml"] if template else []
        command = ["sam", "deploy", *options, "--parameter-overrides", *overrides]
        run(command, env=self.emulator.sam_environment, timeout=300)

    def _allow_batches(self):
        """AWS requires `sqs:SendMessage` to send messages in a batch. This emulator requires an action that IAM does not
        have. It is allowed on the same queues, only here."""
        iam = self.emulator.client("iam")
        for role, policy in SENDERS:
            document = iam.get_role_policy(RoleName=self.names[role], PolicyName=policy)["PolicyDocument"]
            sends = next(s for s in document["Statement"] if s["Action"] == ["sqs:SendMessage"])
            document["Statement"] = [sends | {"Action": ["sqs:SendMessageBatch"]}]
            options = {"PolicyName": "emulator", "PolicyDocument": json.dumps(document)}
            iam.put_role_policy(RoleName=self.names[role], **options)

    def _add_routes(self):
        """SAM writes an HTTP API's routes as an OpenAPI body, which this emulator does not import: after the deploy
        there are none. So the integration and the two routes that the template declares are added through the API. On
        AWS the deploy does this."""
        gateway = self.emulator.client("apigatewayv2")
        self.api = self.names["Api"]
        routes = gateway.get_routes(ApiId=self.api)["Items"]
        if routes:
            print(f"   the emulator now imports routes: {[route['RouteKey'] for route in routes]}")
        else:
            function = self.functions.get_function(FunctionName=self.names["WebhookIntake"])
            integration = gateway.create_integration(
                ApiId=self.api,
                IntegrationType="AWS_PROXY",
                IntegrationUri=function["Configuration"]["FunctionArn"],
                PayloadFormatVersion="2.0",
            )["IntegrationId"]
            for key in ("POST /webhooks/apify", "POST /runs"):
                gateway.create_route(ApiId=self.api, RouteKey=key, Target=f"integrations/{integration}")
        self.api_url = f"{self.emulator.url}/_aws/execute-api/{self.api}/$default"

    def mappings(self, enabled):
        """Whether messages are delivered or stay on the queues."""
        for mapping in self.functions.list_event_source_mappings()["EventSourceMappings"]:
            self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)

    @contextlib.contextmanager
    def mappings_off(self):
        """Keeps messages on the queues."""
        try:
            self.mappings(False)
            yield
        finally:
            self.mappings(True)

    def webhook(self, client):
        """A webhook as it is entered in Apify."""
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        return {
            "requestUrl": f"{self.api_url}/webhooks/apify?clientId={client.replace(' ', '%20')}",
            "headersTemplate": json.dumps(headers),
        }

    def post(self, path, body, token=WEBHOOK_TOKEN):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return http("POST", f"{self.api_url}{path}", body, headers)

    def processes(self, function):
        """The processes of a function, which the emulator started."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                variables = (process / "environ").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            wanted = {f"AWS_LAMBDA_FUNCTION_NAME={self.names[function]}", f"AWS_ENDPOINT_URL={self.emulator.url}"}
            if wanted <= set(variables):
                found.append(int(process.name))
        return found

    def open_runs(self):
        """The runs that the sparse index holds."""
        answer = self.dynamodb.query(
            TableName=self.outputs["EventLogTable"],
            IndexName="open-runs",
            KeyConditionExpression="#open = :yes",
            ExpressionAttributeNames={"#open": "open"},
            ExpressionAttributeValues={":yes": {"S": "y"}},
        )
        return sorted(item["pk"]["S"] for item in answer["Items"])

    def log_lines(self, function):
        """The lines that a function logged."""
        group = self.names[f"{function}Logs"]
        pages = self.logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
        lines = []
        for name in [stream["logStreamName"] for page in pages for stream in page["logStreams"]]:
            events = self.logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)
            lines += [event["message"].strip() for event in events["events"]]
        return lines
