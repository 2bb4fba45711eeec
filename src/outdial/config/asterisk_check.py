"""Checks of what Asterisk servers can do: options by driver, modes with seizing, IVR applications as contexts."""

import re

from outdial.config.document import Document
from outdial.config.groups import CampaignGroupTable
from outdial.config.groups_check import Groups
from outdial.config.mistakes import Mistakes
from outdial.config.people_check import People
from outdial.config.rows import Row
from outdial.config.servers import CpdServerTable, Driver, SwitchTable
from outdial.config.servers_check import ServerRow, Servers
from outdial.core.abandonment_settings import AbandonmentClock
from outdial.core.settings import LoadBalancing, PrimeNodeLoss

OWN_CONTEXT = "outdial"
"""Dialplan context that outdial itself uses."""
CONTEXT = "a dialplan context: 1 … 79 letters, digits and _ . -"

_CONTEXT = re.compile(r"[A-Za-z0-9_.-]{1,79}")
_ARI_ONLY = ("ari_port", "stasis_app")
_ASTERISK_ONLY = ("dial_string", "phone_string", "auto_answer_header", "requests_in_flight_max")


def check_asterisk(
    document: Document, servers: Servers, people: People, groups: Groups, mistakes: Mistakes, notes: Mistakes
) -> None:
    """Check servers and campaign groups.

    Args:
        document: the tables.
        servers: what servers are to each other.
        people: agent groups, which may name a dialer node.
        groups: what campaign groups refer to.
        mistakes: where mistakes go.
        notes: where that goes which is allowed, but may not be what was meant.
    """
    for row in servers.rows:
        if row.has("driver"):
            _check_driver_options(row, mistakes)
    places = _Places(document, servers, people, groups)
    for group in document.campaign_groups:
        if group.has("dialing_mode", "dialer"):
            _check_seizing(group, places, mistakes, notes)
            _check_application(group, places, mistakes)
            _check_clock(group, places, notes)


def _check_driver_options(row: ServerRow, mistakes: Mistakes) -> None:
    """The simulator ignores all of them, so that a real file can be tried by changing its drivers alone."""
    driver = row.table.driver
    if driver is Driver.SIM:
        return
    wrong = f"has no effect with driver {driver}"
    for name in _ARI_ONLY:
        if row.given(name) and driver is not Driver.ASTERISK_ARI:
            mistakes.add(row.key(name), wrong, "only with driver asterisk-ari", value=row.shown(name))
    for name in _ASTERISK_ONLY:
        if row.given(name) and not driver.is_asterisk:
            allowed = "only with driver asterisk-ami or asterisk-ari"
            mistakes.add(row.key(name), wrong, allowed, value=row.shown(name))


