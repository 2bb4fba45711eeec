"""The command `outdial report`: arguments only, so that `outdial --help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from outdial.database_or_server import ConfigArgument, asked_server


def _limit(what: str) -> typer.models.OptionInfo:
    help_text = f"Only this {what}: its name, or its number. Repeatable."
    return typer.Option(f"--{what}", metavar="NAME", help=help_text)  # type: ignore[no-any-return]


def report(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="attempts, agents, waits, lists or ports.")],
    config: ConfigArgument,
    period: Annotated[
        str,
        typer.Option(
            metavar="PERIOD",
            help="today, yesterday, last-7-days, 2026-11-20, 2026-11-01..2026-11-30, or instants: "
            "2026-11-20T08:00..2026-11-20T12:30.",
        ),
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="What rows are told apart by: --by group,day. Or total. Repeatable."),
    ] = None,
    zone: Annotated[str, typer.Option(metavar="ZONE", help="Time zone of days and hours.")] = "UTC",
    group: Annotated[list[str] | None, _limit("group")] = None,
    campaign: Annotated[list[str] | None, _limit("campaign")] = None,
    list_name: Annotated[list[str] | None, _limit("list")] = None,
    node: Annotated[list[str] | None, _limit("node")] = None,
    agent: Annotated[list[str] | None, _limit("agent")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="text, csv, json or parquet. Default: by the file, else text."),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="The file. Default: standard output.")] = None,
) -> None:
    """Count what is in the database: attempts, agents' time, waits, lists, ports.

    Example: outdial report attempts outdial.toml --period yesterday --by group,hour --zone Europe/Berlin
    """
    from outdial.reports.report import ReportOptions, Wanted, run_report

    named = {"group": group, "campaign": campaign, "list": list_name, "node": node, "agent": agent}
    only = tuple((what, name) for what, names in named.items() for name in names or ())
    wanted = Wanted(kind, period, only, tuple(by or ()), zone)
    if client := asked_server(context):
        from outdial.server_rules import report as report_there

        report_there(client, wanted, form, output)
        return
    run_report(ReportOptions(wanted, config, form, output))
