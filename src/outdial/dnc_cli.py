"""The commands `outdial dnc …`: arguments only, so that `outdial --help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from outdial.database_or_server import ConfigArgument, DatabaseOrServer, asked_server

app = typer.Typer(help="Do-not-call lists in the database.", no_args_is_help=True)

EXIT_ON_A_LIST = 1

NumbersArgument = Annotated[
    list[str], typer.Argument(metavar="NUMBER...", help="Telephone numbers, or customers as customer:ID.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]


@app.callback()
def do_not_call() -> None:
    """Do-not-call lists in the database. With SQLite only while no server uses it; beside a server with PostgreSQL.

    With --server a running server is asked, and CONFIG.toml left out.
    """


@app.command(cls=DatabaseOrServer)
def add(
    context: typer.Context,
    config: ConfigArgument,
    numbers: NumbersArgument,
    list_name: Annotated[str, typer.Option("--list", metavar="NAME", help="The do-not-call list.")] = "internal",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for whoever asks later.")] = "",
    until: Annotated[
        str | None, typer.Option("--until", metavar="INSTANT", help="They may be called again from then on.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Put numbers on a do-not-call list. Servers that run on the database notice within about a second.

    Example: outdial dnc add outdial.toml +15550100 --reason "asked by letter"
    """
    if client := asked_server(context):
        from outdial.server_rules import add_numbers

        typer.echo(add_numbers(client, numbers, list_name, reason, until, as_json=json_output))
        return
    from outdial.dnc_change import run_add

    typer.echo(run_add(config, numbers, list_name, reason, until, as_json=json_output))


@app.command(cls=DatabaseOrServer)
def remove(
    context: typer.Context,
    config: ConfigArgument,
    numbers: NumbersArgument,
    list_name: Annotated[
        str | None, typer.Option("--list", metavar="NAME", help="One do-not-call list. Default: all.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Take numbers off a do-not-call list. That they were on it, and who took them off, is kept.

    Records that were finished because of the list stay finished.
    """
    if client := asked_server(context):
        from outdial.server_rules import remove_numbers

        typer.echo(remove_numbers(client, numbers, list_name, as_json=json_output))
        return
    from outdial.dnc_change import run_remove

    typer.echo(run_remove(config, numbers, list_name, as_json=json_output))


@app.command("import", cls=DatabaseOrServer)
def import_file(
    context: typer.Context,
    config: ConfigArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="One number per line, or CSV with a column phone or customer_id.")
    ],
    list_name: Annotated[str, typer.Option("--list", metavar="NAME", help="The do-not-call list.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Take everything off the list that the file does not have.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Read a file into a do-not-call list. Reading it again adds nothing; what was cut off is made good that way.

    Example: outdial dnc import outdial.toml registry.txt --list national --replace
    """
    if client := asked_server(context):
        from outdial.server_rules import import_numbers

        typer.echo(import_numbers(client, file, list_name, is_whole=replace, as_json=json_output))
        return
    from outdial.dnc_import import run_import

    typer.echo(run_import(config, file, list_name, is_whole=replace, as_json=json_output))


@app.command(cls=DatabaseOrServer)
def check(
    context: typer.Context, config: ConfigArgument, numbers: NumbersArgument, json_output: JsonOption = False
) -> None:
    """Say on which do-not-call lists numbers are, since when and why. Exit code 1 when one is on any."""
    if client := asked_server(context):
        from outdial.server_rules import check_numbers

        text, is_on_a_list = check_numbers(client, numbers, as_json=json_output)
    else:
        from outdial.dnc_show import run_check

        text, is_on_a_list = run_check(config, numbers, as_json=json_output)
    typer.echo(text)
    raise typer.Exit(EXIT_ON_A_LIST if is_on_a_list else 0)


@app.command(cls=DatabaseOrServer)
def show(context: typer.Context, config: ConfigArgument, json_output: JsonOption = False) -> None:
    """Tell how many numbers each do-not-call list has, and how old copies of registries are."""
    if client := asked_server(context):
        from outdial.server_rules import show_do_not_call

        typer.echo(show_do_not_call(client, as_json=json_output))
        return
    from outdial.dnc_show import run_show

    typer.echo(run_show(config, as_json=json_output))
