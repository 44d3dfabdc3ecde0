"""What the scripts in tests/ share: simulated services and a `runtally serve` that works on them.

Needs Rust and Python 3.10 or later. RUNTALLY names a binary to use instead of building one."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
CLIENT = "Mara-Lindqvist"
TOKEN = "the-token-of-the-scripts"
# A server that is asked to stop ends within the longest time of a call, 60 seconds, plus 10.
STOPS_WITHIN_SECONDS = 70


def binary():
    return os.environ.get("RUNTALLY") or build()


def build():
    subprocess.run(["cargo", "build", "--locked", "-p", "runtally"], cwd=ROOT, check=True)
    return str(ROOT / "target/debug/runtally")


class Serving:
    """Simulated services in a separate process, and a server that can be killed."""

    # Words before the server's command.
    prefix = ()

    def __init__(self, binary, folder, model_latency_ms, services=(), clients=2, **variables):
        """`services` are additional options of `runtally simulate`."""
        self.binary, self.data, self.server = binary, folder / "data", None
        self.problems = []
        self.log_file = folder / "serve.log"
        self.log = open(self.log_file, "ab+")
        self.port, *ports = free_ports(4)
        self.airtable, self.apify, self.gemini = (f"http://127.0.0.1:{port}" for port in ports)
        names = ("--airtable-port", "--apify-port", "--gemini-port")
        flags = [word for name, port in zip(names, ports) for word in (name, str(port))]
        command = [binary, "simulate", *flags, "--leads", str(clients), "--latency-ms", str(model_latency_ms), *services]
        self.services = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.env = dict(
            os.environ, WEBHOOK_TOKEN=TOKEN, AIRTABLE_API_URL=self.airtable, AIRTABLE_TOKEN="patSimulated",
            APIFY_API_URL=self.apify + "/v2", APIFY_TOKEN="apify_api_simulated", GEMINI_API_URL=self.gemini,
            GEMINI_API_KEY="simulated-key", RUST_LOG="warn", NO_COLOR="1", **{"PROJECT_SECONDS": "1", **variables},
        )
        # The clients' bases by the clients' ids.
        self.bases = {}
        for line in self.services.stdout:
            if line.startswith("master base "):
                self.env["MASTER_BASE_ID"] = line.split()[-1]
            if line.startswith("client "):
                self.bases[line[len("client "):line.index(" with base ")]] = line.split()[-1]
            if line.startswith("control:"):
                break

    @property
    def base(self):
        return self.bases[CLIENT]

    def invent_leads(self, profiles):
        for begin in range(0, len(profiles), 10):
            fields = [{"LinkedIn Profile URL": url, "First Name": "Kim", "Last Name": "Invented"} for url in profiles[begin : begin + 10]]
            self.ask("POST", f"{self.airtable}/v0/{self.base}/Leads", {"records": [{"fields": row} for row in fields]})
            time.sleep(0.21)

    def start(self, wait=True, **popen):
        # The server simulates services that it does not need. They get any free ports, because other scripts run too.
        ports = ("--airtable-port", "0", "--apify-port", "0", "--gemini-port", "0")
        command = [*self.prefix, self.binary, "serve", "--data", str(self.data), "--port", str(self.port), *ports]
        self.server = subprocess.Popen(command, env=self.env, stdout=self.log, stderr=self.log, **popen)
        if wait:
            wait_until(lambda: is_open(self.port), 30, "the server does not start")

    def pid(self):
        """The server's own process, also if another one started it."""
        if not self.prefix:
            return self.server.pid
        children = pathlib.Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children")
        return int(children.read_text().split()[0])

    def kill(self):
        os.kill(self.pid(), signal.SIGKILL)
        self.server.wait()

    def ask_to_stop(self):
        os.kill(self.pid(), signal.SIGTERM)
        try:
            code = self.server.wait(STOPS_WITHIN_SECONDS)
            if code != 0:
                self.problems.append(f"the server ended with {code}")
        except subprocess.TimeoutExpired:
            self.problems.append(f"the server did not stop within {STOPS_WITHIN_SECONDS} s")
            self.kill()

    def command(self, *words):
        command = [self.binary, *words, "--data", str(self.data)]
        return json.loads(subprocess.run(command, env=self.env, capture_output=True, check=False).stdout)

    def ask(self, method, url, body=None):
        headers = {"content-type": "application/json", "authorization": "Bearer patSimulated"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, method=method, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def log_tail(self):
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-40:])

    def stop(self):
        if self.server and self.server.poll() is None:
            self.kill()
        if self.services.poll() is None:
            self.services.kill()
            self.services.wait()


class Alone:
    """A server that simulates the services itself, and its page."""

    def __init__(self, binary, folder, *options):
        ports = ("--port", "0", "--airtable-port", "0", "--apify-port", "0", "--gemini-port", "0")
        command = [binary, "serve", "--data", folder, *options, *ports]
        env = {"WEBHOOK_TOKEN": TOKEN, "RUST_LOG": "error"}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("page"):
                self.url = line.split()[1].rstrip("/")
            if line.startswith("Gemini"):
                break
        self.host = self.url.removeprefix("http://")

    def get(self, path):
        """The status, the headers and the text of an answer."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def changes(self, path, parts=""):
        """What the server sends to an open page that shows these parts."""
        stream = http.client.HTTPConnection(self.host, timeout=60)
        stream.request("GET", "/live?" + urllib.parse.urlencode({"of": path, "parts": parts}))
        html = []
        for line in stream.getresponse():
            if line.startswith(b"data: "):
                html.append(line[len(b"data: "):].decode())
            elif html:
                yield "".join(html)
                html = []

    def cpu(self):
        """The CPU seconds that the server used."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_megabytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return round(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000, 1)

    def stop(self):
        self.process.kill()
        self.process.wait()


def post(harvest, lead, profile):
    """A post as harvestapi's actor stores it."""
    number = f"73{harvest:05}{lead:012}"
    return {
        "type": "post", "id": number, "linkedinUrl": f"https://www.linkedin.com/posts/kim-activity-{number}-abcd",
        "content": f"Note {number}: twelve reports became one, and a day a week is free.",
        "author": {"publicIdentifier": profile.rsplit("/", 1)[1], "type": "profile", "name": "Kim Invented", "linkedinUrl": profile},
        "postedAt": {"timestamp": 1795300000000, "date": "2026-11-21T22:26:40.000Z"}, "query": {"targetUrl": profile},
    }


def show(result, as_json, all_is_well):
    if as_json:
        print(json.dumps(result))
        return
    for name, figure in result.items():
        if name not in ("problems", "log"):
            print(f"{name.replace('_', ' '):>36}  {figure:,}" if isinstance(figure, (int, float)) else f"{name.replace('_', ' '):>36}  {figure}")
    for problem in result["problems"]:
        print("WRONG:", problem)
    if "log" in result:
        print(result["log"])
    elif not result["problems"]:
        print(all_is_well)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def is_open(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def wait_until(is_so, seconds, otherwise):
    latest = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > latest:
            raise SystemExit(f"after {seconds} s {otherwise}")
        time.sleep(0.2)
