"""Processes, ports, waiting, HTTP: what every part needs."""

import contextlib
import json
import os
import pathlib
import platform
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "stack"
ARCHITECTURE = {"x86_64": "x86_64", "AMD64": "x86_64"}.get(platform.machine(), "arm64")


class Failed(Exception):
    """A condition that must hold does not hold."""


def check(holds, what):
    """Prints that `what` holds, or stops."""
    if not holds:
        raise Failed(what)
    print(f"   ok: {what}", flush=True)


def equal(found, expected, what):
    """Prints that two values are equal, or stops with both."""
    if found != expected:
        raise Failed(f"{what}: found {found!r}, expected {expected!r}")
    print(f"   ok: {what}: {found}", flush=True)


def heading(text):
    print(f"== {text}", flush=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def listens(port, host="127.0.0.1"):
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0


def clean_environment(**more):
    """Only what a process needs to run: no token of this machine's user reaches a function."""
    kept = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR", "TMPDIR", "LANG", "DOCKER_HOST")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def run(command, **options):
    """Runs a command to its end. Shows its output only if it fails."""
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def start(command, log, **options):
    """Starts a process in its own group. Its output goes to the file `log`."""
    out = open(WORK / log, "ab")
    return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True, **options)


def stop(process, how=signal.SIGTERM):
    """Ends a process that was started here, with its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(condition, what, seconds=60):
    """Waits until `condition` returns a truthy value, and returns it."""
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def http(method, url, body=None, headers=None, timeout=30):
    """Sends one request. Returns its status and its body, parsed if it is JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"} | (headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text.decode(errors="replace")


def answers(url):
    """Whether something answers at `url`."""
    try:
        return http("GET", url, timeout=2)[0] < 500
    except OSError:
        return False
