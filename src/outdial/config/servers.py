"""Tables for this server and the telephony side: `[ocs]`, `[[switch]]`, `[[sip-server]]`, `[[cpd-server]]`."""

import enum
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import Field, PlainValidator

from outdial.config.options import (
    NAME,
    REFERENCE,
    Dbid,
    Name,
    Reference,
    Table,
    core_default,
    option,
    seconds_default,
)
from outdial.core.settings import LoadBalancing, Node, Ocs, PrimeNodeLoss, Switch

PORTS_MAX = 1_000_000


class Driver(enum.StrEnum):
    """How a server is spoken to."""

    ASTERISK_AMI = "asterisk-ami"
    """Asterisk over its manager interface: every mode but those with seizing."""
    ASTERISK_ARI = "asterisk-ari"
    """Asterisk over AMI and ARI on the same server: every mode."""
    FREESWITCH_ESL = "freeswitch-esl"
    SIM = "sim"

    @property
    def is_asterisk(self) -> bool:
        """Whether the server is an Asterisk."""
        return self in (Driver.ASTERISK_AMI, Driver.ASTERISK_ARI)


DIAL_STRING = "PJSIP/{number}@trunk"
PHONE_STRING = "PJSIP/{phone}"
STASIS_APP = "outdial"
REQUESTS_IN_FLIGHT_MAX = 50

CHANNEL_CHARACTERS_MAX = 200
"""Longest string that names a channel. Unit: characters."""
HEADER_CHARACTERS_MAX = 200
"""Longest SIP header. Unit: characters."""

_CHANNEL = re.compile(r"[A-Za-z][A-Za-z0-9]*/[A-Za-z0-9_.:@/+*#=;-]+")
# A token of RFC 3261; then what can pass through a dialplan variable unharmed.
_HEADER = re.compile(r"[A-Za-z0-9.!%*_+'~-]{1,64}: [A-Za-z0-9!#%&'*+./:;<=>?@^_~-][A-Za-z0-9 !#%&'*+./:;<=>?@^_~-]*")


def _channel_with(placeholder: str) -> Callable[[object], str]:
    """A check that a value names a channel and holds the placeholder once."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("not text")
        if value.count(placeholder) != 1:
            raise ValueError(f"holds {placeholder} {value.count(placeholder)} times")
        if len(value) > CHANNEL_CHARACTERS_MAX:
            raise ValueError("too long")
        if not _CHANNEL.fullmatch(value.replace(placeholder, "0")):
            raise ValueError("not the name of a channel")
        return value

    return check


def _phone_channel(value: object) -> str:
    """A channel whose device state is known by the same name: one endpoint, reached through nothing else."""
    text = _channel_with("{phone}")(value)
    if "@" in text or text.count("/") != 1:
        raise ValueError("not one endpoint of the server: outdial follows its state")
    return text


def _header(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    if len(value) > HEADER_CHARACTERS_MAX:
        raise ValueError("too long")
    if not _HEADER.fullmatch(value) or value.endswith(" "):
        raise ValueError("not a SIP header")
    return value


def _channel_allowed(example: str) -> str:
    return (
        f'technology/resource with the placeholder once, such as "{example}"; letters, digits and _ . : @ / + * # = ; -'
    )


class OcsTable(Table):
    """`[ocs]`: this server's own options."""

    connections: list[Reference] = option(
        "connections",
        "Primary SIP server applications that take part in load balancing, in round-robin order. Backups are not "
        "listed: each is found through its primary.",
        source="guide",
        allowed=f"an array of 1 … 1,000 entries, each {REFERENCE}",
        core="Ocs.connections",
        min_length=1,
        max_length=1_000,
    )
    sip_cluster_lb_mode: Annotated[LoadBalancing, Field(strict=False)] = option(
        "sip-cluster-lb-mode",
        "How dial requests are spread over the nodes. `none`: all go to the prime node.",
        default=core_default(Ocs, "sip_cluster_lb_mode"),
        source="guide",
        core="Ocs.sip_cluster_lb_mode",
    )
    sip_cluster_prime_node: Reference | None = option(
        "sip-cluster-prime-node",
        "The node whose events about agents' phones (DNs) are followed. Needed with load balancing; without it the "
        "first connection is the prime node.",
        default=core_default(Ocs, "sip_cluster_prime_node"),
        source="guide",
        allowed=f"{REFERENCE} of a primary SIP server among the connections",
        core="Ocs.sip_cluster_prime_node",
    )
    prime_node_loss: Annotated[PrimeNodeLoss, Field(strict=False)] = option(
        "prime-node-loss",
        "When primary and backup of the prime node are lost: `stop` all dialing, as the guide says, or `promote` "
        "another node.",
        default=core_default(Ocs, "prime_node_loss"),
        core="Ocs.prime_node_loss",
    )
    node_outlier_ejection: bool = option(
        "node-outlier-ejection",
        "Leave out a node while its share of server failures or its answer latency is far off the others'.",
        default=core_default(Ocs, "node_outlier_ejection"),
        core="Ocs.node_outlier_ejection",
    )
    port_recalculation_s: float = option(
        "port-recalculation-s",
        "Period at which the maximum number of ports of every campaign group is calculated anew.",
        default=seconds_default(Ocs, "port_recalculation_ms"),
        unit="seconds",
        core="Ocs.port_recalculation_ms",
        ge=0.1,
        le=3_600,
    )
    accept_timeout_s: float = option(
        "accept-timeout-s",
        "Longest wait for a server to accept a request before the request counts as lost.",
        default=seconds_default(Ocs, "accept_ms_max"),
        unit="seconds",
        core="Ocs.accept_ms_max",
        ge=0.1,
        le=60,
    )
    release_timeout_s: float = option(
        "release-timeout-s",
        "Longest wait for a server to confirm the release of a call.",
        default=seconds_default(Ocs, "release_ms_max"),
        unit="seconds",
        core="Ocs.release_ms_max",
        ge=0.1,
        le=60,
    )
    reconnect_s: float = option(
        "reconnect-s",
        "Pause before a lost connection is tried again.",
        default=seconds_default(Ocs, "reconnect_ms"),
        unit="seconds",
        core="Ocs.reconnect_ms",
        ge=0.1,
        le=3_600,
    )
    audit_s: float = option(
        "audit-s",
        "Period at which each active node is asked which of our calls it still has. 0: never.",
        default=seconds_default(Ocs, "audit_ms"),
        unit="seconds",
        core="Ocs.audit_ms",
        ge=0,
        le=3_600,
    )
    talk_s_max: float = option(
        "talk-s-max",
        "Longest conversation. A call beyond it is released, because its end was missed.",
        default=seconds_default(Ocs, "talk_ms_max"),
        unit="seconds",
        core="Ocs.talk_ms_max",
        ge=60,
        le=86_400,
    )
    lost_call_s_max: float = option(
        "lost-call-s-max",
        "How long an answered call on a lost node is kept, in case the node returns with it.",
        default=seconds_default(Ocs, "lost_call_ms_max"),
        unit="seconds",
        core="Ocs.lost_call_ms_max",
        ge=0,
        le=3_600,
    )


