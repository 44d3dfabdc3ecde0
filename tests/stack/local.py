"""A whole system on this machine for `sam local`: emulator, simulators, queues, event log and secrets, and the template
that says where they are. The functions run in containers."""

import json
import signal
import socket
import subprocess
import threading

from samcli.yamlhelper import yaml_dump, yaml_parse

import binaries
from emulator import REGION, STACK, Emulator, Resources
from tools import ARCHITECTURE, ROOT, Failed, clean_environment, heading
from world import World

BUILD = ROOT / ".aws-sam" / "build"
# samconfig.toml names the template, for `--config-env local`.
TEMPLATE, STATE = BUILD / "local.yaml", BUILD / "local.json"
# The placeholder in the events' `authorization` header is the token here, so no file has to be edited.
TOKEN = "replace-with-your-webhook-token"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# The name by which SAM finds this machine's loopback interface from outside the container, in Docker Desktop.
DESKTOP = "host.docker.internal"


class Local(Resources):
    """The system. `host` is the address on which it listens, `seen` its name inside containers."""

    def __init__(self, host, seen, leads=60):
        self.world = World(leads=leads, host=host, log="local-simulators.log")
        emulator = Emulator(host, "local-emulator", auth=False)
        try:
            emulator.start()
            super().__init__(emulator, {})
            self.template = yaml_parse((ROOT / "template.yaml").read_text())
            self.outputs = self._make()
            self._write(lambda text: text.replace(f"//{host}:", f"//{seen}:"))
        except BaseException:
            self.emulator = emulator
            self.stop()
            raise

    def stop(self):
        self.emulator.stop()
        self.world.stop()

    def _make(self):
        """Creates queues, table and secrets as the template declares them, without CloudFormation."""
        outputs = {}
        # A queue names its dead-letter queue, which must exist before.
        queues = [(name, one) for name, one in self._of_type("AWS::SQS::Queue")]
        for name, properties in sorted(queues, key=lambda queue: "RedrivePolicy" in queue[1]):
            attributes = {key: self._attribute(key, value, outputs) for key, value in properties.items()}
            attributes = {key: value for key, value in attributes.items() if value is not None}
            suffix = ".fifo" if properties.get("FifoQueue") else ""
            made = self.sqs.create_queue(QueueName=f"{STACK}-{name}{suffix}", Attributes=attributes)
            outputs[f"{name}Url"] = made["QueueUrl"]
        ((_, log),) = self._of_type("AWS::DynamoDB::Table")
        names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        self.dynamodb.create_table(TableName="events", **{name: log[name] for name in names})
        self.put_secret("runtally/webhook", {"WEBHOOK_TOKEN": TOKEN})
        return outputs | {"EventLogTable": "events"}

    def _of_type(self, kind):
        return [(name, one["Properties"]) for name, one in self.template["Resources"].items() if one["Type"] == kind]

    def _attribute(self, key, value, outputs):
        """A queue's attribute as the API takes it. `None` for encryption and tags."""
        if key in ("SqsManagedSseEnabled", "KmsMasterKeyId", "Tags"):
            return None
        if key == "RedrivePolicy":
            dead = value["deadLetterTargetArn"]["Fn::GetAtt"][0]
            arn = f"arn:aws:sqs:{REGION}:000000000000:{outputs[f'{dead}Url'].split('/')[-1]}"
            return json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": value["maxReceiveCount"]})
        if isinstance(value, dict):
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _write(self, seen):
        """Writes the template for `sam local`: the functions with the values that a deploy would give them."""
        services = {name: seen(value) for name, value in self.world.variables.items()}
        self.put_secret("runtally/services", services)
        functions = {name: self._function(one, seen) for name, one in self._of_type("AWS::Serverless::Function")}
        all_functions = {"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": [ARCHITECTURE]}
        template = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Transform": "AWS::Serverless-2016-10-31",
            "Globals": {"Function": all_functions},
            "Resources": {"Api": {"Type": "AWS::Serverless::HttpApi"}} | functions,
        }
        for name, function in functions.items():
            function["Properties"]["CodeUri"] = name
        TEMPLATE.write_text(yaml_dump(template))
        state = {"outputs": self.outputs, "emulator": self.emulator.url}
        STATE.write_text(json.dumps(state, indent=1))

    def _function(self, properties, seen):
        given = self.template["Globals"]["Function"]
        variables = given["Environment"]["Variables"] | properties["Environment"]["Variables"]
        variables = {name: seen(self._value(value)) for name, value in variables.items()}
        kept = {name: properties[name] for name in ("Timeout", "MemorySize") if name in properties}
        http = {name: one for name, one in properties["Events"].items() if one["Type"] == "HttpApi"}
        environment = {"Variables": variables | {"AWS_ENDPOINT_URL": seen(self.emulator.url)}}
        changed = {"Environment": environment, "Events": http, "MemorySize": given["MemorySize"]}
        return {"Type": "AWS::Serverless::Function", "Properties": changed | kept}

    def _value(self, value):
        """The value that a deploy gives a variable."""
        if not isinstance(value, dict):
            return str(value)
        name = value["Ref"]
        if name == "AWS::StackName":
            return STACK
        if name == "MasterBaseId":
            return self.world.master_base
        if name == "EventLog":
            return self.outputs["EventLogTable"]
        if f"{name}Url" in self.outputs:
            return self.outputs[f"{name}Url"]
        return str(self.template["Parameters"][name]["Default"])


def places(environment):
    """The address on which the system listens so that containers reach it, and its name inside containers."""
    command = ["docker", "network", "inspect", "bridge", "--format", "{{range .IPAM.Config}}{{.Subnet}} {{end}}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    for subnet in done.stdout.split():
        # The engine's own address is the first of its network, unless it was configured otherwise.
        gateway = ".".join(subnet.split("/")[0].split(".")[:3] + ["1"])
        with socket.socket() as probe:
            try:
                probe.bind((gateway, 0))
                return gateway, gateway
            except OSError:
                continue
    return "127.0.0.1", DESKTOP


def show():
    """`tests/stack/run local`: keeps the system until it is interrupted."""
    if binaries.machine(BUILD / "Scoring" / "bootstrap") != ARCHITECTURE:
        binaries.build_here()
    system = Local(*places(clean_environment()))
    world = system.world
    heading("local: emulator, simulators, queues and event log are there, until you press Ctrl-C")
    print(f"Airtable {world.airtable}   Apify {world.apify}   Gemini {world.gemini}   AWS {system.emulator.url}")
    print(f"clients: {', '.join(name for name, _ in world.clients)}; the webhook's token: {TOKEN}")
    print("\nRun one event, in another terminal:")
    print("  sam local invoke Scoring -e events/scoring-chunk.json --config-env local")
    print("Deliver the queues' messages to the functions, and take webhooks at http://127.0.0.1:3000:")
    print("  tests/stack/run deliver")
    stopped = threading.Event()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, lambda *_: stopped.set())
    stopped.wait()
    system.stop()


def state():
    """The state that `tests/stack/run local` left, for another process."""
    if not STATE.exists():
        raise Failed("nothing runs here: start `tests/stack/run local` first")
    return json.loads(STATE.read_text())
