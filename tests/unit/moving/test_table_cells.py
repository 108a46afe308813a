"""What stands in a cell becomes what the model says, or a fault that says what to do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from kastor.moving.tables.excel_reader import SpreadsheetError
from kastor.moving.tables.faults import CellFault
from kastor.moving.tables.paths import resolve
from kastor.moving.tables.reading_rules import CellRules, read_zone
from kastor.moving.tables.schema_values import SchemaConverter
from tests.unit.moving.table_models import MODELS, ROOM

if TYPE_CHECKING:
    from kastor.types import Json

local = datetime.fromisoformat
PLAIN = CellRules()
COMMA = CellRules(decimal=",")
BERLIN = CellRules(zone=read_zone("Europe/Berlin"))


def typed(path: str, cell: object, rules: CellRules = PLAIN) -> Json:
    return SchemaConverter().convert(resolve(path, MODELS.interfaces[ROOM]).schema, cell, rules)


@pytest.mark.parametrize(
    ("path", "cell", "value"),
    [
        ("aBoolean", "true", True),
        ("aBoolean", "FALSE", False),
        ("aBoolean", True, True),
        ("aDouble", "21.5", 21.5),
        ("aDouble", " -1e3 ", -1000.0),
        ("aDouble", 3, 3),
        ("aDouble", Decimal("1.25"), 1.25),
        ("aInteger", "5", 5),
        ("aInteger", "5.0", 5),
        ("aInteger", 5.0, 5),
        ("aLong", "9223372036854775807", 2**63 - 1),
        ("aString", 7, "7"),
        ("aString", 7.0, "7"),
        ("aString", 7.5, "7.5"),
        ("aString", "  as it is ", "  as it is "),
        ("aDate", "2024-01-01", "2024-01-01"),
        ("aDate", local("2024-01-01T00:00"), "2024-01-01"),
        ("aDate", date(2024, 1, 1), "2024-01-01"),
        ("aDateTime", local("2024-01-01T08:00"), "2024-01-01T08:00:00"),
        ("aDateTime", "2024-01-01 08:00:00+02:00", "2024-01-01T08:00:00+02:00"),
        ("aDateTime", datetime(2024, 1, 1, 8, tzinfo=UTC), "2024-01-01T08:00:00Z"),
        ("aTime", time(8, 30), "08:30:00"),
        ("aTime", timedelta(hours=8), "08:00:00"),
        ("aDuration", timedelta(days=1, hours=2), "P1DT7200S"),
        ("aDuration", timedelta(seconds=1.5), "PT1.5S"),
        ("aDecimal", 12.5, "12.5"),
        ("aBytes", b"\x00\x01\x02", "AAEC"),
        ("state", "2", 2),
        ("state", 1.0, 1),
        ("state", "idle", 2),
        ("state", "In Betrieb", 1),
        ("colour", "red", "#f00"),
        ("address.number", "3", 3),
        ("address", '{"street": "High"}', {"street": "High"}),
        ("address", {"street": "High", "number": None}, {"street": "High"}),
        ("tags", '{"a": 1.5}', {"a": 1.5}),
        ("tags", [{"key": "a", "value": 1.5}], {"a": 1.5}),
        ("tags.a", "1.5", 1.5),
        ("readings", "[1, 2]", [1, 2]),
        ("readings", [1, 2.5], [1, 2.5]),
        ("thermostat.setPoint", "21", 21),
    ],
)
def test_what_the_schema_says(path: str, cell: object, value: Json) -> None:
    found = typed(path, cell)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("path", "cell", "rules", "value"),
    [
        ("aDouble", "21,5", COMMA, 21.5),
        ("aInteger", "7,0", COMMA, 7),
        ("aBoolean", "yes", CellRules(true=frozenset({"yes"}), false=frozenset({"no"})), True),
        ("aDate", "01.02.2024", CellRules(format="%d.%m.%Y"), "2024-02-01"),
        ("aDateTime", local("2024-07-01T08:00"), BERLIN, "2024-07-01T08:00:00+02:00"),
        ("aDateTime", "2024-01-01 08:00", BERLIN, "2024-01-01T08:00:00+01:00"),
        ("aDateTime", "2024-01-01T08:00:00Z", BERLIN, "2024-01-01T08:00:00Z"),
        ("aDateTime", "2024-01-01", CellRules(zone=UTC), "2024-01-01T00:00:00Z"),
        ("readings", "1; 2.5", CellRules(split=";"), [1, 2.5]),
    ],
)
def test_what_the_rules_say(path: str, cell: object, rules: CellRules, value: Json) -> None:
    assert typed(path, cell, rules) == value


@pytest.mark.parametrize(
    ("path", "cell", "rules", "said"),
    [
        (
            "aDouble",
            "21,5",
            PLAIN,
            "must be a number with a decimal point, and is '21,5'. If commas",
        ),
        ("aDouble", "1.000,5", COMMA, "Points are not read where commas are"),
        ("aDouble", "nan", PLAIN, "must be a number"),
        ("aDouble", float("nan"), PLAIN, "JSON has no such number; leave the cell empty"),
        ("aDouble", "1_000", PLAIN, "must be a number"),
        ("aDouble", True, PLAIN, "must be a number"),
        ("aInteger", "5.5", PLAIN, "must be an integer, and is '5.5'"),
        ("aInteger", 2.0**60, PLAIN, "Give the column the format Text"),
        ("aInteger", "٣", PLAIN, "must be an integer"),
        ("aBoolean", "yes", PLAIN, "must be false or true, and is 'yes'. Other words are named by"),
        (
            "aString",
            local("2024-01-01T00:00"),
            PLAIN,
            "Give the column the format Text and type it anew",
        ),
        ("aDate", local("2024-01-01T08:00"), PLAIN, "must be a day without a time"),
        ("aDate", "1.2.2024", CellRules(format="%Y"), "must be a date of the form %Y"),
        ("aTime", 0.5, PLAIN, "must be a time such as 13:05:00Z"),
        (
            "state",
            "activ",
            PLAIN,
            "must be one of the enum's values, and is 'activ'. Did you mean active",
        ),
        ("address", "High", PLAIN, "must be a JSON object, and is no JSON"),
        ("address", "[1]", PLAIN, "must be a JSON object, and is '[1]'"),
        ("address", {"stret": "x"}, PLAIN, "has a field 'stret'. Did you mean street?"),
        ("tags", '{"a": NaN}', PLAIN, "NaN is no JSON"),
        ("aDouble", SpreadsheetError("#REF!, an error"), PLAIN, "holds #REF!, an error."),
    ],
)
def test_what_cannot_be(path: str, cell: object, rules: CellRules, said: str) -> None:
    with pytest.raises(CellFault) as caught:
        typed(path, cell, rules)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("colur", "has no property 'colur'. Did you mean colour?"),
        ("heat", "is a telemetry of dtmi:example:Room;1 and has no value"),
        ("thermostat", "its properties are thermostat.setPoint, thermostat.mode"),
        ("thermostat.setpoint", "Did you mean setPoint?"),
        ("address.stret", "there is no field 'stret'. Did you mean street?"),
        ("aString.x", "leads into a value that has no parts"),
    ],
)
def test_paths_that_lead_nowhere(path: str, said: str) -> None:
    with pytest.raises(CellFault) as caught:
        resolve(path, MODELS.interfaces[ROOM])
    assert said in caught.value.message


def test_zones_by_name_and_offset() -> None:
    at = local("2024-07-01T00:00")
    assert read_zone("+05:30").utcoffset(at) == timedelta(hours=5, minutes=30)
    assert read_zone("utc") is UTC
    assert read_zone("Europe/Berlin").utcoffset(at) == timedelta(hours=2)
    assert read_zone("-02:00") == timezone(timedelta(hours=-2))
