"""What a running server counts, and how it is written: nothing undocumented, nothing that the table does not know."""

import asyncio
import re
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config_samples import load_text, text_with
from outdial.core.abandonment_settings import AbandonmentWindow
from outdial.core.agents import AgentState
from outdial.core.commands import Dial, Disposition, Release, SettleAttempt
from outdial.core.dialer import Dialer
from outdial.core.events import CalleeAnswered, ConfigurationLoaded, DialAccepted
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import DialerId, DialerKind, TreatmentAction
from outdial.core.snapshot import AgentView, CampaignView, WindowView
from outdial.core.units import Now
from outdial.metrics import Meter, Reading
from outdial.metrics_table import METRICS, MetricType
from outdial.metrics_text import FRESH_S, MetricsText, families_of, written
from outdial.names import Names
from snapshots import group_view, node_view, pool_view, snapshot

CONFIGURATION = load_text(text_with()).configuration
[GROUP, *_] = CONFIGURATION.campaign_groups
[NODE, *_] = CONFIGURATION.nodes
BUSY = SettleAttempt(
    *(4, GROUP.dbid, NODE.dbid, 1, 55, "+4930123456", DialingMode.PROGRESSIVE, CallResult.BUSY, Fault.CALLEE),
    *(None, 486, 17, None, 1, 0, 400, 0, 0, Disposition(TreatmentAction.DONE)),
)
TALK = replace(
    BUSY,
    call_result=CallResult.ANSWER,
    fault=Fault.NONE,
    verdict=Verdict.PERSON,
    agent_id=7,
    ring_ms=6_000,
    wait_ms=251,
    talk_ms=90_500,
    person=True,
)
DROP = replace(TALK, call_result=CallResult.DROPPED, agent_id=None, wait_ms=2_000, talk_ms=0, abandoned=True)
MACHINE = replace(BUSY, call_result=CallResult.ANSWERING_MACHINE, verdict=Verdict.MACHINE, ring_ms=12_000)
SIT = replace(BUSY, call_result=CallResult.SIT_VACANT, verdict=Verdict.SIT, ring_ms=900)
FULL = snapshot(
    [group_view(7, "Sales", holds=("waiting for ports: pool full",)), group_view(8, "Care", maximum=None)],
    [node_view(1, "north", is_prime=True), node_view(3, "south", state="inactive", admin="draining", faults=4)],
    [pool_view()],
    agents=(AgentView(1, "ann", "ready", "100", "idle", False, None, 0),),
    campaigns=(CampaignView(5, "Spring", 30_000, (WindowView(AbandonmentWindow.DAYS_30, 2, 100, 20_000, True),)),),
    late_events=3,
)


def metered(*commands) -> Meter:
    meter = Meter(Names(CONFIGURATION))
    meter.observe(Now(0, 0), DialAccepted(1), commands)
    return meter


