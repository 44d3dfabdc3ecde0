"""The choices at a deploy, on the real template: a customer's key, and functions that are called by an alias, as
deploy/canary.py makes them. The emulator has no CodeDeploy, so the new version gets all the work at once."""

import re

from emulator import Deployed, Emulator
from tools import ROOT, check, equal, heading, run
from world import World

FUNCTIONS = ("WebhookIntake", "Scoring", "MetricsFinalizer")
QUEUES = ("Scoring", "Metrics", "Retry")


def show():
    heading("options: a key of the customer's, functions with an alias")
    world, emulator = World(), Emulator(name="options")
    try:
        emulator.start()
        key = emulator.client("kms").create_key(Description="the customer's")["KeyMetadata"]["Arn"]
        deployed = Deployed(emulator, world, with_aliases(), {"CustomerKeyArn": key})
        client, base = world.clients[0]
        _, posts = world.harvest(client, base, "2026-11-12T08:00:00.000Z", (0, 12), deployed.webhook(client))
        record = world.record_at_end(f"261112-080000-{client}")
        equal(record["Total Posts Harvested"], posts, "posts harvested")
        equal(record["Balance"], "balanced", f"{record['Status']}, balance")
        deployed.settle()
        encrypted(deployed, key)
        called_by_alias(deployed)
    finally:
        emulator.stop()
        world.stop()


def with_aliases():
    """The built template as deploy/canary.py changes it, without the parts that need CodeDeploy."""
    # In the folder of the functions, because it holds their paths.
    made = ROOT / ".aws-sam" / "build" / "options.yaml"
    run([ROOT / "deploy" / "canary.py", "--to", made])
    text, found = re.subn(r"\n      DeploymentPreference:(?:\n        .*)+", "", made.read_text())
    equal(found, len(FUNCTIONS), "functions with a gradual deployment")
    made.write_text(text)
    return made


def encrypted(deployed, key):
    """Queues and logs name the key, and each role may use it. The emulator does not store the keys of the event log, the
    topic and the functions' variables."""
    for name in [queue + part for queue in QUEUES for part in ("Queue", "DeadLetters")]:
        options = {"QueueUrl": deployed.outputs[f"{name}Url"], "AttributeNames": ["KmsMasterKeyId"]}
        equal(deployed.sqs.get_queue_attributes(**options)["Attributes"].get("KmsMasterKeyId"), key, f"key of {name}")
    groups = deployed.logs.describe_log_groups()["logGroups"]
    keys = {group["logGroupName"]: group.get("kmsKeyId") for group in groups}
    iam = deployed.emulator.client("iam")
    for function in FUNCTIONS:
        equal(keys.get(deployed.names[f"{function}Logs"]), key, f"key of the log of {function}")
        role, allowed = deployed.names[f"{function}Role"], []
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            allowed += [s["Action"] for s in document["Statement"] if s["Resource"] == key]
        check(any("kms:Decrypt" in actions for actions in allowed), f"{function} may use the key: {allowed}")


def called_by_alias(deployed):
    """The callers of a function call its alias, which points to the published version."""
    for function in FUNCTIONS:
        name = deployed.names[function]
        alias = deployed.functions.get_alias(FunctionName=name, Name="live")
        check(alias["FunctionVersion"] != "$LATEST", f"live of {function} is version {alias['FunctionVersion']}")
        mappings = deployed.functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        called = [mapping["FunctionArn"].rsplit(":", 1)[-1] for mapping in mappings]
        check(set(called) <= {"live"}, f"queues that call {function} call live: {called}")
