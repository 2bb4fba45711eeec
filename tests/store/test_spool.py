"""The file that keeps changes while the database is away: what comes back from it, and what it refuses."""

import errno
import os
from pathlib import Path

import pytest

from fake_store import NOW, returned, settled
from outdial.core.commands import CancelRecord, DisposeRecord, Disposition, TreatRecord
from outdial.core.records import RecordType
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.store.do_not_call import NumberForbidden
from outdial.store.interface import AgentStateBegun, AttemptBegun
from outdial.store.spool import Spool, SpoolError

BEGUN = AttemptBegun(1, 1, 1, 1, 9, "+4930123", 2, NOW.utc_ms)
FORBIDDEN = NumberForbidden("+4930123", "internal", "said so", NOW.utc_ms)
STATE = AgentStateBegun(3, 7, "talking", "", 1, NOW.utc_ms)
PROMISE = Disposition(
    TreatmentAction.RESCHEDULE,
    NOW.utc_ms,
    group_id=7,
    record_type=RecordType.PERSONAL_CALLBACK,
    agent_id=5,
    number="+15550199",
)
CHANGES = [
    BEGUN,
    settled(1),
    returned(2),
    CancelRecord(1, 3, CallResult.DO_NOT_CALL),
    TreatRecord(1, 4, CallResult.AGENT_CALLBACK_ERROR, Disposition(TreatmentAction.ASSIGN_TO_GROUP, group_id=7)),
    DisposeRecord(1, 1, 1, 1, 1, 5, CallResult.ANSWER, PROMISE, "call me later", NOW.utc_ms),
    STATE,
    FORBIDDEN,
]


def opened(folder: Path, server: str = "outdial", database: str = "postgresql://outdial@db/outdial") -> Spool:
    return Spool(folder / "spool" / "outdial.jsonl", server, database)


def test_every_kind_of_change_comes_back_as_it_was_with_its_epoch(tmp_path):
    first = opened(tmp_path)
    first.append(7, CHANGES)
    first.close()
    second = opened(tmp_path)
    second.append(8, [settled(4)])
    assert list(second.batches()) == [(7, CHANGES), (8, [settled(4)])]
    assert not second.is_empty


def test_changes_are_read_in_groups_and_passed_once_they_are_written(tmp_path):
    spool = opened(tmp_path)
    spool.append(7, [returned(n) for n in range(120)])
    assert [len(changes) for _, changes in spool.batches()] == [100, 20]
    assert spool.read() == spool.read() == [returned(n) for n in range(100)]
    spool.advance()
    assert spool.read() == [returned(n) for n in range(100, 120)]
    spool.advance()
    assert spool.read() == [] and not spool.is_empty
    spool.append(7, [returned(120)])
    assert spool.read() == [returned(120)]
    spool.clear()
    assert spool.is_empty and spool.read() == [] and list(spool.batches()) == []


def test_what_a_crash_cut_off_was_never_kept(tmp_path):
    spool = opened(tmp_path)
    spool.append(7, CHANGES)
    spool.close()
    whole = spool.path.read_bytes()
    spool.path.write_bytes(whole + b'{"epoch":7,"change":{"SettleAtt')
    again = opened(tmp_path)
    assert list(again.batches()) == [(7, CHANGES)]
    again.append(8, [settled(5)])
    assert list(again.batches()) == [(7, CHANGES), (8, [settled(5)])]


@pytest.mark.parametrize("content", [b"", b'{"format":"outd'])
def test_a_file_that_a_crash_left_without_its_first_line_is_begun_anew(tmp_path, content):
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "outdial.jsonl").write_bytes(content)
    spool = opened(tmp_path)
    spool.append(7, CHANGES)
    spool.close()
    assert list(opened(tmp_path).batches()) == [(7, CHANGES)]


def test_a_damaged_line_is_named_and_not_passed_over(tmp_path):
    spool = opened(tmp_path)
    spool.append(7, CHANGES)
    spool.path.write_bytes(spool.path.read_bytes().replace(b"ReturnRecord", b"RetirnRecord"))
    with pytest.raises(SpoolError, match=r"outdial.jsonl, byte \d+: damaged: 'RetirnRecord'"):
        list(spool.batches())


def test_two_processes_do_not_share_a_spool(tmp_path):
    first = opened(tmp_path)
    with pytest.raises(SpoolError, match="another process has it"):
        opened(tmp_path)
    first.close()
    first.close()
    assert opened(tmp_path).is_empty


def test_changes_for_another_database_are_not_written_to_this_one(tmp_path):
    spool = opened(tmp_path)
    spool.append(7, CHANGES)
    spool.close()
    with pytest.raises(SpoolError, match="holds changes of server outdial for postgresql://outdial@db/outdial"):
        opened(tmp_path, database="sqlite:///outdial.sqlite3")
    spool = opened(tmp_path)
    spool.clear()
    spool.close()
    other = opened(tmp_path, database="sqlite:///outdial.sqlite3")
    other.append(8, CHANGES)
    other.close()
    assert list(opened(tmp_path, database="sqlite:///outdial.sqlite3").batches()) == [(8, CHANGES)]


@pytest.mark.parametrize(
    "line, wrong",
    [
        (b"a letter to my aunt\n", "line 1: this is no spool"),
        (b'{"format":"outdial-spool","version":2,"server":"a","database":"b"}\n', "version 2; this outdial reads 1"),
    ],
)
def test_what_is_no_spool_is_left_alone(tmp_path, line, wrong):
    (tmp_path / "spool").mkdir()
    path = tmp_path / "spool" / "outdial.jsonl"
    path.write_bytes(line)
    with pytest.raises(SpoolError, match=wrong):
        opened(tmp_path)
    assert path.read_bytes() == line


def test_a_batch_that_could_not_be_kept_leaves_no_trace(tmp_path, monkeypatch):
    spool = opened(tmp_path)
    spool.append(7, CHANGES)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SpoolError, match="cannot be written: No space left on device"):
            spool.append(7, [settled(5)])
    spool.append(7, [settled(6)])
    assert list(spool.batches()) == [(7, [*CHANGES, settled(6)])]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "spool").write_text("")
    with pytest.raises(SpoolError, match="cannot be opened"):
        opened(tmp_path)
