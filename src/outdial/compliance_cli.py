"""The commands `outdial compliance …`: arguments only, so that `outdial --help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from outdial.database_or_server import ConfigArgument, DatabaseOrServer, asked_server

app = typer.Typer(help="What the rules on abandoned calls ask for.", no_args_is_help=True)

CampaignOption = Annotated[
    str | None, typer.Option("--campaign", metavar="NAME", help="One campaign. Default: all that have called.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]


@app.callback()
def compliance() -> None:
    """Reads the database. With SQLite only while no server uses it; beside a server with PostgreSQL.

    With --server a running server is asked, and CONFIG.toml left out.
    """


@app.command(cls=DatabaseOrServer)
def budget(
    context: typer.Context, config: ConfigArgument, campaign: CampaignOption = None, json_output: JsonOption = False
) -> None:
    """Tell of each campaign and seller how many calls were abandoned in each window, and how many more may be now.

    Example: outdial compliance budget outdial.toml --campaign spring
    """
    if client := asked_server(context):
        from outdial.server_rules import budget as budget_there

        typer.echo(budget_there(client, campaign, as_json=json_output))
        return
    from outdial.abandonment_budget import run_budget

    typer.echo(run_budget(config, campaign, as_json=json_output))


@app.command(cls=DatabaseOrServer)
def report(
    context: typer.Context,
    config: ConfigArgument,
    period: Annotated[
        str, typer.Option("--period", metavar="DAY..DAY", help="First and last day, as in 2026-11-01..2026-11-30.")
    ],
    form: Annotated[str, typer.Option("--form", metavar="FORM", help="safe-harbour or uk.")],
    campaign: CampaignOption = None,
    file_format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="csv or json.")] = "csv",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The file. Default: standard output.")
    ] = None,
) -> None:
    """Write what the rules ask for, from the stored attempts: a row for each campaign and day, and one for the period.

    Example: outdial compliance report outdial.toml --period 2026-11-01..2026-11-30 --form safe-harbour
    """
    from outdial.abandonment_report import ReportOptions, run_report

    options = ReportOptions(config, period, form, campaign, file_format, output)
    if client := asked_server(context):
        from outdial.server_rules import abandonment_report

        abandonment_report(client, options)
        return
    run_report(options)
