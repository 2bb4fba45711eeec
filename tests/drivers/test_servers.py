"""Commands find the server that they are for."""

import asyncio
from dataclasses import replace
from typing import ClassVar

import pytest

from outdial.core.commands import (
    Connect,
    Dial,
    Disconnect,
    Join,
    QueryCalls,
    Release,
    ReleaseEngaging,
    Reply,
    Transfer,
)
from outdial.core.events import CallReleased, DialRejected, EngagingReleased, ServerLost
from outdial.core.settings import Configuration, Node, Ocs, Switch
from outdial.drivers import servers as module
from outdial.drivers.ami.link import AmiLink
from outdial.drivers.ami.wire import encode
from outdial.drivers.ari.wire import AriReply
from outdial.drivers.asterisk import AsteriskServer, AsteriskSettings
from outdial.drivers.servers import RUN_CHARACTERS, Servers, draw_run


class Stand:
    """A server that writes down what it is told."""

    made: ClassVar[list["Stand"]] = []

    def __init__(self, settings, run, emit):
        self.settings, self.told, self.calls, self.aborted = settings, [], set(), False
        Stand.made.append(self)

    def configure(self, groups):
        self.groups = groups

    def carry_out(self, command):
        self.told.append(command)
        if isinstance(command, Dial):
            self.calls.add(command.call_id)

    def has_call(self, call_id):
        return call_id in self.calls

    def abort(self):
        self.aborted = True

    def take_over(self, old):
        self.calls |= old.calls


CONFIGURATION = Configuration(Ocs((101, 102)), (Switch(1, "switch", 10),), (Node(101, "east", 1), Node(102, "west", 1)))


APPLICATION = AriReply(200, b'{"channel_ids": []}')


def secret():
    return "secret"


def settings(server_id, host="127.0.0.1"):
    return AsteriskSettings(server_id, server_id, host, "outdial", secret)


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(module, "AsteriskServer", Stand)
    heard = []
    servers = Servers(heard.append, run="abcd1234")
    servers.configure(CONFIGURATION, [settings(101), settings(102)])
    return servers, heard


def dial(call_id, server_id):
    return Dial(call_id, server_id, server_id, 1, 1, 5, "+15550000005", 25_000, True)


def test_requests_go_to_the_server_that_they_name_and_the_rest_follows_the_call(cluster):
    servers, heard = cluster
    for command in (Connect(102), dial(7, 102), Transfer(7, 1, "7101", 20_000), Join(7, 9, 1), Release(7)):
        assert servers.carry_out(command)
    assert servers.by_id[101].told == []
    assert len(servers.by_id[102].told) == 5
    assert heard == []


def test_call_that_no_server_has_is_over(cluster):
    servers, heard = cluster
    servers.carry_out(Release(7))
    servers.carry_out(ReleaseEngaging(8))
    servers.carry_out(Transfer(9, 1, "7101", 20_000))
    assert heard == [CallReleased(7), EngagingReleased(8), CallReleased(9)]


def test_commands_for_others_are_not_taken(cluster):
    servers, _ = cluster
    assert not servers.carry_out(Reply(1, True))


def test_server_that_is_not_configured_cannot_be_connected_to(cluster):
    servers, heard = cluster
    assert servers.carry_out(Connect(999)) and servers.carry_out(QueryCalls(999, 999, 1))
    assert heard == [ServerLost(999, "it is not in the configuration")]


def test_changed_server_is_let_go_and_made_anew_and_the_others_stay(cluster):
    servers, heard = cluster
    old = servers.by_id[101], servers.by_id[102]
    servers.configure(CONFIGURATION, [settings(101), settings(102, "127.0.0.2")])
    assert servers.by_id[101] is old[0] and servers.by_id[102] is not old[1]
    assert (old[0].aborted, old[1].aborted) == (False, True)
    assert heard == [ServerLost(102, "its configuration changed")]


def test_calls_of_a_changed_server_live_on_when_it_is_the_same_asterisk(cluster):
    servers, heard = cluster
    servers.carry_out(dial(7, 102))
    changed = replace(settings(102), requests_max=7)
    servers.configure(CONFIGURATION, [settings(101), changed])
    servers.carry_out(Release(7))
    assert heard == [ServerLost(102, "its configuration changed")]
    assert servers.by_id[102].told == [Release(7)]
    servers.configure(CONFIGURATION, [settings(101), settings(102, "127.0.0.2")])
    servers.carry_out(Release(7))
    assert heard[-1] == CallReleased(7)


# --- servers that leave ------------------------------------------------------------------------------------------


def leaving(cluster):
    """Call 7 is on server 102, which a configuration then does not have any more."""
    servers, _ = cluster
    servers.carry_out(dial(7, 102))
    leaver = servers.by_id[102]
    servers.configure(CONFIGURATION, [settings(101)])
    return leaver


def play(story):
    """Run a story about leaving, a hundred times as fast as life."""

    async def run():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "LEAVE_S", 0.01)
            await story()

    asyncio.run(run())


def test_removed_server_carries_out_everything_up_to_the_last_word_and_is_reset_a_moment_later(cluster):
    servers, heard = cluster

    async def story():
        leaver = leaving(cluster)
        await asyncio.sleep(0.05)
        assert not leaver.aborted
        for command in (Release(7), Disconnect(102), Disconnect(102)):
            assert servers.carry_out(command)
        assert leaver.told[1:] == [Release(7)] and not leaver.aborted
        await asyncio.sleep(0.05)
        assert leaver.aborted and list(servers.by_id) == [101]
        servers.carry_out(Release(7))
        assert heard == [CallReleased(7)]

    play(story)


def test_further_configurations_without_it_leave_a_leaving_server_alone(cluster):
    servers, heard = cluster

    async def story():
        leaver = leaving(cluster)
        servers.carry_out(Disconnect(102))
        servers.configure(CONFIGURATION, [settings(101)])
        assert not leaver.aborted
        await asyncio.sleep(0.05)
        assert leaver.aborted and heard == []

    play(story)


@pytest.mark.parametrize("last_word", [True, False])
def test_server_that_comes_back_while_it_is_leaving_is_made_anew(cluster, last_word):
    servers, heard = cluster

    async def story():
        leaver = leaving(cluster)
        if last_word:
            servers.carry_out(Disconnect(102))
        servers.configure(CONFIGURATION, [settings(101), settings(102)])
        again = servers.by_id[102]
        assert leaver.aborted and again is not leaver
        assert heard == [ServerLost(102, "its configuration changed")]
        await asyncio.sleep(0.05)
        servers.carry_out(Release(7))
        servers.carry_out(Disconnect(102))
        assert again.told == [Release(7), Disconnect(102)] and not again.aborted
        assert servers.by_id[102] is again

    play(story)


def test_leaving_servers_are_reset_with_all_others_at_the_end(cluster):
    servers, _ = cluster

    async def story():
        leaver, stayer = leaving(cluster), servers.by_id[101]
        servers.carry_out(Disconnect(102))
        await servers.close()
        assert leaver.aborted and stayer.aborted
        leaver.aborted = False
        await asyncio.sleep(0.05)
        assert not leaver.aborted  # the timer has gone, too

    play(story)


# --- one server --------------------------------------------------------------------------------------------------


def test_every_process_marks_its_channels_differently():
    marks = {draw_run() for _ in range(100)}
    assert len(marks) == 100
    assert {len(mark) for mark in marks} == {RUN_CHARACTERS}


def test_request_that_cannot_be_written_is_a_rejected_one(monkeypatch):
    def send(name, fields):
        encode(name, fields)

    heard = []
    server = AsteriskServer(settings(101), "abcd1234", heard.append)
    monkeypatch.setattr(server, "_is_up", True)
    monkeypatch.setattr(server._ami, "send", send)
    server.carry_out(Dial(7, 101, 101, 1, 1, 5, "+1555\r\nAction: Logoff", 25_000, True))
    (rejected,) = heard
    assert isinstance(rejected, DialRejected)
    assert not server.has_call(7)


def test_server_that_is_taken_for_connected_says_that_it_is_not():
    heard = []
    server = AsteriskServer(settings(101), "abcd1234", heard.append)
    server.carry_out(QueryCalls(101, 101, 1))
    assert heard == [ServerLost(101, "not connected")]


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([AriReply(500)], "ARI does not say what its application has (status 500)"),
        ([AriReply(200, b"[]")], "ARI does not say what its application has (status 200)"),
        ([APPLICATION, AriReply(0)], "ARI does not say which bridges there are (status 0)"),
        ([APPLICATION, AriReply(200, b"{}")], "ARI does not say which bridges there are (status 200)"),
    ],
)
def test_server_whose_ari_does_not_say_what_there_is_is_lost(monkeypatch, replies, reason):
    heard, asked = [], []

    def request(request, on_reply):
        asked.append(request.path)
        on_reply(replies[len(asked) - 1])

    server = AsteriskServer(replace(settings(101), ari_port=8088), "abcd1234", heard.append)
    monkeypatch.setattr(AmiLink, "is_up", property(lambda _: True))
    monkeypatch.setattr(server._ari, "request", request)
    server._ari_up()
    assert asked == ["/applications/outdial", "/bridges"][: len(replies)]
    assert heard == [ServerLost(101, reason)]
