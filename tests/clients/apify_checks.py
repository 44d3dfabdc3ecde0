"""Checks the simulated Apify with Apify's client for Python, in the ways people use it."""

import datetime
import http.server
import json
import threading
import time

from apify_client import ApifyClient, errors

from checks import SIMULATORS, check, control, equal, refused, run_all

ROOT, TOKEN = SIMULATORS["apify"].removesuffix("/v2"), SIMULATORS["apify_token"]
ACTOR = "harvestapi/linkedin-profile-posts"
# The webhook was sent already, so no check waits longer for it.
PATIENCE_SECONDS = 60
client = ApifyClient(TOKEN, api_url=ROOT)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes webhooks and keeps their headers and bodies."""

    got = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append((self.headers, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
HOOK = f"http://127.0.0.1:{server.server_port}/hook"


def received(count):
    """The webhooks that arrived, as soon as there are this many."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(Receiver.got) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    equal(len(Receiver.got), count)
    return Receiver.got


def invented(**spec):
    """A run that the simulator invents."""
    return control("apify", "/_sim/runs", spec)["runId"]


@check("a run is started with its input, waited for, and found as the last of its actor")
def start():
    targets = [f"https://www.linkedin.com/in/invented-{n}" for n in range(200)]
    run = client.actor(ACTOR).start(run_input={"targetUrls": targets}, max_items=5)
    equal(client.run(run.id).wait_for_finish().status, "SUCCEEDED")
    equal(client.actor(ACTOR).last_run().get().id, run.id)
    record = client.run(run.id).key_value_store().get_record("INPUT")
    equal(record["value"]["targetUrls"], targets)
    equal(client.run(run.id).get().options.max_items, 5)
    equal(client.actor(ACTOR).call(run_input={}, logger=None).status, "SUCCEEDED")
    assert "invented" in client.run(run.id).log().get()


@check("runs are listed by actor, status and time, and counted")
def runs():
    run = invented(status="FAILED", startedAt="2020-01-02T00:00:00Z")
    page = client.runs().list(status="FAILED", desc=True, limit=1)
    equal((page.items[0].id, page.count, page.limit), (run, 1, 1))
    before = datetime.datetime(2020, 2, 1, tzinfo=datetime.timezone.utc)
    equal([each.id for each in client.actor(ACTOR).runs().list(started_before=before).items], [run])
    assert run in [each.id for each in client.runs().iterate()]


@check("a run is aborted, resurrected under its id, and deleted")
def lifecycle():
    run = invented(status="RUNNING", items=[{"id": "1"}])
    equal(client.run(run).abort().status, "ABORTED")
    again = client.run(run).resurrect()
    equal((again.id, again.status, again.stats.resurrect_count), (run, "SUCCEEDED", 1))
    equal(client.run(run).dataset().list_items().items, [{"id": "1"}])
    client.run(run).delete()
    equal(client.run(run).get(), None)


@check("the items of a run are read page by page, cleaned, chosen and as lines")
def items():
    run = invented(items=[{"n": n, "#note": 1} if n % 2 else {} for n in range(250)])
    dataset = client.run(run).dataset()
    page = dataset.list_items(limit=10, offset=5, desc=True)
    equal((page.count, page.offset, page.limit, page.desc), (10, 5, 10, True))
    equal(page.items[1], {"n": 243, "#note": 1})
    equal([item["n"] for item in dataset.iterate_items(clean=True, chunk_size=30)], list(range(1, 250, 2)))
    equal(dataset.list_items(fields=["n"], skip_empty=True, limit=2).items, [{"n": 1}])
    lines = dataset.get_items_as_bytes(item_format="jsonl", limit=2).splitlines()
    equal([json.loads(line) for line in lines], [{}, {"n": 1, "#note": 1}])


@check("a dataset is made by name, filled, read, renamed and deleted")
def datasets():
    made = client.datasets().get_or_create(name="mine")
    equal(client.datasets().get_or_create(name="mine").id, made.id)
    dataset = client.dataset(made.id)
    # Long enough for the client to compress it.
    dataset.push_items([{"n": n, "text": "x" * 50} for n in range(2_500)])
    dataset.push_items({"n": 2_500})
    equal(sum(1 for _ in dataset.iterate_items()), 2_501)
    equal(client.dataset("simulated/mine").get().item_count, 2_501)
    assert made.id in [each.id for each in client.datasets().list().items]
    equal(dataset.update(name="yours").name, "yours")
    dataset.delete()
    equal(dataset.get(), None)


