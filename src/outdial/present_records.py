"""What a calling list has already, for whoever reads a file into it: lists have millions, so it is not in memory.

A private SQLite database without a name: a file for temporary data that is gone with its owner, of which a bounded part
is in memory.
"""

import sqlite3
import weakref
from typing import Final

CACHE_KIB: Final = 32 * 1024
"""Part of it that is in memory. Unit: KiB."""

_TABLES = (
    f"PRAGMA cache_size = -{CACHE_KIB}",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "CREATE TABLE numbers (number TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE ids (record_id INTEGER PRIMARY KEY)",
    "CREATE TABLE places (chain_id INTEGER, chain_n INTEGER, PRIMARY KEY (chain_id, chain_n)) WITHOUT ROWID",
    "BEGIN",  # never committed: nobody else reads it
)


class Present:
    """The records of one list. For one thread at a time.

    Every method but `close` raises `sqlite3.Error` when the folder for temporary files is full.

    Attributes:
        record_id_max: largest record number, over all lists. 0: there is no record.
    """

    def __init__(self) -> None:
        """The list is empty."""
        self.record_id_max = 0
        database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in _TABLES:
            database.execute(statement)
        self._execute = database.execute
        self.close = weakref.finalize(self, database.close)
        """Forget everything; also done when nobody refers to this any more."""

    def add(self, record_id: int, number: str, chain_id: int, chain_n: int) -> None:
        """Take in a record of the list.

        Args:
            record_id: over all lists.
            number: as it is dialed.
            chain_id: 0: the record is alone.
            chain_n: place in the chain.
        """
        self.add_id(record_id)
        self.add_number(number)
        if chain_id:
            self.add_place(chain_id, chain_n)

    def add_number(self, number: str) -> bool:
        """Take in a telephone number.

        Returns:
            Whether it is new here.
        """
        return self._execute("INSERT OR IGNORE INTO numbers VALUES (?)", (number,)).rowcount == 1

    def add_id(self, record_id: int) -> None:
        """Take in a record number."""
        self._execute("INSERT OR IGNORE INTO ids VALUES (?)", (record_id,))
        self.record_id_max = max(self.record_id_max, record_id)

    def add_place(self, chain_id: int, chain_n: int) -> None:
        """Take in a record's place in its chain."""
        self._execute("INSERT OR IGNORE INTO places VALUES (?, ?)", (chain_id, chain_n))

    def has_id(self, record_id: int) -> bool:
        """Whether a record has that number, over all lists."""
        if record_id > self.record_id_max:
            return False
        return self._execute("SELECT 1 FROM ids WHERE record_id = ?", (record_id,)).fetchone() is not None

    def has_place(self, chain_id: int, chain_n: int) -> bool:
        """Whether a chain has a record at that place."""
        found = self._execute("SELECT 1 FROM places WHERE chain_id = ? AND chain_n = ?", (chain_id, chain_n))
        return found.fetchone() is not None

    def next_place(self, chain_id: int) -> int:
        """Place behind the last record of a chain. 0: there is no such chain."""
        [last] = self._execute("SELECT max(chain_n) FROM places WHERE chain_id = ?", (chain_id,)).fetchone()
        return 0 if last is None else int(last) + 1
