// Named checks of one client. A script declares them with check() and ends with runAll(), which prints one JSON
// object per check: its name and what is wrong, or null.

import assert from "node:assert/strict";

// The roots and tokens of the simulators: airtable, apify, gemini, and their *_token.
export const SIMULATORS = JSON.parse(process.env.SIMULATORS);
const checks = [];

export const check = (name, body) => checks.push([name, body]);
export const equal = assert.deepEqual;

// The error that the call must throw.
export async function refused(call) {
  let answer;
  try {
    answer = await call();
  } catch (error) {
    return error;
  }
  throw new Error(`not refused: ${JSON.stringify(answer)}`);
}

// Calls a simulator's control endpoint.
export async function control(service, path, body) {
  const root = SIMULATORS[service].replace(/\/v2$/, "");
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(root + path, options);
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

export async function runAll() {
  for (const [name, body] of checks) {
    let problem = null;
    try {
      await body();
    } catch (error) {
      problem = String(error?.message ?? error?.error ?? error).slice(0, 1000) || "failed";
    }
    console.log(JSON.stringify({ check: name, problem }));
  }
  process.exit(0);
}
