"""Commands that look into the configuration's database, or ask a running server: then CONFIG.toml is left out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from outdial.core.errors import ConfigError

if TYPE_CHECKING:
    from outdial.client import Client

CONFIG = "config"
"""What the argument is called."""
ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file. With --server it is left out.")
]


def server_of(context: Any) -> str:
    """The server that is named, by `--server` or the variable. Empty: none."""
    return context.find_root().obj or ""


def asked_server(context: typer.Context) -> "Client | None":
    """The server that is to be asked. None: the database of the configuration.

    Raises:
        NotReached: its address is none.
    """
    if not server_of(context):
        return None
    from outdial.server_commands import patient_client_of

    return patient_client_of(server_of(context))


class DatabaseOrServer(TyperCommand):
    """A command of which `config` is no argument while a server is named."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its arguments and options."""
        return [each for each in super().get_params(ctx) if each.name != CONFIG or not server_of(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line.

        Raises:
            ConfigError: a configuration is given, and a server is named.
        """
        files = [each for each in args if each.endswith(".toml") and not each.startswith("-")]
        if server_of(ctx) and files:
            said = (
                f"{files[0]}: the server {server_of(ctx)} is asked, which has its own configuration; leave the file out"
            )
            raise ConfigError([f"{said}, or --server and the variable OUTDIAL_SERVER"])
        return super().parse_args(ctx, args)