class SwitchTable(Table):
    """`[[switch]]`: a SIP switch. It is shared by all nodes of one SIP cluster and owns their dialing ports."""

    dbid: Dbid = option("dbid", "Number of the switch.", source="vendor", core="Switch.dbid")
    name: Name = option("name", "Name of the switch.", source="vendor", allowed=NAME, core="Switch.name")
    channel_num: int = option(
        "channel_num",
        "Total dialing ports. Ports that active nodes report (`total-ports`) take its place.",
        source="guide",
        unit="ports",
        core="Switch.channel_num",
        ge=0,
        le=PORTS_MAX,
    )
    dynamic_port_allocation: bool = option(
        "dynamic-port-allocation",
        "Share the ports between campaign groups in proportion to what each needs.",
        default=core_default(Switch, "dynamic_port_allocation"),
        source="guide",
        core="Switch.dynamic_port_allocation",
    )


class ServerTable(Table):
    """What SIP servers and CPD servers have in common: one application, primary or backup."""

    dbid: Dbid = option(
        "dbid",
        "Number of the application; SIP servers and CPD servers are numbered together.",
        source="vendor",
        core="Node.dbid",
    )
    name: Name = option("name", "Name of the application.", source="vendor", allowed=NAME, core="Node.name")
    driver: Annotated[Driver, Field(strict=False)] = option("driver", "How the server is spoken to.")
    host: str | None = option(
        "host",
        "Address of the server. Not needed with driver `sim`.",
        default=None,
        allowed="a host name or an IP address",
        pattern=r"^[A-Za-z0-9_.:%\[\]-]{1,253}$",
    )
    port: int | None = option(
        "port",
        "TCP port of the server: with Asterisk that of the manager interface. Left out: 5038 (`asterisk-ami`, "
        "`asterisk-ari`), 8021 (`freeswitch-esl`).",
        default=None,
        ge=1,
        le=65_535,
    )
    user: str | None = option(
        "user",
        "Name to log in with (`asterisk-ami`, `asterisk-ari`).",
        default=None,
        allowed="text of 1 … 128 characters",
        min_length=1,
        max_length=128,
        pattern=r"^[^\p{Cc}]+$",
    )
    password_file: str | None = option(
        "password-file",
        "File whose first line is the password, relative to the configuration file. Read when connecting.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    password_env: str | None = option(
        "password-env",
        "Environment variable that holds the password. Read when connecting.",
        default=None,
        allowed="the name of an environment variable",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$",
    )
    ari_port: int | None = option(
        "ari-port",
        "TCP port of the server's HTTP interface. Left out: 8088. Only with driver `asterisk-ari`.",
        default=None,
        ge=1,
        le=65_535,
    )
    dial_string: Annotated[str, PlainValidator(_channel_with("{number}"))] | None = option(
        "dial-string",
        "Asterisk channel that reaches a customer; `{number}` is the number. Left out: that of the primary, else "
        f"`{DIAL_STRING}`.",
        default=None,
        allowed=_channel_allowed(DIAL_STRING),
    )
    phone_string: Annotated[str, PlainValidator(_phone_channel)] | None = option(
        "phone-string",
        "Asterisk channel that reaches an agent's phone, an endpoint of the server; `{phone}` is the phone (DN). Its "
        f"device state is followed under the same name. Left out: that of the primary, else `{PHONE_STRING}`.",
        default=None,
        allowed=_channel_allowed(PHONE_STRING),
    )
    auto_answer_header: Annotated[str, PlainValidator(_header)] | None = option(
        "auto-answer-header",
        "SIP header that makes agents' phones answer by themselves, such as `Call-Info: <sip:outdial>;answer-after=0`. "
        "Left out: that of the primary, else none.",
        default=None,
        allowed="`Name: value` on one line; the value without quotes, commas, brackets, dollar signs and backslashes",
    )
    stasis_app: str | None = option(
        "stasis-app",
        "Name under which outdial receives calls over ARI: one of its own for every outdial on the same server. Left "
        f"out: that of the primary, else `{STASIS_APP}`. Only with driver `asterisk-ari`.",
        default=None,
        allowed="text of 1 … 64 letters, digits and - _",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
    )
    requests_in_flight_max: int | None = option(
        "requests-in-flight-max",
        "Most dial requests that an Asterisk may have before it shows the first sign of their calls; the others wait. "
        f"Left out: that of the primary, else {REQUESTS_IN_FLIGHT_MAX}.",
        default=None,
        unit="requests",
        ge=1,
        le=1_000,
    )
    backup: Reference | None = option(
        "backup",
        "The backup application: used while the primary cannot be reached. Both together are one node.",
        default=None,
        source="guide",
        allowed=f"{REFERENCE} of another application of the same kind",
        core="Node.backup",
    )
    call_rate_max: int | None = option(
        "call-rate-max",
        "Most dial requests per second that the node is sent. Left out: no limit. Set on the primary.",
        default=core_default(Node, "call_rate_max"),
        unit="requests per second",
        core="Node.call_rate_max",
        ge=1,
        le=10_000,
    )
    slow_start_s: float = option(
        "slow-start-s",
        "After a return, the call rate grows from a tenth to `call-rate-max` over this time. 0: at once. Set on the "
        "primary.",
        default=seconds_default(Node, "slow_start_ms"),
        unit="seconds",
        core="Node.slow_start_ms",
        ge=0,
        le=3_600,
    )


