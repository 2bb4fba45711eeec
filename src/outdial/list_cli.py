"""The commands `outdial list …` and `outdial record …`: arguments only, so that `outdial --help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from outdial.database_or_server import ConfigArgument, DatabaseOrServer, asked_server

app = typer.Typer(help="Calling lists in the database.", no_args_is_help=True)
record_app = typer.Typer(help="Single records in the database.", no_args_is_help=True)

ListOption = Annotated[str, typer.Option("--list", metavar="NAME", help="The calling list.")]
ColumnsOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=OURS", help="What a column of the file is called here. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]


@app.callback()
def lists() -> None:
    """Calling lists in the database. With SQLite only while no server uses it; beside a server with PostgreSQL.

    With --server a running server is asked, and CONFIG.toml left out.
    """


@app.command("import", cls=DatabaseOrServer)
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The records: CSV, or Parquet if it is called so.")],
    config: ConfigArgument,
    list_name: ListOption,
    columns: ColumnsOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read, and write nothing.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Read a CSV or Parquet file into a calling list, which may have records already. What was cut off goes on.

    Example: outdial list import leads.csv outdial.toml --list customers --map Mobile=phone
    """
    if client := asked_server(context):
        from outdial.server_lists import import_list

        names = tuple(columns or ())
        typer.echo(import_list(client, file, list_name, names, dry_run=dry_run, as_json=json_output))
        return
    from outdial.list_import import ImportOptions, run_import

    typer.echo(run_import(ImportOptions(file, config, list_name, tuple(columns or ()), dry_run), as_json=json_output))


@app.command(cls=DatabaseOrServer)
def show(
    context: typer.Context,
    config: ConfigArgument,
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="One calling list. Default: all.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Tell of each calling list how many records it has, what is due, and which files were read into it."""
    if client := asked_server(context):
        from outdial.server_lists import show_lists

        typer.echo(show_lists(client, list_name, as_json=json_output))
        return
    from outdial.list_show import run_show

    typer.echo(run_show(config, list_name, as_json=json_output))


@app.command(cls=DatabaseOrServer)
def export(
    context: typer.Context,
    config: ConfigArgument,
    list_name: ListOption,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="The file. Default: standard output.")
    ] = None,
) -> None:
    """Write every record of a calling list as CSV: what has become of it, and its own columns."""
    if client := asked_server(context):
        from outdial.server_lists import export_list

        export_list(client, list_name, out)
        return
    from outdial.list_export import run_export

    run_export(config, list_name, out)


