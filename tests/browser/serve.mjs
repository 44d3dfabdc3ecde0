// `runtally serve` as a process that can be killed and started again on the same ports.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TOKEN = "the-token-of-the-browser-test";
const PORTS = { "--port": "/", "--airtable-port": "AIRTABLE_API_URL", "--apify-port": "APIFY_API_URL", "--gemini-port": "GEMINI_API_URL" };

export class Serve {
  constructor(latency) {
    this.folder = mkdtempSync(join(tmpdir(), "runtally-browser-"));
    this.latency = latency;
    this.ports = Object.fromEntries(Object.keys(PORTS).map((name) => [name, 0]));
    this.log = "";
  }

  async start() {
    const ports = Object.entries(this.ports).flatMap(([name, port]) => [name, String(port)]);
    const options = ["serve", "--data", this.folder, "--latency-ms", String(this.latency), ...ports];
    const env = { PATH: process.env.PATH, WEBHOOK_TOKEN: TOKEN, RUST_LOG: "warn" };
    this.process = spawn(process.env.RUNTALLY, options, { env });
    this.process.stderr.on("data", (text) => { this.log += text; });
    await new Promise((resolve, reject) => {
      let told = "";
      this.process.stdout.on("data", (text) => { told += text; if (/^Gemini .*\n/m.test(told)) resolve(); });
      this.process.on("exit", () => reject(new Error(`serve ended: ${this.log}`)));
    });
    const served = JSON.parse(readFileSync(join(this.folder, "served.json"), "utf8"));
    this.url = served.url;
    const { airtable, apify, gemini } = served.simulated;
    this.airtable = airtable.AIRTABLE_API_URL;
    this.master = airtable.MASTER_BASE_ID;
    const port = (url) => Number(new URL(url).port);
    this.ports = {
      "--port": port(this.url),
      "--airtable-port": port(this.airtable),
      "--apify-port": port(apify.APIFY_API_URL),
      "--gemini-port": port(gemini.GEMINI_API_URL),
    };
  }

  async kill() {
    if (!this.process) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.removeAllListeners("exit");
    this.process.once("exit", () => {});
    this.process.kill("SIGKILL");
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 500))]);
  }

  async clean() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async rows(base, table) {
    const answer = await fetch(`${this.airtable}/_sim/bases/${base}/tables/${encodeURIComponent(table)}`);
    return (await answer.json()).records;
  }

  async clear_faults() {
    const { apify } = JSON.parse(readFileSync(join(this.folder, "served.json"), "utf8")).simulated;
    await fetch(`${new URL(apify.APIFY_API_URL).origin}/_sim/faults`, { method: "DELETE" });
  }

  async put(cell) {
    await fetch(`${this.airtable}/_sim/cells`, { method: "POST", body: JSON.stringify(cell) });
  }
}
