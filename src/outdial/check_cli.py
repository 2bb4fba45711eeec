"""`outdial check`: look at a configuration file, and say everything that is wrong with it.

Besides the file itself every calling list is read to its end, so that what will be rejected is known beforehand.
Nothing is written and nothing is connected.
"""

import json as json_format
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from outdial.calling_list_files import CallingListFile
from outdial.calling_lists import Counts
from outdial.config import Loaded, load
from outdial.config.selections import unknown_columns
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList

EXIT_MISTAKES = 2


@dataclass(frozen=True)
class ListReport:
    """What a calling list's file holds."""

    name: str
    counts: Counts

    def notes(self) -> list[str]:
        """Rejected lines, by reason."""
        if not self.counts.rejected:
            return []
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in self.counts.reasons.most_common())
        examples = self.counts.examples[0]
        return [f"calling-list[{self.name}]: {self.counts.rejected:,} lines will be left out ({reasons}); {examples}"]


def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file.")],
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
    ] = False,
) -> None:
    """Check a configuration file: print a summary, or every mistake at once.

    Exit code 0: no mistake. 2: at least one.
    """
    loaded: Loaded | None = None
    reports: list[ListReport] = []
    mistakes: list[str] = []
    try:
        loaded = load(config)
    except ConfigError as error:
        mistakes = error.mistakes
    if loaded is not None:
        reports, mistakes = _read_lists(loaded)
    if json:
        typer.echo(json_format.dumps(_to_json(config, loaded, reports, mistakes), ensure_ascii=False))
    elif mistakes or loaded is None:
        typer.echo("\n".join(mistakes), err=True)
        typer.echo(f"{len(mistakes):,} mistake{'' if len(mistakes) == 1 else 's'} in {config}", err=True)
    else:
        typer.echo(_to_text(loaded, reports))
    if mistakes:
        raise typer.Exit(EXIT_MISTAKES)


def _read_lists(loaded: Loaded) -> tuple[list[ListReport], list[str]]:
    """Read every calling list to its end. Returns what they hold, and mistakes."""
    reports, mistakes = [], list[str]()
    names = {campaign.dbid: campaign.name for campaign in loaded.configuration.campaigns}
    for calling_list in loaded.configuration.calling_lists:
        source = loaded.list_files[calling_list.dbid]
        if isinstance(source, int) or not source.exists():  # of a file that is not there the notes say so
            continue
        try:
            counts, columns = _read(source, calling_list)
            reports.append(ListReport(calling_list.name, counts))
            wrong = unknown_columns(loaded.selections, names, calling_list.dbid, columns)
            mistakes += [f"{loaded.file}: {each}" for each in wrong]
        except ConfigError as error:
            mistakes += error.mistakes
    return reports, mistakes


def _read(path: Path, calling_list: CallingList) -> tuple[Counts, tuple[str, ...]]:
    """What a file holds, and its columns that mean nothing to the dialer."""
    file = CallingListFile(path, calling_list, rejects=False)
    for _ in file:
        pass
    return file.counts, file.custom_columns


def _to_text(loaded: Loaded, reports: list[ListReport]) -> str:
    parts = [_count(*item) for item in _totals(loaded, reports).items()]
    notes = [*loaded.notes, *(note for report in reports for note in report.notes())]
    return "\n".join([f"ok: {', '.join(parts)}", *(f"note: {note}" for note in notes)])


def _count(what: str, count: int) -> str:
    return f"{count:,} {what[:-1] if count == 1 else what}"


def _totals(loaded: Loaded, reports: list[ListReport]) -> dict[str, int]:
    """Shape: {plural: count}."""
    settings = loaded.configuration
    synthetic = sum(source for source in loaded.list_files.values() if isinstance(source, int))
    return {
        "campaign groups": len(settings.campaign_groups),
        "nodes": len(settings.nodes),
        "agents": len(settings.agents),
        "calling lists": len(settings.calling_lists),
        "records": synthetic + sum(report.counts.loaded for report in reports),
        "do-not-call numbers": len(settings.do_not_call),
    }


def _to_json(config: Path, loaded: Loaded | None, reports: list[ListReport], mistakes: list[str]) -> dict[str, Any]:
    answer: dict[str, Any] = {"ok": not mistakes, "file": str(config), "errors": mistakes}
    if loaded is not None and not mistakes:
        answer["totals"] = {key.replace(" ", "_").replace("-", "_"): n for key, n in _totals(loaded, reports).items()}
        answer["notes"] = list(loaded.notes)
        answer["calling_lists"] = [
            {
                "name": report.name,
                "records": report.counts.loaded,
                "chains": report.counts.chains,
                "rejected": report.counts.rejected,
                "reasons": dict(report.counts.reasons),
                "examples": report.counts.examples,
            }
            for report in reports
        ]
    return answer
