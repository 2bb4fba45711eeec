"""The commands `outdial webhook …`: arguments only, so that `outdial --help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Messages to other systems that wait in the database.", no_args_is_help=True)

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file.")]
NameOption = Annotated[str | None, typer.Option("--webhook", metavar="NAME", help="One webhook. Default: all.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]


@app.callback()
def webhook() -> None:
    """Messages to other systems. With SQLite only while no server uses it; beside a server with PostgreSQL."""


@app.command("list")
def list_messages(config: ConfigArgument, webhook_name: NameOption = None, json_output: JsonOption = False) -> None:
    """Show how many messages wait for each webhook, how many were given up, and the last of these.

    Example: outdial webhook list outdial.toml
    """
    from outdial.webhooks.show import run_list

    typer.echo(run_list(config, webhook_name, as_json=json_output))


@app.command()
def retry(config: ConfigArgument, webhook_name: NameOption = None, json_output: JsonOption = False) -> None:
    """Have messages tried again that were given up.

    Example: outdial webhook retry outdial.toml --webhook crm
    """
    from outdial.webhooks.show import run_retry

    typer.echo(run_retry(config, webhook_name, as_json=json_output))
