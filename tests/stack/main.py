"""The parts of tests/stack/run, in order."""

import sys
import time
import traceback

import binaries
import containers
import cost
import deliver
import events
import faults
import local
import operator_commands
import options
import runs
import upgrade
from emulator import Deployed, Emulator
from tools import WORK, Failed, heading
from world import World

PARTS = ("build", "runs", "operator", "events", "faults", "upgrade", "options", "containers", "cost")
# For people. They run until they are interrupted.
SERVICES = {"local": local.show, "deliver": deliver.show}


def main(wanted):
    if len(wanted) == 1 and wanted[0] in SERVICES:
        WORK.mkdir(parents=True, exist_ok=True)
        return SERVICES[wanted[0]]()
    unknown = set(wanted) - set(PARTS)
    if unknown:
        raise Failed(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join([*PARTS, *SERVICES])}")
    wanted = wanted or PARTS
    WORK.mkdir(parents=True, exist_ok=True)
    if "build" in wanted:
        binaries.build()
    if set(wanted) - {"build", "upgrade", "options", "containers", "cost"}:
        on_the_stack(wanted)
    if "upgrade" in wanted:
        upgrade.show()
    if "options" in wanted:
        options.show()
    if "cost" in wanted:
        cost.show()
    if "containers" in wanted:
        containers.show()


def on_the_stack(wanted):
    """The parts that run on the deployed stack."""
    world, emulator = World(leads=240, latency_ms=300), Emulator()
    try:
        emulator.start()
        heading("deploy: the real template, by sam deploy")
        deployed = Deployed(emulator, world)
        if "runs" in wanted:
            runs.show(deployed, world)
        if "operator" in wanted:
            operator_commands.show(deployed, world)
        if "events" in wanted:
            events.show(deployed, world)
        if "faults" in wanted:
            faults.show(emulator, deployed, world)
    finally:
        emulator.stop()
        world.stop()


if __name__ == "__main__":
    begun = time.monotonic()
    try:
        main(sys.argv[1:])
    except Failed as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        print(f"logs are in {WORK}", file=sys.stderr)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        print(f"FAILED; logs are in {WORK}", file=sys.stderr)
        sys.exit(1)
    print(f"== all that was asked for holds ({time.monotonic() - begun:.0f} s)")
