"""Tables for people: `[[agent]]`, `[[agent-range]]`, `[[agent-group]]`."""

import enum
from typing import Annotated

from pydantic import Field

from outdial.config.options import (
    DBID_MAX,
    DN,
    NAME,
    REFERENCE,
    TIME_OF_DAY,
    Dbid,
    Dn,
    Name,
    Reference,
    Table,
    TimeOfDay,
    option,
)

AGENTS_MAX = 100_000

_TEMPLATE = r"^[^{}\p{Cc}]*\{n(:0[1-9])?\}[^{}\p{Cc}]*$"


class SignIn(enum.StrEnum):
    """Who signs an agent in."""

    PHONE = "phone"
    """The server does: they have a phone and no desktop."""
    DESKTOP = "desktop"
    """They do, on the agent page or through the API."""


class AgentTable(Table):
    """`[[agent]]`: a person who takes calls."""

    dbid: Dbid = option("dbid", "Number of the agent.", source="vendor", core="Agent.dbid")
    login: Name = option("login", "What the agent signs in with.", source="vendor", allowed=NAME, core="Agent.login")
    phone: Dn = option(
        "phone",
        "Phone (DN) of the agent, unless the agent names another when signing in.",
        source="vendor",
        allowed=DN,
        core="Agent.phone",
    )
    shift_end: TimeOfDay | None = option(
        "shift-end",
        "When the agent's shift ends each day, if not with that of the agent groups; in their time zones.",
        default=None,
        allowed=TIME_OF_DAY,
    )


class AgentRangeTable(Table):
    """`[[agent-range]]`: many agents who differ only by a number."""

    first_dbid: Dbid = option("first-dbid", "Number of the first agent; the others follow one by one.")
    count: int = option("count", "How many agents.", unit="agents", ge=1, le=AGENTS_MAX)
    login: str = option(
        "login",
        "What they sign in with; `{n}` is the agent's own number, `{n:03}` the same with leading zeros.",
        allowed='text with {n} or {n:03} in it, such as "agent{n}"',
        max_length=200,
        pattern=_TEMPLATE,
    )
    phone: str = option(
        "phone",
        "Their phones (DNs), in the same way.",
        allowed='text with {n} or {n:03} in it, such as "1{n:03}"',
        max_length=100,
        pattern=_TEMPLATE,
    )
    first_n: int | None = option(
        "first-n", "`{n}` of the first agent. Left out: the agent's DBID.", default=None, ge=0, le=DBID_MAX
    )


class AgentGroupTable(Table):
    """`[[agent-group]]`: agents who work together."""

    dbid: Dbid = option("dbid", "Number of the agent group.", source="vendor", core="AgentGroup.dbid")
    name: Name = option("name", "Name of the agent group.", source="vendor", allowed=NAME, core="AgentGroup.name")
    agents: list[Reference] = option(
        "agents",
        'Its agents: logins, DBIDs, or ranges by DBID such as "101..140" or "agent1..agent40".',
        source="vendor",
        allowed='an array of logins (text), DBIDs (whole numbers) and ranges such as "101..140"',
        core="AgentGroup.agents",
        min_length=1,
        max_length=AGENTS_MAX,
    )
    sign_in: Annotated[SignIn, Field(strict=False)] = option(
        "sign-in",
        "Who signs its agents in. `phone`: `outdial serve` does, makes them ready and ends after-call work, as they "
        "have nothing but a phone. `desktop`: they do themselves, on the agent page or through the API, and say what "
        "calls came to. An agent of several groups has a desktop if one of them says so.",
        default=SignIn.PHONE,
    )
    sip_cluster_asm_dial_node: Reference | None = option(
        "sip-cluster-asm-dial-node",
        "Dialer node for campaign groups in the modes with seizing: customer and engaging calls both go there. Left "
        "out, or a DBID that is not among the connections: the prime node.",
        default=None,
        source="guide",
        allowed=f"{REFERENCE} of a primary SIP server",
        core="AgentGroup.sip_cluster_asm_dial_node",
    )
    shift_end: TimeOfDay | None = option(
        "shift-end",
        "When the shift of its agents ends each day, in local time. A promise for pacing, read by `outdial serve`: no "
        "call is started for an agent who will be gone when the person answers. Nobody is signed out by it. An agent "
        "of several groups leaves at the earliest end. Left out: they stay.",
        default=None,
        allowed=TIME_OF_DAY,
    )
    time_zone: str = option(
        "time-zone",
        "Time zone of `shift-end`, its own and its agents'.",
        default="UTC",
        allowed='an IANA time zone, such as "Europe/Berlin"',
        max_length=100,
    )