@check("records of a key-value store are written, read, found, listed and deleted")
def records():
    made = client.key_value_stores().get_or_create(name="records")
    store = client.key_value_store(made.id)
    store.set_record("data.json", {"x": ["y"] * 1_000})
    store.set_record("text", "hello")
    store.set_record("image", b"\x00\x9f", content_type="image/png")
    equal(store.get_record("data.json")["value"], {"x": ["y"] * 1_000})
    equal(store.get_record("text")["value"], "hello")
    found = store.get_record("image")
    equal((found["value"], found["content_type"]), (b"\x00\x9f", "image/png"))
    equal((store.record_exists("text"), store.record_exists("nothing")), (True, False))
    equal([key.key for key in store.iterate_keys(chunk_size=2)], ["data.json", "image", "text"])
    store.delete_record("text")
    equal(store.get_record("text"), None)
    equal(client.key_value_stores().list().items[-1].name, "records")
    store.delete()
    equal(store.get(), None)


@check("a webhook for one run is sent with its templates filled")
def webhook_of_a_run():
    Receiver.got.clear()
    run = client.actor(ACTOR).start(webhooks=[{
        "event_types": ["ACTOR.RUN.SUCCEEDED"], "request_url": HOOK,
        "payload_template": '{"run": {{resource.id}}, "raw": "{{resource.id}}"}',
        "headers_template": '{"Authorization": "Bearer invented"}'}])
    headers, body = received(1)[0]
    equal(body, {"run": run.id, "raw": "{{resource.id}}"})
    equal(headers["authorization"], "Bearer invented")
    dispatch = client.webhook_dispatch(headers["x-apify-webhook-dispatch-id"]).get()
    equal((dispatch.event_type, dispatch.event_data.actor_run_id), ("ACTOR.RUN.SUCCEEDED", run.id))


@check("a webhook that stays is made once, changed, tested, sent, and tells its dispatches")
def webhooks():
    Receiver.got.clear()
    actor = client.actor(ACTOR).get().id
    wanted = {"event_types": ["ACTOR.RUN.SUCCEEDED"], "request_url": HOOK, "actor_id": actor, "idempotency_key": "once"}
    made = client.webhooks().create(**wanted)
    equal(client.webhooks().create(**wanted).id, made.id)
    webhook = client.webhook(made.id)
    changed = webhook.update(
        payload_template='{"text": "run {{resource.id}} of {{ userId }}: {{resource.none}}", "gone": "{{resource.none}}"}',
        should_interpolate_strings=True)
    equal((changed.id, changed.request_url.host), (made.id, "127.0.0.1"))
    equal(webhook.test().event_type, "TEST")
    received(1)
    run = client.actor(ACTOR).start()
    equal(received(2)[1][1], {"text": f"run {run.id} of {{{{ userId }}}}: undefined"})
    sent = webhook.dispatches().list()
    equal([each.event_type for each in sent.items], ["TEST", "ACTOR.RUN.SUCCEEDED"])
    equal({each.webhook_id for each in sent.items}, {made.id})
    assert client.webhook_dispatches().list().total >= 2
    equal([each.id for each in client.webhooks().list().items], [made.id])
    webhook.delete()
    equal(webhook.get(), None)


@check("a call that is refused for its rate or an outage is made again")
def again():
    for fault in ["too_many_requests", "unavailable"]:
        control("apify", "/_sim/faults", {"fault": fault, "next": 1, "kind": "user"})
        equal(client.user("me").get().username, "simulated")


@check("an error is Apify's own, also for what is not offered")
def refusals():
    stranger = ApifyClient("wrong", api_url=ROOT)
    for call, expected in [
        (lambda: stranger.user("me").get(), (401, "user-or-token-not-found")),
        (lambda: client.actor("some/other").start(), (404, "record-not-found")),
        (lambda: client.request_queues().get_or_create(name="q"), (404, "page-not-found")),
        (lambda: client.schedules().list(), (404, "page-not-found")),
        (lambda: client.tasks().list(), (404, "page-not-found")),
        (lambda: client.builds().list(), (404, "page-not-found")),
        (lambda: client.run("x").metamorph(target_actor_id="a/b"), (404, "page-not-found")),
    ]:
        error = refused(errors.ApifyApiError, call)
        equal((error.status_code, error.type), expected)
    control("apify", "/_sim/credit", False)
    error = refused(errors.ApifyApiError, lambda: client.actor(ACTOR).start())
    control("apify", "/_sim/credit", True)
    equal((error.status_code, error.type), (402, "not-enough-usage-to-run-paid-actor"))


run_all()
