"""The command line: reads arguments, calls one function, says how it ended.

Heavy modules are imported inside the commands, so that `outdial --help` answers at once. Exit codes and output shapes
are documented in docs/reference/command-line.md.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from outdial import (
    __version__,
    access_cli,
    compliance_cli,
    dnc_cli,
    list_cli,
    ports_cli,
    report_cli,
    server_cli,
    webhook_cli,
)
from outdial.command_order import InOrder
from outdial.core.errors import ConfigError, InvariantViolated, OutdialError
from outdial.database_or_server import ConfigArgument, DatabaseOrServer, asked_server

EXIT_FINE = 0
EXIT_NEGATIVE = 1
"""The command did its work and the answer is no: a replay that differs, a configuration with mistakes."""
EXIT_ERROR = 2
"""Wrong arguments, or something that the caller can mend."""
EXIT_BUG = 70
"""A bug in outdial (EX_SOFTWARE of sysexits.h)."""
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C (128 + SIGINT)."""

app = typer.Typer(
    name="outdial",
    cls=InOrder,
    help="Outbound contact server: campaign groups dial through a SIP cluster and share its ports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(ports_cli.app, name="ports")
app.add_typer(compliance_cli.app, name="compliance")
app.add_typer(list_cli.app, name="list")
app.add_typer(list_cli.record_app, name="record")
app.add_typer(dnc_cli.app, name="dnc")
app.add_typer(access_cli.token_app, name="token")
app.add_typer(access_cli.user_app, name="user")
app.add_typer(server_cli.group_app, name="group")
app.add_typer(server_cli.node_app, name="node")
app.command()(server_cli.top)
app.add_typer(webhook_cli.app, name="webhook")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")]
JournalOption = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Record every step, for `outdial replay`.")
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the result files.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"outdial {__version__}")
        raise typer.Exit


@app.callback()
def outdial(
    context: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="OUTDIAL_SERVER",
            help="A running server, for group, node, top and why, and in the place of CONFIG.toml for list, record, "
            "dnc, preflight, compliance and report; with a token in the variable OUTDIAL_TOKEN.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Outbound contact server: campaign groups dial through a SIP cluster and share its ports."""
    context.obj = server


@app.command()
def demo(
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="How long to dial.")] = 75,
    calling_list: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE.csv", help="Dial the numbers of this file (nobody is really called)."),
    ] = None,
    json_output: JsonOption = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the simulated callees, agents and faults.")] = None,
    journal: JournalOption = None,
    out: OutOption = None,
    asterisk: Annotated[
        bool, typer.Option("--asterisk", help="On six real Asterisk servers on this machine, fetched at first use.")
    ] = False,
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS:PORT", help="Where the dashboard is; none: nowhere.")
    ] = "127.0.0.1:8042",
) -> None:
    """Watch a simulated campaign in real time; no telephony needed.

    Embedded SIP cluster nodes, callees and agents are simulated; the dialer is the real one. With --asterisk the nodes
    are real too, callees and phones are sipp. One node fails and returns. At the end there is a summary and two CSV
    files, by default in ./outdial-demo-<time>/.
    """
    if asterisk and calling_list is not None:
        raise typer.BadParameter(
            "--list and --asterisk exclude each other: the lab's callees have numbers of their own"
        )
    from rich.console import Console

    from outdial.config.api import listen_of
    from outdial.demo import run_demo
    from outdial.demo_scene import DemoOptions

    where = None if listen == "none" else listen_of(listen)
    if where is None and listen != "none":
        raise typer.BadParameter(f"--listen {listen}: allowed: an IP address and a port, for example 127.0.0.1:8042")
    run = run_demo
    if asterisk:
        from outdial.demo_asterisk import run_asterisk_demo

        run = run_asterisk_demo
    options = DemoOptions(seconds, calling_list, seed, journal, out, where)
    report = run(options, as_json=json_output, stdout=Console(), stderr=Console(stderr=True))
    if json_output:
        typer.echo(json.dumps(report))


