"""How large each function is as it is uploaded."""

import zipfile

from tools import ROOT, WORK, check

MEBIBYTE = 1024 * 1024
FUNCTIONS = ("WebhookIntake", "Scoring", "MetricsFinalizer")


def show():
    for function in FUNCTIONS:
        archive = WORK / f"{function}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.write(ROOT / ".aws-sam" / "build" / function / "bootstrap", "bootstrap")
        size = archive.stat().st_size / MEBIBYTE
        check(size <= 5, f"{function} has {size:.2f} MiB zipped, at most 5")
