"""Checks the simulated Airtable with pyairtable, in the ways people use it."""

import datetime
import inspect

import pyairtable.formulas as formulas
import requests
from pyairtable import Api
from pyairtable.orm import Model
from pyairtable.orm import fields as orm

from checks import SIMULATORS, check, control, equal, refused, run_all

ROOT, TOKEN = SIMULATORS["airtable"], SIMULATORS["airtable_token"]
BASE = "appPyairtableTest"
FIELDS = [
    {"name": "Name", "type": "singleLineText"},
    {"name": "Count", "type": "number", "options": {"precision": 1}},
    {"name": "Done", "type": "checkbox", "options": {"icon": "check", "color": "greenBright"}},
    {"name": "At", "type": "dateTime", "options": {
        "timeZone": "utc", "dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"}}},
    {"name": "Tags", "type": "multipleSelects", "options": {"choices": [{"name": "a"}]}},
]
# Arguments for functions that accept any value.
ANY = {"date": "'2026-11-23'", "number": "2", "text": "'a'"}

control("airtable", "/_sim/tables", {
    "base": BASE, "table": {"name": "People", "fields": FIELDS, "views": [{"name": "Everybody"}]}})
api = Api(TOKEN, endpoint_url=ROOT)
base = api.base(BASE)
table = base.table("People")


def emptied():
    table.batch_delete([record["id"] for record in table.all()])
    return table


def kind_of(error):
    """The type of the error in a response body."""
    body = error.response.json()["error"]
    return (error.response.status_code, body if isinstance(body, str) else body["type"])


@check("a personal token is told who it is and no scopes")
def whoami():
    equal(list(api.whoami()), ["id"])


@check("bases, tables and fields are listed, made and renamed")
def schema():
    for each in api.bases():
        assert each.schema().tables, each.name
    made = base.create_table("Made", [{"name": "Name", "type": "singleLineText"}], description="d")
    for name, kind, options in [
        ("Link", "multipleRecordLinks", {"linkedTableId": made.id}),
        ("Stars", "rating", {"icon": "star", "max": 5, "color": "yellowBright"}),
        ("Took", "duration", {"durationFormat": "h:mm"}),
        ("Day", "date", {"dateFormat": {"name": "european"}}),
        ("When", "dateTime", {"timeZone": "Europe/Zurich", "dateFormat": {"name": "local"},
                              "timeFormat": {"name": "12hour"}}),
        ("Files", "multipleAttachments", None),
    ]:
        equal(made.create_field(name, kind, options=options).name, name)
    field = made.schema(force=True).field("Stars")
    field.name, field.description = "Rating", "out of five"
    field.save()
    described = made.schema(force=True)
    equal(described.field("Rating").description, "out of five")
    described.name = "Renamed"
    described.save()
    equal(base.table("Renamed", force=True).id, made.id)
    fresh = api.create_base("wspInvented", "Fresh", [{"name": "T", "fields": [FIELDS[0]]}])
    equal([each.name for each in fresh.tables()], ["T"])


@check("a record is created, read, updated, replaced and deleted")
def one_record():
    record = table.create({"Name": "A", "Count": 1, "Done": True})
    equal(table.get(record["id"])["fields"], {"Name": "A", "Count": 1, "Done": True})
    equal(table.update(record["id"], {"Name": "B"})["fields"]["Count"], 1)
    equal(table.update(record["id"], {"Count": 2}, replace=True)["fields"], {"Count": 2})
    equal(table.delete(record["id"]), {"id": record["id"], "deleted": True})


@check("more records than fit one request are written in the order they were given")
def batches():
    emptied()
    made = table.batch_create([{"Name": str(n)} for n in range(25)])
    equal([record["fields"]["Name"] for record in made], [str(n) for n in range(25)])
    changed = table.batch_update([{"id": record["id"], "fields": {"Count": 1}} for record in made])
    equal([record["id"] for record in changed], [record["id"] for record in made])
    equal(len(emptied().all()), 0)


@check("cells are named by field id when asked")
def field_ids():
    name = table.schema().field("Name").id
    record = table.create({name: "Hello"}, use_field_ids=True)
    equal(record["fields"], {name: "Hello"})
    equal(table.update(record["id"], {name: "Bye"}, use_field_ids=True)["fields"], {name: "Bye"})
    equal(table.get(record["id"])["fields"], {"Name": "Bye"})


@check("an upsert updates by key or id, creates the rest, and refuses a key of two records")
def upserts():
    emptied()
    one, two = table.batch_create([{"Name": "One"}, {"Name": "Two", "Count": 9}])
    result = table.batch_upsert(
        [{"id": one["id"], "fields": {"Count": 3}}, {"fields": {"Name": "Two", "Count": 4}},
         {"fields": {"Name": "Three", "Count": 5}}], key_fields=["Name"])
    equal(sorted(result["updatedRecords"]), sorted([one["id"], two["id"]]))
    equal((len(result["createdRecords"]), len(result["records"])), (1, 3))
    replaced = table.batch_upsert([{"fields": {"Name": "Two"}}], key_fields=["Name"], replace=True)
    equal(replaced["records"][0]["fields"], {"Name": "Two"})
    table.create({"Name": "Two"})
    error = refused(requests.HTTPError, lambda: table.batch_upsert([{"fields": {"Name": "Two"}}], ["Name"]))
    equal(error.response.status_code, 422)


@check("pages have the size that was asked for, up to the most records asked for")
def pages():
    made = emptied().batch_create([{"Name": f"Record {n}"} for n in range(230)])
    equal([len(page) for page in table.iterate()], [100, 100, 30])
    wanted = formulas.OR(formulas.RECORD_ID().eq(record["id"]) for record in made[:-1])
    assert len(str(wanted)) < api.MAX_URL_LENGTH * 2
    equal(len(table.all(formula=wanted)), 229)
    found = list(table.iterate(formula=wanted, page_size=10, max_records=25))
    equal([len(page) for page in found], [10, 10, 5])
    equal(len({record["id"] for page in found for record in page}), 25)


