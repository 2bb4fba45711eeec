"""What operators change at run time, over the API: pauses, the prime node, settings, the configuration file."""

from collections.abc import Mapping

import pytest

from api_samples import ApiStory
from config_samples import PIECES, load_text, text_with
from outdial.api.access import Caller, Scope
from outdial.api.configuration_file import ConfigurationChanges, DifferenceView, FileNow
from outdial.api.running_settings import ObjectSettings, SettingView
from outdial.core.errors import ConfigError
from outdial.core.events import ServerLost

TWO = load_text(
    text_with(
        campaign=PIECES["campaign"] + '[[campaign]]\ndbid = 2\nname = "autumn"\nlists = ["customers"]\n',
        group=PIECES["group"]
        + PIECES["group"].replace("dbid = 1", "dbid = 2").replace("east", "west").replace("spring", "autumn"),
    )
).configuration
HALF = Caller("half", frozenset({Scope.READ, Scope.OPERATE}), frozenset({"autumn"}))


class KeptSettings:
    """Settings in memory: one of them, of whatever object there is."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, int], object] = {("campaign-group", 1): 25, ("campaign", 1): 10}
        self.version = 1

    async def of(self, kind, dbid):
        if (kind, dbid) not in self.values:
            return None
        view = SettingView(
            name="ring_timeout_s", value=self.values[kind, dbid], file_value=25, unit="seconds", allowed="", text=""
        )
        return ObjectSettings(f'"{self.version}"', (view,))

    async def change(self, kind, dbid, values: Mapping[str, object], by, check_tag):
        check_tag(f'"{self.version}"')
        if set(values) != {"ring_timeout_s"} or values["ring_timeout_s"] == 4:
            raise ConfigError(["ring_timeout_s = 4: out of range", "x: there is no such setting"])
        self.version += 1
        self.values[kind, dbid] = values["ring_timeout_s"] or 25
        return await self.of(kind, dbid)


class KeptFile:
    """A configuration file in memory."""

    def __init__(self) -> None:
        self.text = "a = 1\n"

    async def read(self):
        return FileNow(self.text, f'"{len(self.text)}"', is_in_effect=True)

    async def check(self, text):
        if "wrong" in text:
            raise ConfigError(["outdial.toml: wrong: unknown table"])
        difference = DifferenceView(kind="campaign-group", dbid=1, name="east", change="removed")
        return ConfigurationChanges(differences=[difference], notes=["a note"], tag=f'"{len(text)}"')

    async def replace(self, text, check_tag):
        check_tag((await self.read()).tag)
        changes = await self.check(text)
        self.text = text
        return changes


@pytest.fixture
def changing() -> ApiStory:
    return ApiStory(settings=KeptSettings(), configuration_file=KeptFile()).all_is_well()


# --- pauses and promotion -----------------------------------------------------------------------------------------


async def test_a_group_is_paused_and_resumed(story):
    await story.client.post("/groups/1/start")
    paused = (await story.client.post("/groups/1/pause")).json()
    assert (paused["state"], paused["holds"]) == ("paused", ["paused by operator"])
    again = await story.client.post("/groups/1/pause")
    assert (again.status_code, "already paused" in again.json()["detail"]) == (409, True)
    assert (await story.client.post("/groups/1/resume")).json()["state"] == "running"
    assert (await story.client.post("/groups/1/resume")).status_code == 409
    assert [note[1] for note in story.audit.notes] == ["group.start", "group.pause", "group.resume"]


async def test_a_node_is_promoted(story):
    promoted = await story.client.post("/nodes/2/promote")
    assert promoted.json()["is_prime"]
    assert not (await story.client.get("/nodes/1")).json()["is_prime"]
    assert story.audit.notes == [("somebody", "node.promote", "node 2", {"is_prime": False}, {"is_prime": True})]
    story.dialer.tell(ServerLost(1, "gone"))
    story.dialer.tell(ServerLost(11, "gone"))
    refused = await story.client.post("/nodes/1/promote")
    assert (refused.status_code, "not connected" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize("path", ["/groups/1/pause", "/groups/1/resume"])
async def test_pauses_of_other_campaigns_groups(path):
    story = ApiStory(TWO).all_is_well()
    story.access.caller = HALF
    assert (await story.client.post(path)).status_code == 404
    assert (await story.client.post("/nodes/2/promote")).status_code == 403
    story.access.caller = Caller("reader", frozenset({Scope.READ}))
    assert (await story.client.post(path)).status_code == 403


# --- settings -----------------------------------------------------------------------------------------------------


async def test_settings_are_read_changed_and_taken_back(changing):
    found = await changing.client.get("/groups/1/settings")
    assert (found.headers["etag"], found.json()["settings"][0]["value"]) == ('"1"', 25)
    changed = await changing.client.patch(
        "/groups/1", json={"ring_timeout_s": 20}, headers={"If-Match": found.headers["etag"]}
    )
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json()["settings"][0]["value"] == 20
    back = await changing.client.delete("/groups/1/settings/ring_timeout_s", headers={"If-Match": '"2"'})
    assert back.json()["settings"][0]["value"] == 25
    assert changing.audit.notes == [
        (
            "somebody",
            "campaign-group.settings",
            "campaign-group 1",
            {"ring_timeout_s": before},
            {"ring_timeout_s": after},
        )
        for before, after in ((25, 20), (20, 25))
    ]


async def test_campaigns_have_settings_as_well(changing):
    changed = await changing.client.patch("/campaigns/1", json={"ring_timeout_s": 7}, headers={"If-Match": "*"})
    assert (await changing.client.get("/campaigns/1/settings")).json() == changed.json()
    assert (await changing.client.get("/campaigns/9/settings")).status_code == 404


async def test_who_changes_names_the_version_that_they_have_seen(changing):
    missing = await changing.client.patch("/groups/1", json={"ring_timeout_s": 20})
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
    for tag in ('"0"', 'W/"1"', '"x", "y"'):
        stale = await changing.client.patch("/groups/1", json={"ring_timeout_s": 20}, headers={"If-Match": tag})
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    one_of = await changing.client.patch("/groups/1", json={"ring_timeout_s": 20}, headers={"If-Match": '"0", "1"'})
    assert one_of.status_code == 200


async def test_all_mistakes_are_told(changing):
    wrong = await changing.client.patch("/groups/1", json={"ring_timeout_s": 4, "x": 1}, headers={"If-Match": "*"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_configuration")
    assert wrong.json()["mistakes"] == ["ring_timeout_s = 4: out of range", "x: there is no such setting"]
    assert changing.audit.notes == []


@pytest.mark.parametrize(
    "body",
    [
        *(
            {},
            [],
            "x",
            {"X": 1},
            {"ring_timeout_s": [1]},
            {"ring_timeout_s": {"a": 1}},
            {"ring_timeout_s": "a" * 1_001},
        ),
        {f"x{n}": 1 for n in range(65)},
    ],
)
async def test_bodies_that_are_no_changes(changing, body):
    refused = await changing.client.patch("/groups/1", json=body, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_numbers_that_are_none(changing):
    for text in ('{"ring_timeout_s": NaN}', '{"ring_timeout_s": Infinity}', '{"ring_timeout_s": "\\ud800"}', "{"):
        headers = {"If-Match": "*", "Content-Type": "application/json"}
        refused = await changing.client.patch("/groups/1", content=text, headers=headers)
        assert refused.status_code == 422, refused.text


async def test_settings_of_other_campaigns_do_not_exist():
    story = ApiStory(TWO, settings=KeptSettings()).all_is_well()
    story.access.caller = HALF
    for path in ("/groups/1", "/campaigns/1"):
        assert (await story.client.get(f"{path}/settings")).status_code == 404
        changed = await story.client.patch(path, json={"ring_timeout_s": 20}, headers={"If-Match": "*"})
        assert changed.status_code == 404
    story.access.caller = Caller("reader", frozenset({Scope.READ}))
    assert (await story.client.get("/groups/1/settings")).status_code == 200
    for answer in (
        await story.client.patch("/groups/1", json={"ring_timeout_s": 20}, headers={"If-Match": "*"}),
        await story.client.delete("/groups/1/settings/ring_timeout_s", headers={"If-Match": "*"}),
    ):
        assert answer.status_code == 403


async def test_a_server_without_a_file_says_so(story):
    for answer in (await story.client.get("/groups/1/settings"), await story.client.get("/configuration")):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_changeable")


# --- the configuration file ---------------------------------------------------------------------------------------


async def test_the_file_is_read_tried_and_replaced(changing):
    found = await changing.client.get("/configuration")
    assert (found.text, found.headers["content-type"]) == ("a = 1\n", "application/toml")
    assert found.headers["outdial-in-effect"] == "true"
    tried = await changing.client.put("/configuration?dry_run=true", content="b = 22\n")
    assert tried.json()["differences"][0]["change"] == "removed"
    assert changing.parts.configuration_file.text == "a = 1\n"
    done = await changing.client.put(
        "/configuration",
        content="b = 22\n",
        headers={"If-Match": found.headers["etag"], "Content-Type": "application/toml"},
    )
    assert (done.status_code, done.headers["etag"]) == (200, '"7"')
    [note] = changing.audit.notes
    assert (note[1], note[3], note[4]["tag"]) == ("configuration.replace", {"tag": '"6"'}, '"7"')


async def test_a_file_with_mistakes_is_refused_with_all_of_them(changing):
    for query in ("", "?dry_run=true"):
        refused = await changing.client.put(f"/configuration{query}", content="wrong = 1", headers={"If-Match": "*"})
        assert (refused.status_code, refused.json()["mistakes"]) == (422, ["outdial.toml: wrong: unknown table"])
    assert changing.audit.notes == []


async def test_files_that_are_none(changing):
    put = changing.client.put
    assert (await put("/configuration", content="a = 2")).status_code == 428
    assert (await put("/configuration", content="a = 2", headers={"If-Match": '"0"'})).status_code == 412
    assert (await put("/configuration?dry_run=true")).status_code == 422
    assert (await put("/configuration", content=b"\xff", headers={"If-Match": "*"})).status_code == 422
    assert (await put("/configuration", content=b"#" * (4 * 2**20 + 1), headers={"If-Match": "*"})).status_code == 413
    other = {"If-Match": "*", "Content-Type": "application/json"}
    assert (await put("/configuration", content="a = 2", headers=other)).status_code == 415


async def test_the_file_is_for_those_who_may_see_everything(changing):
    for caller in (
        HALF,
        Caller("half", frozenset(Scope), frozenset({"spring"})),
        Caller("op", frozenset({Scope.OPERATE})),
    ):
        changing.access.caller = caller
        assert (await changing.client.get("/configuration")).status_code == 403
        assert (await changing.client.put("/configuration", content="a")).status_code == 403
