"""Sets up the simulated Airtable as pyairtable's own tests/integration/test_integration_api.py expects it."""

import json
import os
import urllib.request

import pytest
from pyairtable import Api

SIMULATORS = json.loads(os.environ["SIMULATORS"])
ROOT = SIMULATORS["airtable"]
BASE, TABLE = "appPyairtableOwn1", "TEST_TABLE"
CLOCK = {"timeZone": "utc", "dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"}}
FIELDS = [
    {"name": "text", "type": "singleLineText"},
    {"name": "number", "type": "number", "options": {"precision": 1}},
    {"name": "boolean", "type": "checkbox", "options": {"icon": "check", "color": "greenBright"}},
    {"name": "datetime", "type": "dateTime", "options": CLOCK},
    {"name": "attachment", "type": "multipleAttachments"},
]


class Columns:
    TEXT, NUM, BOOL, DATETIME, ATTACHMENT = (field["name"] for field in FIELDS)


@pytest.fixture(scope="session")
def api():
    body = {"base": BASE, "table": {"name": TABLE, "fields": FIELDS, "views": [{"name": "view"}]}}
    request = urllib.request.Request(ROOT + "/_sim/tables", json.dumps(body).encode())
    urllib.request.urlopen(request).close()
    return Api(SIMULATORS["airtable_token"], endpoint_url=ROOT)


@pytest.fixture(scope="session")
def cols(api):
    schema = api.base(BASE).table(TABLE).schema()
    columns = Columns()
    columns.TEXT_ID, columns.NUM_ID = schema.field("text").id, schema.field("number").id
    columns.ATTACHMENT_ID = schema.field("attachment").id
    return columns


@pytest.fixture
def base(api):
    return api.base(BASE)


@pytest.fixture
def table(base):
    table = base.table(TABLE)
    yield table
    table.batch_delete([record["id"] for record in table.all()])
