"""The Lambda binaries: their processor, and their size when they are uploaded."""

import struct
import zipfile

from tools import ARCHITECTURE, ROOT, WORK, check, clean_environment, equal, heading, run

MEBIBYTE = 1024 * 1024
FUNCTIONS = ("WebhookIntake", "Scoring", "MetricsFinalizer")
# The processor in the header of an ELF file, by Lambda's name for it.
MACHINES = {62: "x86_64", 183: "arm64"}
# The template's default, for which `sam build` builds without a parameter.
DEFAULT, DEFAULT_TARGET = "arm64", "aarch64-unknown-linux-gnu"


def build():
    environment = clean_environment(SAM_CLI_TELEMETRY="0")
    heading("build: sam validate --lint")
    run(["sam", "validate", "--lint", "--region", "eu-west-1"], env=environment)
    if ARCHITECTURE != DEFAULT:
        if has_library(DEFAULT_TARGET):
            heading(f"build: sam build, for {DEFAULT} by default")
            folder = WORK / "default"
            run(["sam", "build", "--build-dir", folder], env=environment)
            show(folder, DEFAULT)
        else:
            print(f"   NOT BUILT for {DEFAULT}: Rust's library for it is missing", flush=True)
            print(f"   (rustup target add {DEFAULT_TARGET})", flush=True)
    build_here()


def build_here():
    heading(f"build: sam build for {ARCHITECTURE}, as it is deployed here")
    environment = clean_environment(SAM_CLI_TELEMETRY="0")
    run(["sam", "build", "--parameter-overrides", f"Architecture={ARCHITECTURE}"], env=environment)
    show(ROOT / ".aws-sam" / "build", ARCHITECTURE)


def has_library(target):
    """Whether Rust's standard library for `target` is on this machine."""
    folder = run(["rustc", "--print", "target-libdir", "--target", target]).strip()
    return any((ROOT / folder).glob("libstd-*"))


def show(folder, architecture):
    for function in FUNCTIONS:
        bootstrap = folder / function / "bootstrap"
        equal(machine(bootstrap), architecture, f"{function} is built for")
        archive = WORK / f"{function}-{architecture}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.write(bootstrap, "bootstrap")
        size = archive.stat().st_size / MEBIBYTE
        check(size <= 5, f"{function} has {size:.2f} MiB zipped, at most 5")


def machine(file):
    """The processor of an ELF file."""
    if not file.exists():
        return None
    with open(file, "rb") as elf:
        (number,) = struct.unpack_from("<H", elf.read(20), 18)
    return MACHINES.get(number, number)
