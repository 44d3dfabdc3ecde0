#!/usr/bin/env python3
"""Makes deploys gradual: writes .aws-sam/build/canary.yaml from the template that `sam build` made.

    sam build && deploy/canary.py && sam deploy -t .aws-sam/build/canary.yaml

In that file each function publishes a version and has an alias, `live`, which all callers use. CodeDeploy
gives the new version a part of the work first, and rolls it back when one of the function's alarms goes
off. template.yaml itself has no alias: SAM publishes a version only when the template's text changes, so a
new parameter value would never take effect. Here each run publishes a version.
"""

import argparse
import pathlib
import re
import time

BUILD = pathlib.Path(__file__).resolve().parents[1] / ".aws-sam" / "build"
# The alarms that roll back a function's release.
ALARMS = {
    "WebhookIntake": ["ApiServerErrorsAlarm"],
    "Scoring": ["ScoringErrorsAlarm", "ScoringDeadLettersAlarm"],
    "MetricsFinalizer": ["MetricsFinalizerErrorsAlarm", "MetricsDeadLettersAlarm", "UnbalancedRecordAlarm"],
}


def gradual(template, how, release):
    """The template with an alias and a gradual deployment for each function."""
    for function, alarms in ALARMS.items():
        properties = f"""
      AutoPublishAlias: live
      AutoPublishCodeSha256: "{release}"
      DeploymentPreference:
        Type: {how}
        Alarms: [{", ".join(f"!Ref {alarm}" for alarm in alarms)}]"""
        head = rf"^  {function}:\n    Type: AWS::Serverless::Function\n(?:    .*\n)*?    Properties:$"
        template, found = re.subn(head, lambda match: match[0] + properties, template, flags=re.MULTILINE)
        if found != 1:
            raise SystemExit(f"the built template has no function {function}")
    return template


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--type", default="Canary10Percent5Minutes", help="a predefined configuration of CodeDeploy")
    parser.add_argument("--template", type=pathlib.Path, default=BUILD / "template.yaml", help="as it was built")
    parser.add_argument("--to", type=pathlib.Path, default=BUILD / "canary.yaml", help="the file that is written")
    options = parser.parse_args()
    if not options.template.exists():
        raise SystemExit("run sam build first")
    release = f"{time.time_ns():064x}"
    options.to.write_text(gradual(options.template.read_text(), options.type, release))
    print(f"wrote {options.to}; now sam deploy -t {options.to}")
