"""The configuration file as a whole: TOML text in, checked tables out.

Limits keep a wrong file from taking the machine down: its size, the number of tables of each kind, the depth at which
tables are looked into. What is checked here is each table alone; `servers_check` and `campaigns_check` look between
them.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from outdial.config.api import ApiTable
from outdial.config.groups import CampaignGroupTable
from outdial.config.lists import CallingListTable, CampaignTable, DoNotCallTable
from outdial.config.mistakes import Mistakes, kind_of, show_key, show_names, suggest
from outdial.config.options import Table
from outdial.config.people import AGENTS_MAX, AgentGroupTable, AgentRangeTable, AgentTable
from outdial.config.rows import Row, read_row, read_rows
from outdial.config.rules import ClosedDaysTable, RuleProfileTable
from outdial.config.serve import ServeTable
from outdial.config.servers import CpdServerTable, OcsTable, SipServerTable, SwitchTable
from outdial.config.webhooks import WebhookTable

FILE_BYTES_MAX = 10_000_000
"""Size of a configuration file. Unit: bytes."""

T = TypeVar("T", bound=Table)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of table at the top of the file."""

    name: str
    model: type[T]
    count_max: int
    """Most tables of this kind; 1: a single table, not an array."""


OCS = Kind("ocs", OcsTable, 1)
SWITCH = Kind("switch", SwitchTable, 1_000)
SIP_SERVER = Kind("sip-server", SipServerTable, 1_000)
CPD_SERVER = Kind("cpd-server", CpdServerTable, 1_000)
AGENT = Kind("agent", AgentTable, AGENTS_MAX)
AGENT_RANGE = Kind("agent-range", AgentRangeTable, 1_000)
AGENT_GROUP = Kind("agent-group", AgentGroupTable, 10_000)
CALLING_LIST = Kind("calling-list", CallingListTable, 10_000)
CAMPAIGN = Kind("campaign", CampaignTable, 10_000)
CAMPAIGN_GROUP = Kind("campaign-group", CampaignGroupTable, 10_000)
RULE_PROFILE = Kind("rule-profile", RuleProfileTable, 1_000)
CLOSED_DAYS = Kind("closed-days", ClosedDaysTable, 1_000)
DO_NOT_CALL = Kind("do-not-call", DoNotCallTable, 1)
SERVE = Kind("serve", ServeTable, 1)
API = Kind("api", ApiTable, 1)
WEBHOOK = Kind("webhook", WebhookTable, 100)
WORLD = "world"
"""Name of the optional table that only the simulator reads."""

KINDS: tuple[Kind[Any], ...] = (
    OCS,
    SWITCH,
    SIP_SERVER,
    CPD_SERVER,
    AGENT,
    AGENT_RANGE,
    AGENT_GROUP,
    CALLING_LIST,
    CAMPAIGN,
    CAMPAIGN_GROUP,
    RULE_PROFILE,
    CLOSED_DAYS,
    DO_NOT_CALL,
    SERVE,
    API,
    WEBHOOK,
)


@dataclass
class Document:
    """All tables of one file, each checked for itself."""

    file: str
    folder: Path
    """What paths in the file are relative to."""
    ocs: Row[OcsTable] | None
    do_not_call: Row[DoNotCallTable] | None
    serve: Row[ServeTable] | None
    api: Row[ApiTable] | None
    switches: list[Row[SwitchTable]]
    sip_servers: list[Row[SipServerTable]]
    cpd_servers: list[Row[CpdServerTable]]
    agents: list[Row[AgentTable]]
    agent_ranges: list[Row[AgentRangeTable]]
    agent_groups: list[Row[AgentGroupTable]]
    calling_lists: list[Row[CallingListTable]]
    campaigns: list[Row[CampaignTable]]
    campaign_groups: list[Row[CampaignGroupTable]]
    rule_profiles: list[Row[RuleProfileTable]]
    closed_days: list[Row[ClosedDaysTable]]
    webhooks: list[Row[WebhookTable]] = field(default_factory=list)
    world: dict[str, Any] = field(default_factory=dict)


def read_text(path: Path, mistakes: Mistakes) -> str:
    """Read a configuration file; an empty text stands for one that cannot be read, which is noted."""
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        mistakes.add("", f"cannot be read: {error.strerror or error}")
        return ""
    if len(content) > FILE_BYTES_MAX:
        mistakes.add("", "too large", f"at most {FILE_BYTES_MAX:,} bytes")
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mistakes.add(f"line {line}", f"byte {content[error.start]:#04x} is not UTF-8", "UTF-8 text")
        return ""


def parse(text: str, mistakes: Mistakes) -> dict[str, Any]:
    """Parse TOML; an empty table stands for text that cannot be parsed, which is noted."""
    if len(text) > FILE_BYTES_MAX:
        mistakes.add("", "too large", f"at most {FILE_BYTES_MAX:,} bytes")
        return {}
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        mistakes.add("", f"not TOML: {error}")
    except RecursionError:
        mistakes.add("", "not usable: tables or arrays nested too deeply")
    except ValueError as error:  # a whole number of thousands of digits, a date that does not exist
        mistakes.add("", f"not usable: {error}")
    return {}


def read_document(file: str, folder: Path, raw: dict[str, Any], mistakes: Mistakes) -> Document:
    """Check every table of a parsed file for itself.

    Args:
        file: name of the file, for messages.
        folder: what paths in the file are relative to.
        raw: the parsed file.
        mistakes: where mistakes go.
    """
    known = [kind.name for kind in KINDS] + [WORLD]
    by_name: dict[str, Any] = {}
    for key, value in raw.items():
        name = key.replace("_", "-")
        if name not in known:
            hint = suggest(name, known)
            mistakes.add(show_key(key), "unknown table" + (f"; {hint}" if hint else ""), show_names(known))
        elif name in by_name:
            mistakes.add(show_key(key), f"given twice: {name} and {key} are the same table", "one of them")
        else:
            by_name[name] = value

    def many(kind: Kind[T]) -> list[Row[T]]:
        return read_rows(kind.model, by_name.get(kind.name), kind.name, kind.count_max, mistakes)

    def one(kind: Kind[T]) -> Row[T] | None:
        return read_row(kind.model, by_name[kind.name], kind.name, mistakes) if kind.name in by_name else None

    world = by_name.get(WORLD, {})
    if not isinstance(world, dict):
        mistakes.add(WORLD, f"wrong type ({kind_of(world)})", "a table", value=world)
        world = {}
    document = Document(
        file=file,
        folder=folder,
        ocs=one(OCS),
        do_not_call=one(DO_NOT_CALL),
        serve=one(SERVE),
        api=one(API),
        switches=many(SWITCH),
        sip_servers=many(SIP_SERVER),
        cpd_servers=many(CPD_SERVER),
        agents=many(AGENT),
        agent_ranges=many(AGENT_RANGE),
        agent_groups=many(AGENT_GROUP),
        calling_lists=many(CALLING_LIST),
        campaigns=many(CAMPAIGN),
        campaign_groups=many(CAMPAIGN_GROUP),
        rule_profiles=many(RULE_PROFILE),
        closed_days=many(CLOSED_DAYS),
        webhooks=many(WEBHOOK),
        world=world,
    )
    if document.ocs is None:
        mistakes.add("ocs", "missing", "a table [ocs] with at least the option connections")
    return document
