// Checks the simulated Airtable with airtable.js, in the ways people use it.

import Airtable from "airtable";
import { SIMULATORS, check, control, equal, refused, runAll } from "./checks.mjs";

const BASE = "appAirtableJsTest";
const open = (apiKey, base) => new Airtable({ apiKey, endpointUrl: SIMULATORS.airtable, noRetryIfRateLimited: true }).base(base);
await control("airtable", "/_sim/tables", {
  base: BASE,
  table: {
    name: "People & Co",
    fields: [
      { name: "Name", type: "singleLineText" },
      { name: "Count", type: "number", options: { precision: 0 } },
      { name: "At", type: "dateTime", options: { timeZone: "utc", dateFormat: { name: "iso" }, timeFormat: { name: "24hour" } } },
    ],
    views: [{ name: "Everybody" }],
  },
});
const table = open(SIMULATORS.airtable_token, BASE)("People & Co");

async function emptied() {
  const ids = (await table.select().all()).map((record) => record.id);
  while (ids.length > 0) await table.destroy(ids.splice(0, 10));
  return table;
}

const numbered = (count) => Array.from({ length: count }, (_, n) => ({ fields: { Name: `P${n}`, Count: n } }));

check("a record is created, found, updated, replaced and destroyed", async () => {
  const record = await table.create({ Name: "Ada", Count: 1 });
  equal((await table.find(record.id)).get("Name"), "Ada");
  equal((await table.update(record.id, { Count: 2 })).fields, { Name: "Ada", Count: 2 });
  equal((await table.replace(record.id, { Name: "Grace" })).fields, { Name: "Grace" });
  record.set("Count", 7);
  await record.save();
  equal((await table.find(record.id)).fields, { Name: "Ada", Count: 7 });
  equal((await table.destroy(record.id)).id, record.id);
});

check("ten records are created, updated, replaced and destroyed at once", async () => {
  const made = await (await emptied()).create(numbered(10), { typecast: true });
  equal(made.map((record) => record.get("Count")), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const changed = await table.update(made.map(({ id }) => ({ id, fields: { Count: 100 } })));
  equal(changed[9].fields, { Name: "P9", Count: 100 });
  const replaced = await table.replace([{ id: made[0].id, fields: { Name: "Q" } }]);
  equal(replaced[0].fields, { Name: "Q" });
  equal((await table.destroy(made.map(({ id }) => id))).length, 10);
  equal((await refused(() => table.create(numbered(11)))).error, "INVALID_RECORDS");
});

check("an upsert updates by key and creates the rest", async () => {
  await (await emptied()).create(numbered(2));
  const rows = [{ fields: { Name: "P1", Count: 50 } }, { fields: { Name: "P2", Count: 51 } }];
  await table.update(rows, { performUpsert: { fieldsToMergeOn: ["Name"] } });
  const all = await table.select({ sort: [{ field: "Name" }] }).all();
  equal(all.map((record) => record.get("Count")), [0, 50, 51]);
});

check("pages have the size that was asked for, in the order asked for", async () => {
  await emptied();
  for (let page = 0; page < 12; page += 1) await table.create(numbered(10));
  const sizes = [];
  await table.select({ pageSize: 50, view: "Everybody" }).eachPage((records, next) => {
    sizes.push(records.length);
    next();
  });
  equal(sizes, [50, 50, 20]);
  const top = await table.select({ maxRecords: 3, fields: ["Count"], sort: [{ field: "Count", direction: "desc" }] }).firstPage();
  equal(top.map((record) => record.fields), [{ Count: 9 }, { Count: 9 }, { Count: 9 }]);
});

check("rows are chosen by formula, and a long one goes with POST", async () => {
  await (await emptied()).create([{ fields: { Name: "Ada", Count: 3, At: "2026-11-23T22:30:00.000Z" } }]);
  const chosen = (filterByFormula, more) => table.select({ filterByFormula, ...more }).all();
  equal((await chosen("AND(ROUND({Count}/2)=2, YEAR({At})=2026)")).length, 1);
  const long = `{Name}!='${"x".repeat(17000)}'`;
  const zone = { cellFormat: "string", timeZone: "Europe/Zurich", userLocale: "de-ch" };
  equal((await chosen(long, zone))[0].get("At"), "2026-11-23 23:30");
  equal((await chosen(long, { method: "post", pageSize: 1, recordMetadata: ["commentCount"] }))[0].commentCount, 0);
});

check("an error is Airtable's own, and a function that is not simulated is told apart from a wrong one", async () => {
  const select = (filterByFormula) => () => table.select({ filterByFormula }).all();
  const stranger = open("wrong", BASE)("People & Co");
  for (const [call, error, status] of [
    [() => table.create({ Nope: 1 }), "UNKNOWN_FIELD_NAME", 422],
    [() => table.create({ Count: "many" }), "INVALID_VALUE_FOR_COLUMN", 422],
    [select("NOPE("), "INVALID_FILTER_BY_FORMULA", 422],
    [select("WORKDAY({At}, 1)"), "NOT_SIMULATED", 501],
    [() => table.find("recAAAAAAAAAAAAAA"), "NOT_AUTHORIZED", 403],
    [() => open(SIMULATORS.airtable_token, "appAAAAAAAAAAAAAA")("T").select().all(), "NOT_AUTHORIZED", 403],
    [() => stranger.select().all(), "AUTHENTICATION_REQUIRED", 401],
  ]) {
    const found = await refused(call);
    equal([found.error, found.statusCode], [error, status]);
  }
});

await runAll();
