// Uses the page as a person does. Every check says what a person sees.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { Serve } from "./serve.mjs";

const HOSTILE = '<script>document.title="taken"</script>"><img src=x onerror=\'document.title="taken"\'>';
const PATIENCE = 60_000;
// Some calls to the browser never time out. A check that hangs must fail and say its name.
const LONGEST_CHECK = 300_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = new URL("./shots/", import.meta.url).pathname;

let page;
let serve;
const problems = [];
// The pictures for the README that were taken.
const pictures = [];

const checks = [
  async function an_empty_system_says_what_will_appear() {
    await page.goto(serve.url);
    await seen("No run yet");
    await accessible("the empty list");
  },
  async function a_harvest_is_watched_from_its_webhook_to_its_end() {
    await page.click("text=Fire a harvest");
    await page.click("button[type=submit]");
    await seen("Apify announces a harvest");
    await page.goto(serve.url);
    // From here on the test clicks and loads nothing: the page updates itself.
    await page.waitForSelector(".run .badge.running", { timeout: PATIENCE });
    await page.waitForSelector(".run .badge:not(.running)", { timeout: PATIENCE });
    await seen("29 of 29 leads");
    await seen("record up to date");
    await page.goto(`${serve.url}/do/harvest`);
    await page.selectOption("select[name=client]", { index: 1 });
    await page.click("button[type=submit]");
    await page.waitForSelector(".runs li:nth-child(2)", { timeout: PATIENCE });
    await page.waitForSelector(".run .badge.running", { timeout: PATIENCE });
    await picture("list");
    await page.waitForFunction(() => document.querySelectorAll(".run .badge:not(.running)").length === 2, null, { timeout: PATIENCE });
  },
  async function a_harvest_that_waits_says_why_since_when_and_until_when() {
    await page.goto(`${serve.url}/do/fault`);
    await page.selectOption("select[name=service]", "apify");
    await page.fill("input[name=next]", "30");
    await page.click("button[type=submit]");
    await page.goto(`${serve.url}/do/harvest`);
    await page.click("button[type=submit]");
    const waits = page.locator("#runs .waits").first();
    await waits.filter({ hasText: "No run yet, waits since" }).waitFor({ timeout: PATIENCE });
    assert.match(await waits.innerText(), /harvest \w+: .*503.* · tried again at .*, in \d+ s/);
    await serve.clear_faults();
    await page.waitForFunction(() => document.querySelectorAll(".run .badge:not(.running)").length === 3, null, { timeout: 2 * PATIENCE });
  },
  async function a_run_shows_that_its_numbers_are_right() {
    await page.locator(".run h2 a").last().click();
    for (const question of ["What ran", "Done", "Failed", "Tokens", "Cost", "Next"]) {
      const answer = page.locator(".answers dt", { hasText: question }).first();
      assert.ok((await answer.boundingBox()).y < 900, `${question} is on the first screen`);
    }
    const equal = await page.locator("#balance .equal").count();
    assert.ok(equal >= 7, `every equation holds: ${equal}`);
    assert.equal(await page.locator("#balance .unequal").count(), 0);
    await seen("billed by the model");
    await picture("run");
    await accessible("a run");
  },
  async function a_deleted_record_heals_on_screen() {
    const run = await page.locator("h1").innerText();
    const told = page.locator("#record .verdict");
    await page.waitForFunction(() => document.querySelector("#record .verdict")?.innerText.includes("says what the events say"));
    const record = await record_of(run);
    assert.ok(record, "it has a record");
    await page.click("text=Delete its record");
    await seen("Deletes its row in the simulated Airtable");
    await page.click("button.danger");
    await page.waitForSelector("text=There is no record", { timeout: PATIENCE });
    // Another tab sends the tick; this one only watches.
    const other = await page.context().newPage();
    await other.goto(`${serve.url}/do/tick`);
    await other.click("button[type=submit]");
    // A tab that is closed while it loads may never report that it is closed.
    await other.waitForURL(/told=/);
    await other.waitForLoadState();
    await other.close();
    await told.filter({ hasText: "The record says what the events say" }).waitFor({ timeout: PATIENCE });
    const healed = await record_of(run);
    assert.equal(healed.fields["Post Scoring Tokens"], record.fields["Post Scoring Tokens"]);
  },
  async function what_people_wrote_stays_text() {
    const clients = await serve.rows(serve.master, "Clients");
    const client = clients.find((row) => row.fields["Client ID"].startsWith("Kite"));
    await serve.put({ base: serve.master, table: "Clients", record: client.id, field: "Client Name", value: HOSTILE });
    await page.goto(`${serve.url}/do/harvest`);
    await page.selectOption("select[name=client]", client.fields["Client ID"]);
    await page.click("button[type=submit]");
    await page.waitForSelector(".run .who:has-text('<script>')", { timeout: PATIENCE });
    await page.waitForFunction(() => document.querySelectorAll(".run .badge:not(.running)").length === 4, null, { timeout: PATIENCE });
    assert.notEqual(await page.title(), "taken");
    assert.equal(await page.locator("main img, main script").count(), 0);
    const base = client.fields["Airtable Base ID"];
    const lead = (await serve.rows(base, "Leads"))[0];
    await serve.put({ base, table: "Leads", record: lead.id, field: "Posts Content", value: HOSTILE });
    const run = await page.locator(".run h2 a").first().innerText();
    await page.goto(`${serve.url}/row/${lead.id}?run=${encodeURIComponent(run)}`);
    await seen("onerror=");
    assert.notEqual(await page.title(), "taken");
    assert.equal(await page.locator("main img, main script").count(), 0);
  },
  async function a_lost_connection_is_told_and_comes_back() {
    await page.goto(serve.url);
    await page.waitForSelector("#live[data-state=on]", { timeout: PATIENCE });
    await serve.kill();
    await page.waitForSelector("#live[data-state=off]", { timeout: PATIENCE });
    await serve.start();
    await page.waitForSelector("#live[data-state=on]", { timeout: PATIENCE });
    await seen("4 runs");
  },
  async function everything_can_be_done_with_the_keyboard() {
    await page.goto(serve.url);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.innerText), "Skip to the content");
    for (let at = 0; at < 40; at++) {
      await page.keyboard.press("Tab");
      const here = await page.evaluate(() => {
        const { innerText, tagName } = document.activeElement;
        const ring = getComputedStyle(document.activeElement).outlineStyle;
        return { text: innerText, tagName, ring };
      });
      assert.notEqual(here.ring, "none", `the focus is seen on ${here.tagName} ${here.text}`);
      if (/^\d{6}-\d{6}-/.test(here.text)) break;
    }
    await page.keyboard.press("Enter");
    await seen("Does it add up?");
  },
  async function a_phone_shows_all_of_it() {
    await page.setViewportSize({ width: 320, height: 640 });
    const links = ["/", "/system", "/do/harvest", "/do/score", "/do/fault", await path_of_a_run()];
    for (const path of links) {
      await page.goto(serve.url + path);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 320, `${path} is ${width} px wide`);
      await accessible(`${path} on a phone`);
    }
    await page.goto(serve.url);
    await shot("phone");
  },
  async function light_and_dark_are_both_readable() {
    await page.setViewportSize({ width: 1440, height: 900 });
    const run = await path_of_a_run();
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const [name, path] of [["runs", "/"], ["run", run], ["system", "/system"]]) {
        await page.goto(serve.url + path);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 1440, `${path} is ${width} px wide`);
        await accessible(`${name}, ${scheme}`);
        await shot(`${name}-${scheme}-wide`);
      }
    }
  },
  async function without_javascript_the_page_reads_the_same() {
    const context = await page.context().browser().newContext({ javaScriptEnabled: false });
    const plain = await context.newPage();
    await plain.goto(serve.url);
    await plain.selectOption("select[name=status]", "Stalled");
    await plain.click(".filters button");
    assert.match(await plain.locator("main").innerText(), /No run matches/);
    await plain.goto(serve.url);
    await plain.click(".run h2 a");
    assert.match(await plain.locator("main").innerText(), /Does it add up\?/);
    await context.close();
  },
  async function the_demo_says_its_verdict_first() {
    const said = execFileSync(process.env.RUNTALLY, ["demo"], { encoding: "utf8" });
    assert.match(said.split("\n")[0], /holds/);
    await page.goto("about:blank");
    await page.evaluate(terminal, ["$ runtally demo", said.trimEnd()].join("\n"));
    await picture("demo", page.locator("pre"));
  },
];

