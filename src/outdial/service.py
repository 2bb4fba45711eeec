"""The dialer in service: on real servers, until it is told to end.

The order of things, once configuration, database and lists are there (see `serve`): give the core the configuration,
sign the agents in, tell what groups have learned before, start them. SIGHUP reads the file again: with mistakes the old
configuration stays in effect. SIGTERM and SIGINT drain: groups stop, running calls may end by themselves for
`drain-s-max`, the rest is released; a second signal releases at once, a third waits for nothing. The exit code says how
it ended.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from structlog.typing import FilteringBoundLogger

from outdial import garbage
from outdial.api_dialer import ApiDialer
from outdial.core.attempt import AttemptState
from outdial.core.commands import Command, Release, ReleaseEngaging
from outdial.core.errors import InvariantViolated, OutdialError
from outdial.core.events import (
    CallReleased,
    ConfigurationLoaded,
    EngagingReleased,
    Event,
    GroupStartRequested,
    GroupStopRequested,
    StatisticsFound,
)
from outdial.core.settings import Configuration
from outdial.core.units import SECOND_MS, CallId, GroupId, Now
from outdial.drivers.clock import SystemClock
from outdial.drivers.journal import JournalWriter
from outdial.drivers.runner import InboxFull, Runner
from outdial.drivers.sd_notify import Systemd
from outdial.names import Names
from outdial.observation import observe_service
from outdial.record_shares import share_records
from outdial.serve_abandonment import ServeLedgers
from outdial.serve_agents import ServeAgents
from outdial.serve_api import Host, ServeApi
from outdial.serve_records import ServeRecords
from outdial.serve_results import ServeResults
from outdial.serve_setup import Setup
from outdial.serve_statistics import ServeStatistics
from outdial.serve_webhooks import ServeWebhooks
from outdial.service_configuration import ServiceConfiguration
from outdial.service_log import ServiceLog
from outdial.service_parts import Parts
from outdial.service_watch import Watch
from outdial.shift_ends import ShiftEnds

EXIT_FINE = 0
EXIT_ERROR = 2
EXIT_BUG = 70

RELEASE_S_MAX = 8.0
"""Longest wait for released calls to end. Unit: seconds. Origin: above the core's own wait for a release."""
LAST_S_MAX = 1.0
"""Longest wait for what the core makes of calls whose end nobody reported. Unit: seconds."""
POLL_S = 0.1
"""Period of looking whether something awaited has happened. Unit: seconds."""
INSIST_S = 0.5
"""Pause before the core is told again what it had no room for. Unit: seconds."""
NOTE_CHARACTERS_MAX = 2_000
"""Longest note about a bug: an event may carry thousands of records."""
CONVERSATIONS = (AttemptState.CONNECTED, AttemptState.IN_IVR)


