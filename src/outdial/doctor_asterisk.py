"""What `outdial doctor` looks at on one Asterisk, in the order in which things can go wrong.

Every question only reads. No call is placed, nothing on the server changes, and an outdial that is dialing there is not
disturbed: ARI is opened under an application name of its own, as a second websocket of the same name would take over
the first one's. What the server's user of the manager interface may not ask is left out and said: the user that outdial
ships has as few rights as dialing needs.
"""

import asyncio
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from outdial.config.loaded import Server
from outdial.core.errors import ConfigError
from outdial.doctor_findings import Finding, Level, Needs
from outdial.doctor_talk import AmiTalk, AriTalk, Silent
from outdial.drivers.ami.link import AmiAddress
from outdial.drivers.ari.session import AriAddress
from outdial.drivers.ari.wire import AriRequest, path_of

# Versions that outdial was made for and measured with.
VERSIONS = range(16, 23)

# A clock that differs by more makes logs of two machines hard to read together. Unit: s.
CLOCK_LIMIT_S = 2.0

# Names that are spelled out in one line; the others are counted.
NAMES_MAX = 5

RESOLVE_LIMIT_S = 5.0

ACTIONS: Mapping[str, str] = {
    "Originate": "originate",
    "Hangup": "call",
    "Redirect": "call",
    "Setvar": "call",
    "CoreShowChannels": "reporting",
    "DeviceStateList": "reporting",
}
"""Actions that dialing needs, and the class in `write =` of manager.conf that allows them."""

MODULES: Mapping[str, str] = {
    "chan_pjsip": "calls over SIP",
    "res_pjsip": "calls over SIP",
    "res_pjsip_header_funcs": "the header that makes agents' phones answer by themselves",
    "pbx_config": "the dialplan in extensions.conf",
    "app_amd": "telling persons from answering machines; needs a file amd.conf",
    "app_dial": "connecting customers to agents",
    "app_stack": "connecting customers to agents",
    "app_userevent": "hearing what the dialplan finds out",
    "res_manager_devicestate": "the states of agents' phones",
}
ARI_MODULES: Mapping[str, str] = {
    "app_stasis": "holding calls for seizing modes",
    "res_ari_applications": "ARI",
    "res_ari_bridges": "joining customers and agents",
    "res_ari_channels": "joining customers and agents",
    "res_ari_events": "the websocket of ARI",
    "bridge_simple": "joining customers and agents",
}
"""Modules, and what for. The second group only with driver asterisk-ari."""

CONTEXT = "outdial"
EXTENSIONS = ("wait", "detect", "agent", "message", "auto-answer", "preview", "fax")
ARI_EXTENSIONS = ("join", "detect-join", "engaged")

FILES = "write the files with `outdial asterisk-config` and include them"


async def examine(server: Server, needs: Needs, *, utc_s: Callable[[], float] = time.time) -> list[Finding]:
    """Look at one Asterisk.

    Args:
        server: with driver asterisk-ami or asterisk-ari.
        needs: what it is for.
        utc_s: our own clock. Unit: s since 1970.

    Returns:
        Findings in the order of looking. What cannot work without something that is broken is left out.
    """
    examination = _Examination(server, needs, utc_s)
    await examination.run()
    return examination.findings


