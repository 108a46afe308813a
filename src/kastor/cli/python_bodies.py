"""What a module of dataclasses has besides: the way to bodies and from them."""

from __future__ import annotations

BODIES = '''

_Body = TypeVar("_Body")
_NAMES = {NAMES}
"""Members that are called otherwise in JSON."""


def to_body(value: object) -> dict[str, Any]:
    """Return the body that is sent of a twin or relationship; what is None is left out."""
    made = _plain(value)
    if not isinstance(made, dict):
        raise TypeError(f"{value!r} is no twin and no relationship")
    return made


def from_body(kind: type[_Body], body: Mapping[str, Any]) -> _Body:
    """Return a body that was read as an object of a class; members that it has not are left out.

    Raises:
        TypeError: a member that has to be there is not.
        ValueError: a value is not among those of its enumeration.
    """
    hints = get_type_hints(kind)
    names = {each: _NAMES.get(each, each) for each in hints}
    return kind(
        **{each: _typed(hints[each], body[name]) for each, name in names.items() if name in body}
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        members = {each.name: getattr(value, each.name) for each in fields(value)}
        return {
            _NAMES.get(name, name): _plain(member)
            for name, member in members.items()
            if member is not None
        }
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value.value if isinstance(value, Enum) else value


def _typed(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = [each for each in get_args(hint) if each is not type(None)] or [None]
    origin = get_origin(hint)
    if origin is list and isinstance(value, list):
        return [_typed(get_args(hint)[0], each) for each in value]
    if origin is dict and isinstance(value, dict):
        return {name: _typed(get_args(hint)[1], each) for name, each in value.items()}
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, dict):
        return from_body(hint, value)
    return hint(value) if isinstance(hint, type) and issubclass(hint, Enum) else value
'''
