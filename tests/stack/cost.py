"""What AWS costs: counts a run of 100 leads and a tick on the emulator, and multiplies the counts with list prices.

tests/stack/run cost                   counts again, into target/stack/counted.json, and checks the bounds
python3 tests/stack/cost.py            the figures of docs/cost.md, from counted.json and prices.json in this folder
python3 tests/stack/cost.py --check    whether docs/cost.md has these figures and the template has as many alarms"""

import datetime
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
COUNTED, PRICES = HERE / "counted.json", HERE / "prices.json"
HOURS = 730
TICKS = HOURS * 6
# Lambda polls each source queue with five pollers, each of which waits for up to 20 seconds.
POLLS = 5 * 3 * 60 * HOURS
MAPPINGS = ("fifo", "standard", "fifo")
# The bounds, per 1,000 leads and per month.
BOUNDS = {"1,000 leads": 0.03, "idle": 5.0}


def figures(counted, prices):
    """US dollars by cause: for 1,000 leads, and for a month in which nothing happens."""
    tick, run = counted["tick"], counted["run"]
    scale = 1000 / run["leads"]
    work = {name: scale * value for name, value in requests(run, prices).items()}
    # A thousand leads come within an hour. A metric is paid for by the hours in which it is sent.
    work["metrics"] = run["metrics"] * prices["metric_month"] / HOURS
    month = {f"ticks: {name}": TICKS * value for name, value in requests(tick, prices).items()}
    month["ticks: scheduler"] = (TICKS + 2 * HOURS / 24) * prices["scheduler_invocation"]
    month["ticks: secrets read"] = TICKS * prices["secret_read"]
    month["polling of the queues"] = sum(POLLS * prices[f"sqs_{kind}_request"] for kind in MAPPINGS)
    month["secrets"] = 2 * prices["secret_month"]
    month["metrics"] = tick["metrics"] * prices["metric_month"]
    month["alarms"] = counted["alarms"] * prices["alarm_month"]
    month["key of the alarms' topic"] = prices["key_month"]
    return {"1,000 leads": work, "idle": month}


def requests(counted, prices):
    return {
        "Lambda": counted["invocations"] * prices["lambda_request"] + counted["gb_seconds"] * prices["lambda_gb_second"],
        "SQS": sum(counted.get(f"sqs.{kind}", 0) * prices[f"sqs_{kind}_request"] for kind in ("fifo", "standard"))
        # In addition to what the functions send, an event source mapping receives and deletes each batch.
        + 2 * counted["batches"] * prices["sqs_fifo_request"],
        "DynamoDB": sum(counted.get(f"dynamodb.{kind}", 0) * prices[f"dynamodb_{kind}_unit"] for kind in ("write", "read")),
        "API": counted.get("webhooks", 0) * prices["api_request"],
        "logs": counted["log_bytes"] / 1e9 * prices["log_gigabyte"],
        "traces": counted["invocations"] * prices["trace"],
    }


def table(found):
    """The tables of docs/cost.md."""
    lines = []
    for what, parts in found.items():
        lines += ["| US dollars | " + what + " |", "|---|---|"]
        shown = {name: value for name, value in parts.items() if value >= 0.00001}
        lines += [f"| {name} | {value:.5f} |" for name, value in sorted(shown.items(), key=lambda part: -part[1])]
        lines += [f"| **together** | **{sum(parts.values()):.4f}** |", ""]
    return "\n".join(lines)


def show():
    """Counts on the emulator."""
    import runs
    from emulator import Deployed, Emulator
    from tools import WORK, check, equal, heading, until
    from world import World

    heading("cost: 100 leads of two posts, each call of the model takes five seconds; then a tick")
    world, emulator = World(leads=240, latency_ms=5000), Emulator(name="cost")
    try:
        emulator.start()
        deployed = Deployed(emulator, world)
        client, base = world.clients[0]
        before = snapshot(deployed)
        harvest, _ = world.harvest(client, base, "2026-11-10T08:00:00.000Z", (0, 100), deployed.webhook(client))
        record = world.record_at_end(f"261110-080000-{client}", 300)
        deployed.settle()
        equal(record["Balance"], "balanced", "balance")
        runs.followed(deployed, {f"261110-080000-{client}": harvest})
        middle = snapshot(deployed)
        run = difference(before, middle) | {"leads": 100, "webhooks": 1, "metrics": len(runs.counted(deployed))}
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        ticks = lambda: len([line for line in deployed.log_lines("MetricsFinalizer") if '"Ticks"' in line])
        deployed.send("MetricsQueue", world.master_base, {"version": 1, "type": "tick", "at": now})
        until(lambda: ticks() > 0, "the tick is done", 60)
        deployed.settle()
        tick = difference(middle, snapshot(deployed)) | {"metrics": 1}
    finally:
        emulator.stop()
        world.stop()
    counted = {"run": run, "tick": tick, "alarms": alarms()}
    (WORK / "counted.json").write_text(json.dumps(counted, indent=2) + "\n")
    found = figures(counted, json.loads(PRICES.read_text()))
    print(table(found), flush=True)
    for what, bound in BOUNDS.items():
        total = sum(found[what].values())
        check(total <= bound, f"{what}: ${total:.4f}, at most ${bound}")


def alarms():
    """How many alarms the template has."""
    return len(re.findall(r"Type: AWS::CloudWatch::Alarm", (HERE.parents[1] / "template.yaml").read_text()))


def snapshot(deployed):
    """What was used so far."""
    used = {"invocations": 0, "gb_seconds": 0.0, "log_bytes": 0, "batches": 0}
    for function, gigabytes in (("WebhookIntake", 0.5), ("Scoring", 1.0), ("MetricsFinalizer", 0.5)):
        for line in deployed.log_lines(function):
            used["log_bytes"] += len(line) + 26  # what CloudWatch adds to an event
            if match := re.search(r"REPORT RequestId: .*Billed Duration: (\d+) ms", line):
                used["invocations"] += 1
                used["batches"] += function != "WebhookIntake"
                used["gb_seconds"] += gigabytes * int(match[1]) / 1000
    return used | deployed.emulator.counts()


def difference(before, after):
    return {name: round(value - before.get(name, 0), 3) for name, value in after.items()}


if __name__ == "__main__":
    counted = json.loads(COUNTED.read_text())
    found = table(figures(counted, json.loads(PRICES.read_text())))
    if sys.argv[1:] != ["--check"]:
        print(found)
    elif found.strip() not in (HERE.parents[1] / "docs" / "cost.md").read_text() or counted["alarms"] != alarms():
        sys.exit("docs/cost.md or counted.json is behind: see tests/stack/cost.py")