@check("every option of a list goes with GET, and with POST for a long formula")
def options():
    record = emptied().create({"Name": "abracadabra"})
    name = table.schema().field("Name").id
    for formula in [None, f"Name != '{'x' * 17000}'"]:
        for option in [
            {"view": "Everybody"}, {"max_records": 1}, {"page_size": 1}, {"offset": ""}, {"fields": ["Name", "Count"]},
            {"cell_format": "json"}, {"sort": ["Name", "-Count"]}, {"time_zone": "utc"}, {"user_locale": "en-ie"},
        ]:
            equal(table.all(formula=formula, **option), [record])
        equal(table.all(formula=formula, use_field_ids=True)[0]["fields"], {name: "abracadabra"})


@check("cells are shown as text on the clock of the time zone that is asked for")
def texts():
    emptied().create({"At": "2026-11-23T22:30:00.000Z", "Count": 1.5, "Done": True, "Tags": ["a"]})
    found = table.all(cell_format="string", time_zone="Europe/Zurich", user_locale="de-ch")[0]["fields"]
    equal(found, {"At": "2026-11-23 23:30", "Count": "1.5", "Done": "checked", "Tags": "a"})


@check("texts with quotes, numbers, checkboxes and moments are matched by pyairtable's formulas")
def matches():
    now = datetime.datetime.now(datetime.timezone.utc)
    values = {"Name": "Mike's \"Thing\" \\ 1", "Count": 12345, "Done": True, "At": now}
    record = emptied().create({**values, "At": formulas.to_formula_str(now)[16:-2]})
    equal(table.first(formula=formulas.match(values))["id"], record["id"])
    equal(table.first(formula=formulas.match({**values, "Count": 0})), None)
    assert table.first(formula=formulas.match({**values, "Count": 0}, match_any=True))
    found = formulas.FIND(now.date().isoformat(), formulas.Field("At"))
    equal(table.first(formula=found)["id"], record["id"])


@check("each function that pyairtable knows is evaluated, or named as not simulated; none is called wrong")
def functions():
    emptied().create({"Name": "a"})
    missing = []
    known = [(name, call) for name, call in vars(formulas).items() if name.isupper() and inspect.isfunction(call)]
    assert len(known) > 70, known
    for name, call in known:
        needed = [parameter for parameter in inspect.signature(call).parameters.values()
                  if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD]
        args = ", ".join(argument(parameter.name) for parameter in needed)
        try:
            table.all(formula=f"OR({name}({args or 'TRUE()' if name in ('AND', 'OR', 'NOT') else args}), TRUE())")
        except requests.HTTPError as error:
            equal((name, *kind_of(error)), (name, 501, "NOT_SIMULATED"))
            assert f" {name}" in error.response.json()["error"]["message"]
            missing.append(name)
    equal(sorted(missing), ["FROMNOW", "SET_LOCALE", "SET_TIMEZONE", "TONOW", "WORKDAY", "WORKDAY_DIFF"])


def argument(name):
    if "date" in name or "time" in name and name != "timezone":
        return ANY["date"]
    if any(part in name for part in ("number", "count", "many", "value", "power", "precision", "divisor", "start_c")):
        return ANY["number"]
    return "{Name}" if name == "fields" else ANY["text"]


class Person(Model):
    name = orm.TextField("Name")
    count = orm.FloatField("Count")
    at = orm.DatetimeField("At")

    class Meta:
        table_name, base_id = "People", BASE
        api_key = TOKEN


# A model has no setting for the root of the API.
type(Person.meta).api = property(lambda _: api)


@check("rows become objects and objects rows")
def models():
    emptied()
    at = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.timezone.utc)
    person = Person(name="Ada", count=1.0, at=at)
    assert person.save()
    found = Person.first(formula=Person.name.eq("Ada"))
    equal((found.id, found.at), (person.id, at))
    found.count = 2.0
    found.save()
    person.fetch()
    equal(person.count, 2.0)
    assert person.delete()


@check("an error is Airtable's own, also for what is not offered")
def errors():
    stranger = Api("patWrong", endpoint_url=ROOT)
    for call, expected in [
        (lambda: table.create({"Nope": 1}), (422, "UNKNOWN_FIELD_NAME")),
        (lambda: table.create({"Count": "many"}), (422, "INVALID_VALUE_FOR_COLUMN")),
        (lambda: table.create({"Tags": ["new"]}), (422, "INVALID_MULTIPLE_CHOICE_OPTIONS")),
        (lambda: table.all(formula="NOPE(1)"), (422, "INVALID_FILTER_BY_FORMULA")),
        (lambda: table.all(view="Nobody"), (422, "VIEW_NAME_NOT_FOUND")),
        (lambda: table.get("recAAAAAAAAAAAAAA"), (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND")),
        (lambda: api.table("appAAAAAAAAAAAAAA", "T").all(), (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND")),
        (lambda: stranger.whoami(), (401, "UNAUTHORIZED")),
        (lambda: table.create_field("Bar", "barcode"), (422, "UNSUPPORTED_FIELD_TYPE_FOR_CREATE")),
        (lambda: table.comments("recAAAAAAAAAAAAAA"), (404, "NOT_FOUND")),
        (lambda: base.webhooks(), (404, "NOT_FOUND")),
        (lambda: base.collaborators(), (404, "NOT_FOUND")),
    ]:
        equal(kind_of(refused(requests.HTTPError, call)), expected)
    table.create({"Tags": ["new"]}, typecast=True)


run_all()
