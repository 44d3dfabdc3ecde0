"""The Dockerfile's image: `runtally serve` without root, on a read-only root file system, healthy, and drained by
`docker stop`."""

import json
import shutil
import subprocess

from tools import ROOT, TARGET, WORK, Failed, check, equal, free_port, heading, http, run, until

NAME, VOLUME, IMAGE = "runtally-test", "runtally-test-data", "runtally:test"
TOKEN = "the-token-of-the-container"
CLIENT = "Mara-Lindqvist"


def show(environment):
    heading("image: built from the Dockerfile, of what was compiled here")
    folder = WORK / "root-filesystem"
    shutil.rmtree(folder, ignore_errors=True)
    run(["cargo", "build", "--quiet", "--locked", "--package", "runtally", "--features", "aws", "--bin", "runtally"])
    run(["deploy/root_filesystem", TARGET / "debug" / "runtally", folder])
    # Without BuildKit, because some engines lack parts of it.
    quiet = environment | {"DOCKER_BUILDKIT": "0"}
    run(["docker", "build", "--quiet", "--target", "prebuilt", "-f", ROOT / "Dockerfile", "-t", IMAGE, folder], env=quiet)
    remove(environment)
    try:
        works(environment)
    finally:
        remove(environment)


def docker(environment, *words):
    return run(["docker", *words], env=environment, timeout=180).strip()


def remove(environment):
    for words in (["rm", "-f", NAME], ["volume", "rm", "-f", VOLUME]):
        subprocess.run(["docker", *words], env=environment, capture_output=True, check=False)


def works(environment):
    ask = lambda *words: docker(environment, *words)
    inspect = lambda what: ask("inspect", "--format", what, NAME)
    port = free_port()
    options = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += ["-v", f"{VOLUME}:/data", "-p", f"127.0.0.1:{port}:9100", "--health-interval", "1s"]
    options += ["-e", f"WEBHOOK_TOKEN={TOKEN}", "-e", "PROJECT_SECONDS=1"]
    ask("run", "-d", "--name", NAME, *options, IMAGE, "serve", "--data", "/data", "--bind", "0.0.0.0", "--latency-ms", "1500")
    equal(inspect("{{.Config.User}}"), "65532:65532", "its user")
    until(lambda: inspect("{{.State.Health.Status}}") == "healthy", "it is healthy", 60)
    url = f"http://127.0.0.1:{port}"
    equal(http("GET", f"{url}/")[0], 200, "the page, through the published port")
    headers = {"authorization": f"Bearer {TOKEN}"}
    status, answer = http("POST", f"{url}/runs", {"clientId": CLIENT, "kind": "post"}, headers)
    equal(status, 202, "a run is asked for")
    run_id = f"{answer['runId']}-{CLIENT}"
    explained = lambda: explain(environment, run_id)
    until(lambda: announced(explained()) > 0, "calls of the model are in flight", 60)
    ask("stop", "--time", "120", NAME)
    equal(inspect("{{.State.ExitCode}}"), "0", "exit code after docker stop")
    check("stopping: calls of the model" in ask("logs", NAME), "it says that it drains")
    ask("start", NAME)
    record = until(lambda: ended(explained()), "the run ends", 120)
    equal(record["Balance"], "balanced", f"{run_id}: balance, with a stop in its middle")


def explain(environment, run_id):
    """The output of `runtally explain` in the container. `None` while there is none."""
    command = ["docker", "exec", NAME, "/usr/bin/runtally", "explain", run_id, "--json", "--data", "/data"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise Failed(f"runtally explain: {done.stdout}{done.stderr}") from None
    if "error" not in answer:
        return answer
    if "has no run" in answer["error"]["message"]:
        return None
    raise Failed(f"runtally explain: {answer['error']}")


def ended(explained):
    """The record of a run at its end, as soon as it has everything that the log has."""
    record = explained["fold"]["record"] if explained and not explained["differences"] else {}
    return record if record.get("Status", "").startswith("Completed") else None


def announced(explained):
    events = (explained or {}).get("events", [])
    return sum("announced" in json.dumps(event) for event in events)
