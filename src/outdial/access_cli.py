"""The commands `outdial token …`, `outdial user …` and `outdial audit`: arguments only, so that help comes at once."""

from pathlib import Path
from typing import Annotated

import typer

token_app = typer.Typer(help="Tokens of programs that use the API.", no_args_is_help=True)
user_app = typer.Typer(help="People who use the dashboard and the agent page.", no_args_is_help=True)

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file.")]
LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="What the person signs in with.")]
CampaignsOption = Annotated[
    list[str] | None,
    typer.Option("--campaign", metavar="NAME", help="A campaign that may be seen. Repeatable. Default: all."),
]
AgentOption = Annotated[
    str | None, typer.Option("--agent", metavar="LOGIN", help="The agent of the configuration as whom to work.")
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="First line: the password. Default: asked on the terminal."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]


@token_app.callback()
def tokens() -> None:
    """Tokens of programs. With SQLite only while no server uses the database; beside a server with PostgreSQL."""


@token_app.command("create")
def create_token(
    config: ConfigArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For whom or what it is.")],
    scopes: Annotated[
        str, typer.Option("--scope", metavar="SCOPES", help="read, operate, agent, admin; with commas between.")
    ],
    campaigns: CampaignsOption = None,
    agent: AgentOption = None,
    expires_days: Annotated[
        int | None,
        typer.Option("--expires-days", metavar="N", min=1, max=3_650, help="How long it counts. Default: for ever."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Make a token and print it: this once, as only a digest of it is kept.

    Example: outdial token create outdial.toml crm --scope read,operate --campaign spring --expires-days 365
    """
    from outdial.token_change import TokenWish, run_create

    wish = TokenWish(name, scopes, tuple(campaigns or ()), agent, expires_days)
    typer.echo(run_create(config, wish, as_json=json_output))


@token_app.command("list")
def list_tokens(config: ConfigArgument, json_output: JsonOption = False) -> None:
    """Tell what tokens there are, what they may do, and when they were last used."""
    from outdial.token_change import run_list

    typer.echo(run_list(config, as_json=json_output))


@token_app.command("revoke")
def revoke_token(
    config: ConfigArgument,
    which: Annotated[str, typer.Argument(metavar="NAME|ID", help="Its name or its id.")],
    json_output: JsonOption = False,
) -> None:
    """Let a token not count any more. Servers that run on the database notice within some seconds."""
    from outdial.token_change import run_revoke

    typer.echo(run_revoke(config, which, as_json=json_output))


@user_app.callback()
def users() -> None:
    """People who sign in. With SQLite only while no server uses the database; beside a server with PostgreSQL."""


@user_app.command("add")
def add_user(
    config: ConfigArgument,
    login: LoginArgument,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="viewer, operator, agent or admin.")],
    campaigns: CampaignsOption = None,
    agent: AgentOption = None,
    password_file: PasswordFileOption = None,
    json_output: JsonOption = False,
) -> None:
    """Let a person sign in.

    Example: outdial user add outdial.toml anna --role operator --campaign spring
    """
    from outdial.user_change import UserWish, run_add

    wish = UserWish(login, role, tuple(campaigns or ()), agent)
    typer.echo(run_add(config, wish, password_file, as_json=json_output))


@user_app.command("list")
def list_users(config: ConfigArgument, json_output: JsonOption = False) -> None:
    """Tell who may sign in, and what they may do."""
    from outdial.user_change import run_list

    typer.echo(run_list(config, as_json=json_output))


@user_app.command("remove")
def remove_user(config: ConfigArgument, login: LoginArgument, json_output: JsonOption = False) -> None:
    """Let a person not sign in any more. Servers that run on the database notice within some seconds."""
    from outdial.user_change import run_remove

    typer.echo(run_remove(config, login, as_json=json_output))


@user_app.command("password")
def change_password(
    config: ConfigArgument,
    login: LoginArgument,
    password_file: PasswordFileOption = None,
    json_output: JsonOption = False,
) -> None:
    """Give a person a new password. Whoever is signed in with the old one has to sign in again."""
    from outdial.user_change import run_password

    typer.echo(run_password(config, login, password_file, as_json=json_output))


def audit(
    config: ConfigArgument,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="PERIOD", help="As of `outdial report`, in UTC. Default: the latest changes."),
    ] = None,
    count_max: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="How many at most.")] = 100,
    json_output: JsonOption = False,
) -> None:
    """Tell who has changed what through the API and with commands, the latest change first.

    Example: outdial audit outdial.toml --period today
    """
    from outdial.audit_show import run_audit

    typer.echo(run_audit(config, period, count_max, as_json=json_output))
