"""Checks of campaign groups: what they refer to, and whether their options mean anything in their dialing mode."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from outdial.config.directory import Directory, entry_of
from outdial.config.document import Document
from outdial.config.groups import CampaignGroupTable
from outdial.config.lists import CallingListTable, CampaignListTable
from outdial.config.lists_check import Lists
from outdial.config.mistakes import Mistakes, show_names
from outdial.config.people import AgentGroupTable
from outdial.config.people_check import People
from outdial.config.rows import Row
from outdial.config.servers import CpdServerTable, SwitchTable
from outdial.config.servers_check import ServerRow, Servers
from outdial.config.treatments import TreatmentTable
from outdial.core.aims import AimKind
from outdial.core.modes import DialingMode
from outdial.core.settings import DialerId, DialerKind

Dialer: TypeAlias = Row[SwitchTable] | ServerRow


@dataclass(frozen=True)
class OnlyIn:
    """An option that means something in some modes only."""

    modes: str
    holds: Callable[[DialingMode], bool]
    zero_is_silent: bool = False
    """0 is as good as leaving it out, whatever the mode."""


def _has_pace(mode: DialingMode) -> bool:
    return not mode.is_preview and mode is not DialingMode.POWER_GVP


def _has_waits(mode: DialingMode) -> bool:
    return not mode.is_preview


# A running group may change between the progressive and the predictive form of its family, so options of one form are
# welcome in the other.
ONLY_IN = {
    "asm_channel_num": OnlyIn("the modes with seizing", lambda mode: mode.is_seizing),
    "maximum_queue_size": OnlyIn("power-gvp", lambda mode: mode is DialingMode.POWER_GVP, zero_is_silent=True),
    "number_of_cpd_ports": OnlyIn("every mode but preview, push-preview and power-gvp", _has_pace, zero_is_silent=True),
    "ivr_application": OnlyIn("the GVP modes", lambda mode: mode.is_gvp),
    "ivr_timeout_s": OnlyIn("the GVP modes", lambda mode: mode.is_gvp),
    "abandonment_clock": OnlyIn("every mode but preview and push-preview", _has_waits),
    "abandonment_s_max": OnlyIn("every mode but preview and push-preview", _has_waits),
    "drop_message": OnlyIn("every mode but preview and push-preview", _has_waits),
    "drop_message_s_max": OnlyIn("every mode but preview and push-preview", _has_waits),
    "preview_timeout_s": OnlyIn("preview and push-preview", lambda mode: mode.is_preview),
    "optimization_target": OnlyIn("the progressive and predictive modes", _has_pace),
    "optimization_value": OnlyIn("the progressive and predictive modes", _has_pace),
    "overdial_rate_max": OnlyIn("the progressive and predictive modes", _has_pace),
    "history_length": OnlyIn("the progressive and predictive modes", _has_pace),
    "progressive_multiplier": OnlyIn("the progressive and predictive modes", _has_pace),
    "maximum_calls_per_agent": OnlyIn("the progressive and predictive modes", _has_pace, zero_is_silent=True),
    "statistics_carry_over_hours": OnlyIn("the progressive and predictive modes", _has_pace, zero_is_silent=True),
}


class Groups:
    """Campaign groups of one file."""

    def __init__(self, document: Document, servers: Servers, people: People, lists: Lists, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._servers = servers
        self._people = people
        self._lists = lists
        self.groups: Directory[Row[CampaignGroupTable]] = Directory("campaign-group", mistakes)
        self._rows = document.campaign_groups
        self._list_rows = document.calling_lists
        for row in self._rows:
            self.groups.add(entry_of(row))

    def check(self) -> None:
        """Check every campaign group, and what calling lists say of them."""
        for calling_list in self._list_rows:
            for treatment in calling_list.child_rows(TreatmentTable, "treatment"):
                self._check_assignment(calling_list, treatment)
        for row in self._rows:
            if row.has("campaign"):
                self._lists.campaigns.find(row.table.campaign, row.key("campaign"))
            self._check_agent_group(row)
            self._check_dialer(row)
            self._check_mode(row)
            self._check_target(row)
            self._check_buffers(row)

    def _check_assignment(self, calling_list: Row[CallingListTable], row: Row[TreatmentTable]) -> None:
        """A record is only given to a group whose campaign has its list: no other would ever claim it."""
        if not row.has("group") or row.table.group is None:
            return
        where = row.key("group")
        entry = self.groups.find(row.table.group, where)
        campaign = (
            self._lists.campaigns.get(entry.item.table.campaign) if entry and entry.item.has("campaign") else None
        )
        if campaign is None:
            return
        lists = [
            self._lists.lists.get(child.table.calling_list)
            for child in campaign.item.child_rows(CampaignListTable, "lists")
            if child.has("calling_list")
        ]
        if not any(each is not None and each.item is calling_list for each in lists):
            wrong = f"its campaign does not have {calling_list.label}, so nobody would dial the record"
            self._mistakes.add(where, wrong, "a campaign group that dials this list", value=row.shown("group"))

    def check_dial_nodes(self, agent_groups: list[Row[AgentGroupTable]], notes: Mistakes) -> None:
        """Check the dialer nodes of agent groups. What the guide allows, but is rarely meant, becomes a note."""
        for row in agent_groups:
            if not row.has("sip_cluster_asm_dial_node"):
                continue
            reference, where = row.table.sip_cluster_asm_dial_node, row.key("sip_cluster_asm_dial_node")
            seizing = [group.label for group in self._groups_of(row) if _is_seizing(group)]
            if reference is None:
                if seizing and len(self._servers.connected) > 1:
                    notes.add(where, f"left out, so that {', '.join(seizing)} dials on the prime node")
            elif isinstance(reference, str):
                self._check_dial_node(reference, where)
            elif reference not in self._servers.connected:
                wrong = "not among the connections, so that its campaign groups with seizing dial on the prime node"
                notes.add(where, wrong, value=reference)

    def _check_dial_node(self, reference: str, where: str) -> None:
        entry = self._servers.applications.find(reference, where)
        if entry is not None and entry.dbid is not None and entry.dbid not in self._servers.connected:
            wrong = f"{entry.label} is not a primary SIP server among the connections"
            self._mistakes.add(where, wrong, "one of the connections", value=reference)

    def _groups_of(self, agent_group: Row[AgentGroupTable]) -> list[Row[CampaignGroupTable]]:
        return [row for row in self._rows if row.has("agent_group") and self._is(row.table.agent_group, agent_group)]

    def _is(self, reference: str | int | None, agent_group: Row[AgentGroupTable]) -> bool:
        entry = self._people.groups.get(reference)
        return entry is not None and entry.item is agent_group

    def dialer_of(self, reference: str | int) -> list[tuple[DialerId | None, Dialer]]:
        """The switches and primary CPD servers that a reference may mean."""
        found: list[tuple[DialerId | None, Dialer]] = []
        switch, server = self._servers.switches.get(reference), self._servers.applications.get(reference)
        if switch is not None:
            found.append((_dialer_id(DialerKind.SWITCH, switch.dbid), switch.item))
        if server is not None and isinstance(server.item.table, CpdServerTable):
            if self._servers.primary_of(server.item) is None:
                found.append((_dialer_id(DialerKind.CPD_SERVER, server.dbid), server.item))
        return found

    def _check_agent_group(self, row: Row[CampaignGroupTable]) -> None:
        if not row.has("agent_group"):
            return
        if row.table.agent_group is not None:
            self._people.groups.find(row.table.agent_group, row.key("agent_group"))
        elif row.has("dialing_mode") and row.table.dialing_mode.needs_agents:
            wrong = f"missing; dialing mode {row.table.dialing_mode} needs agents"
            self._mistakes.add(row.key("agent_group"), wrong, self._people.groups.names())

    def _check_dialer(self, row: Row[CampaignGroupTable]) -> None:
        if not row.has("dialer"):
            return
        reference, where = row.table.dialer, row.key("dialer")
        found = self.dialer_of(reference)
        if not found:
            self._mistakes.add(where, "there is no such switch or CPD server", self._dialers(), value=reference)
        elif len(found) > 1:
            wrong = " or ".join(dialer.label for _, dialer in found)
            self._mistakes.add(where, f"could mean {wrong}", "the name of one of them", value=reference)
        elif isinstance(found[0][1].table, SwitchTable):
            switches = [self._servers.switch_of(node) for node in self._servers.connected.values()]
            if switches and not any(switch is None or switch is found[0][1] for switch in switches):
                wrong = "no SIP server among the connections is on this switch, so nothing could be dialed"
                self._mistakes.add(where, wrong, "a switch of a connected SIP server", value=reference)

    def _dialers(self) -> str:
        names = [entry.shown("switch ") for entry in self._servers.switches]
        for server in self._servers.applications:
            if isinstance(server.item.table, CpdServerTable) and self._servers.primary_of(server.item) is None:
                names.append(server.shown("CPD server "))
        return show_names(name for name in names if name) or "none, as the file has no switch and no CPD server"

    def _check_mode(self, row: Row[CampaignGroupTable]) -> None:
        if not row.has("dialing_mode"):
            return
        mode, table = row.table.dialing_mode, row.table
        for name, rule in ONLY_IN.items():
            if not row.given(name) or not row.has(name) or rule.holds(mode):
                continue
            if not (rule.zero_is_silent and getattr(table, name) == 0):
                wrong = f"has no effect in dialing mode {mode}"
                self._mistakes.add(row.key(name), wrong, f"only in {rule.modes}", value=row.shown(name))
        if mode is DialingMode.POWER_GVP and row.has("maximum_queue_size") and table.maximum_queue_size == 0:
            wrong = "missing; Power GVP keeps this many calls in progress"
            self._mistakes.add(row.key("maximum_queue_size"), wrong, "a whole number 1 … 1,000,000")
        if mode.is_gvp and row.has("ivr_application") and not table.ivr_application:
            wrong = f"missing; dialing mode {mode} hands answered calls to it"
            self._mistakes.add(row.key("ivr_application"), wrong, "the name of an IVR application")

    def _check_target(self, row: Row[CampaignGroupTable]) -> None:
        if not row.has("optimization_target"):
            return
        target = row.table.optimization_target
        if target is AimKind.OVERDIAL_RATE:
            if row.given("overdial_rate_max") and row.has("overdial_rate_max"):
                wrong = "has no effect with optimization-target overdial-rate, whose limit is optimization-value"
                allowed = "only with another optimization target"
                self._mistakes.add(row.key("overdial_rate_max"), wrong, allowed, value=row.shown("overdial_rate_max"))
        elif not row.given("optimization_value"):
            unit = "percent" if target is AimKind.BUSY_FACTOR else "seconds"
            self._mistakes.add(
                row.key("optimization_value"), f"missing; {target} is steered for it", f"a number of {unit}"
            )

    def _check_buffers(self, row: Row[CampaignGroupTable]) -> None:
        if not row.has("minimum_record_buffer", "optimal_record_buffer"):
            return
        minimum, optimal = row.table.minimum_record_buffer, row.table.optimal_record_buffer
        if optimal <= minimum:
            wrong = f"not greater than minimum-record-buffer ({minimum:,})"
            where = row.key("optimal_record_buffer")
            self._mistakes.add(where, wrong, f"a whole number {minimum + 1:,} … 10,000", value=optimal)


def _is_seizing(row: Row[CampaignGroupTable]) -> bool:
    return row.has("dialing_mode") and row.table.dialing_mode.is_seizing


def _dialer_id(kind: DialerKind, dbid: int | None) -> DialerId | None:
    return None if dbid is None else DialerId(kind, dbid)
