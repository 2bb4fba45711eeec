"""One group, one node, one agent: drawn alone, and the same as on the whole board."""

import pytest

from api_samples import ApiStory
from config_samples import PIECES, load_text, text_with
from outdial.api.access import ALL_SCOPES, Caller
from outdial.core.events import AgentBecameNotReady, ConfigurationLoaded, GroupStartRequested, NodeDrainRequested

ONE_OF_EACH = ("/groups/1", "/nodes/2", "/agents/7")


async def on_the_board(story: ApiStory, path: str) -> object:
    """The object as the whole board has it."""
    _, kind, dbid = path.split("/")
    found = (await story.client.get(f"/{kind}")).json()[kind]
    return next((one for one in found if one["dbid"] == int(dbid)), None)


@pytest.mark.parametrize("path", ONE_OF_EACH)
async def test_one_object_looks_as_on_the_board_whatever_happens(story, path):
    def lose_the_clock() -> None:
        story.dialer.mono_ms += 86_400_000  # and no step since: instants are those of the last one

    for happens in (
        lambda: None,
        lambda: story.dialer.tell(GroupStartRequested(1, 1)),
        story.board.look,
        lambda: story.dialer.tell(NodeDrainRequested(2, 2)),
        lambda: story.dialer.tell(AgentBecameNotReady(7, "break")),
        lose_the_clock,
        lambda: story.dialer.tell(NodeDrainRequested(3, 1)),
    ):
        happens()
        answer = await story.client.get(path)
        assert answer.status_code == 200 and answer.json() == await on_the_board(story, path)


@pytest.mark.parametrize("path", ONE_OF_EACH)
async def test_what_the_configuration_no_longer_has_is_not_there(story, path):
    team = PIECES["agent-group"].replace('"ada", ', "").replace("sip-cluster-asm-dial-node = 2", "")
    text = text_with(
        ocs=PIECES["ocs"].replace(', "south"', ""),
        south="",
        agents=PIECES["agents"].replace("dbid = 7", "dbid = 8"),
        agent_group=team,
        group=PIECES["group"].replace("dbid = 1", "dbid = 5"),
    )
    changed = load_text(text).configuration
    story.dialer.configuration = changed
    story.dialer.tell(ConfigurationLoaded(changed))
    assert await on_the_board(story, path) is None
    assert (await story.client.get(path)).status_code == 404


async def test_nobody_draws_the_whole_board_for_one_object(story, monkeypatch):
    def whole() -> None:
        raise AssertionError("everything is looked at")

    monkeypatch.setattr(story.dialer, "snapshot", whole)
    for path in (*ONE_OF_EACH, "/groups/1/decisions"):
        assert (await story.client.get(path)).status_code == 200
    for path in ("/groups/1/start", "/groups/1/stop", "/nodes/2/drain", "/nodes/2/enable"):
        assert (await story.client.post(path)).status_code == 200


async def test_an_agent_exists_for_the_campaigns_of_the_own_groups(story):
    for campaigns, status in ((frozenset({"spring"}), 200), (frozenset({"autumn"}), 404), (frozenset(), 404)):
        story.access.caller = Caller("half", ALL_SCOPES, campaigns)
        assert (await story.client.get("/agents/7")).status_code == status
