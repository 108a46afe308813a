"""What a policy file may say: its form, what its names mean, and every fault with its place."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kastor.auth.actors import EVERY_GRAPH
from kastor.auth.policy import ADT_RULES, CLAIMS, AccessRule, Policy
from kastor.auth.policy_places import Places
from kastor.auth.roles import KNOWN_CALLERS, ROLES, Permission
from kastor.records import PolicyPart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST = 1_000
"""Rules, roles, and values of one claim."""
MOST_FAULTS = 50
MOST_PARTS, MOST_NAMES = 20, 50
"""Parts of one rule; relationships, or models, of one part."""
GRANTABLE = tuple(each for each in Permission if each not in KNOWN_CALLERS)
"""What roles can give; the rest every caller has."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_GRAPHS = re.compile(r"(?!.*\*\*)[a-z0-9*-]{1,63}")
_LONG_KEY = re.compile(r"(?:[ \t]*(?:[^\s.=\[\]{},]+[ \t]*)?\.){100}")
"""A key of so many parts takes longer to read than anybody should wait."""
_WORDS = {
    "missing": "it is missing.",
    "string_type": "write a text in quotation marks.",
    "list_type": 'write an array, such as ["a", "b"].',
    "dict_type": "write a table.",
    "model_type": 'write a table, such as { groups = ["a"] }.',
    "bool_type": "write true or false.",
    "too_short": "name one at least.",
    "too_long": "no more than {max_length} can be given.",
    "string_too_long": "no more than {max_length} characters can be given.",
}
"""What to write instead, by the kinds of faults of pydantic."""


