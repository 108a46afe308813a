"""What a part of a graph holds, as a condition of a statement: the one place for both engines.

Which twins lie below another is kept with the graph (`PartStore`), in the transaction of each
write, so that a statement sees the parts of the state that it reads; of what model a twin is stands
in its row.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import msgspec

from kastor.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kastor.records import PolicyPart, Sees

MOST_PARTS = 1_000
"""Parts of one graph that begin at a twin; each takes room for every twin in it."""
_LONGEST_NAMES = 1_000
"""Bytes."""
_TABLE = re.compile(
    r"\b(FROM|JOIN) (\{graph\}\.)?(twins|relationships)\b(?: (?!WHERE|ON|JOIN|LEFT)(\w+))?"
)


class PartStore(Protocol):
    """Which twins are in parts of one graph."""

    async def keep(self, parts: Sequence[PolicyPart]) -> list[int]:
        """Return the keys of parts that begin at a twin, which are kept from now on.

        One that is new is filled first, while nobody writes. Keys stay as long as the graph.

        Raises:
            Unavailable: there would be more than MOST_PARTS, or the graph cannot be written.
        """


def names_of(part: PolicyPart) -> list[str]:
    """Return the names of the relationships of a part, each once, in order."""
    return sorted(set(part.outgoing or part.incoming))


def told_of(part: PolicyPart) -> tuple[str | None, bool, str]:
    """Return what parts of a graph are told apart by: root, direction, names of relationships.

    Many long names are a digest of theirs: no engine has an index over any length.
    """
    names = msgspec.json.encode(names_of(part))
    kept = names if len(names) <= _LONGEST_NAMES else sha256(names).hexdigest().encode()
    return part.under, bool(part.outgoing), kept.decode()


def key_of(part: PolicyPart) -> int:
    """Return the key of a part, the same in every graph.

    A process that knows it of a graph which another one replaced just now sees that part of the
    new one, or nothing, and never another part.
    """
    return int.from_bytes(sha256(msgspec.json.encode(told_of(part))).digest()[:6], "big")


def too_many() -> Unavailable:
    """Return what is raised where no further part can be kept."""
    return Unavailable(
        f"The graph keeps {MOST_PARTS:,} parts that rules named, which is the most; a copy of it"
        " begins with none."
    )


def holding(twin: str, sees: Sees, table: Callable[[str], str], row: str | None = None) -> str:
    """Return a condition: whether the twin whose key this expression is can be seen.

    Args:
        twin: the expression.
        sees: the parts.
        table: what stands in FROM for a stored table.
        row: the alias of the twin's own row, where that is at hand.
    """
    below = [_key(each) for each in sees.parts if each.under is not None and not each.models]
    terms = [_is_in(below, twin, table)] if below else []
    terms += [
        _holding(each, twin, table, row) for each in sees.parts if each.under is None or each.models
    ]
    return f"({' OR '.join(terms) or '1 = 0'})"


def held_last(twin: str, sees: Sees, table: Callable[[str], str]) -> str:
    """Return a condition: whether a twin's past can be seen, whether it is there or gone.

    Membership of now decides; of a twin that is gone, what it was in last and was of last.

    Args:
        twin: the expression of its key.
        sees: the parts.
        table: what stands in FROM for a stored table of now.
    """
    terms = []
    for part in sees.parts:
        last = []
        if part.under is not None:
            last.append(
                f"EXISTS (SELECT 1 FROM {table('parts_left')} l"
                f" WHERE l.part_key = {_key(part)} AND l.twin_key = {twin})"
            )
        if part.models:
            row = "(SELECT o.model_key FROM {} o WHERE o.key = {} ORDER BY o.ended_by DESC LIMIT 1)"
            last.append(_is_of(row.format(table("twin_versions"), twin), part))
        terms.append(f"({' AND '.join(last)})")
    gone = f"NOT EXISTS (SELECT 1 FROM {table('twins')} p WHERE p.key = {twin})"
    was = f"({' OR '.join(terms) or '1 = 0'})"
    return f"({holding(twin, sees, table)} OR ({gone} AND {was}))"


def _holding(part: PolicyPart, twin: str, table: Callable[[str], str], row: str | None) -> str:
    terms = [] if part.under is None else [_is_in([_key(part)], twin, table)]
    if part.models and row is not None:
        terms.append(_of_models(part, row))
    elif part.models:
        terms.append(
            f"EXISTS (SELECT 1 FROM {table('twins')} p WHERE p.key = {twin}"
            f" AND {_of_models(part, 'p')})"
        )
    return f"({' AND '.join(terms)})"


def _is_in(keys: Sequence[int], twin: str, table: Callable[[str], str]) -> str:
    listed = ", ".join(map(str, sorted(keys)))
    return (
        f"EXISTS (SELECT 1 FROM {table('part_twins')} m"
        f" WHERE m.part_key IN ({listed}) AND m.twin_key = {twin})"
    )


def _key(part: PolicyPart) -> int:
    if part.key is None:
        raise ValueError("a part that begins at a twin is not kept yet")
    return part.key


def _of_models(part: PolicyPart, alias: str) -> str:
    # With a plus it is a test, and no way to find rows: an engine would begin with all of them.
    return _is_of(f"+{alias}.model_key", part)


def _is_of(model: str, part: PolicyPart) -> str:
    if part.model_keys is None:
        raise ValueError("the models of a part were not looked up")
    found = ", ".join(map(str, part.model_keys))
    return f"{model} IN ({found})" if found else "1 = 0"


@lru_cache(maxsize=1_000)
def limited(statement: str, sees: Sees) -> str:
    """Return a statement over what can be seen alone.

    Args:
        statement: of the engine, with its tables after FROM and JOIN.
        sees: the parts.
    """

    def replaced(found: re.Match[str]) -> str:
        word, graph, name, alias = found.groups()

        def table(stored: str) -> str:
            return f"{graph or ''}{stored}"

        return f"{word} {visible(name, sees, table)} {alias or name}"

    return _TABLE.sub(replaced, statement)


def visible(
    name: str, sees: Sees, table: Callable[[str], str], past: Callable[[str], str] | None = None
) -> str:
    """Return what stands in FROM for what can be seen of `twins` or `relationships`.

    Args:
        name: which of them.
        sees: the parts.
        table: what stands in FROM for a stored table of now.
        past: the same of a past state, where that is asked for.
    """
    if past is not None:
        ends = ("v.key",) if name == "twins" else ("v.source_key", "v.target_key")
        kept = " AND ".join(held_last(end, sees, table) for end in ends)
        return f"(SELECT v.* FROM {past(name)} v WHERE {kept})"
    if name == "twins":
        kept = holding("v.key", sees, table, "v")
    else:
        ends = ("v.source_key", "v.target_key")
        kept = " AND ".join(holding(end, sees, table) for end in ends)
    return f"(SELECT v.* FROM {table(name)} v WHERE {kept})"
