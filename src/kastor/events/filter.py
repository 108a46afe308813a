"""Route filters: which events a route sends (events 2.2).

A filter is parsed once and compiled into closures. Conditions are true, false or undefined
(`None`); only true selects. Comparing with something that is not there, or across kinds, is
undefined, as in the query language; `!= null` asks whether something is there and is never
undefined.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

import orjson

from kastor.events import filter_tree as tree
from kastor.events.envelope import SPEC_VERSION, TELEMETRY, is_json
from kastor.events.filter_parser import parse_tree
from kastor.events.filter_tokens import FilterError
from kastor.events.model import Event
from kastor.events.patches import UNDEFINED, new_value, touches, value_at
from kastor.types import Json

__all__ = ["EventView", "Filter", "FilterError", "parse"]

Truth: TypeAlias = bool | None
_Test: TypeAlias = Callable[["EventView"], Truth]
_Value: TypeAlias = Callable[["EventView"], Any]

_UPDATES = frozenset(
    {"Microsoft.DigitalTwins.Twin.Update", "Microsoft.DigitalTwins.Relationship.Update"}
)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_CALLS: dict[str, Callable[[str, str], bool]] = {
    "STARTS_WITH": str.startswith,
    "ENDS_WITH": str.endswith,
    "CONTAINS": str.__contains__,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled filter.

    Attributes:
        text: as it was given.
        constant: the outcome, where it is the same for every event.
        reads_body: whether the event's body has to be parsed.
        unknown: names that no event has; a condition on them is never true.
    """

    text: str
    constant: bool | None
    reads_body: bool
    unknown: tuple[str, ...]
    _test: _Test

    def matches(self, event: Event) -> bool:
        """Whether the filter selects the event."""
        return self.selects(EventView(event))

    def selects(self, view: EventView) -> bool:
        """Whether the filter selects the event; several filters on one view parse its body once."""
        return self._test(view) is True