class _Places:
    """Where campaign groups dial. A place is one application, primary or backup."""

    def __init__(self, document: Document, servers: Servers, people: People, groups: Groups) -> None:
        self._ocs = document.ocs
        self._servers = servers
        self._people = people
        self._groups = groups

    def balanced(self, group: Row[CampaignGroupTable]) -> list[ServerRow]:
        """Where a group without seizing may dial."""
        cpd = self._cpd_server(group)
        if cpd is not None:
            return self._pair(cpd)
        if self._lb_mode() is LoadBalancing.NONE:
            return self._pair(self._prime())
        return [place for node in self._servers.connected.values() for place in self._pair(node)]

    def fixed(self, group: Row[CampaignGroupTable]) -> tuple[list[ServerRow], bool]:
        """Where a group with seizing dials, and whether that is the prime node's place."""
        cpd = self._cpd_server(group)
        if cpd is not None:
            return self._pair(cpd), False
        node = self._dialer_node(group) if self._lb_mode() is not LoadBalancing.NONE else None
        return (self._pair(node), False) if node is not None else (self._pair(self._prime()), True)

    def promotable(self) -> list[ServerRow]:
        """Places that may become the prime node's if it is lost."""
        ocs = self._ocs
        if ocs is None or not ocs.has("prime_node_loss") or ocs.table.prime_node_loss is not PrimeNodeLoss.PROMOTE:
            return []
        return [place for node in self._servers.connected.values() for place in self._pair(node)]

    def _lb_mode(self) -> LoadBalancing:
        if self._ocs is None or not self._ocs.has("sip_cluster_lb_mode"):
            return LoadBalancing.NONE
        return self._ocs.table.sip_cluster_lb_mode

    def _prime(self) -> ServerRow | None:
        connected = self._servers.connected
        if self._ocs is None or not self._ocs.has("sip_cluster_prime_node"):
            return None
        reference = self._ocs.table.sip_cluster_prime_node
        if reference is None:
            return next(iter(connected.values()), None)
        entry = self._servers.applications.get(reference)
        return connected.get(entry.dbid) if entry is not None and entry.dbid is not None else None

    def _dialer_node(self, group: Row[CampaignGroupTable]) -> ServerRow | None:
        agents = self._people.groups.get(group.table.agent_group) if group.has("agent_group") else None
        if agents is None or not agents.item.has("sip_cluster_asm_dial_node"):
            return None
        entry = self._servers.applications.get(agents.item.table.sip_cluster_asm_dial_node)
        return self._servers.connected.get(entry.dbid) if entry is not None and entry.dbid is not None else None

    def _cpd_server(self, group: Row[CampaignGroupTable]) -> ServerRow | None:
        found = [dialer for _, dialer in self._groups.dialer_of(group.table.dialer)]
        if len(found) == 1 and not isinstance(found[0].table, SwitchTable):
            [dialer] = [row for row in self._servers.rows if row is found[0]]
            assert isinstance(dialer.table, CpdServerTable)
            return dialer
        return None

    def _pair(self, row: ServerRow | None) -> list[ServerRow]:
        if row is None:
            return []
        backup = self._servers.backup_of(row)
        return [place for place in (row, backup) if place is not None and place.has("driver")]


def _check_seizing(group: Row[CampaignGroupTable], places: _Places, mistakes: Mistakes, notes: Mistakes) -> None:
    """Joining a customer to an agent who is held on a call of their own needs ARI."""
    mode = group.table.dialing_mode
    if not mode.is_seizing:
        return
    where, allowed = group.key("dialing_mode"), "driver asterisk-ari there, or a mode without seizing"
    fixed, is_prime = places.fixed(group)
    for place in fixed:
        if place.table.driver is Driver.ASTERISK_AMI:
            wrong = f"dials on {place.label}, whose driver asterisk-ami cannot join calls"
            mistakes.add(where, wrong, allowed, value=group.shown("dialing_mode"))
    if is_prime:
        for place in places.promotable():
            if place not in fixed and place.table.driver is Driver.ASTERISK_AMI:
                wrong = f"would stop if {place.label} became the prime node: its driver asterisk-ami cannot join calls"
                notes.add(where, wrong, allowed, value=group.shown("dialing_mode"))


def _check_application(group: Row[CampaignGroupTable], places: _Places, mistakes: Mistakes) -> None:
    """On Asterisk, an IVR application is a context that calls are sent to."""
    if not group.table.dialing_mode.is_gvp or not group.has("ivr_application") or not group.table.ivr_application:
        return
    application = group.table.ivr_application
    place = next((place for place in places.balanced(group) if place.table.driver.is_asterisk), None)
    if place is None:
        return
    where = group.key("ivr_application")
    if application == OWN_CONTEXT:
        wrong = f"this is outdial's own context on {place.label}"
        mistakes.add(where, wrong, "a context of your own", value=application)
    elif not _CONTEXT.fullmatch(application):
        wrong = f"{place.label} is an Asterisk, where an IVR application is a dialplan context"
        mistakes.add(where, wrong, CONTEXT, value=application)


def _check_clock(group: Row[CampaignGroupTable], places: _Places, notes: Mistakes) -> None:
    """Asterisk's call progress detection does not tell when the callee began to speak."""
    table = group.table
    if not group.has("abandonment_clock") or table.abandonment_clock is not AbandonmentClock.GREETING_START:
        return
    if any(place.table.driver.is_asterisk for place in places.balanced(group)):
        wrong = "Asterisk does not tell when a greeting begins, so that the time counts from the answer"
        notes.add(group.key("abandonment_clock"), wrong, value=group.shown("abandonment_clock"))
