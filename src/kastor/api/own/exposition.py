"""Metrics as Prometheus reads them; docs/reference/metrics.md has every one.

What one of several processes knows of itself carries the label `worker`; what comes from the
store is the same from each of them and carries none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias, TypeVar

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kastor import __version__
from kastor.api.http.client_limits import ClientLimits
from kastor.api.http.lifecycle import Lifecycle
from kastor.api.http.meter import BOUNDS, ConnectionMeter, RequestMeter
from kastor.api.own.graph_reading import GraphReading
from kastor.api.own.load_metrics import told
from kastor.audit.log import counts as audit_counts
from kastor.auth.access import VerdictLoad
from kastor.budget import StreamBudget
from kastor.clock import TICKS_PER_SECOND, UNIX_EPOCH_TICKS
from kastor.events.relay import RouteState
from kastor.history.keeping import Upkept
from kastor.ingest.service import InputStatus
from kastor.jobs.tally import KindTally
from kastor.logs import counts
from kastor.storage.history import HistoryStatus
from kastor.types import Ticks, override
from kastor.vital import PartState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()

T = TypeVar("T")
Labels: TypeAlias = tuple[str, ...]
Family: TypeAlias = type[GaugeMetricFamily] | type[CounterMetricFamily]
Row: TypeAlias = tuple[Family, str, str, Callable[[T], float | None]]
"""A kind of metric, its name, what it says, and its value; None leaves the sample out."""

_GAUGE, _COUNTER = GaugeMetricFamily, CounterMetricFamily

_GRAPH: tuple[Row[GraphReading], ...] = (
    (
        *(_GAUGE, "kastor_graph_up", "Whether the graph's store tells of its routes."),
        lambda graph: graph.routes is not None,
    ),
)
_STREAMS: tuple[Row[GraphReading], ...] = (
    (
        *(_GAUGE, "kastor_live_queries", "Live queries that are open."),
        lambda graph: graph.live_queries,
    ),
    (
        *(_GAUGE, "kastor_feed_streams", "Streams of the event feed that are open."),
        lambda graph: graph.feed_streams,
    ),
    (
        *(_GAUGE, "kastor_clock_lead_seconds", "How far the newest change is ahead of the clock."),
        lambda graph: None if graph.ticker is None else graph.ticker.lead,
    ),
    (
        *(_COUNTER, "kastor_clock_set_back_total", "How often times had to go back."),
        lambda graph: None if graph.ticker is None else graph.ticker.set_back,
    ),
)
_SEARCH: tuple[Row[GraphReading], ...] = (
    (
        _GAUGE,
        "kastor_search_lag_entries",
        "Entries of the change log that the search index does not hold yet.",
        lambda graph: None if graph.search is None else graph.search.lag,
    ),
    (
        *(_GAUGE, "kastor_search_building", "Whether the search index is being made."),
        lambda graph: None if graph.search is None else graph.search.building,
    ),
)
_EMBEDDING: tuple[Row[GraphReading], ...] = (
    (
        _GAUGE,
        "kastor_embedder_lag",
        "Twins and entries of the change log whose texts have no vector of the embedder yet.",
        lambda graph: None if graph.embedding is None else graph.embedding.lag,
    ),
    (
        *(_GAUGE, "kastor_embedder_waiting", "Whether the embedder failed when last asked."),
        lambda graph: None if graph.embedding is None else graph.embedding.waits,
    ),
)
_BUDGET: tuple[Row[StreamBudget], ...] = (
    (
        *(_GAUGE, "kastor_stream_bytes", "Bytes that open streams keep for their clients."),
        lambda budget: budget.size,
    ),
    (
        *(_COUNTER, "kastor_streams_refused_total", "Streams refused or ended for want of room."),
        lambda budget: budget.refused,
    ),
)
_CLIENTS: tuple[Row[ClientLimits], ...] = (
    (
        *(_GAUGE, "kastor_queries", "Queries under way."),
        lambda clients: clients.queries,
    ),
    (
        *(_GAUGE, "kastor_clients", "Clients whose requests are remembered for their rate."),
        lambda clients: clients.clients,
    ),
)
_ROUTE: tuple[Row[RouteState], ...] = (
    (
        *(_GAUGE, "kastor_route_lag_entries", "Entries of the change log not yet looked at."),
        lambda state: state.lag,
    ),
    (
        *(_COUNTER, "kastor_route_delivered_total", "Events that the endpoint confirmed."),
        lambda state: state.row.delivered,
    ),
    (
        *(_COUNTER, "kastor_route_dead_letters_total", "Events that were given up."),
        lambda state: state.row.died,
    ),
    (
        *(_GAUGE, "kastor_route_paused", "Whether somebody paused the route."),
        lambda state: state.row.paused,
    ),
    (
        *(_GAUGE, "kastor_route_running", "Whether a process works on the route."),
        lambda state: state.running,
    ),
    (
        *(_GAUGE, "kastor_route_failing", "Whether the route has a last error."),
        lambda state: state.error is not None,
    ),
    (
        _GAUGE,
        "kastor_route_last_delivery_timestamp_seconds",
        "When events were last confirmed.",
        lambda state: _unix(state.row.last_delivery),
    ),
)
_INPUT: tuple[Row[InputStatus], ...] = (
    (
        *(_COUNTER, "kastor_input_received_total", "Messages that came in."),
        lambda status: status.counts.received,
    ),
    (
        *(_GAUGE, "kastor_input_paused", "Whether somebody paused the input."),
        lambda status: status.state == "paused",
    ),
    (
        *(_GAUGE, "kastor_input_connected", "Whether the input is connected to its broker."),
        lambda status: status.connected,
    ),
    (
        *(_GAUGE, "kastor_input_failing", "Whether the input has a last error."),
        lambda status: status.error is not None,
    ),
    (
        _GAUGE,
        "kastor_input_last_message_timestamp_seconds",
        "When the last message came in.",
        lambda status: _unix(status.counts.last_message),
    ),
)
_WORK: tuple[Row[KindTally], ...] = (
    (
        *(_GAUGE, "kastor_jobs_at_work", "Jobs that the process works on."),
        lambda tally: tally.at_work,
    ),
    (
        *(_COUNTER, "kastor_job_progress_total", "What jobs have done, in the kind's unit."),
        lambda tally: tally.done,
    ),
    (
        _GAUGE,
        "kastor_job_seconds_since_progress",
        "How long the job at work has not got on that has waited longest.",
        lambda tally: tally.seconds_since_progress,
    ),
)
_PAST: tuple[Row[Upkept], ...] = (
    (
        *(_COUNTER, "kastor_history_pruning_seconds_total", "Time spent on removing what is old."),
        lambda past: past.pruning_seconds,
    ),
    (
        *(_COUNTER, "kastor_history_packing_seconds_total", "Time spent on packing versions."),
        lambda past: past.packing_seconds,
    ),
    (
        *(_COUNTER, "kastor_history_packed_total", "Versions that were packed."),
        lambda past: past.packed,
    ),
)
_KEPT: tuple[Row[HistoryStatus], ...] = (
    (
        _GAUGE,
        "kastor_history_oldest_timestamp_seconds",
        "The oldest instant as of which the graph can be read.",
        lambda status: _unix(status.oldest.time),
    ),
    (
        *(_GAUGE, "kastor_history_versions", "Superseded versions that are kept."),
        lambda status: status.versions,
    ),
    (
        *(_GAUGE, "kastor_history_packed_versions", "Of these, those that are packed."),
        lambda status: status.packed,
    ),
    (
        *(_GAUGE, "kastor_history_whole_bytes", "Documents of versions that are kept whole."),
        lambda status: status.whole_bytes,
    ),
    (
        *(_GAUGE, "kastor_history_packed_bytes", "Blocks of packed versions."),
        lambda status: status.packed_bytes,
    ),
    (
        *(_GAUGE, "kastor_history_telemetry_bytes", "Kept telemetry messages."),
        lambda status: status.telemetry_bytes,
    ),
)
_PART: tuple[Row[PartState], ...] = (
    (
        *(_GAUGE, "kastor_part_up", "Whether what must not die lives and goes on."),
        lambda part: part.trouble is None,
    ),
    (
        *(_COUNTER, "kastor_part_restarts_total", "How often it had to be started again."),
        lambda part: part.restarts,
    ),
)
_LIFE: tuple[Row[Lifecycle], ...] = (
    (
        *(_GAUGE, "kastor_draining", "Whether the server is about to end."),
        lambda life: life.draining,
    ),
    (
        _GAUGE,
        "kastor_certificate_expiry_timestamp_seconds",
        "When the certificate ends that new connections get.",
        lambda life: None if (ends := life.certificate_expiry) is None else ends.timestamp(),
    ),
)
_OUTCOMES = ("written", "merged", "deadband", "stale", "rejected")


def expose(
    requests: RequestMeter,
    graphs: Sequence[GraphReading],
    parts: Sequence[PartState] = (),
    streams: StreamBudget | None = None,
    *,
    life: Lifecycle | None = None,
    clients: ClientLimits | None = None,
    connections: ConnectionMeter | None = None,
    access: VerdictLoad | None = None,
) -> bytes:
    """Return the text of all metrics."""
    families = _Families(
        requests,
        graphs,
        parts,
        streams or StreamBudget(),
        life or Lifecycle(),
        clients or ClientLimits(),
        connections or ConnectionMeter(),
        access,
    )
    return generate_latest(families)


class _Families(Collector):
    """All metrics of one scrape."""

    def __init__(
        self,
        requests: RequestMeter,
        graphs: Sequence[GraphReading],
        parts: Sequence[PartState],
        budget: StreamBudget,
        life: Lifecycle,
        clients: ClientLimits,
        connections: ConnectionMeter,
        access: VerdictLoad | None,
    ) -> None:
        self._requests = requests
        self._graphs = graphs
        self._parts = parts
        self._budget = budget
        self._life = life
        self._clients, self._connections = clients, connections
        self._access = access

    @override
    def collect(self) -> Iterator[Metric]:
        worker = str(self._requests.worker)
        version = GaugeMetricFamily(
            "kastor_build_info", "The server's version.", labels=["version"]
        )
        version.add_metric([__version__], 1)
        yield version
        graphs = self._graphs
        yield from _table(_GRAPH, ("graph",), [((each.name,), each) for each in graphs])
        yield from _table(_SEARCH, ("graph",), [((each.name,), each) for each in graphs])
        yield from _table(_EMBEDDING, ("graph",), [((each.name,), each) for each in graphs])
        routes = [
            ((each.name, state.row.id), state) for each in graphs for state in each.routes or ()
        ]
        yield from _table(_ROUTE, ("graph", "route"), routes)
        inputs = [((each.name, one.name, worker), one) for each in graphs for one in each.inputs]
        yield from _table(_INPUT, ("graph", "input", "worker"), inputs)
        yield _outcomes(inputs)
        yield _jobs(graphs)
        work = [((each.name, one.kind, worker), one) for each in graphs for one in each.work]
        yield from _table(_WORK, ("graph", "kind", "worker"), work)
        past = [((each.name, worker), each.past) for each in graphs if each.past is not None]
        yield from _table(_PAST, ("graph", "worker"), past)
        kept = [
            ((each.name,), each.past.status)
            for each in graphs
            if each.past is not None and each.past.status is not None
        ]
        yield from _table(_KEPT, ("graph",), kept)
        streams = [((each.name, worker), each) for each in graphs]
        yield from _table(_STREAMS, ("graph", "worker"), streams)
        parts = [((each.name, each.graph, worker), each) for each in self._parts]
        yield from _table(_PART, ("part", "graph", "worker"), parts)
        yield from _logged(worker)
        yield from _audited(worker)
        yield from _table(_BUDGET, ("worker",), [((worker,), self._budget)])
        yield from _table(_LIFE, ("worker",), [((worker,), self._life)])
        yield _reloaded(self._life, worker)
        yield from _answered(self._requests, worker)
        yield from _table(_CLIENTS, ("worker",), [((worker,), self._clients)])
        yield from _limited(self._clients, self._connections, worker)
        yield from told(graphs, self._access, worker)
        yield from _of_worker(REGISTRY.collect(), worker)


def _table(
    rows: Iterable[Row[T]], names: Labels, found: Sequence[tuple[Labels, T]]
) -> Iterator[Metric]:
    for kind, name, meaning, value_of in rows:
        family = kind(name, meaning, labels=names)
        for labels, each in found:
            value = value_of(each)
            if value is not None:
                family.add_metric(labels, value)
        yield family


def _jobs(graphs: Sequence[GraphReading]) -> Metric:
    family = GaugeMetricFamily(
        "kastor_jobs", "Jobs that are kept.", labels=("graph", "kind", "status")
    )
    for graph in graphs:
        for kind, status, count in graph.jobs or ():
            family.add_metric((graph.name, kind, str(status)), count)
    return family


def _outcomes(inputs: Sequence[tuple[Labels, InputStatus]]) -> Metric:
    family = CounterMetricFamily(
        "kastor_input_messages_total",
        "Messages by what became of them.",
        labels=("graph", "input", "worker", "outcome"),
    )
    for labels, status in inputs:
        for outcome in _OUTCOMES:
            family.add_metric((*labels, outcome), getattr(status.counts, outcome))
    return family


def _logged(worker: str) -> Iterator[Metric]:
    written = CounterMetricFamily("kastor_log_lines_total", "Lines logged.", labels=["worker"])
    written.add_metric([worker], counts.written)
    yield written
    lost = CounterMetricFamily(
        "kastor_log_lines_lost_total", "Lines that are missing.", labels=("reason", "worker")
    )
    for reason in ("unwritten", "overflowed", "unrendered"):
        lost.add_metric((reason, worker), getattr(counts, reason))
    yield lost


def _audited(worker: str) -> Iterator[Metric]:
    rows = (
        ("kastor_audit_lines_total", "Lines of the audit log.", audit_counts.written),
        ("kastor_audit_suppressed_total", "Requests without a line.", audit_counts.suppressed),
        ("kastor_audit_late_total", "Acts answered before their line.", audit_counts.late),
    )
    for name, meaning, value in rows:
        family = CounterMetricFamily(name, meaning, labels=["worker"])
        family.add_metric([worker], value)
        yield family
    lost = CounterMetricFamily(
        "kastor_audit_lines_lost_total", "Lines that are missing.", labels=("reason", "worker")
    )
    for reason in ("unwritten", "overflowed"):
        lost.add_metric((reason, worker), getattr(audit_counts, reason))
    yield lost


def _reloaded(life: Lifecycle, worker: str) -> Metric:
    family = CounterMetricFamily(
        "kastor_reloads_total",
        "How often the configuration was read again.",
        labels=("outcome", "worker"),
    )
    for outcome in ("done", "refused"):
        family.add_metric((outcome, worker), getattr(life.reloads, outcome))
    return family


def _answered(requests: RequestMeter, worker: str) -> Iterator[Metric]:
    counts = CounterMetricFamily(
        "kastor_http_requests_total",
        "Requests that were answered.",
        labels=("operation", "method", "status", "worker"),
    )
    for (operation, method, status), tally in requests:
        counts.add_metric((operation, method, str(status), worker), tally.count)
    yield counts
    durations = HistogramMetricFamily(
        "kastor_http_request_duration_seconds",
        "From the head of a request until its answer was ready.",
        labels=("operation", "worker"),
    )
    ends = [*(str(bound) for bound in BOUNDS), "+Inf"]
    for operation, tally in requests.by_operation().items():
        buckets = list(zip(ends, accumulate(tally.buckets), strict=True))
        durations.add_metric((operation, worker), buckets, sum_value=tally.seconds)
    yield durations


def _limited(clients: ClientLimits, connections: ConnectionMeter, worker: str) -> Iterator[Metric]:
    refused = CounterMetricFamily(
        "kastor_requests_refused_total",
        "Requests beyond what their client may have.",
        labels=("limit", "worker"),
    )
    for limit, count in clients.refused.items():
        refused.add_metric((limit, worker), count)
    yield refused
    there = GaugeMetricFamily("kastor_connections", "Connections of clients.", labels=["worker"])
    there.add_metric([worker], connections.open)
    yield there
    ended = CounterMetricFamily(
        "kastor_connections_ended_total",
        "Connections that were ended for want of room.",
        labels=("reason", "worker"),
    )
    for reason, count in connections.ended.items():
        ended.add_metric((reason, worker), count)
    yield ended


def _of_worker(families: Iterable[Metric], worker: str) -> Iterator[Metric]:
    """Yield the library's own metrics, of this process."""
    for family in families:
        found = Metric(family.name, family.documentation, family.type)
        for sample in family.samples:
            found.samples.append(sample._replace(labels={**sample.labels, "worker": worker}))
        yield found


def _unix(ticks: Ticks | None) -> float | None:
    return None if ticks is None else (ticks - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND
