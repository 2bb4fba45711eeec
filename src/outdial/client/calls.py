"""The calls of the API, with names for numbers and the API's own models."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from outdial.api.board import AgentBoard, AlarmView, Board, GroupBoard, NodeBoard, PoolBoard
from outdial.api.compliance import PreflightView
from outdial.api.configuration_file import ConfigurationChanges
from outdial.api.record_reasons import WhyView
from outdial.api.running_settings import ObjectSettings, SettingView, Value
from outdial.client.board_stream import boards
from outdial.client.record_calls import RecordCalls
from outdial.client.requests import find, query
from outdial.client.rule_calls import RuleCalls
from outdial.client.transport import TIMEOUT_S, Answer, Http, Transport
from outdial.core.modes import DialingMode


class Client(RecordCalls, RuleCalls):
    """One server. Groups, nodes and lists are given by name or DBID."""

    def __init__(
        self, server: str, token: str = "", transport: Transport | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        """Nothing is asked yet.

        Args:
            server: `http://host:port` or `https://host:port`.
            token: of `outdial token create`. Empty: none is sent.
            transport: carries the requests instead of HTTP.
            timeout_s: longest silence of the server. Unit: seconds.

        Raises:
            NotReached: the address is none, or would tell the token to everybody.
        """
        self._transport = transport or Http(server, token, timeout_s)

    # --- how things stand -----------------------------------------------------------------------------------------

    def board(self) -> Board:
        """Everything at this instant."""
        return self._get(Board, "/snapshot")

    def boards(self) -> Iterator[Board]:
        """The board each time that it changes, for ever.

        Raises:
            NotReached: the stream has ended.
        """
        return boards(self._transport)

    def groups(self) -> list[GroupBoard]:
        """All campaign groups."""
        return self._list(GroupBoard, "groups")

    def group(self, group: str | int) -> GroupBoard:
        """One campaign group."""
        return find("campaign group", group, self.groups())

    def nodes(self) -> list[NodeBoard]:
        """All SIP cluster nodes."""
        return self._list(NodeBoard, "nodes")

    def node(self, node: str | int) -> NodeBoard:
        """One SIP cluster node."""
        return find("node", node, self.nodes())

    def pools(self) -> list[PoolBoard]:
        """All port pools."""
        return self._list(PoolBoard, "pools")

    def agents(self) -> list[AgentBoard]:
        """All agents."""
        return self._list(AgentBoard, "agents")

    def alarms(self) -> list[AlarmView]:
        """What an operator must know."""
        return self._list(AlarmView, "alarms")

    def why(self, **asked: str | int) -> list[WhyView]:
        """Why nothing happens.

        Args:
            asked: one of `group`, `agent`, `node`, `record`, `number`.
        """
        return self._parse(TypeAdapter(list[WhyView]), self._json("GET", f"/why{query(asked.items())}")["subjects"])

    # --- campaign groups ------------------------------------------------------------------------------------------

    def start_group(self, group: str | int) -> GroupBoard:
        """Start dialing."""
        return self._do_group(group, "start")

    def stop_group(self, group: str | int) -> GroupBoard:
        """Stop dialing; calls in progress end by themselves."""
        return self._do_group(group, "stop")

    def pause_group(self, group: str | int) -> GroupBoard:
        """Dial nothing new for a while."""
        return self._do_group(group, "pause")

    def resume_group(self, group: str | int) -> GroupBoard:
        """Take back a pause."""
        return self._do_group(group, "resume")

    def change_mode(self, group: str | int, mode: DialingMode) -> GroupBoard:
        """Change the dialing mode."""
        return self._do_group(group, "mode", {"mode": mode.value})

    def preflight(self, group: str | int) -> PreflightView:
        """When the customers of a campaign group may be called, if nobody is called."""
        return self._get(PreflightView, f"/groups/{self.group(group).dbid}/preflight")

    def _do_group(self, group: str | int, what: str, body: Any = None) -> GroupBoard:
        return self._post(GroupBoard, f"/groups/{self.group(group).dbid}/{what}", body)

    # --- nodes ----------------------------------------------------------------------------------------------------

    def drain_node(self, node: str | int) -> NodeBoard:
        """Send no new requests to a node."""
        return self._do_node(node, "drain")

    def enable_node(self, node: str | int) -> NodeBoard:
        """Take back a drain."""
        return self._do_node(node, "enable")

    def promote_node(self, node: str | int) -> NodeBoard:
        """Make an active node the prime node."""
        return self._do_node(node, "promote")

    def _do_node(self, node: str | int, what: str) -> NodeBoard:
        return self._post(NodeBoard, f"/nodes/{self.node(node).dbid}/{what}")

    # --- settings and configuration -------------------------------------------------------------------------------

    def settings(self, group: str | int) -> ObjectSettings:
        """What may be changed of a campaign group, and was."""
        answer = self._transport.send("GET", f"/groups/{self.group(group).dbid}/settings")
        return self._settings_of(answer)

    def change_settings(
        self, group: str | int, values: Mapping[str, Value | None], tag: str | None = None
    ) -> ObjectSettings:
        """Change settings of a campaign group; None takes a change back.

        Args:
            group: which.
            values: by name.
            tag: of the settings that this is based on. None: those of this instant.
        """
        dbid = self.group(group).dbid
        tag = tag or self._transport.send("GET", f"/groups/{dbid}/settings").tag
        return self._settings_of(self._send("PATCH", f"/groups/{dbid}", dict(values), {"If-Match": tag}))

    def _settings_of(self, answer: Answer) -> ObjectSettings:
        found = self._parse(TypeAdapter(list[SettingView]), self._loads(answer)["settings"])
        return ObjectSettings(answer.tag, tuple(found))

    def configuration(self) -> tuple[str, str]:
        """The configuration file and its entity tag."""
        answer = self._transport.send("GET", "/configuration")
        return answer.body.decode(), answer.tag

    def check_configuration(self, text: str) -> ConfigurationChanges:
        """What a configuration would change."""
        return self._put_configuration(text, "?dry_run=true", {})

    def replace_configuration(self, text: str, tag: str) -> ConfigurationChanges:
        """Put a configuration into effect, in the place of the one with this entity tag."""
        return self._put_configuration(text, "", {"If-Match": tag})

    def _put_configuration(self, text: str, query: str, headers: Mapping[str, str]) -> ConfigurationChanges:
        kind = {"Content-Type": "application/toml", **headers}
        answer = self._transport.send("PUT", f"/configuration{query}", text.encode(), kind)
        return self._parse(TypeAdapter(ConfigurationChanges), self._loads(answer))