class SipServerTable(ServerTable):
    """`[[sip-server]]`: one SIP server application, primary or backup."""

    switch: Reference | None = option(
        "switch",
        "The switch whose ports the node's calls use. Needed on a primary; a backup has its primary's.",
        default=None,
        source="vendor",
        allowed=f"{REFERENCE} of a switch",
        core="Node.switch",
    )
    total_ports: int | None = option(
        "total-ports",
        "Ports that this server has. When active nodes report theirs, the sum takes the place of `channel_num`.",
        default=None,
        source="vendor",
        unit="ports",
        ge=0,
        le=PORTS_MAX,
    )


class CpdServerTable(ServerTable):
    """`[[cpd-server]]`: one CPD server application, primary or backup: a dialer with ports of its own."""

    ports: int | None = option(
        "ports",
        "Total ports of the CPD server. Needed on a primary; a backup has its primary's.",
        default=None,
        source="guide",
        unit="ports",
        core="Node.ports",
        ge=0,
        le=PORTS_MAX,
    )
    dynamic_port_allocation: bool = option(
        "dynamic-port-allocation",
        "Share the ports between campaign groups in proportion to what each needs. Set on the primary.",
        default=core_default(Node, "dynamic_port_allocation"),
        source="guide",
        core="Node.dynamic_port_allocation",
    )
