"""What the scripts in tests/bench share: simulated clients with leads whose stored posts wait, and a `runtally serve`
that scores them."""

import json
import os
import pathlib
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from serving import CLIENT, ROOT, TOKEN, Serving, show  # noqa: E402, F401

BINARY = os.environ.get("RUNTALLY", str(ROOT / "target/release/runtally"))
# The default; the tests use another value.
PROJECT_SECONDS = "15"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Airtable's limits in requests a second: to one base, and with all tokens of one user.
A_SECOND, A_SECOND_OF_USER = 5, 50
LOOK_EVERY_SECONDS = 0.1
RECORDS = urllib.parse.quote("Client Run Results")


class World:
    """Simulated services with clients whose leads wait, and a server that works on them."""

    def __init__(self, clients=1, leads=0, airtable_latency_ms=50, model_latency_ms=200):
        self.folder = tempfile.TemporaryDirectory(prefix="runtally-bench-")
        services = ("--clients", str(clients), "--airtable-latency-ms", str(airtable_latency_ms))
        self.serving = Serving(
            BINARY, pathlib.Path(self.folder.name), model_latency_ms, services, clients=clients, PROJECT_SECONDS=PROJECT_SECONDS
        )
        self.leads = leads * clients

    def __enter__(self):
        try:
            for base in self.serving.bases.values():
                self.add_leads(base, self.leads // len(self.serving.bases))
            self.serving.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.serving.stop()
        self.folder.cleanup()

    def add_leads(self, base, leads, first=0):
        for begin in range(first, first + leads, 1_000):
            rows = [lead(number) for number in range(begin, min(begin + 1_000, first + leads))]
            self.serving.ask("POST", f"{self.serving.airtable}/_sim/rows", {"base": base, "table": "Leads", "rows": rows})

    def score(self, **scope):
        """Requests scoring of what waits: `clientId="..."`, or `all=True`."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.serving.port}/runs", method="POST", data=json.dumps({"kind": "post", **scope}).encode(),
            headers={"content-type": "application/json", "authorization": f"Bearer {TOKEN}"},
        )
        urllib.request.urlopen(request, timeout=60).close()

    def records(self):
        url = f"{self.serving.airtable}/_sim/bases/{self.serving.env['MASTER_BASE_ID']}/tables/{RECORDS}"
        return [row["fields"] for row in self.serving.ask("GET", url)["records"]]

    def wait_for_runs(self, count, seconds):
        """Waits until this many runs are over, and returns when that happened."""
        latest = time.monotonic() + seconds
        while sum(is_over(record) for record in self.records()) < count:
            if time.monotonic() > latest:
                raise SystemExit(f"after {seconds:.0f} s {count} runs have not ended\n{self.serving.log_tail()}")
            time.sleep(LOOK_EVERY_SECONDS)
        ended = time.monotonic()
        for record in self.records():
            if not is_right(record):
                raise SystemExit(f"{record['Run ID']} is {record['Status']}, {record.get('Balance')}: what failed costs nothing")
        return ended

    def requests(self):
        """Requests to Airtable by base."""
        bases = self.serving.ask("GET", f"{self.serving.airtable}/_sim/bases")["bases"]
        return {base["id"]: base["requests"] for base in bases}

    def counts(self):
        return self.serving.ask("GET", f"{self.serving.airtable}/_sim/requests")

    def kinds(self):
        """Requests to Airtable by kind."""
        kinds = {}
        for count in self.counts():
            kinds[count["kind"]] = kinds.get(count["kind"], 0) + count["count"]
        return kinds

    def refused(self):
        """Requests that Airtable answered with 429."""
        return sum(count["count"] for count in self.counts() if count["status"] == 429)


def is_over(record):
    status = record.get("Status", "")
    return status.startswith("Completed") or status == "Failed"


def is_right(record):
    """Whether all leads that waited are scored."""
    posts = [record.get(f"Posts {word}", 0) for word in ("Examined for Scoring", "Successfully Scored")]
    return record["Status"] == "Completed" and record["Balance"] == "balanced" and posts[0] == posts[1] > 0


def least_seconds(requests):
    """How long these requests, counted by base, take at least under Airtable's limits."""
    return max(max(requests.values()) / A_SECOND, sum(requests.values()) / A_SECOND_OF_USER)


def lead(number):
    post = {
        "postUrl": f"https://www.linkedin.com/posts/kim-activity-73{number:017}-abcd",
        "postContent": f"Note {number}: twelve reports became one, and a day a week is free.",
        "postedAt": "2026-11-20",
    }
    return {
        "LinkedIn Profile URL": f"https://www.linkedin.com/in/kim-{number}", "First Name": "Kim", "Last Name": f"Invented {number}",
        "Posts Content": json.dumps([post]),
    }


def cost(pid):
    """CPU seconds and peak memory of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return {"cpu_seconds": (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND, "peak_megabytes": round(peak / 1000, 1)}
