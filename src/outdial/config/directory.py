"""Who is called what: objects by name and by DBID, and the search for what a reference means."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from outdial.config.mistakes import Mistakes, show_names, show_value, suggest
from outdial.config.rows import Row

Item = TypeVar("Item")
R = TypeVar("R", bound=Row[Any])


@dataclass(frozen=True)
class Entry(Generic[Item]):
    """One object that may be referred to."""

    label: str
    """`switch[main]`."""
    name: str | None
    dbid: int | None
    item: Item

    def shown(self, prefix: str = "") -> str:
        """`"north" (1)`; empty when neither name nor DBID is known."""
        dbid = "" if self.dbid is None else f"({prefix}{self.dbid})"
        return f"{show_value(self.name)} {dbid}".strip() if self.name is not None else dbid.strip("()")


class Directory(Generic[Item]):
    """All objects of one kind."""

    def __init__(self, kind: str, mistakes: Mistakes) -> None:
        self._kind = kind
        self._mistakes = mistakes
        self._by_name: dict[str, Entry[Item]] = {}
        self._by_dbid: dict[int, Entry[Item]] = {}
        self._entries: list[Entry[Item]] = []

    def __iter__(self) -> Iterator[Entry[Item]]:
        return iter(self._entries)

    def add(self, entry: Entry[Item], *, name_key: str = "name", dbid_key: str = "dbid") -> bool:
        """Take in an object; note a name or DBID that is taken already.

        Args:
            entry: the object. A name or DBID that is None was wrong and has been noted elsewhere.
            name_key: key of the name in the file.
            dbid_key: key of the DBID in the file.

        Returns:
            Whether both were free.
        """
        self._entries.append(entry)
        free = True
        if entry.dbid is not None:
            holder = self._by_dbid.setdefault(entry.dbid, entry)
            if holder is not entry:
                free = False
                wrong = f"DBID used twice; it is {holder.label}'s"
                self._mistakes.add(f"{entry.label}.{dbid_key}", wrong, self._own("DBID"), value=entry.dbid)
        if entry.name is not None:
            holder = self._by_name.setdefault(entry.name, entry)
            if holder is not entry:
                free = False
                wrong = f"{name_key} used twice" + (f"; DBID {holder.dbid} has it" if holder.dbid else "")
                self._mistakes.add(f"{entry.label}.{name_key}", wrong, self._own(name_key), value=entry.name)
        return free

    def get(self, reference: str | int | None) -> Entry[Item] | None:
        """The object that a reference means, if there is one."""
        if isinstance(reference, str):
            return self._by_name.get(reference)
        return None if reference is None else self._by_dbid.get(reference)

    def find(self, reference: str | int, where: str) -> Entry[Item] | None:
        """The object that a reference means; note a reference to nothing.

        Args:
            reference: a name or a DBID.
            where: key that holds the reference.
        """
        entry = self.get(reference)
        if entry is None:
            hint = suggest(reference, self._by_name) if isinstance(reference, str) else ""
            wrong = f"there is no such {self._kind}" + (f"; {hint}" if hint else "")
            self._mistakes.add(where, wrong, self.names(), value=reference)
        return entry

    def names(self) -> str:
        """What exists: `"north" (1), "south" (2)`."""
        shown = [shown for entry in self._entries if (shown := entry.shown())]
        return show_names(shown) or f"none, as the file has no {self._kind}"

    def _own(self, what: str) -> str:
        return f"a {what} of its own for each {self._kind}"


def entry_of(row: R) -> Entry[R]:
    """A table with a name and a DBID as an object that may be referred to."""
    name = row.table.name if row.has("name") else None
    return Entry(row.label, name, row.table.dbid if row.has("dbid") else None, row)


def known_of(entries: Iterable[Entry[Any]]) -> dict[str, int]:
    """Names and DBIDs of objects that have both. Shape: {name: DBID}."""
    return {entry.name: entry.dbid for entry in entries if entry.name is not None and entry.dbid is not None}
