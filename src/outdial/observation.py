"""Who looks on while the server runs, for those outside: metrics, alarms, traces."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from outdial import __version__
from outdial.alarms import Outside
from outdial.config.loaded import Serve
from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import ConfigurationLoaded, Event
from outdial.core.snapshot import Snapshot
from outdial.core.units import Now
from outdial.drivers.runner import Observer
from outdial.live_alarms import LiveAlarms, OnChange
from outdial.metrics import Meter, Reading, Sample
from outdial.metrics_text import CONTENT_TYPE, MetricsText
from outdial.names import Names
from outdial.serve_records import ServeRecords
from outdial.serve_webhooks import ServeWebhooks

if TYPE_CHECKING:  # slow to import, and not everybody serves an API
    from outdial.api.observed import Observability
    from outdial.tracing import Tracing as Traces


class Observation:
    """Everything that looks on.

    Attributes:
        alarms: what an operator must know.
        core: the dialer with its steps timed, for the runner.
        meter: what is counted.
    """

    def __init__(
        self,
        core: Dialer,
        names: Names,
        *,
        figures: Callable[[], Mapping[str, float]] = dict,
        webhooks: ServeWebhooks | None = None,
        database_away: Callable[[], str] = str,
        is_started: Callable[[], bool] = lambda: True,
        on_alarm: Sequence[OnChange] = (),
        epoch: int = 0,
        is_tracing: bool = False,
    ) -> None:
        """Nothing has happened yet.

        Args:
            core: the dialer.
            names: of the configuration.
            figures: metrics without labels that others know, by name.
            webhooks: other systems that are told. None: nobody is.
            database_away: why the database counts as away; empty: it does not.
            is_started: a server is up, or all have been tried.
            on_alarm: told of alarms that come and go.
            epoch: number of this start, for the ids of attempts.
            is_tracing: each attempt is traced.

        Raises:
            ConfigError: tracing is wanted, and there is no SDK for it.
        """
        self._dialer = core
        self._figures = figures
        self._webhooks = webhooks
        self._database_away = database_away
        self._is_started = is_started
        self._began_s = time.monotonic()
        self.meter = Meter(names)
        self.core = self.meter.timed(core)
        self.alarms = LiveAlarms(tuple(on_alarm), lambda: Outside(database_away()), is_started)
        self._text = MetricsText(self._read, time.monotonic)
        self._tracing: Traces | None = None
        self._close_tracing: Callable[[], None] = lambda: None
        if is_tracing:
            from outdial.tracing import Tracing
            from outdial.tracing_setup import tracer

            made, self._close_tracing = tracer()
            self._tracing = Tracing(made, names, epoch)

    @property
    def observers(self) -> tuple[Observer, ...]:
        """For the runner: each is called after every step."""
        tracing = () if self._tracing is None else (self._tracing.observe,)
        return (self.meter.observe, self._observe, *tracing)

    def _observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        if isinstance(event, ConfigurationLoaded):
            self.alarms.follow(event.configuration)

    def look(self, snapshot: Snapshot) -> None:
        """Take a look at the dialer, about once a second."""
        self.alarms.look(snapshot)

    def for_api(self, *, is_open: bool) -> "Observability":
        """What the API's routes ask. `is_open`: anybody may read the metrics."""
        from outdial.api.observed import Observability

        return Observability(
            self._text.text,
            CONTENT_TYPE,
            is_open,
            lambda: not self._database_away(),
            self._is_started,
            None if self._webhooks is None else self._webhooks.for_api(),
        )

    def close(self) -> None:
        """The server has come to its end. What is left of the traces is sent: it may take seconds."""
        if self._tracing is not None:
            state = self._dialer.state
            self._tracing.close(Now(state.mono_ms, state.utc_ms))
        self._close_tracing()

    def _read(self) -> Reading:
        plain: dict[str, list[Sample]] = {name: [((), value)] for name, value in self._figures().items()}
        alarms = Counter((alarm.kind.value, alarm.severity.value) for alarm in self.alarms.up)
        more: dict[str, Sequence[Sample]] = {
            **plain,
            **({} if self._webhooks is None else self._webhooks.samples()),
            "outdial_alarms": list(alarms.items()),
            "outdial_info": [((__version__,), 1)],
            "outdial_uptime_seconds": [((), time.monotonic() - self._began_s)],
        }
        return self.meter.read(self._dialer.snapshot(), more)


def observe_service(
    core: Dialer,
    names: Names,
    records: ServeRecords,
    serve: Serve,
    webhooks: ServeWebhooks,
    on_alarm: OnChange,
    *,
    waiting: Callable[[], int],
    lost: Callable[[], int],
    is_started: Callable[[], bool],
) -> Observation:
    """Who looks on at `outdial serve`.

    Args:
        core: the dialer.
        names: of the configuration.
        records: the database.
        serve: the table `[serve]`.
        webhooks: other systems that are told.
        on_alarm: told of alarms that come and go.
        waiting: events that wait for the core.
        lost: events for which it had no room.
        is_started: a server is up, or all have been tried.

    Raises:
        ConfigError: tracing is wanted, and there is no SDK for it.
    """

    def figures() -> dict[str, float]:
        return {
            "outdial_inbox_events": waiting(),
            "outdial_lost_events_total": lost(),
            **records.figures(),
        }

    observation = Observation(
        core,
        names,
        figures=figures,
        webhooks=webhooks,
        database_away=records.why_away,
        is_started=is_started,
        on_alarm=(on_alarm, webhooks.alarms),
        epoch=records.epoch,
        is_tracing=serve.tracing,
    )
    records.on_answer = observation.meter.store_answered
    return observation