@app.command(cls=DatabaseOrServer)
def reset(
    context: typer.Context,
    config: ConfigArgument,
    list_name: ListOption,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, these people will be called again.")] = False,
    statuses: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="Only these: updated, cancelled, chain-updated, agent-error, missed-callback. Repeatable.",
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Make the finished records of a calling list ready again. They keep the count of their attempts."""
    if client := asked_server(context):
        from outdial.server_lists import reset_list

        typer.echo(reset_list(client, list_name, tuple(statuses or ()), is_sure=yes, as_json=json_output))
        return
    from outdial.list_reset import run_reset

    typer.echo(run_reset(config, list_name, tuple(statuses or ()), is_sure=yes, as_json=json_output))


@app.command(cls=DatabaseOrServer)
def consent(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Numbers with `consent` and `consent_utc`: CSV or Parquet.")
    ],
    config: ConfigArgument,
    list_name: ListOption,
    columns: ColumnsOption = None,
    ready: Annotated[bool, typer.Option("--ready", help="Records that were cancelled are ready again.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Add the consents of a file to records that a calling list has already. They count from then on.

    Example: outdial list consent forms.csv outdial.toml --list customers --ready
    """
    names = tuple(columns or ())
    if client := asked_server(context):
        from outdial.server_lists import consent_list

        typer.echo(consent_list(client, file, list_name, names, ready=ready, as_json=json_output))
        return
    from outdial.consent_change import run_list_consent

    typer.echo(run_list_consent(config, file, list_name, names, ready=ready, as_json=json_output))


@record_app.callback()
def records() -> None:
    """Single records in the database. With SQLite only while no server uses it; beside a server with PostgreSQL.

    With --server a running server is asked, and CONFIG.toml left out.
    """


@record_app.command("show", cls=DatabaseOrServer)
def show_record(
    context: typer.Context,
    config: ConfigArgument,
    which: Annotated[str, typer.Argument(metavar="NUMBER|ID", help="A telephone number, or the number of a record.")],
    json_output: JsonOption = False,
) -> None:
    """Tell everything about a record, and every attempt on it."""
    if client := asked_server(context):
        from outdial.server_lists import show_record as show_there

        typer.echo(show_there(client, which, as_json=json_output))
        return
    from outdial.record_show import run_show_record

    typer.echo(run_show_record(config, which, as_json=json_output))


@record_app.command("add", cls=DatabaseOrServer)
def add_record(
    context: typer.Context,
    config: ConfigArgument,
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="The telephone number.")],
    list_name: ListOption,
    fields: Annotated[
        list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="Columns of a file, such as name=Ann.")
    ] = None,
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="ID", help="The customer whose next number this is.")
    ] = None,
    zone: Annotated[str | None, typer.Option("--tz", metavar="ZONE", help="IANA time zone of the number.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="INSTANT", help="Not to be called before. Default: at once.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Add one record to a calling list, unless the list has its number.

    Example: outdial record add outdial.toml +15550100 --list customers --tz America/New_York name=Ann
    """
    if client := asked_server(context):
        from outdial.server_lists import add_record as add_there

        said = add_there(
            client, list_name, phone, tuple(fields or ()), chain=chain, zone=zone, at=at, as_json=json_output
        )
        typer.echo(said)
        return
    from outdial.record_change import run_add_record

    said = run_add_record(
        config, list_name, phone, tuple(fields or ()), chain=chain, zone=zone, at=at, as_json=json_output
    )
    typer.echo(said)


@record_app.command("cancel", cls=DatabaseOrServer)
def cancel_record(
    context: typer.Context,
    config: ConfigArgument,
    which: Annotated[str, typer.Argument(metavar="NUMBER|ID", help="A telephone number, or the number of a record.")],
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="This calling list alone. Default: all.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Do not call a record any more. A call that is in progress goes on."""
    if client := asked_server(context):
        from outdial.server_lists import cancel_record as cancel_there

        typer.echo(cancel_there(client, which, list_name, as_json=json_output))
        return
    from outdial.record_change import run_cancel_record

    typer.echo(run_cancel_record(config, which, list_name, as_json=json_output))


@record_app.command("consent", cls=DatabaseOrServer)
def add_consent(
    context: typer.Context,
    config: ConfigArgument,
    which: Annotated[str, typer.Argument(metavar="NUMBER|ID", help="A telephone number, or the number of a record.")],
    ground: Annotated[str, typer.Argument(metavar="GROUND", help="On what ground the person may be called.")],
    since: Annotated[
        str | None, typer.Option("--since", metavar="INSTANT", help="Day or instant (UTC) from which it counts.")
    ] = None,
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="This calling list alone. Default: all.")
    ] = None,
    ready: Annotated[bool, typer.Option("--ready", help="If it was cancelled, it is ready again.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Add a consent to a record, in the place of the one that it has. It counts from then on.

    Example: outdial record consent outdial.toml +15550100 "web form of 2 May" --since 2026-05-02 --ready
    """
    if client := asked_server(context):
        from outdial.server_lists import add_consent as add_there

        typer.echo(add_there(client, which, ground, since, list_name, ready=ready, as_json=json_output))
        return
    from outdial.consent_change import run_record_consent

    said = run_record_consent(config, which, ground, since, list_name, ready=ready, as_json=json_output)
    typer.echo(said)
