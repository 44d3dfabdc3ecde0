"""The previous release: its sources and its programs, built once, unoptimised, in target/."""

import shutil
import subprocess

from samcli.yamlhelper import yaml_dump, yaml_parse

from tools import ROOT, TARGET, Failed, clean_environment, heading, run

COMMIT = "7572efdb3efe382d19ea73bec4546e8a73bbab18"
FOLDER = TARGET / "previous" / COMMIT[:7]
SOURCES, BUILT, PROGRAMS = FOLDER / "sources", FOLDER / "built", FOLDER / "target" / "debug"
FUNCTIONS = {"WebhookIntake": "webhook-intake", "Scoring": "scoring", "MetricsFinalizer": "metrics-finalizer"}


def build():
    """Builds the release unless it is built. Returns the template for `sam deploy`, and the command."""
    template, command = BUILT / "template.yaml", PROGRAMS / "runtally"
    if not template.exists():
        heading(f"previous: the release of {COMMIT[:7]}, built once")
        fetch()
        shutil.rmtree(SOURCES, ignore_errors=True)
        SOURCES.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", SOURCES], input=archive, check=True)
        # Small enough to be uploaded, quick to build.
        quick = {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_DEV_STRIP": "symbols", "CARGO_INCREMENTAL": "0"}
        environment = clean_environment(**quick) | {"CARGO_TARGET_DIR": str(FOLDER / "target")}
        packages = [word for package in [*FUNCTIONS.values(), "local"] for word in ("--package", package)]
        command_line = ["cargo", "build", "--quiet", "--locked", "--manifest-path", SOURCES / "Cargo.toml", "--bins"]
        run([*command_line, *packages], env=environment)
        deployable(template)
    return template, command


def fetch():
    """Fetches the commit, also into a clone without history."""
    has = lambda: subprocess.run(["git", "cat-file", "-e", COMMIT], cwd=ROOT, capture_output=True, check=False).returncode == 0
    if has():
        return
    command = ["git", "fetch", "--quiet", "--depth", "1", "origin", COMMIT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not has():
        raise Failed(
            f"this clone lacks the release before, {COMMIT}, and it could not be fetched: {done.stderr.strip()}\n"
            f"fetch it yourself, `{' '.join(command)}`, or clone with history"
        )


def deployable(template):
    """What `sam build` would make from existing programs."""
    parsed = yaml_parse((SOURCES / "template.yaml").read_text())
    for function, program in FUNCTIONS.items():
        folder = BUILT / function
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROGRAMS / program, folder / "bootstrap")
        parsed["Resources"][function].pop("Metadata", None)
        parsed["Resources"][function]["Properties"]["CodeUri"] = function
    template.write_text(yaml_dump(parsed))
