"""`--set path=value` and `--remove path`: values as the model types them, JSON where none does."""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from kastor.cli.output import Exit, fail
from kastor.types import Document, Json

if TYPE_CHECKING:
    from kastor.client import KastorClient
    from kastor.dtdl import Element, Interface
    from kastor.dtdl.model import Content

Keys = tuple[str, ...]
_NUMBERS = frozenset(
    {"double", "float", "integer", "long", "byte", "short"}
    | {"unsignedByte", "unsignedShort", "unsignedInteger", "unsignedLong"}
)
_WHOLE = _NUMBERS - {"double", "float"}


class Setting(NamedTuple):
    """One `--set`: where to, and the text that was typed."""

    keys: Keys
    text: str


class Members:
    """The properties and components that values are set in; without a model anything may be.

    Attributes:
        owner: how errors name what has them.
    """

    def __init__(self, owner: str, contents: Mapping[str, Content] | None = None) -> None:
        self.owner = owner
        self._contents = contents

    def value(self, setting: Setting) -> Json:
        """Return the value of a setting, or end the command with what is wrong with it."""
        schema = self._schema(setting.keys)
        shown = ".".join(setting.keys)
        if schema is None:
            return _guessed(setting.text)
        name = _plain(schema)
        if name in _NUMBERS:
            return _number(setting.text, name, shown, self.owner)
        if name == "boolean":
            if setting.text not in ("true", "false"):
                _wrong(shown, setting.text, "true or false", self.owner)
            return setting.text == "true"
        if name:
            return setting.text
        try:
            return json.loads(setting.text)
        except ValueError:
            kind = schema.kind.lower()
            _wrong(shown, setting.text, f"JSON of {_article(kind)} {kind}", self.owner)

    def require(self, keys: Keys) -> None:
        """End the command where a path leads to nothing that the model has."""
        self._schema(keys)

    def _schema(self, keys: Keys) -> Element | None:
        """Return the schema at a path, or None where no model says it."""
        from kastor.dtdl.model import Array, Component, Map, Object, Property

        if self._contents is None or keys[0].startswith("$"):
            return None
        content = self._contents.get(keys[0])
        if isinstance(content, Component):
            inner = Members(content.schema.id, content.schema.contents)
            return inner._schema(keys[1:]) if keys[1:] else None
        if not isinstance(content, Property):
            self._unknown(keys[0])
        schema: Element | None = content.schema
        for key in keys[1:]:
            match schema:
                case Object() if key in schema.fields:
                    schema = schema.fields[key].schema
                case Map():
                    schema = schema.value.schema
                case Array():
                    schema = schema.element_schema
                case _:
                    return None
        return schema

    def _unknown(self, name: str) -> NoReturn:
        from kastor.dtdl.model import Component, Property

        contents = self._contents or {}
        names = [key for key, each in contents.items() if isinstance(each, Property | Component)]
        near = difflib.get_close_matches(name, names, 3)
        if near:
            there = f"Did you mean {' or '.join(near)}?"
        else:
            there = f"It has {', '.join(names[:20])}." if names else "It has none at all."
        fail(f"{self.owner} has no property {name}. {there}")


def settings(given: Sequence[str] | None) -> list[Setting]:
    """Return what the flags `--set path=value` say."""
    found = []
    for each in given or ():
        path, is_there, text = each.partition("=")
        if not is_there:
            fail(f"--set {each} has no value: write --set PATH=VALUE.", Exit.USAGE)
        found.append(Setting(path_keys(path, "--set"), text))
    return found


def path_keys(path: str, flag: str) -> Keys:
    """Return the keys of a path: `thermostat.setPoint`, or `/thermostat/setPoint`."""
    if path.startswith("/"):
        keys = tuple(
            key.replace("~1", "/").replace("~0", "~") for key in path.removeprefix("/").split("/")
        )
    else:
        keys = tuple(path.split("."))
    if not all(keys):
        fail(f"{flag} {path}: a path is NAME, or COMPONENT.NAME, or /COMPONENT/NAME.", Exit.USAGE)
    return keys


def pointer(keys: Keys) -> str:
    """Return keys as a JSON pointer."""
    return "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)


class Changes(NamedTuple):
    """What `--set` and `--remove` come to.

    Attributes:
        patch: the operations; `add` replaces what is there.
        if_match: the ETag that they are for, where they make objects that are not there: somebody
            else may make them meanwhile.
    """

    patch: list[Document]
    if_match: str | None


def changes_of(
    members: Members,
    current: Document,
    given: Sequence[Setting],
    removed: Sequence[Keys],
    etag: str | None,
) -> Changes:
    """Return the changes to a document as it is now, with its ETag."""
    for keys in removed:
        members.require(keys)
    patch: list[Document] = []
    seen, makes_objects = copy.deepcopy(current), False
    for each in given:
        value = members.value(each)
        depth = len(each.keys) if each.keys[0].startswith("$") else _depth(seen, each.keys)
        for key in reversed(each.keys[depth:]):
            value, makes_objects = {key: value}, True
        patch.append({"op": "add", "path": pointer(each.keys[:depth]), "value": value})
        _put(seen, each.keys[:depth], value)
    patch += ({"op": "remove", "path": pointer(keys)} for keys in removed)
    return Changes(patch, etag if makes_objects else None)


def _depth(current: Document, keys: Keys) -> int:
    """Return how many keys lead to the first thing that is not there, or to the last one."""
    place: Json = current
    for depth, key in enumerate(keys[:-1], 1):
        if not isinstance(place, dict) or key not in place:
            return depth
        place = place[key]
    return len(keys)


def _put(place: Json, keys: Keys, value: Json) -> None:
    for key in keys[:-1]:
        place = place.get(key) if isinstance(place, dict) else None
    if isinstance(place, dict):
        place[keys[-1]] = value


def put_into(body: Document, members: Members, changes: Sequence[Setting]) -> None:
    """Write settings into a body, and the objects that lead to them."""
    for each in changes:
        place = body
        for key in each.keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                fail(f"--set {'.'.join(each.keys)}: {key} is no object.", Exit.USAGE)
        place[each.keys[-1]] = members.value(each)


def interface_of(client: KastorClient, model: str) -> Interface | None:
    """Return a model with all it inherits; None where its text cannot be resolved here.

    Raises:
        ClientError: NotFoundError where there is no such model.
    """
    from kastor import dtdl

    stored = client.models.list([model], definitions=True)
    documents = [each["model"] for each in stored if "model" in each]
    try:
        models = dtdl.parse(
            documents, allow_undefined_extensions="always", tolerate_solecisms={"parse"}
        )
    except dtdl.DtdlError:
        return None
    return models.interfaces.get(model)


def _plain(schema: Element) -> str | None:
    """Return the name of the plain type of a schema; None of one whose values are JSON."""
    from kastor.dtdl.model import Enum, PrimitiveSchema

    if isinstance(schema, Enum):
        return "integer" if "integer" in schema.value_schema_id else "string"
    return schema.name if isinstance(schema, PrimitiveSchema) else None


def _number(text: str, name: str, shown: str, owner: str) -> Json:
    try:
        found = json.loads(text, parse_constant=str)
    except ValueError:
        found = text
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if not is_number or (name in _WHOLE and not isinstance(found, int)):
        _wrong(shown, text, f"{_article(name)} {name}", owner)
    return found


def _wrong(shown: str, text: str, wanted: str, owner: str) -> NoReturn:
    fail(f"--set {shown}: {text!r} is not {wanted}, which {shown} of {owner} has to be.")


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" and noun[:2] != "un" else "a"


def _guessed(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text
