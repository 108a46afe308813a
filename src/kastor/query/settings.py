"""The limits and choices of the query road, in one frozen value.

Every limit has a default that protects the server and is generous to its users; `ADT_SETTINGS`
holds what the cloud service documents (query-language 13).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """Limits and choices; each error that a limit causes names its field here.

    Attributes:
        max_text: characters of a query.
        max_terms: AND and OR in one query.
        max_list: values of one IN or NIN list.
        max_parameters: values given for ``$name``.
        max_parameter_bytes: of all of them, as JSON.
        max_joins: JOINs of one query.
        max_hops: relationships that one MATCH may walk in a row; in ADT's language
            also the end of an open range.
        max_open_hops: where ranges without an end have to end in openCypher.
        max_sources: nodes and edges of one MATCH or EXISTS.
        max_subqueries: EXISTS and IN (SELECT ..) in one query.
        max_query_depth: of those inside each other.
        max_sql: characters of the statement that a query becomes.
        max_result_bytes: of the rows of a live query.
        max_cache_bytes: of the plans kept, as estimated.
        default_page: rows of a page when the request does not say.
        max_page: rows of a page at most; larger requests are clamped.
        timeout_seconds: time that one page may take.
        strict: refuse every extension, so that what runs here runs in the cloud.
        inclusive_ranges: read ``*n..m`` as n to m; the documented reading excludes n.
        require_id_filter: demand a ``$dtId`` filter in JOIN and MATCH queries.
        cache_size: plans kept.
        cypher: answer the read-only subset of openCypher too.
        aggregate: let the database build the page as one text instead of stepping row by row.
    """

    max_text: int = 65536
    max_terms: int = 1000
    max_list: int = 10_000
    max_parameters: int = 100
    max_parameter_bytes: int = 1_048_576
    max_joins: int = 10
    max_hops: int = 10
    max_open_hops: int = 30
    max_sources: int = 60
    max_subqueries: int = 50
    max_query_depth: int = 10
    max_sql: int = 1_000_000
    max_result_bytes: int = 67_108_864
    max_cache_bytes: int = 33_554_432
    default_page: int = 100
    max_page: int = 1000
    timeout_seconds: float = 60.0
    strict: bool = False
    inclusive_ranges: bool = False
    require_id_filter: bool = False
    cache_size: int = 512
    aggregate: bool = True
    cypher: bool = True


ADT_SETTINGS = QuerySettings(
    max_text=8000,
    max_terms=50,
    max_list=100,
    max_joins=5,
    max_hops=10,
    max_page=100,
    strict=True,
    require_id_filter=True,
)
"""What the cloud service allows."""


def as_strict(settings: QuerySettings) -> QuerySettings:
    """The settings of a strict request: no extension, and no limit wider than the cloud's."""
    limits = ("max_text", "max_terms", "max_list", "max_joins", "max_hops")
    narrow = {name: min(getattr(settings, name), getattr(ADT_SETTINGS, name)) for name in limits}
    return replace(settings, strict=True, require_id_filter=True, **narrow)
