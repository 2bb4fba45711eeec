"""Who looks on while the server runs: alarms come and go, metrics and log know of them."""

import asyncio
import io
import json

import pytest

from config_samples import load_text, text_with
from outdial.core.dialer import Dialer
from outdial.core.events import AgentLoggedIn, ConfigurationLoaded, ServerConnected
from outdial.core.units import Now
from outdial.log_lines import LineWriter, make_log
from outdial.names import Names
from outdial.observation import Observation
from outdial.service_log import ServiceLog

CONFIGURATION = load_text(text_with()).configuration


class Server:
    """A dialer that is looked at, second by second."""

    def __init__(self, **options) -> None:
        self.stream = io.StringIO()
        self.writer = LineWriter(self.stream)
        self.away = ""
        self.dialer = Dialer()
        self.seen = Observation(
            self.dialer,
            Names(CONFIGURATION),
            database_away=lambda: self.away,
            on_alarm=(ServiceLog(make_log(self.writer, as_json=True), Names(CONFIGURATION), 7).alarms,),
            **options,
        )
        self.second = 0
        self.tell(ConfigurationLoaded(CONFIGURATION))

    def tell(self, event) -> None:
        now = Now(1_000 * self.second, 1_700_000_000_000 + 1_000 * self.second)
        commands = self.seen.core.step(now, event)
        for observe in self.seen.observers:
            observe(now, event, commands)

    def all_is_well(self) -> "Server":
        for node in CONFIGURATION.nodes:
            self.tell(ServerConnected(node.dbid))
        return self

    def look(self, seconds: int = 1) -> list[str]:
        for _ in range(seconds):
            self.second += 1
            self.tell(AgentLoggedIn(999_999, "nobody"))  # the core's clock is that of its steps
            self.seen.look(self.dialer.snapshot())
        return [alarm.key for alarm in self.seen.alarms.up]

    def lines(self) -> list[tuple[str, str]]:
        self.writer.close()
        return [(line["event"], line["key"]) for line in map(json.loads, self.stream.getvalue().splitlines())]


def test_alarm_is_told_when_it_comes_and_when_it_goes():
    server = Server().all_is_well()
    assert [] == server.look(10)
    server.away = "connection refused"
    assert ["database-away"] == server.look(3)
    server.away = ""
    assert [] == server.look(3)
    assert [("alarm", "database-away"), ("alarm is over", "database-away")] == server.lines()


def test_nothing_is_lost_before_it_has_been_tried():
    tried: list[bool] = []
    server = Server(is_started=lambda: bool(tried))
    assert [] == server.look(60)
    tried.append(True)
    assert ["prime-lost", *(f"node-lost:{node.dbid}" for node in CONFIGURATION.nodes)] == server.look(60)


def test_alarms_of_a_group_are_those_of_its_campaign():
    server = Server().all_is_well()
    [group] = CONFIGURATION.campaign_groups
    from outdial.core.events import GroupStartRequested

    server.tell(GroupStartRequested(1, group.dbid))
    assert [f"no-agents:{group.dbid}"] == server.look(40)
    [view] = server.seen.alarms.of(server.dialer.snapshot())
    assert (CONFIGURATION.campaigns[0].name, "warning") == (view.campaign, view.severity)


def test_metrics_know_alarms_and_steps():
    server = Server(figures=lambda: {"outdial_inbox_events": 3}).all_is_well()
    server.away = "gone"
    server.look(5)

    async def scrape() -> str:
        return (await server.seen.for_api(is_open=False).metrics()).decode()

    text = asyncio.run(scrape())
    assert 'outdial_alarms{kind="database-away",severity="critical"} 1.0' in text
    assert "outdial_inbox_events 3.0" in text
    assert 'outdial_steps_total{event="AgentLoggedIn"} 5.0' in text
    assert "outdial_info{version=" in text


def test_observation_without_an_sdk_and_without_tracing_closes_quietly():
    Server().seen.close()


def test_core_of_an_observation_is_the_dialer():
    server = Server()
    with pytest.raises(Exception, match="time runs backwards"):
        server.seen.core.step(Now(-5, 0), ConfigurationLoaded(CONFIGURATION))
