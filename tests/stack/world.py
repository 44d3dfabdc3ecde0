"""The outside services, simulated by `runtally simulate`, and harvests for their leads."""

import json
import time
import urllib.parse

from tools import ROOT, TARGET, answers, check, clean_environment, equal, free_port, http, run, start, stop, until

RUN_RECORDS = "Client Run Results"


class World:
    """The simulators with the bases they invented."""

    def __init__(self, leads=60, latency_ms=50, host="127.0.0.1", log="simulators.log"):
        # The harvest of each run whose trace the tests follow.
        self.harvests = {}
        # The command with AWS support.
        package = ["--package", "runtally", "--features", "aws", "--bin", "runtally"]
        run(["cargo", "build", "--quiet", "--locked", *package], env=clean_environment())
        names = ("airtable", "apify", "gemini")
        ports = {name: free_port() for name in names}
        self.airtable, self.apify, self.gemini = (f"http://{host}:{ports[name]}" for name in names)
        options = [f"--{name}-port={port}" for name, port in ports.items()]
        command = [TARGET / "debug" / "runtally", "simulate", f"--leads={leads}", f"--latency-ms={latency_ms}", f"--bind={host}"]
        (TARGET / "stack" / log).unlink(missing_ok=True)
        self.process = start(command + options, log, env=clean_environment())
        until(lambda: answers(f"{self.gemini}/_sim/requests"), "the simulators answer", 30)
        said = until(lambda: self._said(log), "the simulators name their bases", 30)
        self.master_base = next(line.split()[-1] for line in said if line.startswith("master base"))
        clients = [line.split() for line in said if line.startswith("client ")]
        self.clients = [(" ".join(words[1:-3]), words[-1]) for words in clients]
        self.variables = {
            "AIRTABLE_API_URL": self.airtable,
            "AIRTABLE_TOKEN": "patSimulated",
            "APIFY_API_URL": f"{self.apify}/v2",
            "APIFY_TOKEN": "apify_api_simulated",
            "GEMINI_API_URL": self.gemini,
            "GEMINI_API_KEY": "simulated-key",
        }
        self._harvest_of_the_events()

    def _harvest_of_the_events(self):
        """Makes the harvest that the files of events/ name: the first in this world, of a lead without posts. Nobody
        announces it, and it is too old for the search for missed webhooks."""
        (client, base), targets = self.clients[0], (0, 1)
        run, _ = self.harvest(client, base, "2026-11-23T09:45:19.821Z", targets, None, posts=3)
        event = json.loads((ROOT / "events" / "scoring-ingest.json").read_text())
        named = json.loads(event["Records"][0]["body"])
        equal((run, client), (named["apify_run_id"], named["hints"]["client"]), "the harvest that the events name")

    @staticmethod
    def _said(log):
        lines = (TARGET / "stack" / log).read_text().splitlines()
        return lines if any(line.startswith("control:") for line in lines) else None

    def stop(self):
        stop(self.process)

    def rows(self, base, table):
        """All rows of a table, as the simulator stores them."""
        status, answer = http("GET", f"{self.airtable}/_sim/bases/{base}/tables/{urllib.parse.quote(table)}")
        check(status == 200, f"the rows of {table} can be read") if status != 200 else None
        return answer.get("rows", answer.get("records"))

    def records(self):
        """The run records by run id."""
        return {row["fields"]["Run ID"]: row["fields"] for row in self.rows(self.master_base, RUN_RECORDS)}

    def delete_record(self, run_id):
        """Deletes a run's record, as a person may."""
        rows = self.rows(self.master_base, RUN_RECORDS)
        record = next(row["id"] for row in rows if row["fields"]["Run ID"] == run_id)
        url = f"{self.airtable}/v0/{self.master_base}/{urllib.parse.quote(RUN_RECORDS)}/{record}"
        headers = {"authorization": f"Bearer {self.variables['AIRTABLE_TOKEN']}"}
        status, answer = http("DELETE", url, None, headers=headers)
        if status == 429:
            # The functions had just used up the base's limit, so it rests for 30 s.
            time.sleep(31)
            status, answer = http("DELETE", url, None, headers=headers)
        if status != 200:
            raise AssertionError(answer)

    def edit(self, base, table, record, cells):
        """Changes cells of a row, as a person may. Airtable's request limit does not apply to people."""
        for field, value in cells.items():
            cell = {"base": base, "table": table, "record": record, "field": field, "value": value}
            status, answer = http("POST", f"{self.airtable}/_sim/cells", cell)
            if status != 200:
                raise AssertionError(answer)

    def record_at_end(self, run_id, seconds=120):
        """The run's record as soon as its status is an end."""

        def ended():
            fields = self.records().get(run_id, {})
            return fields if fields.get("Status", "").startswith(("Completed", "Failed")) else None

        return until(ended, f"the record of {run_id} is at its end", seconds)

    def billed(self):
        """How many answers Gemini billed, and their tokens."""
        totals = http("GET", f"{self.gemini}/_sim/billed?totals=1")[1]["totals"]
        return totals["answers"], totals["usage"]["total"]

    def fault(self, service, rule):
        """Makes requests to a service fail from now on."""
        status, answer = http("POST", f"{service}/_sim/faults", rule)
        if status != 200:
            raise AssertionError(answer)

    def no_more_faults(self, service):
        http("DELETE", f"{service}/_sim/faults")

    def harvest(self, client, base, started_at, leads, webhook, posts=2, status="SUCCEEDED", sentences=1):
        """A finished harvest of some of the client's leads. Apify sends its webhook, if there is one. Returns the Apify
        run, and its number of posts."""
        rows = [row["fields"] for row in self.rows(base, "Leads")]
        urls = [fields["LinkedIn Profile URL"] for fields in rows if "LinkedIn Profile URL" in fields]
        targets = [url for url in urls if "/in/" in url][leads[0] : leads[1]]
        number = int(started_at.replace(":", "").replace("-", "").replace("T", "")[:14])
        items = [
            self._post(target, number * 10_000 + place * 10 + post, sentences)
            for place, target in enumerate(targets)
            for post in range(posts)
        ]
        spec = {
            "status": status,
            "startedAt": started_at,
            "input": {"targetUrls": targets, "maxPosts": posts},
            "items": items,
            "webhooks": [webhook] if webhook else [],
        }
        code, answer = http("POST", f"{self.apify}/_sim/runs", spec)
        if code != 200:
            raise AssertionError(answer)
        return answer["runId"], len(items)

    @staticmethod
    def _post(target, number, sentences):
        return {
            "type": "post",
            "id": f"7{number:018}"[:19],
            "linkedinUrl": f"https://www.linkedin.com/posts/somebody_topic-activity-7{number:018}-abcd",
            "content": " ".join([f"What post {number} taught me about shipping small things every week."] * sentences),
            "author": {"publicIdentifier": "somebody", "type": "profile", "name": "Some Body", "linkedinUrl": target},
            "postedAt": {"timestamp": 1795427119821, "date": "2026-11-23T09:45:19.821Z"},
            "postImages": [],
            "engagement": {"likes": 3, "comments": 1, "shares": 0, "reactions": []},
            "query": {"targetUrl": target, "sortBy": "date", "page": "1"},
        }
