"""The page on records: what it shows is what the server takes."""

import re
import tomllib
from pathlib import Path

from config_samples import PIECES, load_text, text_with
from outdial.core.records import RecordType
from outdial.core.settings import TreatmentAction
from outdial.core.words import AGENT_RESULTS
from outdial.selection.terms import KNOWN
from outdial.sim.lists import RecordStatus

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "concepts" / "records.md").read_text(encoding="utf-8")


def test_the_examples_are_taken():
    treatments, lists = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    campaign = re.sub(r"lists = .*\n", "", PIECES["campaign"]) + lists
    loaded = load_text(text_with(list=PIECES["list"] + treatments, campaign=campaign))
    assert len(loaded.configuration.calling_lists[0].treatments) == len(tomllib.loads(treatments)["treatment"])
    assert loaded.selections[1][1].filter is not None


def test_everything_is_named():
    for action in TreatmentAction:
        assert f"`{action}`" in PAGE
    for column in KNOWN:
        assert f"`{column}`" in PAGE
    said = PAGE.replace("\n", " ").lower()
    for result in AGENT_RESULTS:
        assert result.name.lower().replace("_", " ") in said, result
    for each in RecordType:
        assert each is RecordType.UNKNOWN or f"| {each.value} |" in PAGE
    for status in RecordStatus:
        unused = (RecordStatus.STALE, RecordStatus.CHAIN_READY)
        assert status in unused or status.label.lower().replace(" ", "") in said.replace(" ", "")
