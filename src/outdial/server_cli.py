"""The commands `outdial --server URL group …`, `node …` and `top`: arguments only, so that help comes at once."""

from typing import Annotated

import typer

group_app = typer.Typer(help="Campaign groups of a running server.", no_args_is_help=True)
node_app = typer.Typer(help="SIP cluster nodes of a running server.", no_args_is_help=True)

GroupArgument = Annotated[str, typer.Argument(metavar="GROUP", help="Name or DBID of the campaign group.")]
NodeArgument = Annotated[str, typer.Argument(metavar="NODE", help="Name or DBID of the node.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]


@group_app.callback()
def groups() -> None:
    """Campaign groups of a running server: `outdial --server URL group …`, with a token in OUTDIAL_TOKEN."""


def _do_group(context: typer.Context, what: str, group: str, json_output: bool, mode: str = "") -> None:
    from outdial.server_commands import client_of, run_group

    typer.echo(run_group(client_of(context.find_root().obj), what, group, mode, as_json=json_output))


@group_app.command("start")
def start_group(context: typer.Context, group: GroupArgument, json_output: JsonOption = False) -> None:
    """Start dialing."""
    _do_group(context, "start", group, json_output)


@group_app.command("stop")
def stop_group(context: typer.Context, group: GroupArgument, json_output: JsonOption = False) -> None:
    """Stop dialing; calls in progress end by themselves."""
    _do_group(context, "stop", group, json_output)


@group_app.command("pause")
def pause_group(context: typer.Context, group: GroupArgument, json_output: JsonOption = False) -> None:
    """Dial nothing new for a while; agents, ports and records stay with the group."""
    _do_group(context, "pause", group, json_output)


@group_app.command("resume")
def resume_group(context: typer.Context, group: GroupArgument, json_output: JsonOption = False) -> None:
    """Take back a pause."""
    _do_group(context, "resume", group, json_output)


@group_app.command("mode")
def change_mode(
    context: typer.Context,
    group: GroupArgument,
    mode: Annotated[str, typer.Argument(metavar="MODE", help="The dialing mode, as in the configuration.")],
    json_output: JsonOption = False,
) -> None:
    """Change the dialing mode until the next restart or reload with another one. For longer: group set."""
    _do_group(context, "mode", group, json_output, mode)


@group_app.command("set")
def set_group(
    context: typer.Context,
    group: GroupArgument,
    assignments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]…", help="Settings; the value `default` takes a change back."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Change settings on top of the configuration file, until they are taken back. Without any: tell all.

    Example: outdial --server http://127.0.0.1:8042 group set east ring-timeout-s=20 number-of-cpd-ports=default
    """
    from outdial.server_commands import client_of, run_set

    typer.echo(run_set(client_of(context.find_root().obj), group, assignments or [], as_json=json_output))


@node_app.callback()
def nodes() -> None:
    """SIP cluster nodes of a running server: `outdial --server URL node …`, with a token in OUTDIAL_TOKEN."""


def _do_node(context: typer.Context, what: str, node: str, json_output: bool) -> None:
    from outdial.server_commands import client_of, run_node

    typer.echo(run_node(client_of(context.find_root().obj), what, node, as_json=json_output))


@node_app.command("drain")
def drain_node(context: typer.Context, node: NodeArgument, json_output: JsonOption = False) -> None:
    """Send no new requests to a node; its calls go on."""
    _do_node(context, "drain", node, json_output)


@node_app.command("enable")
def enable_node(context: typer.Context, node: NodeArgument, json_output: JsonOption = False) -> None:
    """Take back a drain."""
    _do_node(context, "enable", node, json_output)


@node_app.command("promote")
def promote_node(context: typer.Context, node: NodeArgument, json_output: JsonOption = False) -> None:
    """Make an active node the prime node."""
    _do_node(context, "promote", node, json_output)


def top(context: typer.Context) -> None:
    """Watch a running server: groups, ports, nodes and alarms as they change. Ctrl-C ends it."""
    from rich.console import Console

    from outdial.server_commands import client_of
    from outdial.top import run_top

    run_top(client_of(context.find_root().obj), Console())
