"""Checks between people: agents one by one and in ranges, agent groups and who is in them."""

from bisect import bisect_left, bisect_right

from outdial.config.directory import Directory, Entry, entry_of
from outdial.config.document import Document
from outdial.config.mistakes import Mistakes
from outdial.config.options import DBID_MAX, DN
from outdial.config.people import AGENTS_MAX, AgentGroupTable, AgentRangeTable
from outdial.config.rows import Row
from outdial.config.zones import check_zone
from outdial.core.settings import Agent

RANGE_MARK = ".."
MEMBERS_MAX = 1_000_000
"""Places in all agent groups together."""
PHONE_CHARACTERS_MAX = 128


class People:
    """Agents and agent groups of one file."""

    def __init__(self, document: Document, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self.agents: Directory[Agent] = Directory("agent", mistakes)
        self.groups: Directory[Row[AgentGroupTable]] = Directory("agent-group", mistakes)
        self.members: list[tuple[int, ...]] = []
        """DBIDs of the agents of each group, in file order."""
        for row in document.agents:
            table = row.table
            login, dbid = table.login if row.has("login") else None, table.dbid if row.has("dbid") else None
            agent = Agent(dbid or 0, login or "", table.phone if row.has("phone") else "")
            self.agents.add(Entry(row.label, login, dbid, agent), name_key="login")
        for ranged in document.agent_ranges:
            self._add_range(ranged)
        count = len(list(self.agents))
        if count > AGENTS_MAX:
            mistakes.add("agent", f"{count:,} agents, those of ranges included", f"at most {AGENTS_MAX:,}")
        for group in document.agent_groups:
            self.groups.add(entry_of(group))
            check_zone(group, "time_zone", mistakes)
        self._by_dbid = sorted({entry.dbid for entry in self.agents if entry.dbid is not None})
        for group in document.agent_groups:
            if sum(map(len, self.members)) <= MEMBERS_MAX:
                self.members.append(self._members(group))
        if sum(map(len, self.members)) > MEMBERS_MAX:
            mistakes.add("agent-group", "too many agents in all groups together", f"at most {MEMBERS_MAX:,}")

    def _add_range(self, row: Row[AgentRangeTable]) -> None:
        if not row.has("first_dbid", "count", "login", "phone", "first_n"):
            return
        table = row.table
        if table.first_dbid + table.count - 1 > DBID_MAX:
            self._mistakes.add(row.key("count"), "DBIDs run out", f"DBIDs up to {DBID_MAX:,}", value=row.shown("count"))
            return
        first_n = table.first_dbid if table.first_n is None else table.first_n
        for place in range(table.count):
            dbid, n = table.first_dbid + place, first_n + place
            login, phone = fill(table.login, n), fill(table.phone, n)
            if place == 0 and not _is_dn(phone):
                self._mistakes.add(row.key("phone"), f'"{phone}" cannot be a phone', DN, value=row.shown("phone"))
            entry = Entry(f"{row.label}[{login}]", login, dbid, Agent(dbid, login, phone))
            if not self.agents.add(entry, name_key="login", dbid_key="first-dbid"):
                return  # the rest of the range most likely repeats the mistake

    # --- agent groups -------------------------------------------------------------------------------------------

    def _members(self, row: Row[AgentGroupTable]) -> tuple[int, ...]:
        found: dict[int, str] = {}
        if not row.has("agents"):
            return ()
        for n, reference in enumerate(row.table.agents, 1):
            where = f"{row.key('agents')}[#{n}]"
            for dbid in self._meant(reference, where):
                if dbid in found:
                    wrong = f"agent {dbid} is in this group already, by {found[dbid]}"
                    self._mistakes.add(where, wrong, "each agent once", value=reference)
                    break
                found[dbid] = f"agents[#{n}]"
        return tuple(found)

    def _meant(self, reference: str | int, where: str) -> list[int]:
        """DBIDs that one entry means: an agent, or all agents of a range."""
        if isinstance(reference, int) or self.agents.get(reference) or RANGE_MARK not in reference:
            entry = self.agents.find(reference, where)
            return [entry.dbid] if entry is not None and entry.dbid is not None else []
        ends = [self._end(part.strip(), where) for part in reference.split(RANGE_MARK, 1)]
        if ends[0] is None or ends[1] is None:
            return []
        low, high = ends[0], ends[1]
        if low > high:
            self._mistakes.add(where, f"DBID {low} comes after {high}", "first..last, by DBID", value=reference)
        return self._by_dbid[bisect_left(self._by_dbid, low) : bisect_right(self._by_dbid, high)]

    def _end(self, text: str, where: str) -> int | None:
        is_dbid = text.isascii() and text.isdigit() and len(text) <= len(str(DBID_MAX))
        entry = self.agents.find(int(text) if is_dbid and self.agents.get(text) is None else text, where)
        return entry.dbid if entry is not None else None


def fill(template: str, n: int) -> str:
    """Put an agent's number into a template: ("1{n:03}", 7) gives "1007"."""
    before, _, rest = template.partition("{n")
    width, _, after = rest.partition("}")
    return f"{before}{n:0{int(width.removeprefix(':0') or 1)}}{after}"


def _is_dn(phone: str) -> bool:
    allowed = set("+*#_./@:-")
    return len(phone) <= PHONE_CHARACTERS_MAX and all(c in allowed or (c.isascii() and c.isalnum()) for c in phone)