// Shows a text as a terminal does. It runs in the page.
function terminal(text) {
  const style = document.createElement("style");
  style.textContent = `
    :root { color-scheme: light dark; }
    body { margin: 0; }
    pre { display: inline-block; margin: 0; padding: 16px 20px; font: 14px/1.45 "DejaVu Sans Mono", "Liberation Mono", monospace;
      background: light-dark(#f6f8fa, #0d1117); color: light-dark(#1f2328, #e6edf3); }`;
  const screen = document.createElement("pre");
  screen.textContent = text;
  document.head.append(style);
  document.body.replaceChildren(screen);
}

async function within(milliseconds, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${milliseconds / 1000} s`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function seen(text) {
  await page.locator(`text=${text}`).first().waitFor({ timeout: PATIENCE });
}

async function record_of(run) {
  const rows = await serve.rows(serve.master, "Client Run Results");
  return rows.find((row) => row.fields["Run ID"] === run);
}

async function path_of_a_run() {
  await page.goto(serve.url);
  return page.locator(".run h2 a").first().getAttribute("href");
}

async function shot(name) {
  await page.screenshot({ path: `${SHOTS}${name}.png` });
}

// For the README: small, light and dark; of the window, or of a part of the page.
async function picture(name, part = page) {
  await page.setViewportSize({ width: 1120, height: 900 });
  const end = await page.evaluate(() => document.querySelector("footer")?.getBoundingClientRect().bottom ?? 900);
  await page.setViewportSize({ width: 1120, height: Math.min(900, Math.ceil(end) + 16) });
  for (const scheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await part.screenshot({ path: `${SHOTS}${name}-${scheme}.png` });
    pictures.push(`${name}-${scheme}.png`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

// The page's policy forbids other scripts, so axe runs in an isolated world.
async function accessible(where) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const evaluate = async (expression) => {
    const answer = await session.send("Runtime.evaluate", { expression, contextId, awaitPromise: true, returnByValue: true });
    assert.ok(!answer.exceptionDetails, JSON.stringify(answer.exceptionDetails));
    return answer.result.value;
  };
  await evaluate(AXE);
  const found = await evaluate("axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)");
  await session.detach();
  const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  assert.deepEqual(told, [], `axe on ${where}`);
}

function keep_pictures() {
  const images = new URL("../../docs/images/", import.meta.url).pathname;
  mkdirSync(images, { recursive: true });
  for (const name of pictures) copyFileSync(`${SHOTS}${name}`, `${images}${name}`);
}

async function main() {
  mkdirSync(SHOTS, { recursive: true });
  serve = new Serve(400);
  await serve.start();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`a script failed: ${error.message}`));
  page.on("console", (line) => {
    if (line.type() === "error" && !/ERR_CONNECTION|ERR_INCOMPLETE|Failed to fetch/.test(line.text())) problems.push(line.text());
  });
  try {
    for (const check of checks) {
      const name = check.name.replaceAll("_", " ");
      try {
        await within(LONGEST_CHECK, check());
        console.log(`ok    ${name}`);
      } catch (error) {
        console.log(`FAILED ${name}\n${error.stack}\n${serve.log.slice(-2000)}`);
        await shot("failed").then(() => console.log(`look at ${SHOTS}failed.png`), (reason) => console.log(`no picture of it: ${reason.message}`));
        problems.push(name);
        break;
      }
    }
  } finally {
    await within(30_000, browser.close()).catch((late) => console.log(`the browser did not close: ${late.message}`));
    await serve.clean();
  }
  if (problems.length > 0) {
    console.log(problems.join("\n"));
    process.exit(1);
  }
  if (process.argv.includes("--pictures")) keep_pictures();
  process.exit();
}

await main();
