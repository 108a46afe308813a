"""Names of Python classes and of their members, from the ids and names of models.

No name of DTDL ends with an underscore, so that one that ends with one is free.
"""

from __future__ import annotations

import builtins
import keyword
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kastor.dtdl.json_schema import SchemaDefinition

_OWN = {
    "$dtId": "dt_id_",
    "$etag": "etag_",
    "$lastUpdateTime": "last_update_time_",
    "$metadata": "metadata_",
    "$model": "model_",
    "$relationshipId": "relationship_id_",
    "$relationshipName": "relationship_name_",
    "$sourceId": "source_id_",
    "$targetId": "target_id_",
}
# What a class of pydantic has itself, or what annotations in the class name.
_TAKEN = frozenset(
    ["construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj", "parse_raw",
     "schema", "schema_json", "update_forward_refs", "validate", "field", "dataclass", "mro"]
)  # fmt: skip
_MODULE = frozenset(
    ["Annotated", "Any", "BaseModel", "ConfigDict", "Enum", "Field", "Final", "IntEnum", "Literal",
     "Mapping", "NotRequired", "RootModel", "StrEnum", "TypeAlias", "TypeVar", "TypedDict", "Union",
     "UnionType"]
)  # fmt: skip
_ROLES = {"twin": "", "component": "Component", "metadata": "Metadata", "times": "Times"}


def member_names(names: Iterable[str], classes: Iterable[str]) -> dict[str, str]:
    """Return the names in Python of members that can not have their own there.

    One that is called like a class would hide it from the types of those behind it.
    """
    taken = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_TAKEN, *_MODULE, *classes}
    found = {name: f"{name}_" for name in names if name in taken or name.startswith("model_")}
    return {**_OWN, **found}


def value_names(names: Iterable[str]) -> list[str]:
    """Return the names in Python of the values of an enumeration."""
    taken = {*keyword.kwlist, *dir(str), *dir(int), "mro", "name", "value"}
    return [f"{name}_" if name in taken else name for name in names]


class ClassNames:
    """Gives each definition the name of a class, from the last words of its id.

    Models that end alike have more of their ids in front, and versions behind where they differ
    in nothing else. The names are the same for the same models, in whatever order they come.

    Args:
        identifiers: of all models, and of what has an id of its own in them.

    Attributes:
        given: the names that were given.
    """

    def __init__(self, identifiers: Iterable[str]) -> None:
        self._bases = _bases(identifiers)
        self.given: dict[SchemaDefinition, str] = {}
        self._used: set[str] = set(_MODULE) | set(dir(builtins))

    def __call__(self, definition: SchemaDefinition) -> str:
        """Return the name of a class that no other definition has."""
        found = self.given.get(definition)
        if found is None:
            found = self.given[definition] = self._free(self._wanted(definition))
        return found

    def _wanted(self, definition: SchemaDefinition) -> str:
        if not definition.element:
            return "PropertyTimes"
        base = self._bases.get(definition.element) or _from_automatic(
            definition.element, self._bases
        )
        if definition.role == "relationship":
            return base + _word(definition.name)
        return base + _ROLES.get(definition.role, "")

    def _free(self, wanted: str) -> str:
        found, number = wanted, 1
        while found in self._used:
            number += 1
            found = f"{wanted}{number}"
        self._used.add(found)
        return found


def _bases(identifiers: Iterable[str]) -> dict[str, str]:
    """Return the shortest names from ends of ids that tell the ids apart."""
    versions: dict[str, list[str]] = {}
    for each in sorted(set(identifiers)):
        versions.setdefault(each.partition(";")[0], []).append(each)
    found: dict[str, str] = {}
    for path, name in _endings(sorted(versions)).items():
        same = versions[path]
        for each in same:
            found[each] = name if len(same) == 1 else f"{name}V{_version(each)}"
    return found


def _endings(paths: list[str]) -> dict[str, str]:
    """Return for each path its last words, more of them for those that end alike."""
    found: dict[str, str] = {}
    length = 1
    while paths:
        by_name: dict[str, list[str]] = {}
        for each in paths:
            by_name.setdefault(_ending(each, length), []).append(each)
        is_whole = all(length > each.count(":") for each in paths)
        paths = [each for same in by_name.values() if len(same) > 1 for each in same]
        if is_whole:
            # They differ in what no class is called by: capitals and underscores.
            by_name |= {f"{_ending(each, length)}{n}": [each] for n, each in enumerate(paths, 1)}
            paths = []
        found |= {same[0]: name for name, same in by_name.items() if len(same) == 1}
        length += 1
    return found


def _ending(path: str, length: int) -> str:
    return "".join(map(_word, path.split(":")[1:][-length:]))


def _version(identifier: str) -> str:
    return identifier.partition(";")[2].replace(".", "_") or "0"


def _from_automatic(identifier: str, bases: Mapping[str, str]) -> str:
    """Return a name from an id that was made of the names on the way to an element."""
    path, _, version = identifier.partition(";")
    words = path.split(":")
    at = next((i for i, word in enumerate(words) if word.startswith("_")), len(words))
    above = ":".join(words[:at])
    owner = f"{above};{version}" if version else above
    names = [_word(word[2:]) for word in words[at:] if word.startswith("__")]
    return (bases.get(owner) or _ending(above, 1)) + "".join(names)


def _word(text: str) -> str:
    parts = re.split(r"[^A-Za-z0-9]+", text)
    return "".join(part[:1].upper() + part[1:] for part in parts)
