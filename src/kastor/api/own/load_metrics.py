"""Metrics of how busy the inside is: stores, pools, verdicts, what goes to a collector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from kastor.logs import counts
from kastor.storage.load import GROUP_BOUNDS
from kastor.tracing import sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from kastor.api.own.graph_reading import GraphReading
    from kastor.auth.access import VerdictLoad
    from kastor.storage.load import StoreLoad

_FILES: tuple[tuple[str, str, Callable[[StoreLoad], int | None]], ...] = (
    ("kastor_graph_bytes", "Size of the graph's file.", lambda load: load.file_bytes),
    ("kastor_graph_log_bytes", "Size of SQLite's log beside it.", lambda load: load.log_bytes),
    ("kastor_graph_disk_free_bytes", "Room on the file's disk.", lambda load: load.disk_free),
)
_POOLS = (
    ("kastor_pool_size", "Threads or connections that work is done on, at most."),
    ("kastor_pool_used", "Of them, those at work."),
    ("kastor_pool_waiting", "Pieces of work that wait for one."),
)


def told(
    graphs: Sequence[GraphReading], access: VerdictLoad | None, worker: str
) -> Iterator[Metric]:
    """Yield the families.

    Args:
        graphs: what was told of graphs.
        access: what is remembered of tokens; None where nobody is asked for one.
        worker: number of this process.
    """
    loads = [(each.name, each.load) for each in graphs if each.load is not None]
    yield from _writes(loads, worker)
    yield from _pools(loads, worker)
    yield from _files(loads)
    yield from _pages(loads, worker)
    yield from _plans(graphs, worker)
    yield from _verdicts(access, worker)
    waiting = GaugeMetricFamily(
        "kastor_log_lines_waiting", "Lines that are not written yet.", labels=["worker"]
    )
    waiting.add_metric([worker], counts.waiting)
    yield waiting
    yield from _sent(worker)


def _writes(loads: Sequence[tuple[str, StoreLoad]], worker: str) -> Iterator[Metric]:
    labels = ("graph", "worker")
    waiting = GaugeMetricFamily(
        "kastor_writes_waiting", "Writes that no transaction has taken yet.", labels=labels
    )
    seconds = CounterMetricFamily(
        "kastor_write_seconds_total", "Time spent in transactions of writes.", labels=labels
    )
    groups = HistogramMetricFamily(
        "kastor_write_group_size", "Writes in one transaction.", labels=labels
    )
    ends = [*(str(bound) for bound in GROUP_BOUNDS), "+Inf"]
    for name, load in loads:
        waiting.add_metric((name, worker), load.waiting_writes)
        seconds.add_metric((name, worker), load.groups.seconds)
        buckets = list(zip(ends, accumulate(load.groups.buckets), strict=True))
        groups.add_metric((name, worker), buckets, sum_value=load.groups.writes)
    yield from (waiting, seconds, groups)


def _pools(loads: Sequence[tuple[str, StoreLoad]], worker: str) -> Iterator[Metric]:
    families = [
        GaugeMetricFamily(name, meaning, labels=("graph", "pool", "worker"))
        for name, meaning in _POOLS
    ]
    for name, load in loads:
        for pool in load.pools:
            for family, value in zip(families, (pool.size, pool.used, pool.waiting), strict=True):
                family.add_metric((name, pool.name, worker), value)
    yield from families


def _files(loads: Sequence[tuple[str, StoreLoad]]) -> Iterator[Metric]:
    for name, meaning, value_of in _FILES:
        family = GaugeMetricFamily(name, meaning, labels=["graph"])
        for graph, load in loads:
            value = value_of(load)
            if value is not None:
                family.add_metric([graph], value)
        yield family


def _pages(loads: Sequence[tuple[str, StoreLoad]], worker: str) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "kastor_pages_read_total",
        "Pages of point reads, by whether they were in memory.",
        labels=("graph", "outcome", "worker"),
    )
    for name, load in loads:
        for outcome, value in (("hit", load.page_hits), ("miss", load.page_misses)):
            if value is not None:
                family.add_metric((name, outcome, worker), value)
    yield family


def _plans(graphs: Sequence[GraphReading], worker: str) -> Iterator[Metric]:
    labels = ("graph", "worker")
    used = CounterMetricFamily(
        "kastor_query_plans_used_total", "Pages of queries, by compiled queries.", labels=labels
    )
    made = CounterMetricFamily(
        "kastor_query_plans_made_total", "Of these queries, those compiled anew.", labels=labels
    )
    kept = GaugeMetricFamily(
        "kastor_query_plan_bytes", "Memory of compiled queries that are kept.", labels=labels
    )
    for each in graphs:
        if each.plans is not None:
            used.add_metric((each.name, worker), each.plans.used)
            made.add_metric((each.name, worker), each.plans.made)
            kept.add_metric((each.name, worker), each.plans.size)
    yield from (used, made, kept)


def _verdicts(access: VerdictLoad | None, worker: str) -> Iterator[Metric]:
    kept = GaugeMetricFamily(
        "kastor_verdicts", "Tokens whose verdict is remembered.", labels=["worker"]
    )
    made = CounterMetricFamily(
        "kastor_verdicts_made_total", "Tokens that were looked at anew.", labels=["worker"]
    )
    kept.add_metric([worker], 0 if access is None else access.kept)
    made.add_metric([worker], 0 if access is None else access.made)
    yield from (kept, made)


def _sent(worker: str) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "kastor_otel_waiting", "What waits to be sent to a collector.", labels=("what", "worker")
    )
    taken = CounterMetricFamily(
        "kastor_otel_sent_total", "What a collector took.", labels=("what", "worker")
    )
    lost = CounterMetricFamily(
        "kastor_otel_lost_total",
        "What it did not get.",
        labels=("what", "reason", "worker"),
    )
    for what, each in sent.items():
        waiting.add_metric((what, worker), each.waiting)
        taken.add_metric((what, worker), each.sent)
        for reason in ("overflowed", "failed"):
            lost.add_metric((what, reason, worker), getattr(each, reason))
    yield from (waiting, taken, lost)
