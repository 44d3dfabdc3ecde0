"""An upgrade loses nothing: the previous release is stopped with messages of every kind on its queues and a half-done
run, this release is deployed over it, and every run ends exact. The same is tested for the database of
`runtally serve`."""

import datetime
import shutil
import signal

import local
import previous
from emulator import Deployed, Emulator
from tools import TARGET, WORK, check, clean_environment, equal, free_port, heading, http, start, stop, until
from world import World

# The master base of the simulated world.
MASTER = "appEOx7QAIyJ1eskU"
TASKS, EVENTS = {"ingest", "score", "chunk", "replay"}, {"heard", "tick"}


def show():
    template, command = previous.build()
    on_aws(template)
    on_one_machine(command)


def on_aws(template):
    heading("upgrade: the release before is deployed, and stopped in the middle of its work")
    world, emulator = World(leads=240, latency_ms=300), Emulator(name="upgraded")
    try:
        emulator.start()
        deployed = Deployed(emulator, world, template)
        runs, before = half_done(deployed, world)
        kinds = on_the_queues(deployed)
        heading("upgrade: this release is deployed over it")
        deployed.deploy(world.master_base)
        deployed.mappings(True)
        for run_id, posts in runs.items():
            record = world.record_at_end(run_id, 240)
            if posts is not None:
                equal(record["Total Posts Harvested"], posts, f"{run_id}: posts harvested")
            equal(record["Balance"], "balanced", f"{run_id}: {record['Status']}, balance")
        deployed.settle(120)
        records = world.records()
        equal(sorted(records), sorted(runs), "run records, one for each run")
        kinds_of_tokens = ("Post Scoring Tokens", "Profile Scoring Tokens")
        recorded = sum(record.get(kind, 0) for record in records.values() for kind in kinds_of_tokens)
        equal(recorded, world.billed()[1] - before[1], f"tokens on the records, as billed, after {len(kinds)} kinds of messages")
        for queue in ("Scoring", "Metrics"):
            equal(deployed.dead_letters(queue), [], f"dead letters of {queue.lower()}")
    finally:
        emulator.stop()
        world.stop()


def half_done(deployed, world):
    """Stops the functions with work of every kind waiting. Returns the runs and how many posts their harvests have."""
    (client, base), before = world.clients[0], world.billed()
    begin = lambda at, leads: world.harvest(client, base, at, leads, deployed.webhook(client))[1]
    runs = {f"261101-080000-{client}": begin("2026-11-01T08:00:00.000Z", (0, 5))}
    world.record_at_end(f"261101-080000-{client}")
    deployed.settle()
    # More than one chunk in each lane, so that chunks wait when others are done.
    runs[f"261102-080000-{client}"] = begin("2026-11-02T08:00:00.000Z", (5, 120))
    until(lambda: world.billed()[0] >= before[0] + 8, "the second run is half done", 120)
    deployed.mappings(False)
    # Work in progress ends; its facts stay on the queue.
    until(lambda: deployed.in_work("ScoringQueue") + deployed.in_work("MetricsQueue") == 0, "nothing is in work", 180)
    runs[f"261103-080000-{client}"] = begin("2026-11-03T08:00:00.000Z", (20, 25))
    status, answer = deployed.post("/runs", {"clientId": client, "kind": "profile", "limit": 5})
    equal(status, 202, "a run of profiles is asked for")
    runs[f"{answer['runId']}-{client}"] = None
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    # In its own group: behind the events of its usual group, the test could not see it.
    deployed.send("MetricsQueue", "tick", {"version": 1, "type": "tick", "at": now})
    deployed.send("ScoringQueue", "plan#0", replay_of(deployed.events(f"261101-080000-{client}"), now))
    return runs, before


def replay_of(events, now):
    """A task that asks about a lead again, as `runtally replay` sends it. The lead has its score by now."""
    first = lambda kind: next(one["fact"] for one in events if one["fact"]["type"] == kind)
    lead = first("settled")["leads"][0]
    leads = [{"lead": lead["lead"], "record": lead["record"]}]
    plan = {"plan": first("planned")["plan"], "kind": "post", "harvest": first("harvested")["apify_run"], "leads": leads}
    return {"version": 1, "type": "replay", "run": events[0]["run"], "requested_at": now, "plans": [plan]}


def on_the_queues(deployed):
    """The kinds of messages that wait. They must be all kinds that exist."""
    kinds = {queue: deployed.kinds(queue) for queue in ("ScoringQueue", "MetricsQueue")}
    check(TASKS <= kinds["ScoringQueue"], f"tasks that wait: {sorted(kinds['ScoringQueue'])}")
    check(EVENTS < kinds["MetricsQueue"], f"messages for the finalizer that wait: {sorted(kinds['MetricsQueue'])}")
    return kinds["ScoringQueue"] | kinds["MetricsQueue"]


class Server:
    """A `runtally serve` on a folder, with its own services."""

    def __init__(self, command, folder, ports):
        self.url = f"http://127.0.0.1:{ports[0]}"
        names = ("--port", "--airtable-port", "--apify-port", "--gemini-port")
        options = [word for name, port in zip(names, ports) for word in (name, str(port))]
        environment = clean_environment(WEBHOOK_TOKEN=local.TOKEN, PROJECT_SECONDS="1", RUST_LOG="warn", LANES="1")
        line = [command, "serve", "--data", folder, *options, "--latency-ms", "1500"]
        self.process = start(line, "upgrade-serve.log", env=environment)
        until(lambda: listens_there(self.url), "the server answers", 30)

    def ask(self, path, body):
        status, answer = http("POST", f"{self.url}{path}", body, {"authorization": f"Bearer {local.TOKEN}"})
        equal(status, 202, f"POST {path}")
        return answer


def listens_there(url):
    try:
        return http("GET", f"{url}/runs", timeout=2)[0] in (401, 404, 405)
    except OSError:
        return False


def on_one_machine(command):
    heading("upgrade: a database of the release before, which was killed in the middle of a run")
    folder, ports = WORK / "upgrade-data", [free_port() for _ in range(4)]
    shutil.rmtree(folder, ignore_errors=True)
    billed = lambda: http("GET", f"http://127.0.0.1:{ports[3]}/_sim/billed?totals=1")[1]["totals"]
    server = Server(command, folder, ports)
    try:
        client = "Mara-Lindqvist"
        run_id = f"{server.ask('/runs', {'clientId': client, 'kind': 'post'})['runId']}-{client}"
        until(lambda: billed()["answers"] >= 1, "the run is half done", 60)
    finally:
        stop(server.process, signal.SIGKILL)
    server = Server(TARGET / "debug" / "runtally", folder, ports)
    try:
        record = until(lambda: record_of(ports[1], run_id), "the run ends under this release", 180)
        check("unobserved" in record["Balance"] or record["Balance"] == "balanced", f"{run_id}: {record['Balance']!r}")
        check(record["Posts Successfully Scored"] > 0 and record["Post Scoring Tokens"] > 0, f"{run_id}: {record['Status']}")
    finally:
        stop(server.process)


def record_of(port, run_id):
    """The record of a run at its end."""
    table = f"http://127.0.0.1:{port}/_sim/bases/{MASTER}/tables/Client%20Run%20Results"
    status, answer = http("GET", table)
    rows = answer.get("rows", answer.get("records", [])) if status == 200 else []
    fields = next((row["fields"] for row in rows if row["fields"].get("Run ID") == run_id), {})
    return fields if fields.get("Status", "").startswith("Completed") else None
