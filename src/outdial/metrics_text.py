"""Metrics as text: a reading and its snapshot in the exposition format of Prometheus.

A large configuration has tens of thousands of series, and writing them takes longer than the dialer may be held up: a
reading is taken on the event loop and written by a thread, not more often than once a second, whoever asks.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from outdial.core.agents import AgentState
from outdial.core.groups import GroupState
from outdial.core.nodes import Admin, NodeState
from outdial.core.snapshot import CampaignView, GroupView, NodeView, PoolView, Snapshot
from outdial.metrics import HistogramSample, Reading, Sample
from outdial.metrics_table import METRICS, Metric, MetricType

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
MILLION = 1_000_000
FRESH_S = 1.0
"""How long a text is given to whoever asks. Unit: seconds."""

Found: TypeAlias = Iterator[tuple[str, tuple[str, ...], float]]
"""Samples. Shape: (metric, labels, value)."""


class MetricsText:
    """What a scrape is answered with."""

    def __init__(self, read: Callable[[], Reading], mono_s: Callable[[], float]) -> None:
        """Nothing is read yet.

        Args:
            read: takes a reading; called on the event loop.
            mono_s: a clock. Unit: seconds.
        """
        self._read = read
        self._mono_s = mono_s
        self._at_s = 0.0
        self._text: asyncio.Task[bytes] | None = None

    async def text(self) -> bytes:
        """The metrics of now, or of a second ago. UTF-8, to be sent as `CONTENT_TYPE`."""
        text, now_s = self._text, self._mono_s()
        if text is None or now_s - self._at_s >= FRESH_S or (text.done() and text.exception() is not None):
            text = self._text = asyncio.create_task(asyncio.to_thread(written, self._read()))
            self._at_s = now_s
        return await asyncio.shield(text)


def written(reading: Reading) -> bytes:
    """A reading as text. Any thread may do it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families_of(reading)))
    return generate_latest(registry)


class _Families(Collector):
    """What the library wants to collect from."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families

    def describe(self) -> Iterable[Family]:
        """Nothing: asking for the names would use the families up."""
        return ()


def families_of(reading: Reading) -> list[Family]:
    """Every metric of the table with what is known of it; one without samples is left out.

    Raises:
        ValueError: a reading names a metric that is not in the table, or of another type: a bug.
    """
    gauges: dict[str, list[Sample]] = {}
    for name, labels, value in of_snapshot(reading.snapshot):
        gauges.setdefault(name, []).append((labels, value))
    samples: Mapping[str, Sequence[Sample]] = {**gauges, **reading.samples}
    unknown = (samples.keys() | reading.histograms.keys()) - {metric.name for metric in METRICS}
    if unknown:
        raise ValueError(f"metrics that are not in the table: {', '.join(sorted(unknown))}")
    families: list[Family] = []
    for metric in METRICS:
        if metric.type is MetricType.HISTOGRAM:
            if histograms := reading.histograms.get(metric.name):
                families.append(_histogram(metric, histograms))
        elif plain := samples.get(metric.name):
            families.append(_plain(metric, plain))
    return families


def _plain(metric: Metric, samples: Sequence[Sample]) -> Family:
    kind = CounterMetricFamily if metric.type is MetricType.COUNTER else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _histogram(metric: Metric, histograms: Sequence[HistogramSample]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    bounds = [*(str(bound) for bound in metric.buckets), "+Inf"]
    for one in histograms:
        family.add_metric(one.labels, list(zip(bounds, accumulate(one.counts), strict=True)), one.total)
    return family


# --- what a snapshot says -----------------------------------------------------------------------------------------


def of_snapshot(snapshot: Snapshot) -> Found:
    """Everything that a snapshot says."""
    yield "outdial_late_events_total", (), snapshot.late_events
    yield "outdial_ignored_phone_events_total", (), snapshot.ignored_dn_events
    yield "outdial_unknown_results_total", (), snapshot.unknown_results
    for group in snapshot.groups:
        yield from _of_group(group)
    for pool in snapshot.pools:
        yield from _of_pool(pool)
    for node in snapshot.nodes:
        yield from _of_node(node)
    for campaign in snapshot.campaigns:
        yield from _of_campaign(campaign)
    states = dict.fromkeys((state.value for state in AgentState), 0)
    for agent in snapshot.agents:
        states[agent.state] += 1
    for state, count in states.items():
        yield "outdial_agents", (state,), count


def _of_group(group: GroupView) -> Found:
    name, ports = group.name, group.ports
    for state in GroupState:
        yield "outdial_group_state", (name, state.value), group.state == state.value
    yield "outdial_group_ports_used", (name,), ports.used_ports
    if ports.maximum_ports is not None:
        yield "outdial_group_ports_maximum", (name,), ports.maximum_ports
    yield "outdial_group_ports_needed", (name,), ports.need_millis / 1_000
    for calls, count in (
        ("dialing", group.dialing - group.ringing),
        ("ringing", group.ringing),
        ("answered", group.answered),
        ("waiting", group.waiting),
        ("connected", group.connected),
    ):
        yield "outdial_group_calls", (name, calls), count
    for agents, count in (
        ("logged in", group.agents_logged_in),
        ("ready", group.agents_ready),
        ("busy", group.agents_busy),
    ):
        yield "outdial_group_agents", (name, agents), count
    yield "outdial_group_buffered_chains", (name,), group.buffered_chains
    for reason in dict.fromkeys(hold.partition(":")[0] for hold in group.holds):
        yield "outdial_group_held", (name, reason), 1


def _of_pool(pool: PoolView) -> Found:
    labels = (pool.name, pool.dialer.kind.value)
    yield "outdial_pool_ports", labels, pool.ports
    yield "outdial_pool_ports_used", labels, pool.used_ports
    yield "outdial_pool_short", labels, pool.shortage


def _of_node(node: NodeView) -> Found:
    name = node.name
    for state in NodeState:
        yield "outdial_node_state", (name, state.value), node.state == state.value
    yield "outdial_node_prime", (name,), node.is_prime
    yield "outdial_node_draining", (name,), node.admin == Admin.DRAINING.value
    yield "outdial_node_calls", (name,), node.calls
    yield "outdial_node_requests_total", (name,), node.requests
    yield "outdial_node_faults_total", (name,), node.faults


def _of_campaign(campaign: CampaignView) -> Found:
    yield "outdial_campaign_abandoned_limit_ratio", (campaign.name,), campaign.limit_ppm / MILLION
    for window in campaign.windows:
        yield "outdial_campaign_abandoned_ratio", (campaign.name, window.window.value), window.ppm / MILLION
