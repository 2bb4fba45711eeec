"""What a configuration file means for `outdial serve`: servers that can be spoken to, lists that can be dialed.

The same reading serves the start, `--check` and every reload; mistakes are told all at once, as everywhere.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from outdial.calling_lists import read_records
from outdial.config import Driver, Loaded, Server, load
from outdial.config.mistakes import Mistakes
from outdial.core.errors import ConfigError
from outdial.core.modes import DialingMode
from outdial.core.settings import Configuration
from outdial.core.units import ListId
from outdial.drivers.ami.requests import DialStrings
from outdial.drivers.asterisk import AsteriskSettings
from outdial.phone_agents import with_after_call_work
from outdial.sim.lists import StoredSource
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
    """What the core is given: after-call work ends by itself."""
    servers: tuple[AsteriskSettings, ...]
    sources: tuple[StoredSource, ...]
    """Records of the lists that were read."""
    notes: tuple[str, ...]
    """What the operator should know."""


def read_setup(path: Path, known_lists: Collection[ListId] = (), *, rejects: bool = True) -> Setup:
    """Read a configuration file and its calling lists.

    Args:
        path: the TOML file.
        known_lists: lists that need not be read, because they are in memory.
        rejects: write rejected lines of calling lists beside them.

    Raises:
        ConfigError: mistakes: all of them.
    """
    loaded = load(path)
    mistakes = Mistakes(loaded.file)
    _check_servers(loaded, mistakes)
    _check_lists(loaded, mistakes)
    found = list(mistakes.lines)
    found += _password_mistakes(loaded)
    sources, notes = [], [*loaded.notes, *_preview_notes(loaded)]
    for calling_list in loaded.configuration.calling_lists:
        file = loaded.list_files[calling_list.dbid]
        if calling_list.dbid in known_lists or isinstance(file, int):
            continue
        try:
            records, counts = read_records(file, calling_list, rejects=rejects)
        except ConfigError as error:
            found += error.mistakes
        else:
            sources.append(StoredSource(calling_list.dbid, records))
            notes += rejection_notes(file, counts)
    if found:
        raise ConfigError(found)
    return Setup(
        loaded=loaded,
        configuration=with_after_call_work(loaded.configuration, loaded.serve.after_call_work_ms),
        servers=tuple(map(asterisk_settings, loaded.edge.values())),
        sources=tuple(sources),
        notes=tuple(notes),
    )


def unchanged_notes(before: Setup, after: Setup) -> list[str]:
    """What a reload leaves as it is until the next start."""
    notes = []
    for name, one, other in (
        ("results-dir", before.loaded.serve.results_dir, after.loaded.serve.results_dir),
        ("journal", before.loaded.serve.journal, after.loaded.serve.journal),
    ):
        if one != other:
            notes.append(f"{after.loaded.file}: serve.{name}: takes effect at the next start")
    for calling_list in after.configuration.calling_lists:
        list_id = calling_list.dbid
        if before.loaded.list_files.get(list_id, after.loaded.list_files[list_id]) != after.loaded.list_files[list_id]:
            notes.append(f"{after.loaded.file}: calling-list[{calling_list.name}].file: read at the next start")
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
    """Passwords that cannot be read, each place once."""
    found: dict[str, None] = {}
    for server in loaded.edge.values():
        if server.password is not None:
            try:
                server.password.read()
            except ConfigError as error:
                found.update(dict.fromkeys(error.mistakes))
    return list(found)


def _preview_notes(loaded: Loaded) -> list[str]:
    """Groups in which agents would have to ask for records."""
    return [
        f'{loaded.file}: campaign-group[{group.name}].dialing-mode = "preview": nothing is dialed, because agents '
        "without a desktop cannot ask for records; push-preview needs no asking"
        for group in loaded.configuration.campaign_groups
        if group.dialing_mode is DialingMode.PREVIEW
    ]
