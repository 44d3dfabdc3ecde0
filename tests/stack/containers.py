"""The system in containers, by `sam local`: every file of events/, and a harvest whose webhook goes to
`sam local start-api` and ends in an exact record."""

import json
import subprocess
import time

import deliver
import events
import image
import local
from engine import engine, lambda_image
from tools import ROOT, Failed, check, equal, free_port, heading

# From the webhook to the record of a harvest of 12 leads.
SECONDS = 30


def show():
    with engine() as environment:
        if environment is None:
            return
        image.show(environment)
        lambda_image(environment)
        system = local.Local(*local.places(environment))
        try:
            # SAM looks up its identity, which takes seconds without a network.
            more = {"AWS_ENDPOINT_URL": system.emulator.url, "SAM_SKIP_PULL_IMAGE": "1"}
            environment = deliver.sams_environment() | environment | more
            every_event(system, environment)
            harvest(system, environment)
        finally:
            system.stop()


def every_event(system, environment):
    heading(f"containers: each of the {len(events.FILES)} files of events/ through sam local invoke")
    effects = events.Effects(system, system.world)
    for function, file, *expected in events.FILES:

        def invoke(payload, function=function):
            command = [deliver.SAM, "local", "invoke", function, "--config-env", "local", "-e", "-"]
            done = subprocess.run(
                command, cwd=ROOT, input=payload, capture_output=True, text=True, check=False, env=environment, timeout=180
            )
            if done.returncode != 0 or not done.stdout.strip():
                raise Failed(f"sam local invoke {function} ended with {done.returncode}\n{done.stderr[-3000:]}")
            wrong = [line for line in done.stderr.splitlines() if '"level":"ERROR"' in line]
            equal([line for line in wrong if "does not start" in line], [], "lines of a function that does not start")
            return json.loads(done.stdout.strip().splitlines()[-1])

        effects.before(file)
        events.one_file(system, invoke, file, *expected, token=local.TOKEN)
        effects.after(file)


def harvest(system, environment):
    heading("containers: a harvest through sam local start-api")
    world = system.world
    (client, base), before = world.clients[0], world.billed()
    with deliver.running(environment, free_port()) as api:
        webhook = {
            "requestUrl": f"{api}/webhooks/apify?clientId={client}",
            "headersTemplate": json.dumps({"Authorization": f"Bearer {local.TOKEN}"}),
        }
        begun = time.monotonic()
        _, posts = world.harvest(client, base, "2026-09-01T08:00:00.000Z", (2, 14), webhook)
        record = world.record_at_end(f"260901-080000-{client}", 120)
        took = time.monotonic() - begun
        equal(record["Total Posts Harvested"], posts, "posts harvested")
        equal(record["Balance"], "balanced", "balance")
        equal(record["Post Scoring Tokens"], world.billed()[1] - before[1], "tokens as billed")
        check(took <= SECONDS, f"from the webhook to its record: {took:.0f} s, at most {SECONDS}")
