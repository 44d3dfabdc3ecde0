"""Named checks of one client. A script declares them with @check and ends with run_all(), which prints one JSON object
per check: its name and what is wrong, or null."""

import json
import os
import urllib.request

# The roots and tokens of the simulators: airtable, apify, gemini, and their *_token.
SIMULATORS = json.loads(os.environ["SIMULATORS"])
CHECKS = []


def check(name):
    def note(function):
        CHECKS.append((name, function))
        return function

    return note


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"{found!r} is not {expected!r}")


def refused(kind, call):
    """The error of this kind, which the call must raise."""
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"not refused: {answer!r}")


def control(service, path, body=None):
    """Calls a simulator's control endpoint."""
    root = SIMULATORS[service].removesuffix("/v2")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(root + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def run_all():
    for name, function in CHECKS:
        try:
            function()
            problem = None
        except Exception as error:  # Whatever a client raises is what is wrong.
            problem = f"{type(error).__name__}: {error}"[:1000]
        print(json.dumps({"check": name, "problem": problem}), flush=True)
