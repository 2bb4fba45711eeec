"""One span for each attempt, with the instants of the steps, whatever the clock of the machine does."""

import re

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from config_samples import load_text, text_with
from dialing_story import Story, configuration, group
from outdial import tracing_setup
from outdial.core.commands import Dial, Disposition, SettleAttempt
from outdial.core.errors import ConfigError
from outdial.core.events import CallReleased, ConfigurationLoaded, DialAccepted, VerdictReached
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import TreatmentAction
from outdial.core.units import Now
from outdial.names import Names
from outdial.tracing import Tracing

CONFIGURATION = load_text(text_with()).configuration
LOADED = ConfigurationLoaded(CONFIGURATION)
DIAL = Dial(4, 1, 1, 1, 1, 55, "+4930123456", 25_000, True)
BUSY = SettleAttempt(
    *(4, 1, 1, 1, 55, "+4930123456", DialingMode.PROGRESSIVE, CallResult.BUSY, Fault.CALLEE),
    *(None, 486, 17, 7, 1, 0, 400, 0, 0, Disposition(TreatmentAction.DONE)),
)
START_UTC_MS = 1_700_000_000_000


class Spans:
    """A tracing whose spans can be looked at."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracing = Tracing(provider.get_tracer("test"), Names(CONFIGURATION), 7)

    def step(self, mono_ms: int, *commands, event=LOADED, utc_ms: int | None = None) -> None:
        utc_ms = START_UTC_MS + mono_ms if utc_ms is None else utc_ms
        self.tracing.observe(Now(mono_ms, utc_ms), event, commands)

    @property
    def done(self):
        return self.exporter.get_finished_spans()


def ms_of(span) -> tuple[int, int]:
    return span.start_time // 1_000_000 - START_UTC_MS, span.end_time // 1_000_000 - START_UTC_MS


def test_span_runs_from_the_dial_request_to_the_settlement():
    spans = Spans()
    spans.step(1_000, DIAL)
    spans.step(1_050, event=DialAccepted(4))
    spans.step(6_000, event=CallReleased(4, sip_status=486, q850_cause=17))
    assert () == spans.done
    spans.step(6_000, BUSY)
    [span] = spans.done
    assert (1_000, 6_000) == ms_of(span)
    assert ["accepted", "released"] == [event.name for event in span.events]
    assert [1_050, 6_000] == [event.timestamp // 1_000_000 - START_UTC_MS for event in span.events]
    assert 486 == span.events[1].attributes["outdial.call.sip_status"]
    wanted = {
        "network.protocol.name": "sip",
        "outdial.attempt.id": "7-4",
        "outdial.record.id": 55,
        "outdial.call.result": "busy",
        "outdial.call.fault": "callee",
        "outdial.call.q850_cause": 17,
    }
    assert wanted == {key: span.attributes[key] for key in wanted}
    assert "error.type" not in span.attributes and StatusCode.UNSET is span.status.status_code


def test_fault_of_the_node_is_an_error_and_one_of_the_callee_is_none():
    spans = Spans()
    spans.step(0, DIAL)
    settled = SettleAttempt(*(4, 1, 1, 1, 55, "1", DialingMode.PROGRESSIVE, CallResult.NO_FREE_PORT, Fault.NODE),
        *(None, 503, None, None, 1, 0, 0, 0, 0, Disposition(TreatmentAction.DONE)))  # fmt: skip
    spans.step(10, settled)
    [span] = spans.done
    assert StatusCode.ERROR is span.status.status_code
    assert "no_free_port" == span.attributes["error.type"]


def test_clock_that_is_set_bends_no_duration():
    spans = Spans()
    spans.step(1_000, DIAL)
    spans.step(2_000, event=VerdictReached(4, Verdict.PERSON), utc_ms=START_UTC_MS - 3_600_000)
    spans.step(3_000, BUSY, utc_ms=START_UTC_MS - 3_600_000)
    [span] = spans.done
    assert (1_000, 3_000) == ms_of(span)
    assert 2_000 == span.events[0].timestamp // 1_000_000 - START_UTC_MS


def test_calls_that_nobody_dialed_are_no_spans():
    spans = Spans()
    spans.step(0, BUSY, event=DialAccepted(4))
    spans.step(0, event=DialAccepted(9))
    assert () == spans.done


def test_what_is_open_at_the_end_ends_without_a_result():
    spans = Spans()
    spans.step(0, DIAL)
    spans.tracing.close(Now(500, START_UTC_MS))
    [span] = spans.done
    assert (0, 500) == ms_of(span) and "outdial.call.result" not in span.attributes
    spans.step(600, BUSY)
    assert 1 == len(spans.done)


def test_a_conversation_as_the_dialer_leads_it():
    """The real core: what it orders and what it is told are in the span, in order, and no number is."""
    spans = Spans()
    story = Story(configuration(group(1)))
    plain, story.dialer.step = story.dialer.step, None

    def step(now, event):
        commands = plain(now, event)
        spans.tracing.observe(now, event, commands)
        return commands

    story.dialer.step = step
    story.start(1).agent_ready(101).advance(1_000)
    dial = story.ever(Dial)[0]
    story.person_answers(dial).agent_takes(dial).ended(dial)
    span = spans.done[0]
    names = [event.name for event in span.events]
    assert ["verdict", "transfer ordered", "connected", "released"] == [
        name for name in names if name in ("verdict", "transfer ordered", "connected", "released")
    ]
    assert "answer" == span.attributes["outdial.call.result"]
    assert not re.search(dial.number.removeprefix("+"), span.to_json())


def test_without_an_sdk_tracing_says_what_is_missing(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name}", name=name)

    monkeypatch.setattr(tracing_setup, "import_module", missing)
    with pytest.raises(ConfigError, match=r'pip install "outdial\[otel\]"'):
        tracing_setup.tracer()


def test_what_the_operator_has_set_up_is_left_alone(monkeypatch):
    provider = TracerProvider()
    monkeypatch.setattr(tracing_setup, "get_tracer_provider", lambda: provider)
    tracer, close = tracing_setup.tracer()
    span = tracer.start_span("attempt")
    assert span.is_recording() and span.instrumentation_scope.name == "outdial"
    close()
