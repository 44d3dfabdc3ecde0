# What a change must pass. `.ci/run` installs what the checks need into target/tools and runs
# `just ci`; to run one check yourself: target/tools/bin/just clippy

export PATH := justfile_directory() / "target/tools/bin" + ":" + env("PATH")

# What CI checks, cheapest first.
checks := "fmt deny unused template core clippy doc test clients kills chaos hostile browser stack"

# The longest time of a check: one that hangs must not use up the time of the others.
longest := "40m"

# Shows this list.
default:
    @just --list --unsorted

# Runs every check that CI runs, cheapest first.
ci:
    #!/usr/bin/env bash
    set -euo pipefail
    # `timeout` gives the check its own process group, so that all its processes end.
    trap '[ -z "${at_work:-}" ] || kill "$at_work"; exit 130' INT TERM
    for check in {{ checks }}; do
        printf '\n=== %s (after %d s)\n' "$check" "$SECONDS"
        timeout --kill-after=60 {{ longest }} just "$check" &
        at_work=$! code=0
        wait "$at_work" || code=$?
        [ "$code" != 124 ] || echo "$check was stopped: it was not done within {{ longest }}"
        [ "$code" = 0 ] || exit "$code"
    done
    printf '\n=== all checks passed in %d s: %s\n' "$SECONDS" '{{ checks }}'

# Checks the formatting.
fmt:
    cargo fmt --check

# Checks licences, sources, and that a crate has two versions only for a reason (deny.toml).
deny:
    cargo deny --locked check licenses bans sources

# Finds unused dependencies.
unused:
    cargo shear

# Checks template.yaml, also as deploy/canary.py changes it. Each exception has its reason in .checkov.yaml.
template:
    mkdir -p target/template
    deploy/canary.py --template template.yaml --to target/template/canary.yaml
    cfn-lint template.yaml target/template/canary.yaml
    checkov --config-file .checkov.yaml --skip-download
    python3 tests/stack/cost.py --check

# Checks that the core of `shared` compiles without HTTP and AWS.
core:
    cargo check -p shared --no-default-features --locked

# Lints everything, including the commands for AWS, which the default build leaves out.
clippy:
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo clippy -p runtally --features aws --all-targets --locked -- -D warnings

# Builds the documentation; a broken link is an error.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --lib --no-deps --document-private-items --locked

# Runs all tests that need no Python.
test:
    cargo test --workspace --locked

# Runs the vendors' own client libraries against the simulators.
clients:
    tests/clients/run

# Kills the server at random moments and checks that every call of the model is accounted for.
kills:
    tests/kills/run --kills 10 --leads 100
    tests/kills/run --kills 5 --leads 100 --gently --as-first
    tests/kills/run --kills 3 --leads 100 --full-disk
    tests/kills/run --kills 5 --early

# Runs demos that are killed, disturbed and edited: a few of the 100 seeds of docs/performance.md.
chaos:
    tests/chaos/run --seeds 4

# Floods and abuses the server: a tenth of the load in docs/performance.md.
hostile:
    tests/hostile/run --short

# Drives the page in chromium, as a person would.
browser *options:
    tests/browser/run {{ options }}

# Deploys to an AWS emulator on this machine and tests the deployment.
stack:
    tests/stack/run

# Runs the system on invented data.
demo *options:
    cargo run --locked -- demo {{ options }}

# Runs many random schedules with faults.
simulate schedules="10000":
    SEEDS={{ schedules }} cargo test --release --locked -p simulation

# Checks the dependencies for known vulnerabilities; downloads the database of advisories.
advisories:
    cargo deny --locked check advisories
