"""What an engine must be able to say; the emitter composes everything else from this.

`doc` is the SQL of a document column, `path` the SQL of a path as `Dialect.path` gave it. A guarded
value is the value if it is of the wanted kind, else SQL NULL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kastor.query.plan import Scalar
    from kastor.query.sql.parameters import AtRun, Parameters
    from kastor.query.sql.tables import GraphView, Tables


class Dialect(Protocol):
    """One engine's spellings."""

    name: str
    explain: str
    """What before a statement makes the engine tell its steps."""
    join: str
    """Between tables whose conditions stand in WHERE."""
    names_members: bool
    """Whether nothing else bounds what a row takes while it is put together."""
    interrupts_queries_only: bool
    """Whether the engine looks at the clock between rows and queries, but inside no expression."""
    repeats_inner_rows: bool
    """Whether rows that belong to a row of the query around are made anew at every mention."""
    sorts_values: bool
    """Whether values of any kind can be ordered and grouped."""
    sort_columns: tuple[tuple[str, str], ...]
    """What a value is ordered by: a letter per column, and the type if positions hold it as text.

    First the rank, then where numbers and booleans are; strings are in the last.
    """
    apart_from: str
    """Behind a query that is never to be written into the one around it, as often as that reads."""
    join_in_order: str
    """Before a table with its ON, when the tables before it are to be read first."""
    tables: Tables
    """Where statements read from: the stored tables, unless `reading` said others."""

    def mark(self, number: int) -> str:
        """The parameter of that number, from 1."""
        ...

    def reading(self, tables: Tables) -> Dialect:
        """The same dialect over other tables, for one statement."""
        ...

    def table(self, name: str) -> str:
        """What stands in FROM for a table of the graph; the one way to mention one (`Tables`)."""
        ...

    def searched(self, name: str) -> str:
        """The same for who looks for indexed values in a statement of no other table."""
        ...

    def keyed(self, name: str, keys: str) -> str:
        """The same of the rows with these keys, a query of one column."""
        ...

    def ids(self) -> str:
        """What stands in FROM for the keys and ids of all twins that the view may show."""
        ...

    def places(self, name: str) -> str:
        """What `table` says, for who needs no documents."""
        ...

    def parts(self, name: str) -> list[str]:
        """What `places` says, as several whose rows together are its own."""
        ...

    def source(self, text: str) -> str:
        """A whole FROM clause."""
        ...

    @property
    def barrier(self) -> str:
        """Behind a query that is planned better apart from the one around it; may be nothing."""
        ...

    @property
    def by_key(self) -> bool:
        """Whether rows are found best by their keys: by id, and those that a page shows."""
        ...

    def path(self, steps: tuple[str | int, ...], parameters: Parameters) -> str:
        """A path, as literal or bound."""
        ...

    def number(self, doc: str, path: str) -> str:
        """The guarded number."""
        ...

    def text(self, doc: str, path: str) -> str:
        """The guarded string."""
        ...

    def boolean(self, doc: str, path: str) -> str:
        """The guarded boolean, as 0 or 1."""
        ...

    def scalar(self, doc: str, path: str) -> str:
        """The value of what is known to be one number or one string: an index's expression."""
        ...

    def raw_text(self, doc: str, path: str) -> str:
        """The text of what is known to be a string."""
        ...

    def json(self, doc: str, path: str) -> str:
        """The value as JSON text; NULL when it is missing."""
        ...

    def is_kind(self, doc: str, path: str, kinds: frozenset[str]) -> str:
        """Whether the value is of one of the kinds; never NULL in a way that makes NOT wrong."""
        ...

    def compare_number(self, doc: str, path: str, op: str, value: float, mark: str) -> str:
        """A comparison with a constant that an index on the property can serve.

        The mark may be a variable's: `value` then is one of the same form, see `forms`.
        """
        ...

    def compare_text(self, doc: str, path: str, op: str, value: str, mark: str) -> str:
        """The same of a string."""
        ...

    def among(self, doc: str, path: str, values: list[float | str], parameters: Parameters) -> str:
        """Whether the value is one of these numbers and strings."""
        ...

    def in_texts(self, value: str, values: Sequence[str | AtRun], parameters: Parameters) -> str:
        """Whether the text `value` is one of these strings; a variable stands alone."""
        ...

    def keys(self, keys: tuple[int, ...], parameters: Parameters) -> str:
        """A FROM item with these whole numbers in a column ``value``."""
        ...

    def starts(self, value: str, part: str) -> str:
        """Whether the text begins with the part."""
        ...

    def ends(self, value: str, part: str) -> str:
        """Whether the text ends with the part."""
        ...

    def contains(self, value: str, part: str) -> str:
        """Whether the part occurs in the text."""
        ...

    def like(self, value: str, pattern: str, parameters: Parameters) -> str:
        """Whether the text matches a LIKE pattern, by code point and case."""
        ...

    def prefix(self, doc: str, path: str, part: str, parameters: Parameters) -> str:
        """STARTSWITH with a constant, as a range that an index can serve."""
        ...

    def elements(self, doc: str, path: str) -> tuple[str, str, str, str, str]:
        """FROM item, guarded number, guarded text, guarded boolean, and the test for null."""
        ...

    def same_json(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        """Deep equality of two arrays or two objects, each given as document and path."""
        ...

    def document(self, alias: str) -> str:
        """The whole twin or relationship as JSON text with its ETag."""
        ...

    def quote_number(self, value: str) -> str:
        """The number as JSON text."""
        ...

    def quote_text(self, value: str) -> str:
        """The text as JSON string."""
        ...

    def call(self, name: str, args: list[str]) -> str:
        """A function or operator of the superset over guarded values."""
        ...

    def named(self, json: str, name: str) -> str:
        """A FROM item with the JSON text as a document `v`, which is evaluated once."""
        ...

    def joined(self, pieces: list[str]) -> str:
        """These texts as one, or an error when it would have more than `MAX_BYTES`."""
        ...

    def items(self, doc: str, path: str) -> tuple[str, str]:
        """A FROM item of an array's elements, none where there is no array, and the JSON of one."""
        ...

    def filtered(self, source: str, item: str, test: str) -> str:
        """The JSON array of the JSON texts `item` of such elements, of those that pass the test."""
        ...

    def gathered(self, query: str, order: list[str]) -> str:
        """The JSON array of the JSON texts `x` of the rows of a query, in order of its columns."""
        ...

    def same(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        """Whether two values are equal at any depth and hold no null."""
        ...

    def differ(self, first: tuple[str, str], second: tuple[str, str]) -> str:
        """Whether two values are different whatever their nulls were."""
        ...

    def ranked_deep(self, doc: str, path: str) -> tuple[str, ...]:
        """`ranked`, where equal arrays and objects are equal however they are written."""
        ...

    def by_model(self, table: str, alias: str) -> str:
        """The JSON text that an object holds under the key of a twin's model."""
        ...

    def numbered(self, raw: str, sizes: str, apart: dict[str, list[str]]) -> str:
        """Rows with their number `gn`, and for each name whether they are the first of their kind.

        Fails when the `sizes` of all rows have more than `MAX_COLLECTED_BYTES` together.
        """
        ...

    def collected(self, number: int, *, distinct: bool) -> list[str]:
        """The `sort_columns` and the JSON text of an array of all that is there."""
        ...

    def apart(
        self, text: str, names: list[str], alias: str, *, optional: bool, reads: bool
    ) -> tuple[str, list[str]]:
        """A join with a query, and the SQL of its columns; it may read what stands before it.

        Only where it `reads` that, which costs memory for each row.
        """
        ...

    def unwound(self, json: str, alias: str) -> str:
        """A join with the elements of the array, a JSON text, which may read what stands before."""
        ...

    def place_of_item(self, alias: str) -> str:
        """The place of such an element in its array."""
        ...

    def item(self, alias: str) -> tuple[str, ...]:
        """The `sort_columns` and the JSON text of such an element."""
        ...

    def vector_distance(
        self,
        kind: str,
        subject: str,
        vector: tuple[float, ...],
        parameters: Parameters,
        *,
        beside: bool,
    ) -> str:
        """The distance of this kind of a subject from a vector; NULL where there is none.

        The subject is JSON text, or what is stored `beside` a twin.
        """
        ...

    def page(self, row: str, keys: list[str], source: str, order: str, *, plain: bool) -> str:
        """The statement that makes one page of many rows: count, rows, keys.

        Plain keys are whole numbers or walks and are joined by blanks; others are JSON arrays. The
        rows are NULL, or the statement fails, when they have more than `MAX_BYTES`.
        """
        ...

    def row(self, text: str, members: list[str]) -> str:
        """The text of a row over its members ``m0``, ``m1`` ..; NULL if it would be too large.

        Only where `names_members`.
        """
        ...

    def steps(self, row: str, keys: list[str], source: str, order: str) -> str:
        """The statement of the single rows: text and keys.

        A text is NULL, or the statement fails there, when it has more than `MAX_BYTES`.
        """
        ...

    def bounded(self, test: str, subject: str, part: str) -> str:
        """`test` over the texts ``a0`` and ``a1``; fails when their search would take too long."""
        ...

    def comparable(self, doc: str, path: str) -> str:
        """The value if it is a number, string or boolean; no two of different kinds are equal."""
        ...

    def comparable_slot(self, *columns: str) -> str:
        """The same of a value that is there as its `sort_columns`."""
        ...

    def ranked(self, doc: str, path: str) -> tuple[str, ...]:
        """The `sort_columns` of a value; none is ever NULL."""
        ...

    def ranked_as(self, rank: str, kind: str, value: str) -> tuple[str, ...]:
        """The `sort_columns` of a value that is of this kind or SQL NULL; booleans are numbers."""
        ...

    def least(self, text: str) -> str:
        """The aggregate that takes the least text by code point."""
        ...

    def bound(self, value: Scalar) -> object:
        """What is bound for a constant."""
        ...

    def constant(self, mark: str, kind: str) -> str:
        """A bound number or string where nothing beside it tells its type."""
        ...

    def aggregate(self, name: str, number: int, *, distinct: bool, whole: bool) -> list[str]:
        """The `sort_columns` and the JSON text of an aggregate over the columns of that number."""
        ...

    def walked_key(self, path: str) -> str:
        """Such a text as a key of the order, by code point."""
        ...

    def walk(self, path: str) -> str:
        """The JSON array of the relationships in such a text, in its order."""
        ...

    def trail(self, path: str, start: str) -> str:
        """The relationships in such a text, each with the twin behind it, as one text."""
        ...

    def every_second(self, array: str, first: int) -> str:
        """The array of every second element of one, from the first or the second on."""
        ...

    def within(self, number: str, most: int, limit: str, condition: str) -> str:
        """The condition; where the number is more than that, the statement fails with the limit."""
        ...

    def distances(self, query: str, name: str) -> str:
        """The least `depth` of each `node` of the rows of that name, as one value.

        Only where `repeats_inner_rows`, as the three that read it.
        """
        ...

    def distance_of(self, distances: str, node: str) -> str:
        """That of one node; NULL where it has none."""
        ...

    def distance(self, distances: str, node: str, wanted: str) -> str:
        """Whether a node has this distance."""
        ...

    def reaches(self, distances: str, most: int) -> str:
        """Whether some node is further away than that."""
        ...

    def not_walked(self, path: str, key: str) -> str:
        """Whether the text of walked relationships ``.3.17.`` lacks this one."""
        ...


def seeing(view: GraphView, dialect: Dialect, parameters: Parameters) -> Dialect:
    """The dialect for one statement, whose tables are those of the view."""
    now = dialect.tables
    tables = view.tables(now, parameters)
    return dialect if tables is now else dialect.reading(tables)
