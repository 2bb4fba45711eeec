"""`outdial list import`: a CSV file into a calling list of the database, whatever the list has already."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outdial.calling_list_files import CallingListFile
from outdial.calling_lists import Counts, check_columns
from outdial.config import load
from outdial.configured_store import in_new_store, is_there, list_named, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList
from outdial.present_records import Present
from outdial.results_files import utc_text
from outdial.store.interface import Store
from outdial.store.listing import digest_of, present_in, read_into
from outdial.store.stored import Import


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command line says."""

    file: Path
    config: Path
    list_name: str
    columns: tuple[str, ...] = ()
    """Shape: ("column in the file=our name", …)."""
    dry_run: bool = False


def run_import(options: ImportOptions, *, as_json: bool) -> str:
    """Read a file into a calling list.

    Returns:
        What is printed.

    Raises:
        ConfigError: the configuration, the arguments or the file have mistakes; or the list has another file that was
            not read to its end.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: the database does not answer; the same command goes on where it stopped.
    """
    loaded = load(options.config)
    calling_list = list_named(loaded, options.list_name)
    columns = columns_of(options.columns)
    digest = digest_of(options.file)

    async def work(store: Store) -> dict[str, Any]:
        begun = await import_begun(store, calling_list, str(options.file), digest)
        if begun.finished_utc_ms is not None:
            return _outcome(options, begun, Counts(rows=begun.lines_done, loaded=begun.records))
        if options.dry_run:
            return _tried(options, calling_list, columns, begun, await present_in(store, calling_list.dbid))
        with _bar(options.file) as on_batch:
            counts = await read_into(
                store, calling_list, options.file, begun, utc_now_ms(), columns=columns, on_batch=on_batch
            )
        return _outcome(options, begun, counts)

    if options.dry_run and not is_there(loaded):
        begun = Import(calling_list.dbid, str(options.file), digest)
        outcome = _tried(options, calling_list, columns, begun, Present())
    else:
        outcome = in_new_store(loaded, work)
    return import_text(outcome, as_json=as_json)


def columns_of(texts: Sequence[str], option: str = "--map") -> dict[str, str]:
    """What columns of the file are called here.

    Args:
        texts: shape: ("column in the file=our name", …).
        option: what messages call it.

    Raises:
        ConfigError: that is not how it is said.
    """
    mistakes: list[str] = []
    columns: dict[str, str] = {}
    for text in texts:
        column, equals, ours = (part.strip() for part in text.rpartition("="))
        if not equals or not column or not ours:
            mistakes.append(f'{option} "{text}": allowed: COLUMN=OURS, such as Mobile=phone')
        elif column in columns:
            mistakes.append(f'{option}: column "{column}" is mapped twice')
        columns[column] = ours
    mistakes += [f"{option}: {wrong}" for wrong in check_columns(columns)]
    if mistakes:
        raise ConfigError(mistakes)
    return columns


async def import_begun(store: Store, calling_list: CallingList, file: str, digest: str) -> Import:
    """How far a file has been read into a list.

    Raises:
        ConfigError: another file has not been read to its end: what is numbered by place would mix.
    """
    imports = [each for each in await store.imports() if each.list_id == calling_list.dbid]
    for each in imports:
        if each.digest == digest:
            return each
    for each in imports:
        if each.finished_utc_ms is None:
            raise ConfigError(
                [
                    f"calling list {calling_list.name}: {each.file} has been read up to line {each.lines_done:,} only; "
                    "import it to its end first"
                ]
            )
    return Import(calling_list.dbid, file, digest)


def _tried(
    options: ImportOptions, calling_list: CallingList, columns: dict[str, str], begun: Import, present: Present
) -> dict[str, Any]:
    """Read the file for nothing."""
    with _bar(options.file) as on_batch:
        counts = try_file(options.file, calling_list, columns, begun, present, on_batch)
    return _outcome(options, begun, counts)


def try_file(
    path: Path,
    calling_list: CallingList,
    columns: Mapping[str, str],
    begun: Import,
    present: Present,
    on_batch: Callable[[CallingListFile], None],
) -> Counts:
    """Read a file and write nothing; `on_batch` is told now and then, and may raise.

    Raises:
        ConfigError: the file is not usable.
    """
    file = CallingListFile(path, calling_list, rejects=False, columns=columns)
    file.go_on(present, begun.lines_done, begun.records)
    for place, _ in enumerate(file):
        if place % 2_000 == 0:
            on_batch(file)
    return file.counts


@contextlib.contextmanager
def _bar(path: Path) -> Iterator[Callable[[CallingListFile], None]]:
    with progress_bar(path.stat().st_size) as told:
        yield lambda file: told(file.bytes_read, file.counts.loaded)


@contextlib.contextmanager
def progress_bar(size: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, if that is a terminal. It is told bytes of `size`, and records."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda read, records: None
        return
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[records]:,} records"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=size, records=0)
        yield lambda read, records: bar.update(task, completed=read, records=records)


def import_text(outcome: Mapping[str, Any], *, as_json: bool) -> str:
    """What is printed of an import. Shape: docs/reference/command-line.md."""
    if as_json:
        return json.dumps(outcome, ensure_ascii=False)
    name, before = outcome["list"], outcome["read_before"]
    where = f"{outcome['file']}: "
    if outcome["finished_before_utc"] is not None:
        return f"{where}was read into {name} on {outcome['finished_before_utc']}, {before:,} records; nothing to do"
    done = "would be added to" if outcome["dry_run"] else "added to"
    left_out = sum(outcome["reasons"].values())
    lines = [f"{where}{outcome['added']:,} records {done} {name}, {left_out:,} lines left out"]
    if before:
        lines.append(f"  {before:,} records had been read before")
    return "\n".join(lines + left_out_text(outcome))


def left_out_text(outcome: Mapping[str, Any]) -> list[str]:
    """Lines that were left out of an import: the reasons, the commonest first, some examples, and where all are."""
    reasons = sorted(outcome["reasons"].items(), key=lambda reason: -reason[1])
    lines = [f"  {count:>9,}  {reason}" for reason, count in reasons]
    lines += [f"  {example}" for example in outcome["examples"]]
    if outcome["rejects_file"] is not None:
        lines.append(f"  all of them are in {outcome['rejects_file']}")
    return lines


def _outcome(options: ImportOptions, begun: Import, counts: Counts) -> dict[str, Any]:
    """What an import has done, or would do. `begun`: what had been read before."""
    is_known = begun.finished_utc_ms is not None
    return {
        "file": str(options.file),
        "list": options.list_name,
        "dry_run": options.dry_run,
        "lines": counts.rows,
        "added": counts.loaded - begun.records,
        "read_before": begun.records,
        "rejected": counts.rows - counts.loaded,
        "reasons": dict(counts.reasons),
        "examples": counts.examples,
        "rejects_file": None if counts.rejects_file is None else str(counts.rejects_file),
        "finished_before_utc": utc_text(begun.finished_utc_ms or 0) if is_known else None,
    }
