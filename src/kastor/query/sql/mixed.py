"""What a graph has beside its own tables: rows below, and what is matched apart for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kastor.query.plan import Block, Unwound, Walked
from kastor.query.references import own_sources, reads_before
from kastor.query.sql.clauses import select
from kastor.query.sql.derived import rows_below
from kastor.query.sql.keyed import of_block
from kastor.query.sql.ordering import Key
from kastor.query.sql.tables import alone

if TYPE_CHECKING:
    from kastor.query.sql.clauses import Clauses
    from kastor.query.sql.traverse import Branch


class Mixed:
    """Writes them into the branches of one graph; see `traverse.Mixing`."""

    def __init__(self, clauses: Clauses) -> None:
        self.clauses = clauses
        self.graph = clauses.graph
        self.dialect = clauses.dialect

    def open(self, branch: Branch, needed: set[int]) -> None:
        """The rows below, and the twins and relationships that are tied to them."""
        for index, source in enumerate(self.graph.sources):
            if source.plans:
                text, keys = rows_below(source.plans, self.clauses)
                branch.tables.append(f"({text}) v{index}")
                branch.rows.append([key.at(f"v{index}.o{n}") for n, key in enumerate(keys)])
            elif source.tied is not None and not source.outer:
                rows, column = source.tied
                branch.keys[index] = f"v{rows}.c{column}j"
                self._document(branch, index, needed)

    def before(self, branch: Branch, hop: int, needed: set[int]) -> None:
        """What is matched apart right before a hop."""
        for number, part in enumerate(self.graph.apart):
            if part.after != hop:
                continue
            self.clauses.values.walks = branch.walks
            if isinstance(part, Unwound):
                self._unwound(branch, number, part, needed)
            else:
                self._block(branch, number, part)
                for index in own_sources(part):
                    self._document(branch, index, needed)

    def _document(self, branch: Branch, index: int, needed: set[int]) -> None:
        """Joins what has a key already, where its document is read."""
        source = self.graph.sources[index]
        if index not in needed:
            return
        alias = self.clauses.values.alias(index)
        word = "LEFT JOIN" if source.optional else self.dialect.join_in_order
        table = self.dialect.table(source.kind + "s")
        branch.tables.append(f" {word} {table} {alias} ON {alias}.key = {branch.keys[index]}")

    def _unwound(self, branch: Branch, number: int, part: Unwound, needed: set[int]) -> None:
        alias = f"v{part.source}"
        branch.tables.append(self.dialect.unwound(self.clauses.values.json(part.value), alias))
        branch.apart[number] = [Key(self.dialect.place_of_item(alias))]
        for index, source in enumerate(self.graph.sources):
            if source.item == part.source:
                branch.keys[index] = self._key(source.kind, self.dialect.item(alias)[-1])
                self._document(branch, index, needed)

    def _key(self, kind: str, json: str) -> str:
        """The key of what a document is of, by its id."""
        twins = alone(self.dialect.ids())
        if kind == "twin":
            return f"(SELECT key FROM {twins} WHERE id = {self._text(json, '$dtId')})"
        relationships = alone(self.dialect.places("relationships"))
        source = f"(SELECT key FROM {twins} WHERE id = {self._text(json, '$sourceId')})"
        same = f"id = {self._text(json, '$relationshipId')} AND source_key = {source}"
        return f"(SELECT key FROM {relationships} WHERE {same})"

    def _text(self, json: str, name: str) -> str:
        values = self.clauses.values
        return values.over_json(json, self.dialect.text, (name,))

    def _block(self, branch: Branch, number: int, part: Block) -> None:
        keyed = of_block(part, self.clauses)
        inner, own = keyed.clauses, own_sources(part)
        inner.outer = dict(branch.keys)
        selects, keys, names = [], list[Key](), list[str]()
        for index, (one, terms) in enumerate(inner.branches(set())):
            keys = keyed.order(index, one)
            items = {f"o{place}": key.sql for place, key in enumerate(keys)}
            items |= {f"n{source}": one.keys[source] for source in own}
            items |= {f"w{walked.hop}": sql for walked, sql in one.walks.items()}
            names = list(items)
            listed = ", ".join(f"{sql} AS {name}" for name, sql in items.items()) or "1 AS one"
            selects.append(select(listed, one, terms))
        alias = f"y{number}"
        joined, columns = self.dialect.apart(
            " UNION ALL ".join(selects),
            names,
            alias,
            optional=part.optional,
            reads=reads_before(part),
        )
        known = dict(zip(names, columns, strict=True))
        branch.tables.append(joined)
        branch.apart[number] = [
            key.at(f"coalesce({known[f'o{place}']}, {key.missing})")
            for place, key in enumerate(keys)
        ]
        branch.keys.update({source: known[f"n{source}"] for source in own})
        for name, sql in known.items():
            if name[0] == "w":
                branch.walks[Walked(int(name[1:]), number)] = sql
