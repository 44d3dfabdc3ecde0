// Checks the simulated Apify with Apify's client for JavaScript, in the ways people use it.

import http from "node:http";
import { ApifyClient } from "apify-client";
import { SIMULATORS, check, control, equal, refused, runAll } from "./checks.mjs";

const baseUrl = SIMULATORS.apify.replace(/\/v2$/, "");
const client = new ApifyClient({ token: SIMULATORS.apify_token, baseUrl });
const ACTOR = "harvestapi/linkedin-profile-posts";
const invented = async (spec) => (await control("apify", "/_sim/runs", spec)).runId;

// Takes webhooks; the next one is awaited.
const waiting = [];
const server = http.createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  response.end();
  waiting.shift()?.({ headers: request.headers, body: JSON.parse(body) });
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const HOOK = `http://127.0.0.1:${server.address().port}/hook`;
const nextWebhook = () => new Promise((resolve) => waiting.push(resolve));

check("a run is started with its input, waited for, and found as the last of its actor", async () => {
  const targetUrls = Array.from({ length: 200 }, (_, n) => `https://www.linkedin.com/in/invented-${n}`);
  const run = await client.actor(ACTOR).start({ targetUrls }, { maxItems: 5 });
  equal((await client.run(run.id).waitForFinish()).status, "SUCCEEDED");
  equal((await client.actor(ACTOR).lastRun({ status: "SUCCEEDED" }).get()).id, run.id);
  equal((await client.run(run.id).keyValueStore().getRecord("INPUT")).value, { targetUrls });
  equal((await client.actor(ACTOR).call({}, { log: null })).status, "SUCCEEDED");
});

check("runs are listed, aborted, resurrected and deleted", async () => {
  const run = await invented({ status: "RUNNING", startedAt: "2019-01-02T00:00:00Z", items: [{ id: "1" }] });
  const early = await client.runs().list({ startedBefore: new Date("2019-02-01T00:00:00Z"), desc: true, limit: 1 });
  equal([early.items[0].id, early.count], [run, 1]);
  equal((await client.run(run).abort()).status, "ABORTED");
  equal((await client.run(run).resurrect()).stats.resurrectCount, 1);
  equal((await client.run(run).dataset().listItems()).items, [{ id: "1" }]);
  await client.run(run).delete();
  equal(await client.run(run).get(), undefined);
});

check("a dataset is made by name, filled, read and deleted", async () => {
  const made = await client.datasets().getOrCreate("of-javascript");
  const dataset = client.dataset(made.id);
  // Long enough for the client to compress it.
  await dataset.pushItems(Array.from({ length: 1200 }, (_, n) => ({ n, "#note": 1 })));
  const page = await dataset.listItems({ limit: 2, offset: 1, desc: true, clean: true });
  equal([page.items, page.total, page.desc], [[{ n: 1198 }, { n: 1197 }], 1200, true]);
  let count = 0;
  for await (const item of dataset.listItems({ chunkSize: 500 })) count += item.n >= 0;
  equal(count, 1200);
  equal((await dataset.downloadItems("jsonl", { limit: 1 })).toString().trim(), '{"n":0,"#note":1}');
  equal((await dataset.get()).itemCount, 1200);
  await dataset.delete();
  equal(await dataset.get(), undefined);
});

check("records of a key-value store are written, read, found, listed and deleted", async () => {
  const made = await client.keyValueStores().getOrCreate("of-javascript");
  const store = client.keyValueStore(made.id);
  const value = { x: "y".repeat(2000) };
  await store.setRecord({ key: "a", value });
  await store.setRecord({ key: "b", value: Buffer.from([0, 159]), contentType: "image/png" });
  equal((await store.getRecord("a")).value, value);
  equal((await store.getRecord("b")).contentType, "image/png");
  equal([await store.recordExists("a"), await store.recordExists("none")], [true, false]);
  const keys = await store.listKeys({ limit: 1 });
  equal([keys.items[0].key, keys.isTruncated, keys.nextExclusiveStartKey], ["a", true, "a"]);
  await store.deleteRecord("a");
  equal(await store.getRecord("a"), undefined);
  await store.delete();
});

check("webhooks are made, changed, tested, sent, and tell their dispatches", async () => {
  const { id: actorId } = await client.actor(ACTOR).get();
  const eventTypes = ["ACTOR.RUN.SUCCEEDED"];
  const made = await client.webhooks().create({ eventTypes, condition: { actorId }, requestUrl: HOOK });
  const webhook = client.webhook(made.id);
  const payloadTemplate = '{"run": {{resource.id}}, "event": {{eventType}}}';
  equal((await webhook.update({ payloadTemplate })).payloadTemplate, payloadTemplate);
  const test = nextWebhook();
  await webhook.test();
  equal((await test).body, { run: null, event: "TEST" });
  const sent = nextWebhook();
  const run = await client.actor(ACTOR).start();
  const { headers, body } = await sent;
  equal(body, { run: run.id, event: "ACTOR.RUN.SUCCEEDED" });
  equal((await client.webhookDispatch(headers["x-apify-webhook-dispatch-id"]).get()).webhookId, made.id);
  equal((await webhook.dispatches().list()).total, 2);
  await webhook.delete();
  equal(await webhook.get(), undefined);
  const own = nextWebhook();
  const other = await client.actor(ACTOR).start({}, { webhooks: [{ eventTypes, requestUrl: HOOK }] });
  equal((await own).body.resource.id, other.id);
});

check("a call that is refused for its rate or an outage is made again", async () => {
  for (const fault of ["too_many_requests", "unavailable"]) {
    await control("apify", "/_sim/faults", { fault, next: 1, kind: "user" });
    equal((await client.user("me").get()).username, "simulated");
  }
});

check("an error is Apify's own, also for what is not offered", async () => {
  const stranger = new ApifyClient({ token: "wrong", baseUrl });
  for (const [call, status, type] of [
    [() => stranger.user("me").get(), 401, "user-or-token-not-found"],
    [() => client.actor("some/other").start(), 404, "record-not-found"],
    [() => client.requestQueues().getOrCreate("q"), 404, "page-not-found"],
    [() => client.schedules().list(), 404, "page-not-found"],
  ]) {
    const error = await refused(call);
    equal([error.statusCode, error.type], [status, type]);
  }
});

await runAll();