class _Examination:
    def __init__(self, server: Server, needs: Needs, utc_s: Callable[[], float]) -> None:
        self.findings: list[Finding] = []
        self._server = server
        self._needs = needs
        self._utc_s = utc_s
        self._has_ari = server.ari_port is not None
        self._devices: dict[str, str] | None = None
        """State of every device that the server knows; None: not known."""
        self._allowed: Collection[str] = ()
        """Actions that our user may use."""

    async def run(self) -> None:
        if not self._read_password() or not await self._resolve():
            return
        ami = AmiTalk(AmiAddress(self._server.host, self._server.port, self._server.user, self._password))
        ari = self._make_ari_talk()
        try:
            self._judge_version(await ami.open())
            for look in (self._look_at_clock, self._look_at_rights, self._look_at_dialplan, self._look_at_applications):
                await look(ami)
            await self._read_devices(ami)
            await self._look_at_trunk(ami)
            self._look_at_phones()
            is_ari_open = ari is not None and await self._look_at_ari(ari)
            await self._look_at_modules(ami, ari if is_ari_open else None)
        except Silent as error:
            self._say("manager", Level.ERROR, str(error), self._advice_for(str(error)))
        finally:
            ami.close()
            if ari is not None:
                ari.close()

    def _say(self, check: str, level: Level, text: str, advice: str = "") -> None:
        self.findings.append(Finding(check, level, text, advice))

    def _password(self) -> str:
        return self._server.password.read() if self._server.password is not None else ""

    # --- getting in --------------------------------------------------------------------------------------------------

    def _read_password(self) -> bool:
        try:
            self._password()
        except ConfigError as error:
            self._say("password", Level.ERROR, str(error), "put it there, readable for outdial")
            return False
        return True

    async def _resolve(self) -> bool:
        host = self._server.host
        try:
            async with asyncio.timeout(RESOLVE_LIMIT_S):
                found = await asyncio.get_running_loop().getaddrinfo(host, self._server.port)
        except (OSError, TimeoutError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or f"no answer within {RESOLVE_LIMIT_S:g} s"
            self._say("name", Level.ERROR, f"{host}: {reason}", "correct `host`, or the name service")
            return False
        addresses = sorted({str(address[4][0]) for address in found})
        if addresses != [host]:
            self._say("name", Level.OK, f"{host} is {_names(addresses)}")
        return True

    def _judge_version(self, version: str) -> None:
        where = f"{self._server.host} port {self._server.port}"
        self._say("manager", Level.OK, f"{where}: logged in as {self._server.user!r}, fully booted")
        number = re.match(r"Asterisk (?:certified/)?(\d+)", version)
        if number is not None and int(number[1]) in VERSIONS:
            self._say("version", Level.OK, version)
        else:
            advice = f"outdial was made for Asterisk {VERSIONS[0]} to {VERSIONS[-1]}; try it before you dial"
            self._say("version", Level.WARNING, version or "unknown", advice)

    def _advice_for(self, reason: str) -> str:
        """What to do when the manager interface gives no answer."""
        if "login refused" in reason or "at the login" in reason:
            return f"compare user {self._server.user!r}, its secret, `permit` and `deny` in manager.conf"
        if "booted" in reason:
            return "wait; if it stays so, give the user `read = system,call,user` in manager.conf"
        if "banner" in reason:
            return "the server hangs, or something else than a manager interface is on this port"
        return "start Asterisk; in manager.conf, [general]: enabled = yes, `port`, `bindaddr`; look at the firewall"

    # --- over AMI ----------------------------------------------------------------------------------------------------

    async def _look_at_clock(self, ami: AmiTalk) -> None:
        before_s = self._utc_s()
        [pong] = await ami.ask("Ping")
        try:
            ahead_s = float(pong.fields.get("Timestamp", "")) - (before_s + self._utc_s()) / 2
        except ValueError:
            self._say("clock", Level.NOTE, "the server does not tell its time")
            return
        if abs(ahead_s) <= CLOCK_LIMIT_S:
            self._say("clock", Level.OK, f"within {CLOCK_LIMIT_S:g} s of ours")
        else:
            text = f"{abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} ours"
            self._say("clock", Level.WARNING, text, "let both machines follow a time server (NTP)")

    async def _look_at_rights(self, ami: AmiTalk) -> None:
        [answer] = await ami.ask("ListCommands")
        self._allowed = answer.fields.keys()
        missing = [action for action in ACTIONS if action not in self._allowed]
        if not missing:
            self._say("rights", Level.OK, "the user may do all that dialing needs")
            return
        classes = ",".join(sorted({ACTIONS[action] for action in missing}))
        advice = f"add {classes} to `write` of user {self._server.user!r} in manager.conf"
        if missing == ["DeviceStateList"]:
            advice += ", and load res_manager_devicestate"
        self._say("rights", Level.ERROR, f"the user may not {_names(missing)}", advice)

    async def _look_at_dialplan(self, ami: AmiTalk) -> None:
        extensions = await self._extensions(ami, CONTEXT)
        if extensions is None:
            return
        missing = [name for name in (*EXTENSIONS, *(ARI_EXTENSIONS if self._has_ari else ())) if name not in extensions]
        if not extensions:
            self._say("dialplan", Level.ERROR, f"there is no context [{CONTEXT}]", FILES)
        elif missing:
            self._say("dialplan", Level.ERROR, f"context [{CONTEXT}] lacks {_names(missing)}", FILES)
        else:
            self._say("dialplan", Level.OK, f"context [{CONTEXT}] has what outdial needs")

    async def _look_at_applications(self, ami: AmiTalk) -> None:
        for context, group in self._needs.applications.items():
            extensions = await self._extensions(ami, context)
            if extensions is None:
                return
            if "s" in extensions:
                self._say("ivr", Level.OK, f"context [{context}] of group {group}")
            else:
                what = f"context [{context}]" + (" has no extension s" if extensions else " does not exist")
                advice = f"calls of group {group} enter it at s, priority 1: write it, or correct `ivr-application`"
                self._say("ivr", Level.ERROR, what, advice)

    async def _extensions(self, ami: AmiTalk, context: str) -> set[str] | None:
        """Extensions of a context; empty when there is none. None: we may not ask, and said so."""
        if "ShowDialPlan" not in self._allowed:
            if not any(finding.check == "dialplan" for finding in self.findings):
                self._say("dialplan", Level.NOTE, "not looked at: the user may not ask (write = reporting)")
            return None
        answer = await ami.ask("ShowDialPlan", ("Context", context), until="ShowDialPlanComplete")
        return {
            message.fields.get("Extension", "")
            for message in answer
            if message.event == "ListDialplan" and message.fields.get("Context") == context
        } - {""}

    # --- endpoints ---------------------------------------------------------------------------------------------------

    async def _read_devices(self, ami: AmiTalk) -> None:
        if "DeviceStateList" not in self._allowed:
            return  # said already
        answer = await ami.ask("DeviceStateList", until="DeviceStateListComplete")
        self._devices = {message.fields.get("Device", ""): message.fields.get("State", "") for message in answer[1:]}

    async def _look_at_trunk(self, ami: AmiTalk) -> None:
        dial_string = self._server.dial_string
        endpoint = endpoint_of(dial_string.replace("{number}", "1"))
        if endpoint is None or self._devices is None:
            why = "its technology is not PJSIP" if endpoint is None else "the user may not ask"
            self._say("trunk", Level.NOTE, f"{dial_string}: not looked at: {why}")
            return
        state = self._devices.get(f"PJSIP/{endpoint}")
        if state is None:
            self._say("trunk", Level.ERROR, f"{dial_string}: there is no endpoint {endpoint!r}", "see pjsip.conf")
        elif state in ("UNAVAILABLE", "INVALID"):
            advice = f"see the contact of its AOR with `pjsip show endpoint {endpoint}`"
            self._say("trunk", Level.ERROR, f"{dial_string}: endpoint {endpoint!r} cannot be reached", advice)
        else:
            self._say("trunk", Level.OK, f"{dial_string}: endpoint {endpoint!r} is there")

    def _look_at_phones(self) -> None:
        devices, pattern = self._devices, self._server.phone_string
        if devices is None or not self._needs.phones:
            return
        unknown, away = [], []
        for phone in self._needs.phones:
            endpoint = endpoint_of(pattern.replace("{phone}", phone))
            if endpoint is None:
                self._say("phones", Level.NOTE, f"{pattern}: not looked at: its technology is not PJSIP")
                return
            state = devices.get(f"PJSIP/{endpoint}")
            if state is None:
                unknown.append(phone)
            elif state in ("UNAVAILABLE", "INVALID"):
                away.append(phone)
        count = f"of {len(self._needs.phones)} phones"
        if unknown:
            advice = "give each an endpoint in pjsip.conf, or correct `phone-string` or the agents' `phone`"
            self._say("phones", Level.ERROR, f"unknown: {len(unknown)} {count}: {_names(unknown)}", advice)
        if away:
            advice = "they have not registered, or do not answer; calls cannot be passed to them"
            self._say("phones", Level.WARNING, f"out of reach: {len(away)} {count}: {_names(away)}", advice)
        if not unknown and not away:
            self._say("phones", Level.OK, f"all {len(self._needs.phones)} can be reached")

    # --- ARI ---------------------------------------------------------------------------------------------------------

    def _make_ari_talk(self) -> AriTalk | None:
        server = self._server
        if server.ari_port is None:
            return None
        app = f"{server.stasis_app}-doctor"
        return AriTalk(AriAddress(server.host, server.ari_port, server.user, self._password, app))

    async def _look_at_ari(self, ari: AriTalk) -> bool:
        server = self._server
        try:
            await ari.open()
        except Silent as error:
            advice = (
                f"http.conf: enabled = yes, bindaddr, bindport = {server.ari_port}; ari.conf: enabled = yes, the user"
            )
            self._say("ari", Level.ERROR, str(error), advice)
            return False
        # Nothing has this name, so nothing is deleted: the answer tells whether it would have been allowed.
        trial = await ari.ask(AriRequest("DELETE", path_of("bridges", f"{server.stasis_app}-doctor-none")))
        if trial.status == 403:
            advice = f"set read_only = no for user {server.user!r} in ari.conf"
            self._say("ari", Level.ERROR, f"user {server.user!r} may only read", advice)
        elif trial.status != 404:
            self._say(
                "ari", Level.ERROR, f"no bridges: HTTP {trial.status or 'without answer'}", "load res_ari_bridges"
            )
        else:
            self._say("ari", Level.OK, f"{server.host} port {server.ari_port}: logged in, the websocket opens")
        app = await ari.ask(AriRequest("GET", path_of("applications", server.stasis_app)))
        if app.is_done:
            text = f"application {server.stasis_app!r} is in use now; only one outdial can have it"
            self._say("ari", Level.NOTE, text)
        return True

    # --- modules -----------------------------------------------------------------------------------------------------

    async def _look_at_modules(self, ami: AmiTalk, ari: AriTalk | None) -> None:
        wanted = {**MODULES, **(ARI_MODULES if self._has_ari else {})}
        if self._needs.plays_messages:
            wanted["app_playback"] = "the drop message"
        missing = []
        for module in wanted:
            is_loaded = await self._is_loaded(module, ami, ari)
            if is_loaded is None:
                self._say("modules", Level.NOTE, "not looked at: the user may not ask (write = system)")
                return
            if not is_loaded:
                missing.append(module)
        for module in missing:
            text, advice = f"{module} is not loaded", f"load it in modules.conf: {wanted[module]}"
            self._say("modules", Level.ERROR, text, advice)
        if not missing:
            self._say("modules", Level.OK, f"the {len(wanted)} that outdial needs are loaded")

    async def _is_loaded(self, module: str, ami: AmiTalk, ari: AriTalk | None) -> bool | None:
        if "ModuleCheck" in self._allowed:
            [answer] = await ami.ask("ModuleCheck", ("Module", module))
            return answer.response == "Success"
        if ari is not None:
            reply = await ari.ask(AriRequest("GET", path_of("asterisk", "modules", f"{module}.so")))
            return _is_running(reply.status, reply.body)
        return None


def _is_running(status: int, body: bytes) -> bool | None:
    """Read ARI's answer about a module. None: it cannot tell."""
    if status == 404:
        return False if b"odule" in body else None  # without res_ari_asterisk the resource itself is not found
    try:
        return bool(msgspec.json.decode(body)["status"] == "Running") if status == 200 else None
    except (msgspec.DecodeError, KeyError, TypeError):
        return None


def endpoint_of(channel: str) -> str | None:
    """The PJSIP endpoint that a channel calls: of `PJSIP/1@trunk` and `PJSIP/trunk/sip:1@host` it is `trunk`.

    Returns:
        None when the channel's technology is another one.
    """
    technology, _, rest = channel.partition("/")
    if technology.upper() != "PJSIP" or not rest:
        return None
    first = rest.partition("/")[0]
    return first.partition("@")[2] or first


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