def _be_text(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable():
        raise ValueError("write a text of one line without blanks at its ends.")
    return value


def _be_graphs(value: str) -> str:
    if _GRAPHS.fullmatch(value) is None:
        raise ValueError(
            "write the name of a graph: up to 63 lower-case letters, digits and hyphens, with * "
            "for any of them."
        )
    return value


def _be_permissions(value: str) -> str:
    if _permissions_of(value):
        return value
    if value in KNOWN_CALLERS:
        raise ValueError(f"{value!r} is what every caller may; leave it out.")
    near = get_close_matches(value, GRANTABLE, 1)
    hint = f" Write {near[0]}." if near else ""
    raise ValueError(
        f"no permission is meant by {value[:80]!r}.{hint} `kastor access permissions` lists them."
    )


def _be_an_issuer(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("write the address of an issuer as its tokens name it: https://...")
    return value


def _be_a_name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError("write up to 64 letters, digits, hyphens and underscores.")
    return value


def _be_a_model(value: str) -> str:
    if not value.startswith("dtmi:"):
        raise ValueError("write the id of a model: dtmi:com:example:Room;1.")
    return value


_Text = Annotated[str, Field(max_length=500), AfterValidator(_be_text)]
_Pattern = Annotated[str, Field(max_length=100), AfterValidator(_be_permissions)]
_Graphs = Annotated[str, AfterValidator(_be_graphs)]
_Role = Annotated[str, AfterValidator(_be_a_name)]
_Model = Annotated[str, Field(max_length=2048), AfterValidator(_be_a_model)]
_Names = Annotated[list[_Text], Field(max_length=MOST_NAMES)]
_Values = Annotated[list[_Text], Field(min_length=1, max_length=MOST)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _RoleForm(_Form):
    description: Annotated[str, Field(max_length=500)] = ""
    permissions: Annotated[list[_Pattern], Field(max_length=100)] = []
    includes: Annotated[list[_Role], Field(max_length=100)] = []


class _ToForm(_Form):
    roles: _Values | None = None
    groups: _Values | None = None
    scopes: _Values | None = None
    apps: _Values | None = None
    subjects: _Values | None = None
    tokens: _Values | None = None

    def named(self) -> dict[str, frozenset[str]]:
        """Return the values by the claims that are named."""
        values = ((each, getattr(self, each)) for each in CLAIMS)
        return {claim: frozenset(found) for claim, found in values if found}


class _PartForm(_Form):
    under: Annotated[str, Field(max_length=128), AfterValidator(_be_text)] | None = None
    outgoing: _Names = []
    incoming: _Names = []
    models: Annotated[list[_Model], Field(max_length=MOST_NAMES)] = []

    def part(self, name: str) -> PolicyPart:
        """Return what it says."""
        told = tuple(self.outgoing), tuple(self.incoming), tuple(self.models)
        return PolicyPart(name, self.under, *told)


class _RuleForm(_Form):
    roles: Annotated[list[_Role], Field(min_length=1, max_length=50)]
    graphs: Annotated[list[_Graphs], Field(min_length=1, max_length=100)] = list(EVERY_GRAPH)
    twins: Annotated[list[_Role], Field(min_length=1, max_length=MOST_PARTS)] | None = None
    to: _ToForm
    issuer: Annotated[str, Field(max_length=500), AfterValidator(_be_an_issuer)] | None = None


class _FileForm(_Form):
    adt_roles: bool = True
    roles: Annotated[dict[_Role, _RoleForm], Field(max_length=MOST)] = {}
    twins: Annotated[dict[_Role, _PartForm], Field(max_length=MOST)] = {}
    rules: Annotated[list[_RuleForm], Field(max_length=MOST)] = []


def parse_policy(content: bytes) -> tuple[Policy | None, list[str]]:
    """Return what the text of a policy file says, or None and its faults, each with its place."""
    try:
        text = content.decode()
        if (long := _LONG_KEY.search(text)) is not None:
            line = text.count("\n", 0, long.start()) + 1
            return None, [f"line {line}: a name of more than a hundred parts is none."]
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return None, [f"byte {error.start}: it is not UTF-8."]
    except tomllib.TOMLDecodeError as error:
        return None, [f"it is no TOML: {str(error)[:300]}."]
    except (ValueError, RecursionError):
        return None, ["it has a number that is too long, or values too deep within each other."]
    places = Places(text, document)
    form = None
    faults: list[str] = []
    try:
        form = _FileForm.model_validate(document)
    except ValidationError as error:
        faults = [_sentence(each, places) for each in error.errors()]
    faults += islice(_misfits(document, places), MOST_FAULTS)
    if form is None or faults:
        more = len(faults) - MOST_FAULTS
        return None, faults[:MOST_FAULTS] + (["there are more faults."] if more > 0 else [])
    return _policy_of(form), []


def _policy_of(form: _FileForm) -> Policy:
    roles: dict[str, frozenset[Permission]] = dict(ROLES)
    includes = {name: set(role.includes) for name, role in form.roles.items()}
    for name in TopologicalSorter(includes).static_order():
        if name in form.roles:
            own = form.roles[name]
            given = (_permissions_of(each) for each in own.permissions)
            roles[name] = frozenset().union(*given, *(roles[each] for each in own.includes))
    parts = {name: part.part(name) for name, part in form.twins.items()}
    rules = [
        AccessRule(
            *(tuple(each.roles), each.to.named(), tuple(each.graphs), each.issuer, number),
            tuple(parts[name] for name in each.twins or ()),
        )
        for number, each in enumerate(form.rules, 1)
    ]
    return Policy((*(ADT_RULES if form.adt_roles else ()), *rules), roles)


def _permissions_of(pattern: str) -> frozenset[Permission]:
    if "*" not in pattern:
        return frozenset(each for each in GRANTABLE if each == pattern)
    plain = pattern.replace("[", "[[]").replace("?", "[?]")
    return frozenset(each for each in GRANTABLE if fnmatchcase(each, plain))


def _misfits(document: Mapping[str, Any], places: Places) -> Iterator[str]:
    """Find names that mean nothing, also in a file whose form is wrong elsewhere."""
    own = document.get("roles")
    roles: dict[str, Any] = own if isinstance(own, dict) else {}
    known = {*ROLES, *roles}
    for name, role in roles.items():
        yield from _misfits_of_role(name, role, known, places)
    try:
        TopologicalSorter(
            {name: set(_texts(role, "includes")) for name, role in roles.items()}
        ).prepare()
    except CycleError as error:
        yield f"roles: {' includes '.join(error.args[1][::-1])}: a role cannot include itself."
    twins = document.get("twins")
    parts: dict[str, Any] = twins if isinstance(twins, dict) else {}
    for name, part in parts.items():
        yield from _misfits_of_part(f"twins.{name[:80]}", part)
    rules = document.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        yield from _misfits_of_rule(rule, known, places.rule(index))
        for each in _texts(rule, "twins"):
            if each not in parts:
                yield (
                    f"{places.rule(index)}, twins: there is no part {each[:80]!r}; make it with "
                    "[twins.NAME]."
                )


def _misfits_of_role(name: str, role: Any, known: set[str], places: Places) -> Iterator[str]:
    place = places.role(name)
    if name in ROLES:
        yield f"{place}: this role is built in; give yours another name."
    for each in _texts(role, "includes"):
        if each not in known:
            yield f"{place}, includes: {_no_role(each, known)}"
    if isinstance(role, dict) and not (role.get("permissions") or role.get("includes")):
        yield f"{place}: it gives nothing; write permissions = [...] or includes = [...]."


def _misfits_of_part(place: str, part: Any) -> Iterator[str]:
    if not isinstance(part, dict):
        return
    ways = [name for name in ("outgoing", "incoming") if part.get(name)]
    if not part.get("under") and not part.get("models"):
        yield f'{place}: it holds nothing; write under = "ID", or models = [...], or both.'
    elif part.get("under") and len(ways) != 1:
        yield (
            f"{place}: say by which relationships twins belong to it: outgoing = [...] if they "
            "lead to what is below, or incoming = [...] if they lead to what is above; one "
            "of the two."
        )
    elif ways and not part.get("under"):
        yield f'{place}, {ways[0]}: that needs under = "ID", the twin with which it begins.'


def _misfits_of_rule(rule: Any, known: set[str], place: str) -> Iterator[str]:
    for each in _texts(rule, "roles"):
        if each not in known:
            yield f"{place}, roles: {_no_role(each, known)}"
    to = rule.get("to") if isinstance(rule, dict) else None
    if to == {}:
        yield f"{place}, to: name whom it is for: {', '.join(CLAIMS)}."
    if isinstance(to, dict) and "tokens" in to and (len(to) > 1 or "issuer" in rule):
        yield (
            f"{place}, to: static tokens have neither an issuer nor other claims; make a rule of "
            "its own for tokens."
        )


def _texts(table: Any, member: str) -> list[str]:
    found = table.get(member) if isinstance(table, dict) else None
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _no_role(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, 1)
    hint = f"write {near[0]}" if near else f"there are {', '.join(sorted(known)[:20])}"
    return f"there is no role {name[:80]!r}; {hint}, or make it with [roles.NAME]."


def _sentence(fault: Any, places: Places) -> str:  # any: what pydantic gives
    steps = fault["loc"]
    if fault["type"] == "extra_forbidden":
        return _unknown(steps, places)
    words = _WORDS.get(fault["type"])
    if words is not None:
        message = words.format(**fault.get("ctx", {}))
    else:
        message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{places.of(steps)}: {message}"


def _unknown(steps: tuple[int | str, ...], places: Places) -> str:
    *above, member = steps
    match above:
        case ("rules", int(), "to"):
            form: type[BaseModel] = _ToForm
        case ("rules", int()):
            form = _RuleForm
        case ("roles", str()):
            form = _RoleForm
        case ("twins", str()):
            form = _PartForm
        case _:
            form = _FileForm
    known = list(form.model_fields)
    near = get_close_matches(str(member), known, 1)
    hint = f"write {near[0]}" if near else f"there are {', '.join(known)}"
    place = places.of(tuple(above))
    told = f"there is no member {str(member)[:80]!r}; {hint}."
    return f"{place}: {told}" if place else told