class Service:
    """One start of the server."""

    def __init__(
        self,
        path: Path,
        setup: Setup,
        folder: Path,
        log: FilteringBoundLogger,
        journal: JournalWriter | None,
        parts: Parts,
        records: ServeRecords,
    ) -> None:
        """Put the parts together; nothing runs yet.

        Raises:
            ResultsError: `attempts.csv` cannot be created.
        """
        names, clock = Names(setup.configuration), SystemClock()
        self.core = parts.make_core()
        self._log = log
        self._lines = ServiceLog(log, names, records.epoch)
        self._results = ServeResults(folder, names, self._cannot_go_on)
        self._statistics = ServeStatistics(setup.loaded.serve.results_dir, self.core, names, clock, log)
        self._shifts = ShiftEnds(setup.loaded.shift_ends, self._insist)
        self._webhooks = ServeWebhooks(records, setup.loaded, log)
        self._observation = observe_service(
            self.core,
            names,
            records,
            setup.loaded.serve,
            self._webhooks,
            self._lines.alarms,
            waiting=lambda: self._runner.waiting,
            lost=lambda: self._lost_events,
            is_started=lambda: self._watch.is_ready,
        )
        self._agents = ServeAgents(self.core, self._insist, clock, records.store, setup.loaded)
        dialer = ApiDialer(self.core, lambda event: self._runner.submit(event))
        observers = (self._results, self._lines, self._statistics, self._shifts, dialer, self._agents)
        self._runner = Runner(
            self._observation.core,
            clock,
            carry_out=self._carry_out,
            observers=(*(each.observe for each in observers), self._observe, *self._observation.observers),
            journal=journal,
        )
        self._records = records
        self._ledgers = ServeLedgers(records, clock, log, self._insist, setup.loaded.serve.database)
        self._servers = parts.make_servers(self._emit)
        looks, primaries = (records.look, self._observation.look), [node.dbid for node in setup.configuration.nodes]
        self._watch = Watch(self.core, self._lines, Systemd(), primaries, self._counts, *looks)
        self._woken = asyncio.Event()
        self._configuration = ServiceConfiguration(path, setup, records, log, self._watch, self._woken.set)
        api = setup.loaded.api
        host = Host(
            dialer,
            self._observation,
            self._lines,
            records.access,
            desks=self._agents.desks,
            configuration=self._configuration,
        )
        self._api = None if api is None else ServeApi(api, host)
        self._exit_code = EXIT_FINE
        self._stops = 0
        """Signals to end, so far."""
        self._running: asyncio.Task[None] | None = None
        self._request_id = 0
        self._lost_events = 0
        """Facts for which the core had no room."""

    # --- the course of it ----------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Serve. Returns the exit code."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._lines.loop_failed)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_stop, signal.Signals(number).name)
        loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        self._running = asyncio.create_task(self._runner.run())
        self._running.add_done_callback(lambda _: self._woken.set())
        self._records.begin(
            submit=self._runner.submit,
            pass_on=self._servers.carry_out,
            attempt_n=self._attempt_n,
            on_failure=self._cannot_go_on,
            on_crash=self._woken.set,
        )
        self._watch.begin()
        garbage.settle()
        if self._api is not None:
            self._api.begin(self._records.shared(lambda: self._configuration.setup.loaded))
        try:
            await self._start()
            while not self._stops and not self._is_broken():
                self._watch.look()
                self._statistics.look()
                self._ledgers.look()
                await self._configuration.follow(self._take_effect)
                await self._pause(POLL_S)
            if not self._is_broken():
                await self._drain()
        finally:
            await self._end()
        return self._exit_code

    async def _start(self) -> None:
        setup, results = self._configuration.setup, str(self._results.folder)
        path, api = str(self._configuration.path), None if self._api is None else self._api.address
        self._log.info("started", configuration=path, results=results, servers=len(setup.servers), api=api)
        for note in setup.notes:
            self._log.warning("note", text=note)
        self._servers.configure(setup.configuration, setup.servers)
        self._webhooks.follow(setup.loaded)
        await self._give(setup.configuration)
        await self._start_groups(setup.loaded.start_groups)

    async def _give(self, configuration: Configuration) -> None:
        """Bring the core and the agents in step with a configuration."""
        await self._put(ConfigurationLoaded(share_records(configuration, self._records.count)))
        for event in self._agents.follow(configuration):
            await self._put(event)
        for ledger in await self._ledgers.found(configuration, self._request_id + 1):
            self._request_id = ledger.request_id
            await self._put(ledger)
        for group_id, learned in self._statistics.found(self._configuration.setup.loaded):
            self._request_id += 1
            await self._put(StatisticsFound(self._request_id, group_id, learned))

    async def _start_groups(self, group_ids: Sequence[GroupId]) -> None:
        for group_id in group_ids:
            self._request_id += 1
            await self._put(GroupStartRequested(self._request_id, group_id))

    async def _drain(self) -> None:
        """Stop the groups, let calls end, release the rest."""
        drain_s = self._configuration.setup.loaded.serve.drain_ms_max / SECOND_MS
        self._watch.stopping()
        self._log.info("stopping", running_calls=self._calls(), drain_s_max=drain_s)
        self._agents.let_be()
        for group in list(self.core.state.groups.values()):
            if group.is_running:
                self._request_id += 1
                await self._put(GroupStopRequested(self._request_id, group.group_id))
        await self._until(lambda: not self._calls() or self._stops > 1, drain_s)
        if not self._is_broken():
            await self._statistics.finish()  # before calls are cut off, which would say nothing about people
        if self._calls():
            self._log.warning("releasing", running_calls=self._calls())
            self._release(lambda state: True)
            await self._until(lambda: not self._calls() or self._stops > 2, RELEASE_S_MAX)
        if self._calls():
            self._log.warning("end of calls not reported", running_calls=self._calls())
            for call_id in list(self.core.state.attempts):
                self._emit(CallReleased(call_id))
            for call_id in list(self.core.state.engagings):
                self._emit(EngagingReleased(call_id))
            await self._until(lambda: not self._calls(), LAST_S_MAX)

    async def _end(self) -> None:
        """Stop the runner, say why it stopped if nobody told it to, close everything, write the last file."""
        assert self._running is not None
        self._agents.close()
        self._runner.stop()
        try:
            await self._running
            self._records.raise_crash()
        except InvariantViolated as error:
            self._exit_code = EXIT_BUG
            notes = [note[:NOTE_CHARACTERS_MAX] for note in getattr(error, "__notes__", [])]
            self._log.critical("bug", text=str(error)[:NOTE_CHARACTERS_MAX], notes=notes)
            await self._abandon()
        except OutdialError as error:
            self._exit_code = EXIT_ERROR
            self._log.critical("failure", text=str(error))
            await self._abandon()
        except Exception as error:  # of a driver or an observer, and no less a bug; the core is as it was
            self._exit_code = EXIT_BUG
            self._log.critical("bug", text=repr(error)[:NOTE_CHARACTERS_MAX], exc_info=error)
            await self._abandon()
        finally:
            self._configuration.close()
            if self._api is not None:
                await self._api.close()
            await self._servers.close()
            await self._records.finish()
            await self._webhooks.close()
            records_max = self._configuration.setup.loaded.serve.records_csv_max
            if not await self._results.finish(self._records, self._log, records_max):
                self._exit_code = self._exit_code or EXIT_ERROR
            self._watch.close()
            await asyncio.to_thread(self._observation.close)
            self._log.info("ended", exit_code=self._exit_code, attempts=self._results.rows)

    async def _abandon(self) -> None:
        """The core has gone: nobody would talk to those who are not in a conversation yet."""
        self._watch.stopping()
        self._records.stop_dialing()
        self._release(lambda state: state not in CONVERSATIONS)
        self._woken.clear()
        await self._pause(LAST_S_MAX)  # the orders must leave before the connections are reset

    # --- another configuration ------------------------------------------------------------------------------------

    async def _take_effect(self, before: Setup) -> None:
        setup = self._configuration.setup
        self._results.names = self._lines.names = self._statistics.names = Names(setup.configuration)
        self._agents.take_in(setup.loaded)
        self._shifts.ends = setup.loaded.shift_ends
        self._servers.configure(setup.configuration, setup.servers)
        self._webhooks.follow(setup.loaded)
        await self._give(setup.configuration)
        known = {group.dbid for group in before.configuration.campaign_groups}
        await self._start_groups([group_id for group_id in setup.loaded.start_groups if group_id not in known])
        await self._renew_certificate()

    async def _renew_certificate(self) -> None:
        try:
            if self._api is not None and await self._api.renew_certificate():
                self._log.info("note", text="another certificate is in use for new connections to the API")
        except OutdialError as error:
            self._log.warning("note", text=f"{error}; the certificate of before stays in use")

    # --- calls in progress ---------------------------------------------------------------------------------------

    def _calls(self) -> int:
        return len(self.core.state.attempts) + len(self.core.state.engagings)

    def _attempt_n(self, call_id: CallId) -> int:
        attempt = self.core.state.attempts.get(call_id)
        return attempt.chain.records[0].attempts + 1 if attempt is not None else 1

    def _release(self, is_meant: Callable[[AttemptState], bool]) -> None:
        """Order the servers to end calls. The core hears of it as of any other end."""
        for attempt in list(self.core.state.attempts.values()):
            if is_meant(attempt.state):
                self._servers.carry_out(Release(attempt.call_id))
        for call_id in list(self.core.state.engagings):
            self._servers.carry_out(ReleaseEngaging(call_id))

    # --- facts and commands --------------------------------------------------------------------------------------

    def _carry_out(self, now: Now, command: Command) -> None:
        """To whom it concerns. Replies concern the log, which observes."""
        if not self._records.carry_out(now, command) and not self._servers.carry_out(command):
            self._agents.carry_out(command)

    def _emit(self, event: Event) -> None:
        """Give the core a fact, from somebody who cannot wait. What is lost is found by audits and time limits."""
        try:
            self._runner.submit(event)
        except InboxFull:
            self._lost_events += 1

    def _insist(self, event: Event) -> None:
        """Give the core a fact that no audit would find: again and again until there is room."""
        assert self._running is not None
        try:
            self._runner.submit(event)
        except InboxFull:
            if not self._running.done():
                asyncio.get_running_loop().call_later(INSIST_S, self._insist, event)

    def _counts(self) -> dict[str, Any]:
        """Further figures for the summary."""
        return {
            "attempts": self._results.rows,
            "lost_events": self._lost_events or None,
            **self._records.counts(),
        }

    async def _put(self, event: Event) -> None:
        """Give the core a fact, waiting for room as long as the core lives."""
        assert self._running is not None
        while not self._running.done():
            with contextlib.suppress(InboxFull):
                return self._runner.submit(event)
            await self._pause(0.01)

    def _observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        self._watch.observe(now, event, commands)

    # --- waiting -------------------------------------------------------------------------------------------------

    def _is_broken(self) -> bool:
        """Whether something has stopped that must run."""
        assert self._running is not None
        return self._running.done() or self._records.has_crashed

    async def _pause(self, seconds: float) -> None:
        """Wait, but not past a signal or the end of the runner."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()

    async def _until(self, is_over: Callable[[], bool], seconds: float) -> None:
        """Wait until something is over, time is up, or the service is broken."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + seconds
        while not is_over() and not self._is_broken() and (left_s := until_s - loop.time()) > 0:
            self._watch.look()
            await self._pause(min(left_s, POLL_S))

    # --- signals -------------------------------------------------------------------------------------------------

    def _on_stop(self, name: str) -> None:
        self._stops += 1
        self._log.info("signal", name=name, count=self._stops)
        self._woken.set()

    def _on_reload(self) -> None:
        self._configuration.reload()

    def _cannot_go_on(self, error: Exception) -> None:
        """Calls that nobody writes down must not be made: come to an end."""
        self._log.error("failure", text=str(error) or repr(error), consequence="dialing stops")
        self._exit_code = EXIT_ERROR if isinstance(error, OutdialError) else EXIT_BUG
        self._stops = max(self._stops, 1)
        self._woken.set()
