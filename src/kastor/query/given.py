"""Values for the parameters of a query (decisions 4): read, bounded, told apart by their kinds.

A value is a scalar, a list of scalars for ``IN $list``, or what openCypher alone takes: a map, or a
list with lists and maps in it. It never becomes text of a statement: plans hold it where a literal
would be, and statements bind it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from kastor.errors import BadRequest
from kastor.lang.words import SYSTEM_NAMES
from kastor.nesting import MAX_DEPTH, is_too_deep
from kastor.query.kinds import kind_of

if TYPE_CHECKING:
    from kastor.query.plan import Scalar
    from kastor.query.settings import QuerySettings

Item: TypeAlias = "Scalar | tuple[Scalar, ...] | Deep"
Deep: TypeAlias = "tuple[Item, ...] | Mapping[str, Item]"

MAX_NAME = 128
_CARRIED_BYTES = 1_024
_NAME = re.compile(r"[^\W\d][\w$]*")
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Given:
    """The parameters of one request.

    Attributes:
        values: by name, without the dollar sign.
        kinds: name and kind of each, in order of name: what a plan is kept under.
        size: bytes of all of them, as JSON.
    """

    values: Mapping[str, Item]
    kinds: tuple[tuple[str, str], ...] = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        kinds = tuple((name, _kind(self.values[name])) for name in sorted(self.values))
        object.__setattr__(self, "kinds", kinds)
        object.__setattr__(self, "size", len(self.text()))

    def text(self) -> bytes:
        """The same values as the same bytes."""
        return msgspec.json.encode(self.values, order="sorted")

    def digest(self) -> str:
        """A hash of the values, for tokens that do not carry them."""
        return hashlib.sha256(self.text()).hexdigest()[:32]

    def carried(self) -> Mapping[str, Item] | str:
        """What a token says of them: they themselves while they are small, else their hash."""
        return self.values if self.size <= _CARRIED_BYTES else self.digest()


def read_given(parameters: object, settings: QuerySettings) -> Given | None:
    """The values that a body's member `parameters` holds; None without any.

    Raises:
        BadRequest: it is no object, has names or values that cannot be, or is over a limit.
    """
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        raise BadRequest("parameters must be an object: a value for each name.")
    if len(parameters) > settings.max_parameters:
        raise BadRequest(f"There are more than {settings.max_parameters} parameters.")
    given = Given({_name(name): _read(name, value, settings) for name, value in parameters.items()})
    if given.size > settings.max_parameter_bytes:
        raise BadRequest(
            f"The parameters have more than {settings.max_parameter_bytes} bytes together."
        )
    return given if parameters else None


def carried_given(
    carried: Mapping[str, Any] | str, parameters: object, settings: QuerySettings
) -> Given | None:
    """The values of a page behind the first: the token's, or those beside it if it has their hash.

    Raises:
        BadRequest: the token goes with others.
    """
    if not isinstance(carried, str):
        return read_given(dict(carried), settings)
    given = read_given(parameters, settings)
    if given is None:
        raise BadRequest(
            f"The parameters of this query have more than {_CARRIED_BYTES} bytes, so its tokens do "
            "not carry them: repeat parameters beside the continuationToken."
        )
    if given.digest() != carried:
        raise BadRequest("The parameters are others than those of the continuationToken.")
    return given


def _name(name: str) -> str:
    if name.startswith("$"):
        raise BadRequest(f"Names of parameters have no dollar sign: {name[1:MAX_NAME]!r}.")
    if len(name) > MAX_NAME or _NAME.fullmatch(name) is None:
        raise BadRequest(
            f"{name[:MAX_NAME]!r} cannot be the name of a parameter: a letter or _, then letters, "
            f"digits and _, at most {MAX_NAME} of them."
        )
    if f"${name}" in SYSTEM_NAMES:
        raise BadRequest(f"{name} cannot be the name of a parameter: ${name} is a system property.")
    return name


def _read(name: str, value: Any, settings: QuerySettings) -> Item:
    if not isinstance(value, list | dict):
        return _scalar(name, value)
    if is_too_deep(value):
        raise BadRequest(f"The parameter {name} is nested deeper than {MAX_DEPTH} levels.")
    if _count(value) > settings.max_list:
        what = "list" if isinstance(value, list) else "map"
        raise BadRequest(
            f"The {what} {name} has more than {settings.max_list} values (limit max_list)."
        )
    return _deep(name, value)


def _count(value: Any) -> int:
    """The values in lists and maps, at any depth; an empty list in one is a value too."""
    if not isinstance(value, list | dict):
        return 0
    inside = value.values() if isinstance(value, dict) else value
    return len(value) + sum(map(_count, inside))


def _deep(name: str, value: Any) -> Item:
    if isinstance(value, list):
        return tuple([_deep(name, one) for one in value])
    if isinstance(value, dict):
        return {key: _deep(name, one) for key, one in value.items()}
    return _scalar(name, value)


def _scalar(name: str, value: Any) -> Scalar:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else _double(name, value)
    if isinstance(value, float):
        return _double(name, value)
    raise AssertionError(value)


def _double(name: str, value: float) -> float:
    """As a literal is read: -0.0 is 0.0, and what no double holds is refused."""
    try:
        number = float(value) + 0.0
    except OverflowError:
        number = float("inf")
    if number - number != 0:  # infinite, or no number
        raise BadRequest(f"The number of the parameter {name} is out of range.")
    return number


def _kind(value: Item) -> str:
    if isinstance(value, tuple):
        return "nested" if any(isinstance(one, tuple | dict) for one in value) else "list"
    return "map" if isinstance(value, Mapping) else kind_of(value)
