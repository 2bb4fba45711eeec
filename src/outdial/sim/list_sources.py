"""Where the records of a calling list in memory come from: computed from their place, or read from somewhere."""

from collections.abc import Sequence
from typing import Protocol

from outdial.core.records import Record
from outdial.core.units import ListId, RecordId
from outdial.sim.draws import mix
from outdial.sim.settings import ListShape

RECORDS_MAX = 100_000_000
"""Record numbers of a synthetic list before those of the next one begin. Unit: records."""
NUMBERS_FROM = 15_550_000_000_000
"""Numbers of synthetic records are this plus the record's own. 555 is a fictitious exchange, 14 digits reach nobody."""


class Source(Protocol):
    """Where a list's records come from; they are numbered by place, from 0, with each chain in one piece."""

    list_id: ListId
    count: int

    def record(self, index: int) -> Record:
        """The record at a place, as it was before any attempt."""
        ...

    def index_of(self, record_id: RecordId) -> int:
        """Place of a record."""
        ...

    def chain_start(self, index: int) -> int:
        """Place of the first record of the chain that the record belongs to."""
        ...

    def chain_end(self, index: int) -> int:
        """Place after the last record of the chain."""
        ...


FORBIDDING_LIST = "registry"
"""Do-not-call list that has some records of synthetic lists."""


class SyntheticSource:
    """Records computed from their place."""

    def __init__(self, shape: ListShape) -> None:
        self.list_id = shape.list_id
        self.count = shape.records
        self._shape = shape
        self._first_id = (shape.list_id - 1) * RECORDS_MAX + 1
        self._repeated = round(shape.repeated_ratio * 1024)
        self._forbidden = round(shape.forbidden_ratio * 1024)

    def record(self, index: int) -> Record:
        """Compute one record."""
        record_id = self._first_id + index
        number = record_id
        if self._repeated and index and mix(record_id) & 1023 < self._repeated:
            number -= 1
        length = self._shape.chain_length
        do_not_call = FORBIDDING_LIST if self._forbidden and mix(~record_id) & 1023 < self._forbidden else ""
        chain = (0, 0) if length == 1 else (self._first_id + index - index % length, index % length)
        return Record(record_id, self.list_id, str(NUMBERS_FROM + number), *chain, do_not_call=do_not_call)

    def index_of(self, record_id: RecordId) -> int:
        """Place of a record."""
        return record_id - self._first_id

    def chain_start(self, index: int) -> int:
        """Chains are all of one length."""
        return index - index % self._shape.chain_length

    def chain_end(self, index: int) -> int:
        """The last chain may be shorter."""
        length = self._shape.chain_length
        return min(self.count, index - index % length + length)


class StoredSource:
    """Records that were read from somewhere."""

    def __init__(self, list_id: ListId, records: Sequence[Record]) -> None:
        """Bring each chain's records together, in chain order, where the first of them stands."""
        chains: dict[tuple[int, int], list[Record]] = {}
        for place, record in enumerate(records):
            key = (record.chain_id, 0) if record.chain_id else (0, place)
            chains.setdefault(key, []).append(record)
        self.list_id = list_id
        self.count = len(records)
        self._records: list[Record] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        for chain in chains.values():
            self._starts += [len(self._records)] * len(chain)
            self._records += sorted(chain, key=lambda record: record.chain_n)
            self._ends += [len(self._records)] * len(chain)
        self._places = {record.record_id: place for place, record in enumerate(self._records)}

    def record(self, index: int) -> Record:
        """The record at a place."""
        return self._records[index]

    def index_of(self, record_id: RecordId) -> int:
        """Place of a record."""
        return self._places[record_id]

    def chain_start(self, index: int) -> int:
        """Place of the chain's first record."""
        return self._starts[index]

    def chain_end(self, index: int) -> int:
        """Place after the chain's last record."""
        return self._ends[index]