@app.command()
def grafana() -> None:
    """Print a dashboard for Grafana that draws the metrics of `outdial serve`."""
    from importlib.resources import files

    typer.echo(files("outdial").joinpath("data", "grafana.json").read_text(encoding="utf-8"), nl=False)


@app.command()
def simulate(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.toml", help="Configuration with a simulated world.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the world. Default: the scenario's.")] = None,
    json_output: JsonOption = False,
    out: OutOption = None,
    journal: JournalOption = None,
    until: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=1, help="Virtual time to run. Default: until everything is at rest."),
    ] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Check the invariants after every step.")] = True,
    explain: Annotated[
        str | None,
        typer.Option(metavar="GROUP", help="Tell the last predictive decisions of this campaign group, with reasons."),
    ] = None,
) -> None:
    """Run a scenario in virtual time, as fast as the machine can, and report."""
    from rich.console import Console

    from outdial.simulate import SimulateOptions, run_simulate

    options = SimulateOptions(
        scenario=scenario, seed=seed, out=out, journal=journal, until_s=until, check=check, explain=explain
    )
    report = run_simulate(options, as_json=json_output, stdout=Console(), stderr=Console(stderr=True))
    if json_output:
        typer.echo(json.dumps(report))


@app.command()
def plan(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO.toml", help="Configuration with a simulated world.")],
    group: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Campaign group to look at. Default: the first predictive one, or the only."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="agents, ports, abandonment (%), hit-rate (%) or talk-s: agents=5,10 or agents=5:50:5. Up to twice.",
        ),
    ] = None,
    hours: Annotated[str, typer.Option(metavar="H", help="Virtual time of each simulation.")] = "2",
    seeds: Annotated[str, typer.Option(metavar="N", help="Simulations of each point, with a seed each.")] = "1",
    jobs: Annotated[str | None, typer.Option(metavar="J", help="Processes. Default: one per processor.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON; - is standard output.")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the figures as CSV.")] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw utilisation and abandonment, .svg or .png. Needs matplotlib."),
    ] = None,
) -> None:
    """What if: simulate a scenario for a grid of values, and tell agents' and persons' waits for each.

    Example: outdial plan scenario.toml --vary agents=10:50:10 --vary abandonment=1,3
    """
    from rich.console import Console

    from outdial.plan import PlanOptions, run_plan

    options = PlanOptions(scenario, group, tuple(vary or ()), hours, seeds, jobs, json_file, csv_file, plot)
    run_plan(options, stdout=Console(), stderr=Console(stderr=True))


@app.command()
def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file.")],
    json_output: JsonOption = False,
) -> None:
    """Check a configuration file: a summary, or every mistake at once."""
    from outdial.check_cli import check as run_check

    run_check(config, json_output)


@app.command(cls=DatabaseOrServer)
def preflight(
    context: typer.Context,
    config: ConfigArgument,
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The campaign group.")],
    json_output: JsonOption = False,
) -> None:
    """Count a group's customers who may be dialed now, later today, tomorrow, later and never, and what keeps them."""
    if client := asked_server(context):
        from outdial.server_lists import preflight as preflight_there

        typer.echo(preflight_there(client, group, as_json=json_output))
        return
    from outdial.preflight import run_preflight

    typer.echo(run_preflight(config, group, as_json=json_output))


