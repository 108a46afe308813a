"""The route filter language: documented examples, errors with their place, and two oracles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kastor.errors import InvalidArgument
from kastor.events import filter_tree as tree
from kastor.events.filter import EventView, FilterError, parse
from kastor.events.filter_parser import parse_tree
from kastor.events.model import Event
from kastor.records import ChangeKind

from .factory import event
from .filter_oracle import accepts, printed, truth

TYPES = [f"Microsoft.DigitalTwins.{k}" for k in ChangeKind if k.startswith(("Twin", "Rel"))]
TYPES.append("microsoft.iot.telemetry")


def telemetry(body: Any, **members: Any) -> Event:
    return event(ChangeKind.TELEMETRY, data=json.dumps(body).encode(), **members)


def update(*operations: tuple[str, str, Any]) -> Event:
    patch = [{"op": op, "path": path, "value": value} for op, path, value in operations]
    for each in patch:
        if each["op"] == "remove":
            del each["value"]
    return event(data=json.dumps({"modelId": "dtmi:example:Room;1", "patch": patch}).encode())


@pytest.mark.parametrize(
    ("text", "subject", "expected"),
    [
        ("true", event(), True),
        ("false", event(), False),
        ("type = 'Microsoft.DigitalTwins.Twin.Update'", event(), True),
        ("type = 'Microsoft.DigitalTwins.Twin.Update'", telemetry(1), False),
        ("CONTAINS(subject, 'twin1')", event(subject="a-twin1-b"), True),
        ("CONTAINS(subject, 'twin1')", event(subject="a-Twin1-b"), False),
        ("$body.errorCode > 200", telemetry({"errorCode": 201}), True),
        ("$body.errorCode > 200", telemetry({"errorCode": 200}), False),
        ("$body.errorCode > 200", telemetry({"errorCode": "201"}), False),
        ("$body.temperature <= 5.5", telemetry({"temperature": 5.5}), True),
        ("$body.temperature <= 5.5", telemetry({"temperature": 5}), True),
        ("$body.poweredOn = true", telemetry({"poweredOn": True}), True),
        ("$body.poweredOn = true", telemetry({"poweredOn": 1}), False),
        ("$body.prop != null", telemetry({"prop": 0}), True),
        ("$body.prop != null", telemetry({"prop": None}), False),
        ("$body.prop != null", telemetry({}), False),
        (
            "ENDS_WITH($body.$metadata.$model, 'floor;1')",
            event(ChangeKind.TWIN_CREATE, data=b'{"$metadata":{"$model":"dtmi:x:floor;1"}}'),
            True,
        ),
        (
            (
                "(type != 'microsoft.iot.telemetry' OR datacontenttype = 'application/json') "
                "OR (specversion != '1.0')"
            ),
            telemetry(1),
            True,
        ),
        (" OR ".join(f"type = '{name}'" for name in TYPES), telemetry(1), True),
        ("dataschema = 'dtmi:example:Room;1'", telemetry(1), True),
        ("$body.modelId = 'dtmi:example:Room;1'", update(), True),
        ("time > '2021-12-09'", event(), True),
        ("time > '2021-12-09'", telemetry(1), False),
        ("subject = 'comp1'", telemetry(1, component="comp1"), True),
        ("STARTS_WITH(id, 'event-') and not contains(source, 'evil')", event(), True),
        ("'it''s' = 'it\\'s'", event(), True),
        ("$body.a = $body.b", telemetry({"a": 1, "b": 1.0}), True),
        ("$body.a = $body.b", telemetry({"a": [1], "b": [1]}), False),
        ("$body = 5", telemetry(5), True),
        ("$body.x-y = -1.5e2", telemetry({"x-y": -150}), True),
        ("$body.patch != null", update(), True),
        ("this = 'x' or true", event(), True),
    ],
)
def test_selects(text: str, subject: Event, expected: bool) -> None:
    assert parse(text).matches(subject) is expected


@pytest.mark.parametrize(
    ("text", "line", "position", "message"),
    [
        ("this is not a valid filter string", 1, 6, "Unexpected input 'is'"),
        ("", 1, 1, "Unexpected end of input"),
        ("type =", 1, 7, "Unexpected end of input"),
        ("type", 1, 5, "Unexpected end of input"),
        ("type = 'a' AND", 1, 15, "Unexpected end of input"),
        ("type = 'a' AND\n  OR true", 2, 3, "Unexpected input 'OR'"),
        ("(type = 'a'", 1, 12, "Unexpected end of input"),
        ("type = 'a')", 1, 11, "Unexpected input ')'"),
        ("type = 'a", 1, 8, "The string has no closing quote"),
        ("type == 'a'", 1, 7, "Unexpected input '='; write = for equal"),
        (
            "type IN ('a')",
            1,
            6,
            "Unexpected input 'IN'; compare with each value: x = 'a' OR x = 'b'",
        ),
        ('type = "a"', 1, 8, "Unexpected input '\"a\"'; strings stand in single quotes: 'a'"),
        (
            "$body.patch[0].path = '/a'",
            1,
            12,
            "Unexpected input '[0].path'; CHANGED(property) asks whether an update touches a property",
        ),
        (
            "$body.list[0] = 1",
            1,
            11,
            "Unexpected input '[0]'; values inside arrays are out of reach",
        ),
        (
            "body.temperature > 5",
            1,
            5,
            "Unexpected input '.temperature'; write $body.temperature",
        ),
        (
            "$Body.temperature > 5",
            1,
            6,
            "Unexpected input '.temperature'; write $body.temperature",
        ),
        ("comp.temp > 5", 1, 5, "Unexpected input '.temp'; write $body.comp.temp"),
        ("type = 'a' AND\n  id <> 'x'", 2, 7, "Unexpected input '>'; write != for not equal"),
        ("$body.a IS NOT NULL", 1, 9, "Unexpected input 'IS'; write != null"),
        ("type = 'a' && id = 'b'", 1, 12, "Unexpected input '&&'; write AND"),
        (
            "type = \u201ca\u201d",
            1,
            8,
            (
                "Unexpected input '\u201ca\u201d', U+201C LEFT DOUBLE QUOTATION MARK; strings "
                "stand in plain quotes: 'text'"
            ),
        ),
        ("CONTAINS(subject)", 1, 17, "Unexpected input ')'"),
        ("CONTAINS(subject, 'a', 'b')", 1, 22, "Unexpected input ','"),
        ("STARTSWITH(subject, 'a')", 1, 11, "Unexpected input '('; write STARTS_WITH"),
        (
            "LENGTH(subject) > 1",
            1,
            7,
            "Unexpected input '('; functions are STARTS_WITH, ENDS_WITH, CONTAINS and CHANGED",
        ),
        ("CHANGED()", 1, 9, "Unexpected input ')'"),
        (
            "CHANGED('Temperature')",
            1,
            9,
            "CHANGED takes a property name or a string that begins with '/'",
        ),
        ("type = 'a'\nAND subject = 'b\0'", 2, 17, "A filter has no character U+0000"),
        ("type = 1x", 1, 8, "Unexpected input '1x'"),
        ("null", 1, 5, "Unexpected end of input"),
        ("(" * 51 + "true" + ")" * 51, 1, 51, "Nested deeper than 50 levels"),
    ],
)
def test_errors_have_their_place(text: str, line: int, position: int, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    error = caught.value
    assert isinstance(error, InvalidArgument)
    assert error.code == "EventRouteFilterInvalid"
    place = dict(error.details[0].place)
    length = place.pop("length")
    assert place == {"line": line, "column": position - 1}
    assert length <= len(text)
    assert error.details[0].message == message
    assert (error.line, error.position) == (line, position)
    assert error.message == (
        f"The provided filter is invalid. Parsing error, Line={line}, Position={position}, "
        f"Message={message}. See event route documentation for supported values and structure "
        "(https://aka.ms/ADTv2Routes)."
    )


def test_too_long_and_too_deep_are_refused() -> None:
    for text in ("a" * 8_001, "NOT " * 1_000 + "true"):
        with pytest.raises(FilterError):
            parse(text)
    assert parse(" OR ".join(["id = 'x'"] * 500)).matches(event()) is False


def test_names_of_the_previews_still_select() -> None:
    text = (
        "$eventType = 'DigitalTwinTelemetryMessages' or "
        "$eventType = 'DigitalTwinLifecycleNotification'"
    )
    wants = parse(text)
    assert wants.unknown == ()
    selected = {
        kind for kind in ChangeKind if not kind.startswith("Model") if wants.matches(event(kind))
    }
    assert selected == {ChangeKind.TELEMETRY, ChangeKind.TWIN_CREATE, ChangeKind.TWIN_DELETE}
    assert parse("$eventType = 'DigitalTwinChangeNotification'").matches(event())
    assert parse("$other = 'x'").matches(event()) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CHANGED(Temperature)", True),
        ("changed('/Temperature')", True),
        ("CHANGED(Humidity)", False),
        ("CHANGED(comp1.prop1)", True),
        ("CHANGED(comp1)", True),
        ("CHANGED(comp1.prop2)", False),
        ("CHANGED(comp2.deep.down)", True),
        ("CHANGED('/map/a~1b')", True),
        ("CHANGED($metadata.$model)", False),
        ("$changed.Temperature > 30", True),
        ("$changed.Temperature > 40", False),
        ("$changed.comp2.deep.down = 'x'", True),
        ("$changed.gone = null", False),
        ("$changed.Humidity != null", False),
        ("NOT CHANGED(Humidity)", True),
    ],
)
def test_what_an_update_changed(text: str, expected: bool) -> None:
    subject = update(
        ("replace", "/Temperature", 20),
        ("replace", "/Temperature", 40),
        ("add", "/comp1/prop1", 1),
        ("replace", "/comp2", {"deep": {"down": "x"}}),
        ("add", "/map/a~1b", 1),
        ("remove", "/gone", None),
    )
    assert parse(text).matches(subject) is expected


def test_only_updates_change() -> None:
    body = b'{"patch":[{"op":"add","path":"/a","value":1}]}'
    for kind in (ChangeKind.TELEMETRY, ChangeKind.TWIN_CREATE):
        assert not parse("CHANGED(a)").matches(event(kind, data=body))
        assert not parse("$changed.a = 1").matches(event(kind, data=body))
    assert parse("CHANGED(a)").matches(event(ChangeKind.RELATIONSHIP_UPDATE, data=body))


def test_the_body_is_parsed_only_when_it_is_asked_for() -> None:
    broken = event(ChangeKind.TELEMETRY, data=b"{", content_type="application/json")
    assert parse("type = 'microsoft.iot.telemetry'").matches(broken)
    assert not parse("type = 'microsoft.iot.telemetry'").reads_body
    assert parse("$body.x = 1").reads_body
    assert not parse("$body.x = 1").matches(broken)
    view = EventView(telemetry({"x": 1}))
    assert parse("$body.x = 1").selects(view)
    first = view.body
    assert parse("$body.x > 0").selects(view)
    assert view.body is first


def test_what_is_known_without_an_event() -> None:
    assert parse("true").constant is True
    assert parse("(FALSE)").constant is False
    assert parse("id = 'x'").constant is None
    assert parse("temperature > 5 AND temperature < 9").unknown == ("temperature",)


# Generated filters and events.

names = st.sampled_from(["a", "b", "a-b", "$model", "AND", "true"])
paths = st.lists(names, max_size=3).map(tuple)
some_path = st.lists(names, min_size=1, max_size=3).map(tuple)
texts = st.text(st.sampled_from("ab'\\/~\n\"é"), max_size=4)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, -1.5, 1.0, 1e300, 2.0**60]),
    texts,
)
attributes = st.sampled_from(
    ["type", "subject", "id", "time", "dataschema", "specversion", "other"]
)
operands = st.one_of(
    scalars.map(tree.Literal),
    attributes.map(tree.Attribute),
    paths.map(tree.Body),
    some_path.map(tree.NewValue),
)
leaves = st.one_of(
    st.booleans().map(tree.Constant),
    st.builds(
        tree.Comparison, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), operands, operands
    ),
    st.builds(
        tree.Call, st.sampled_from(["STARTS_WITH", "ENDS_WITH", "CONTAINS"]), operands, operands
    ),
    some_path.map(tree.Changed),
)


def _joined(children: Any) -> Any:
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(children.map(tree.Not), several.map(tree.And), several.map(tree.Or))


conditions = st.recursive(leaves, _joined, max_leaves=6)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(names, inner, max_size=3)),
    max_leaves=6,
)
operations = st.builds(
    lambda path, value, removes: (
        {
            "op": "remove" if removes else "add",
            "path": "".join("/" + step for step in path),
        }
        | ({} if removes else {"value": value})
    ),
    some_path,
    values,
    st.booleans(),
)
events = st.one_of(
    st.builds(telemetry, values, component=st.sampled_from([None, "a"])),
    st.lists(operations, max_size=3).map(
        lambda patch: event(data=json.dumps({"modelId": "m", "patch": patch}).encode())
    ),
    st.dictionaries(names, values).map(
        lambda body: event(ChangeKind.TWIN_CREATE, subject="a", data=json.dumps(body).encode())
    ),
)


@given(conditions)
def test_what_is_printed_is_read_again(condition: Any) -> None:
    text = printed(condition)
    assert parse_tree(text) == condition
    assert accepts(text), text


@given(conditions, events)
@example(tree.Comparison("=", tree.Literal(1), tree.Literal(True)), event())
def test_agrees_with_a_plain_evaluator(condition: Any, subject: Event) -> None:
    assert parse(printed(condition)).matches(subject) is (truth(condition, subject) is True)


pieces = st.sampled_from(
    [
        "type", "subject", "$body", "$body.a", "$body.a.b", "$changed.a", "$x", "this", "'a'", "''",
        "'/a'", "1", "-2.5", ".5e3", "true", "FALSE", "null", "AND", "or", "NOT", "(", ")", ",", "=",
        "!=", "<", ">=", "CONTAINS", "starts_with(", "CHANGED(", "a.b", "$m.$n", "'", "#", "5x",
    ]
)  # fmt: skip


@given(st.lists(pieces, max_size=9).map(" ".join))
@example("CONTAINS = 'x'")
@example("CHANGED ( a.b )")
@example("NOT NOT true AND ( false )")
def test_agrees_with_the_grammar_on_what_is_a_filter(text: str) -> None:
    error = refusal(text)
    assert accepts(text) is (error is None), error
    assert error is None or 1 <= error.position <= len(text) + 1


@given(st.text(max_size=30))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    error = refusal(text)
    assert error is None or error.code == "EventRouteFilterInvalid"


def refusal(text: str) -> FilterError | None:
    try:
        parse(text)
    except FilterError as error:
        return error
    return None
