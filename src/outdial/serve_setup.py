"""What a configuration file means for `outdial serve`: servers that can be spoken to, lists that can be dialed.

The same reading serves the start, `--check`, every reload and every change at run time; mistakes are told all at once,
as everywhere. The files of calling lists are not read here, because the database may have their records already.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from outdial.calling_list_files import CallingListFile
from outdial.config import Driver, Loaded, Server, loads
from outdial.config.changes import fitting
from outdial.config.loading import text_of
from outdial.config.mistakes import Mistakes
from outdial.core.errors import ConfigError
from outdial.core.modes import DialingMode
from outdial.core.settings import Configuration
from outdial.drivers.ami.requests import DialStrings
from outdial.drivers.asterisk import AsteriskSettings
from outdial.phone_agents import with_after_call_work
from outdial.setting_overrides import Override
from outdial.world_lists import rejection_notes

ALLOWED_DRIVERS = '"asterisk-ami" or "asterisk-ari"'
WRONG_DRIVERS = {
    Driver.SIM: "a simulated server, and outdial serve dials for real; outdial simulate and outdial demo use it",
    Driver.FREESWITCH_ESL: "not built",
}


@dataclass(frozen=True, slots=True)
class Setup:
    """A configuration that the server can run."""

    loaded: Loaded
    configuration: Configuration
    """What the core is given: after-call work ends by itself for agents without a desktop."""
    servers: tuple[AsteriskSettings, ...]
    notes: tuple[str, ...]
    """What the operator should know."""
    text: str = ""
    """The file, without what was changed at run time."""
    overrides: tuple[Override, ...] = ()
    """What was changed at run time and is in effect."""
    left_out: tuple[tuple[Override, str], ...] = ()
    """What was changed and has no effect, because the file does not allow it any more; with a mistake each."""


def read_setup(path: Path, text: str | None = None, overrides: Sequence[Override] = ()) -> Setup:
    """Read a configuration file.

    Args:
        path: the file.
        text: what it says; None: it is read.
        overrides: settings that were changed at run time.

    Raises:
        ConfigError: mistakes: all of them.
    """
    text = text_of(path) if text is None else text
    loaded = loads(text, str(path), path.parent, overrides)
    mistakes = Mistakes(loaded.file)
    _check_servers(loaded, mistakes)
    _check_lists(loaded, mistakes)
    found = list(mistakes.lines)
    found += _password_mistakes(loaded)
    if found:
        raise ConfigError(found)
    return Setup(
        loaded=loaded,
        configuration=with_after_call_work(
            loaded.configuration, loaded.serve.after_call_work_ms, loaded.desktop_groups
        ),
        servers=tuple(map(asterisk_settings, loaded.edge.values())),
        notes=(*loaded.notes, *_preview_notes(loaded), *_desktop_notes(loaded)),
        text=text,
        overrides=tuple(overrides),
    )


def read_setup_with(path: Path, overrides: Sequence[Override], text: str | None = None) -> Setup:
    """Read a configuration file with those changes that it allows. Arguments: see `read_setup`.

    Raises:
        ConfigError: the file has mistakes of its own.
    """
    text = text_of(path) if text is None else text
    setup, left_out = fitting(lambda fit: read_setup(path, text, fit), overrides)
    notes = [
        f"{path}: {override.place.kind} {override.place.dbid}: what {override.changed_by} changed at run time "
        f"({override.place.name}) is left out: {mistake}"
        for override, mistake in left_out
    ]
    return replace(setup, notes=(*setup.notes, *notes), left_out=tuple(left_out))


def look_at_lists(loaded: Loaded) -> tuple[int, list[str]]:
    """Read the files of all calling lists, and keep nothing of them.

    Returns:
        How many records they have, and what the operator should know.

    Raises:
        ConfigError: files that are not usable: all of them.
    """
    records, notes, found = 0, list[str](), list[str]()
    for calling_list in loaded.configuration.calling_lists:
        path = loaded.list_files[calling_list.dbid]
        assert isinstance(path, Path)  # others have been refused
        if not path.exists():
            continue  # the database has what it needs, or the start says so; the notes name the file
        file = CallingListFile(path, calling_list, rejects=False)
        try:
            records += sum(1 for _ in file)
        except ConfigError as error:
            found += error.mistakes
        notes += rejection_notes(path, file.counts)
    if found:
        raise ConfigError(found)
    return records, notes


def unchanged_notes(before: Setup, after: Setup) -> list[str]:
    """What a reload leaves as it is until the next start."""
    notes = []
    for name, one, other in (
        ("results-dir", before.loaded.serve.results_dir, after.loaded.serve.results_dir),
        ("database", before.loaded.serve.database, after.loaded.serve.database),
        ("server-name", before.loaded.serve.server_name, after.loaded.serve.server_name),
        ("stale-clean-timeout", before.loaded.serve.stale_ms, after.loaded.serve.stale_ms),
        ("samples-days", before.loaded.serve.samples_ms, after.loaded.serve.samples_ms),
        ("journal", before.loaded.serve.journal, after.loaded.serve.journal),
        ("tracing", before.loaded.serve.tracing, after.loaded.serve.tracing),
    ):
        if one != other:
            notes.append(f"{after.loaded.file}: serve.{name}: takes effect at the next start")
    if before.loaded.api != after.loaded.api:
        notes.append(f"{after.loaded.file}: api: takes effect at the next start")
    return notes


def asterisk_settings(server: Server) -> AsteriskSettings:
    """One application as the driver needs it."""
    return AsteriskSettings(
        server_id=server.dbid,
        node_id=server.node,
        host=server.host,
        user=server.user,
        password=_reader(server),
        port=server.port,
        ari_port=server.ari_port,
        strings=DialStrings(server.dial_string, server.phone_string, server.auto_answer_header, server.stasis_app),
        total_ports=server.total_ports,
        requests_max=server.requests_in_flight_max,
    )


def _reader(server: Server) -> Callable[[], str]:
    assert server.password is not None  # the configuration demands one
    return server.password


def _check_servers(loaded: Loaded, mistakes: Mistakes) -> None:
    cpd_servers = {node.dbid for node in loaded.configuration.nodes if node.is_cpd_server}
    for server in loaded.edge.values():
        wrong = WRONG_DRIVERS.get(server.driver)
        if wrong is not None:
            kind = "cpd-server" if server.node in cpd_servers else "sip-server"
            mistakes.add(f"{kind}[{server.name}].driver", wrong, ALLOWED_DRIVERS, value=server.driver.value)


def _check_lists(loaded: Loaded, mistakes: Mistakes) -> None:
    for calling_list in loaded.configuration.calling_lists:
        count = loaded.list_files[calling_list.dbid]
        if isinstance(count, int):
            wrong = "made-up numbers are not dialed for real"
            mistakes.add(f"calling-list[{calling_list.name}].synthetic", wrong, "a file instead", value=count)


def _password_mistakes(loaded: Loaded) -> list[str]:
    """Passwords and secrets that cannot be read, each place once."""
    found: dict[str, None] = {}
    passwords = [*(server.password for server in loaded.edge.values()), loaded.serve.database.password]
    for secret in (*passwords, *(webhook.secret for webhook in loaded.webhooks)):
        if secret is not None:
            try:
                secret.read()
            except ConfigError as error:
                found.update(dict.fromkeys(error.mistakes))
    return list(found)


def _preview_notes(loaded: Loaded) -> list[str]:
    """Groups in which agents would have to ask for records."""
    return [
        f'{loaded.file}: campaign-group[{group.name}].dialing-mode = "preview": nothing is dialed, because agents '
        "without a desktop cannot ask for records; push-preview needs no asking"
        for group in loaded.configuration.campaign_groups
        if group.dialing_mode is DialingMode.PREVIEW and group.agent_group not in loaded.desktop_groups
    ]


def _desktop_notes(loaded: Loaded) -> list[str]:
    """Groups whose agents would have to sign in where nothing listens."""
    if loaded.api is not None:
        return []
    return [
        f'{loaded.file}: agent-group[{group.name}].sign-in = "desktop": its agents cannot sign in, because there is no '
        "table [api] and so no agent page"
        for group in loaded.configuration.agent_groups
        if group.dbid in loaded.desktop_groups
    ]