@app.command()
def why(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="CONFIG.toml|NAME", help="The file; with --server the name.")],
    which: Annotated[
        str | None, typer.Argument(metavar="[NUMBER|ID]", help="A telephone number, or the number of a record.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Tell every reason why a record is not dialed now, and when each ends.

    With --server also why a campaign group does not dial, an agent gets no calls, a node no requests:
    outdial --server http://127.0.0.1:8042 why east
    """
    if which is not None:
        from outdial.why import run_why

        typer.echo(run_why(Path(what), which, as_json=json_output))
        return
    from outdial.server_commands import client_of, run_server_why

    typer.echo(run_server_why(client_of(context.obj), what, as_json=json_output))


@app.command()
def doctor(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file.")],
    json_output: JsonOption = False,
) -> None:
    """Look at every server of a configuration: what is wrong there, and what to do. Nothing is changed or called."""
    from rich.console import Console

    from outdial.doctor import diagnose, is_healthy, look_at_database, print_report, to_json

    diagnoses, database = diagnose(config), look_at_database(config)
    if json_output:
        typer.echo(json.dumps(to_json(config, diagnoses, database), ensure_ascii=False))
    else:
        print_report(Console(), diagnoses, database)
    raise typer.Exit(EXIT_FINE if is_healthy(diagnoses) else EXIT_NEGATIVE)


@app.command()
def serve(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file.")],
    json_logs: Annotated[
        bool | None,
        typer.Option("--json-logs/--no-json-logs", help="Log lines as JSON. Default: unless a terminal looks on."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Look whether it could start, and stop there.")] = False,
) -> None:
    """Dial on real servers until told to end.

    SIGHUP reads the configuration anew. SIGTERM and Ctrl-C stop the groups and wait for running calls.
    """
    from outdial.serve import check_serve, run_serve

    if check:
        typer.echo(check_serve(config))
        return
    raise typer.Exit(run_serve(config, json_logs=json_logs))


@app.command("asterisk-config")
def asterisk_config(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The configuration file.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files.")],
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Write the passwords too, into files that only you can read.")
    ] = False,
    addresses: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="ADDRESS", help="Address that outdial connects from, or a network. Repeatable."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Write the files that the Asterisk servers of a configuration need: dialplan, users, samples, and what to do."""
    from outdial.asterisk_files.report import run_asterisk_config

    typer.echo(
        run_asterisk_config(config, out, with_secrets=with_secrets, addresses=addresses or [], as_json=json_output)
    )


@app.command()
def replay(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="A file written with --journal.")],
    json_output: JsonOption = False,
) -> None:
    """Repeat a recorded run and compare every command with the recorded one."""
    import msgspec

    from outdial.replay import replay as repeat
    from outdial.replay import to_json, to_text

    result = repeat(journal)
    typer.echo(msgspec.json.encode(to_json(result)).decode() if json_output else to_text(result))
    raise typer.Exit(EXIT_FINE if result.identical else EXIT_NEGATIVE)


app.command(cls=DatabaseOrServer)(report_cli.report)
app.command()(access_cli.audit)


def main() -> None:
    """Entry of the command `outdial`. Never returns: the process ends with an exit code."""
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: list[str]) -> int:
    """Run one command and turn how it ended into an exit code."""
    try:
        app(arguments, prog_name="outdial")
    except SystemExit as ending:
        return _exit_code(ending)
    except ConfigError as error:
        _say("\n".join(f"outdial: {mistake}" for mistake in error.mistakes))
        return EXIT_ERROR
    except OutdialError as error:
        _say(f"outdial: {error}")
        return EXIT_ERROR
    except InvariantViolated as error:
        _say(bug_text(error, arguments))
        return EXIT_BUG
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_FINE


def bug_text(error: InvariantViolated, arguments: list[str]) -> str:
    """What to do about a bug: what happened, where it is recorded, how to see it again."""
    notes: list[str] = getattr(error, "__notes__", [])
    lines = ["outdial: this is a bug in outdial, and it stopped before anything worse could happen.", f"  {error}"]
    lines += [f"  {note}" for note in notes]
    if any(note.startswith("journal: ") for note in notes):
        lines.append("To reproduce it: outdial replay with the journal named above.")
    elif arguments[:1] == ["plan"]:
        lines.append(f"To reproduce it: outdial {' '.join(arguments)}")
    else:
        lines.append(f"To reproduce it: outdial {' '.join(arguments)} --journal FILE, then outdial replay FILE.")
    lines.append(f"Please report this text, the journal and the version (outdial {__version__}).")
    return "\n".join(lines)


def _exit_code(ending: SystemExit) -> int:
    if ending.code is None:
        return EXIT_FINE
    return ending.code if isinstance(ending.code, int) else EXIT_ERROR


def _say(text: str) -> None:
    typer.echo(text, err=True)