def samples(reading: Reading) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus would read. Shape: {(name, sorted labels): value}."""
    text = written(reading).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


def test_attempts_are_counted_by_group_and_result_and_by_node_and_fault():
    found = samples(metered(BUSY, BUSY, TALK, DROP).read(snapshot()))
    group, node = GROUP.name, NODE.name
    assert 2 == value(found, "outdial_attempts_total", group=group, result="busy")
    assert 1 == value(found, "outdial_attempts_total", group=group, result="answer")
    assert 2 == value(found, "outdial_node_attempts_total", node=node, fault="callee")
    assert 2 == value(found, "outdial_persons_total", group=group)
    assert 1 == value(found, "outdial_abandoned_total", group=group)
    assert 90.5 == value(found, "outdial_talk_seconds_total", group=group)
    assert 4 == value(found, "outdial_commands_total", command="SettleAttempt")
    assert 1 == value(found, "outdial_steps_total", event="DialAccepted")


def test_histograms_are_cumulative_and_in_seconds():
    found = samples(metered(BUSY, TALK, DROP, MACHINE, SIT).read(snapshot()))
    ring = {"name": "outdial_dial_to_answer_seconds_bucket", "group": GROUP.name}
    assert [0, 2, 2, 3, 3] == [value(found, le=le, **ring) for le in ("4.0", "6.0", "10.0", "12.0", "+Inf")]
    assert 24 == value(found, "outdial_dial_to_answer_seconds_sum", group=GROUP.name), "neither busy nor a SIT answers"
    wait = {"name": "outdial_wait_for_agent_seconds_bucket", "group": GROUP.name}
    assert [0, 1, 1] == [value(found, le=le, **wait) for le in ("0.25", "0.5", "+Inf")]
    assert 1 == value(found, "outdial_wait_for_agent_seconds_count", group=GROUP.name)


def test_snapshot_becomes_gauges():
    found = samples(metered().read(FULL))
    assert 12 == value(found, "outdial_group_ports_used", group="Sales")
    assert 20 == value(found, "outdial_group_ports_maximum", group="Sales")
    assert ("outdial_group_ports_maximum", (("group", "Care"),)) not in found
    assert 20 == value(found, "outdial_group_ports_needed", group="Care")
    assert 1 == value(found, "outdial_group_held", group="Sales", reason="waiting for ports")
    assert 1 == value(found, "outdial_group_state", group="Sales", state="running")
    assert 0 == value(found, "outdial_group_state", group="Sales", state="stopped")
    assert 7 == value(found, "outdial_group_calls", group="Care", state="connected")
    apart = [value(found, "outdial_group_calls", group="Care", state=state) for state in ("dialing", "ringing")]
    assert [2, 3] == apart, "no call is counted twice"
    assert 60 == value(found, "outdial_pool_ports", pool="cluster", kind="switch")
    assert 1 == value(found, "outdial_node_prime", node="north")
    assert 1 == value(found, "outdial_node_state", node="south", state="inactive")
    assert 4 == value(found, "outdial_node_faults_total", node="south")
    assert 1 == value(found, "outdial_agents", state="ready")
    assert 0.02 == value(found, "outdial_campaign_abandoned_ratio", campaign="Spring", window="30-days")
    assert 0.03 == value(found, "outdial_campaign_abandoned_limit_ratio", campaign="Spring")
    assert 3 == value(found, "outdial_late_events_total")


def test_steps_and_answers_of_the_database_are_timed():
    meter = metered()
    dialer = Dialer()
    core = meter.timed(dialer)
    assert [Release(1)] == core.step(Now(5, 5), CalleeAnswered(1)), "of a call that nobody knows"
    assert (5, None) == (dialer.state.mono_ms, core.next_deadline())
    meter.store_answered("write", 0.003)
    found = samples(meter.read(snapshot()))
    assert 1 == value(found, "outdial_step_seconds_count")
    assert 0 < value(found, "outdial_step_seconds_sum") < 1
    assert [0, 1] == [
        value(found, "outdial_store_seconds_bucket", operation="write", le=le) for le in ("0.0025", "0.005")
    ]


def test_series_of_what_has_left_the_configuration_end():
    meter = metered(BUSY)
    other = replace(BUSY, group_id=GROUP.dbid + 1_000, node_id=NODE.dbid + 1_000)
    meter.observe(Now(0, 0), DialAccepted(1), (other,))
    meter.observe(Now(0, 0), ConfigurationLoaded(CONFIGURATION), ())
    found = samples(meter.read(snapshot()))
    assert [GROUP.name] == [dict(labels)["group"] for name, labels in found if name == "outdial_attempts_total"]
    assert [NODE.name] == [dict(labels)["node"] for name, labels in found if name == "outdial_node_attempts_total"]


def test_a_metric_that_the_table_does_not_know_is_a_bug():
    with pytest.raises(ValueError, match="outdial_made_up"):
        families_of(metered().read(snapshot(), {"outdial_made_up": [((), 1)]}))


def test_no_number_and_no_record_is_in_the_text():
    dial = Dial(4, NODE.dbid, 1, GROUP.dbid, 1, 987_654, "+4930123456", 25_000, True)
    text = written(metered(dial, BUSY, TALK).read(FULL)).decode()
    assert "4930123456" not in text and "987654" not in text


def test_table_follows_the_conventions():
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert re.fullmatch(r"outdial_[a-z_]+", metric.name), metric.name
        assert metric.help.endswith("."), metric.name
        assert (metric.type is MetricType.COUNTER) == metric.name.endswith("_total"), metric.name
        assert metric.name.removesuffix("_total").endswith(metric.unit), metric.name
        assert (metric.type is MetricType.HISTOGRAM) == bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets)), metric.name
        assert not {"number", "record", "call", "agent", "login", "phone"} & set(metric.labels), metric.name


def test_states_of_agents_are_all_told():
    found = samples(metered().read(snapshot()))
    states = {dict(labels)["state"] for name, labels in found if name == "outdial_agents"}
    assert {state.value for state in AgentState} == states


def test_pools_of_a_switch_and_of_a_cpd_server_may_have_one_name():
    pools = (pool_view(), pool_view(dialer=DialerId(DialerKind.CPD_SERVER, 1)))
    found = samples(metered().read(snapshot(pools=pools)))
    assert 60 == value(found, "outdial_pool_ports", pool="cluster", kind="cpd-server")


# --- scrapes ------------------------------------------------------------------------------------------------------


class Scrapes:
    """A page whose clock and readings the test has in its hands."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.readings = 0
        self.is_broken = False
        self.page = MetricsText(self._read, lambda: self.now_s)

    def _read(self) -> Reading:
        self.readings += 1
        more = {"outdial_made_up": [((), 1.0)]} if self.is_broken else None
        return metered(BUSY).read(snapshot(late_events=self.readings), more)


def test_many_scrapes_are_one_reading():
    async def story() -> None:
        scrapes = Scrapes()
        texts = await asyncio.gather(*[scrapes.page.text() for _ in range(20)])
        assert (1, 1) == (scrapes.readings, len(set(texts)))
        scrapes.now_s += FRESH_S - 0.001
        assert texts[0] == await scrapes.page.text()
        scrapes.now_s += 0.002
        assert b"outdial_late_events_total 2.0" in await scrapes.page.text()

    asyncio.run(story())


def test_scrape_that_failed_is_tried_again():
    async def story() -> None:
        scrapes = Scrapes()
        scrapes.is_broken = True
        with pytest.raises(ValueError):
            await scrapes.page.text()
        scrapes.is_broken = False
        assert b"outdial_attempts_total" in await scrapes.page.text()

    asyncio.run(story())


def test_caller_who_goes_away_takes_the_text_from_nobody():
    async def story() -> None:
        scrapes = Scrapes()
        first = asyncio.create_task(scrapes.page.text())
        second = asyncio.create_task(scrapes.page.text())
        await asyncio.sleep(0)
        first.cancel()
        assert b"outdial_attempts_total" in await second

    asyncio.run(story())