class EventView:
    """An event as filters look at it; its body is parsed at the first look and only then."""

    __slots__ = ("_body", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._body: Any = None

    @property
    def body(self) -> Json:
        """The decoded body; UNDEFINED where it is not JSON."""
        if self._body is None:
            self._body = (_decoded(self.event),)
        return self._body[0]


def parse(text: str) -> Filter:
    """Return the filter that `text` says.

    Raises:
        FilterError: the text is no filter; code `EventRouteFilterInvalid`, with line and position.
    """
    condition = parse_tree(text)
    leaves = tuple(_leaves(condition))
    unknown = (leaf.name for leaf in leaves if isinstance(leaf, tree.Attribute))
    return Filter(
        text,
        condition.value if isinstance(condition, tree.Constant) else None,
        any(isinstance(leaf, tree.Body | tree.NewValue | tree.Changed) for leaf in leaves),
        tuple(dict.fromkeys(name for name in unknown if name not in _ATTRIBUTES)),
        _condition(condition),
    )


def _decoded(event: Event) -> Any:
    if not is_json(event.datacontenttype):
        return UNDEFINED
    try:
        return orjson.loads(event.data)
    except orjson.JSONDecodeError:
        return UNDEFINED


def _leaves(condition: tree.Condition) -> Iterator[tree.Operand | tree.Changed]:
    match condition:
        case tree.And(terms) | tree.Or(terms):
            for term in terms:
                yield from _leaves(term)
        case tree.Not(term):
            yield from _leaves(term)
        case tree.Comparison(_, left, right) | tree.Call(_, left, right):
            yield left
            yield right
        case tree.Changed():
            yield condition
        case tree.Constant():
            return
        case _:
            assert_never(condition)


def _condition(condition: tree.Condition) -> _Test:
    match condition:
        case tree.Constant(value):
            return lambda _: value
        case tree.And(terms):
            return _all(tuple(_condition(term) for term in terms))
        case tree.Or(terms):
            return _any(tuple(_condition(term) for term in terms))
        case tree.Not(term):
            return _negation(_condition(term))
        case tree.Comparison(sign, left, right):
            return _comparison(sign, left, right)
        case tree.Call(function, text, part):
            return _call(_CALLS[function], _operand(text), _operand(part))
        case tree.Changed(path):
            return _changed(path)
        case _:
            assert_never(condition)


def _all(tests: tuple[_Test, ...]) -> _Test:
    def run(view: EventView) -> Truth:
        outcome: Truth = True
        for test in tests:
            truth = test(view)
            if truth is False:
                return False
            if truth is None:
                outcome = None
        return outcome

    return run


def _any(tests: tuple[_Test, ...]) -> _Test:
    def run(view: EventView) -> Truth:
        outcome: Truth = False
        for test in tests:
            truth = test(view)
            if truth is True:
                return True
            if truth is None:
                outcome = None
        return outcome

    return run


def _negation(test: _Test) -> _Test:
    def run(view: EventView) -> Truth:
        truth = test(view)
        return None if truth is None else not truth

    return run


def _comparison(sign: str, left: tree.Operand, right: tree.Operand) -> _Test:
    if isinstance(left, tree.Literal) and left.value is None:
        left, right, sign = right, left, _MIRRORED[sign]
    value = _operand(left)
    if isinstance(right, tree.Literal) and right.value is None and sign == "!=":
        return lambda view: (found := value(view)) is not UNDEFINED and found is not None
    if isinstance(right, tree.Literal) and right.value is None and sign == "=":
        return lambda view: None if (found := value(view)) is UNDEFINED else found is None
    return _compare(sign, value, _operand(right))


def _compare(sign: str, left: _Value, right: _Value) -> _Test:
    holds, orders = _SIGNS[sign], sign not in ("=", "!=")

    def run(view: EventView) -> Truth:
        first, second = left(view), right(view)
        kind = _kind(first)
        if kind is None or kind is not _kind(second) or (orders and kind is type(None)):
            return None
        return holds(first, second)

    return run


def _kind(value: Any) -> type | None:
    """What a value can be compared with; None for objects, arrays and what is not there."""
    if value is None or isinstance(value, bool | str):
        return type(value)
    return float if isinstance(value, int | float) else None


def _call(holds: Callable[[str, str], bool], text: _Value, part: _Value) -> _Test:
    def run(view: EventView) -> Truth:
        first, second = text(view), part(view)
        if isinstance(first, str) and isinstance(second, str):
            return holds(first, second)
        return None

    return run


def _changed(path: tuple[str, ...]) -> _Test:
    return lambda view: view.event.type in _UPDATES and touches(view.body, path)


def _operand(operand: tree.Operand) -> _Value:
    match operand:
        case tree.Literal(value):
            return lambda _: value
        case tree.Attribute(name):
            return _ATTRIBUTES.get(name, lambda _: UNDEFINED)
        case tree.Body(path):
            return lambda view: value_at(view.body, path)
        case tree.NewValue(path):
            return lambda view: (
                new_value(view.body, path) if view.event.type in _UPDATES else UNDEFINED
            )
        case _:
            assert_never(operand)


def _present(value: str | None) -> Any:
    return UNDEFINED if value is None else value


def _legacy_type(view: EventView) -> str:
    """The name that ADT's previews gave to the event's group, and that old filters ask for."""
    name = view.event.type
    if name == TELEMETRY:
        return "DigitalTwinTelemetryMessages"
    if ".Relationship." in name:
        return "DigitalTwinRelationshipChangeNotification"
    if name in _UPDATES:
        return "DigitalTwinChangeNotification"
    return "DigitalTwinLifecycleNotification"


_ATTRIBUTES: dict[str, _Value] = {
    "type": lambda view: view.event.type,
    "source": lambda view: view.event.source,
    "subject": lambda view: _present(view.event.subject),
    "dataschema": lambda view: _present(view.event.dataschema),
    "datacontenttype": lambda view: view.event.datacontenttype,
    "specversion": lambda _: SPEC_VERSION,
    "id": lambda view: view.event.id,
    "time": lambda view: _present(view.event.time),
    "$eventType": _legacy_type,
}
