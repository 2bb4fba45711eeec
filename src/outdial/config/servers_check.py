"""Checks between servers: references, backups, connections, the prime node, credentials."""

from typing import TypeAlias

from outdial.config.directory import Directory, entry_of
from outdial.config.document import Document
from outdial.config.mistakes import Mistakes, show_names
from outdial.config.options import option_of
from outdial.config.rows import Row
from outdial.config.servers import CpdServerTable, Driver, OcsTable, SipServerTable, SwitchTable
from outdial.core.settings import LoadBalancing

ServerRow: TypeAlias = Row[SipServerTable] | Row[CpdServerTable]

_OF_THE_NODE = ("call_rate_max", "slow_start_s", "ports", "dynamic_port_allocation")
"""Options that belong to the node as a whole, hence are set on its primary."""
_CREDENTIALS = {
    Driver.ASTERISK_AMI: ("host", "user", "password"),
    Driver.ASTERISK_ARI: ("host", "user", "password"),
    Driver.FREESWITCH_ESL: ("host", "password"),
    Driver.SIM: (),
}


class Servers:
    """Switches and applications of one file, and what they are to each other."""

    def __init__(self, document: Document, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self.rows: list[ServerRow] = [*document.sip_servers, *document.cpd_servers]
        self.switches: Directory[Row[SwitchTable]] = Directory("switch", mistakes)
        self.applications: Directory[ServerRow] = Directory("SIP or CPD server", mistakes)
        self.connected: dict[int, Row[SipServerTable]] = {}
        """Primary SIP servers among the connections, in order. Shape: {DBID: row}."""
        self._primary_of: dict[int, ServerRow] = {}
        for switch in document.switches:
            self.switches.add(entry_of(switch))
        for row in self.rows:
            self.applications.add(entry_of(row))

    def primary_of(self, row: ServerRow) -> ServerRow | None:
        """The application whose backup this is; None: it is a primary itself."""
        return self._primary_of.get(id(row))

    def backup_of(self, row: ServerRow) -> ServerRow | None:
        """The backup of an application."""
        entry = self.applications.get(row.table.backup) if row.has("backup") else None
        return entry.item if entry else None

    def switch_of(self, row: ServerRow) -> Row[SwitchTable] | None:
        """The switch of a primary SIP server."""
        if not isinstance(row.table, SipServerTable) or not row.has("switch"):
            return None
        entry = self.switches.get(row.table.switch)
        return entry.item if entry else None

    # --- each application ---------------------------------------------------------------------------------------

    def check_applications(self) -> None:
        """Backups first: what an application is decides what it must have."""
        for row in self.rows:
            self._check_backup(row)
        for row in self.rows:
            primary = self.primary_of(row)
            if primary is None:
                self._check_primary(row)
            else:
                self._check_as_backup(row, primary)
            self._check_credentials(row)

    def _check_backup(self, row: ServerRow) -> None:
        if not row.has("backup") or row.table.backup is None:
            return
        reference, where = row.table.backup, row.key("backup")
        entry = self.applications.find(reference, where)
        if entry is None:
            return
        backup = entry.item
        allowed = "another application of the same kind that is nobody else's backup"
        if backup is row:
            wrong = "an application cannot be its own backup"
        elif type(backup.table) is not type(row.table):
            wrong = f"{entry.label} is of another kind"
        elif id(backup) in self._primary_of:
            wrong = f"used as a backup twice; it is the backup of {self._primary_of[id(backup)].label}"
        else:
            self._primary_of[id(backup)] = row
            return
        self._mistakes.add(where, wrong, allowed, value=reference)

    def _check_primary(self, row: ServerRow) -> None:
        table = row.table
        if isinstance(table, SipServerTable) and row.has("switch"):
            if table.switch is None:
                self._mistakes.add(row.key("switch"), "missing", self.switches.names())
            else:
                self.switches.find(table.switch, row.key("switch"))
        if isinstance(table, CpdServerTable) and row.has("ports") and table.ports is None:
            self._mistakes.add(row.key("ports"), "missing", "a whole number 0 … 1,000,000")
        if row.has("slow_start_s", "call_rate_max") and table.slow_start_s > 0 and table.call_rate_max is None:
            wrong = "has no effect without a call rate"
            self._mistakes.add(
                row.key("slow_start_s"), wrong, "0, or set call-rate-max too", value=row.shown("slow_start_s")
            )

    def _check_as_backup(self, row: ServerRow, primary: ServerRow) -> None:
        table, owner = row.table, primary.label
        if row.has("backup") and table.backup is not None and self.backup_of(row) is not row:
            wrong = f"this is itself the backup of {owner}, and a node is one pair"
            self._mistakes.add(row.key("backup"), wrong, "no backup here", value=row.shown("backup"))
        for name in _OF_THE_NODE:
            if row.given(name) and row.has(name):
                wrong = f"belongs to the node: this is the backup of {owner}"
                self._mistakes.add(row.key(name), wrong, "set it there", value=row.shown(name))
        if isinstance(table, SipServerTable) and row.has("switch") and table.switch is not None:
            own, theirs = self.switches.find(table.switch, row.key("switch")), self.switch_of(primary)
            if own is not None and theirs is not None and own.item is not theirs:
                wrong = f"this is the backup of {owner}, which is on {theirs.label}"
                self._mistakes.add(row.key("switch"), wrong, "the same switch, or left out", value=row.shown("switch"))

    def _check_credentials(self, row: ServerRow) -> None:
        if not row.has("driver"):
            return
        table = row.table
        if row.given("password_file") and row.given("password_env"):
            wrong = "two places for one password: password-file and password-env"
            self._mistakes.add(row.key("password_env"), wrong, "one of them")
        for need in _CREDENTIALS[table.driver]:
            if need == "password":
                if not row.given("password_file") and not row.given("password_env"):
                    wrong = f"missing; driver {table.driver} logs in"
                    self._mistakes.add(f"{row.label}.password-file", wrong, "password-file or password-env")
            elif not row.given(need):
                allowed = option_of(type(table).model_fields[need]).allowed
                self._mistakes.add(row.key(need), f"missing; driver {table.driver} needs it", allowed)

    # --- this server --------------------------------------------------------------------------------------------

    def check_ocs(self, row: Row[OcsTable]) -> None:
        """Connections, load balancing mode and prime node."""
        if row.has("connections"):
            for n, reference in enumerate(row.table.connections, 1):
                self._check_connection(reference, f"{row.key('connections')}[#{n}]")
        where = row.key("sip_cluster_prime_node")
        has_prime = row.has("sip_cluster_prime_node") and row.table.sip_cluster_prime_node is not None
        if has_prime and row.has("connections"):
            self._check_prime(row.table.sip_cluster_prime_node, where)
        if row.has("sip_cluster_lb_mode") and row.table.sip_cluster_lb_mode is not LoadBalancing.NONE:
            if row.has("sip_cluster_prime_node") and not has_prime:
                wrong = f"missing; sip-cluster-lb-mode = {row.table.sip_cluster_lb_mode} needs a prime node"
                self._mistakes.add(where, wrong, self._connected_names())
        if row.has("connections"):
            self._check_one_cluster(row)

    def _check_connection(self, reference: str | int, where: str) -> None:
        entry = self.applications.find(reference, where)
        if entry is None:
            return
        server, allowed = entry.item, "a primary SIP server, once"
        primary = self.primary_of(server)
        if not isinstance(server.table, SipServerTable):
            wrong = f"{entry.label} is a CPD server; campaign groups reach it as their dialer"
        elif primary is not None:
            wrong = f"{entry.label} is the backup of {primary.label} and is found through it"
        elif entry.dbid in self.connected:
            wrong = "listed twice"
        else:
            if entry.dbid is not None:
                self.connected[entry.dbid] = _sip(server)
            return
        self._mistakes.add(where, wrong, allowed, value=reference)

    def _check_prime(self, reference: str | int | None, where: str) -> None:
        entry = self.applications.get(reference)
        if entry is not None and entry.dbid in self.connected:
            return
        primary = self.primary_of(entry.item) if entry is not None else None
        wrong = "not among the connections"
        if entry is None:
            wrong = "there is no such SIP server"
        elif primary is not None:
            wrong = f"{entry.label} is a backup; its primary is {primary.label}"
        self._mistakes.add(where, wrong, self._connected_names(), value=reference)

    def _check_one_cluster(self, row: Row[OcsTable]) -> None:
        switches = {id(switch): switch for node in self.connected.values() if (switch := self.switch_of(node))}
        if len(switches) > 1:
            labels = ", ".join(switch.label for switch in switches.values())
            wrong = f"nodes of {len(switches)} switches ({labels}), but the connections are one SIP cluster"
            self._mistakes.add(row.key("connections"), wrong, "nodes that share one switch")

    def _connected_names(self) -> str:
        names = show_names(entry_of(row).shown() for row in self.connected.values())
        return names or "a primary SIP server among the connections"


def _sip(row: ServerRow) -> Row[SipServerTable]:
    assert isinstance(row.table, SipServerTable)
    return row
