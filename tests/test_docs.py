"""The documentation agrees with the code: generated pages are up to date, and nothing is left out."""

import importlib.util
import re
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import pytest

from outdial.config.document import KINDS
from outdial.config.options import Table, allowed_text, option_of
from outdial.config.rules_check import own_profiles
from outdial.core import commands, events, rules, settings
from outdial.core.results import CallResult
from outdial.reports.report import KINDS as report_kinds
from outdial.sim import settings as world

DOCS = Path(__file__).resolve().parent.parent / "docs"


def load_build() -> ModuleType:
    """docs/build.py as a module; it is a script, not part of the package."""
    spec = importlib.util.spec_from_file_location("outdial_docs_build", DOCS / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load_build()

# Fields of the core's settings that are no option of their own: what they are made from instead.
MADE_FROM = {
    "AgentGroup.agents": "AgentGroup.agents",
    "CallingList.treatments": "[[calling-list.treatment]]",
    "Campaign.lists": "[[campaign.lists]]",
    "DialerId.dbid": "campaign-group.dialer",
    "DialerId.kind": "campaign-group.dialer",
    "Node.backup_name": "name of the backup",
    "Treatment.daily_at_s": "calling-list.treatment.date",
    "Treatment.zone": "calling-list.time-zone",
    "Zone.name": "calling-list.time-zone",
    "Zone.offsets": "calling-list.time-zone",
    "Configuration.ocs": "[ocs]",
    "Configuration.switches": "[[switch]]",
    "Configuration.nodes": "[[sip-server]], [[cpd-server]]",
    "Configuration.agents": "[[agent]], [[agent-range]]",
    "Configuration.agent_groups": "[[agent-group]]",
    "Configuration.calling_lists": "[[calling-list]]",
    "Configuration.campaigns": "[[campaign]]",
    "Configuration.campaign_groups": "[[campaign-group]]",
}


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def models() -> list[type[Table]]:
    """Every kind of table, those inside others included."""
    return [model for kind in KINDS for model in (kind.model, *(c.model for c in kind.model.CHILDREN.values()))]


def values_of(union: object) -> list[type]:
    return list(typing.get_args(union))


@pytest.mark.parametrize("name", sorted(build.PAGES))
def test_generated_page_is_up_to_date(name):
    assert read(name) == build.PAGES[name](), f"docs/{name} is out of date: run `make docs`"


def test_every_option_says_what_it_is():
    for model in models():
        for name, info in model.model_fields.items():
            where = f"{model.__name__}.{name}"
            assert info.description and info.description.endswith("."), where
            assert allowed_text(info) != "text", where
            assert option_of(info).source in ("guide", "vendor", "outdial"), where
            assert f"`{option_of(info).spelling}`" in read("reference/configuration.md"), where


def test_quantities_have_a_unit():
    for model in models():
        for name, info in model.model_fields.items():
            if re.search(r"_(s|min|timeout|ports|num|length|buffer|size|max)$", name):
                assert option_of(info).unit, f"{model.__name__}.{name}"


def test_every_setting_of_the_core_comes_from_an_option():
    known = {option_of(info).core for model in models() for info in model.model_fields.values()}
    for owner in vars(settings).values():
        if isinstance(owner, type) and is_dataclass(owner) and owner.__module__ == settings.__name__:
            for item in fields(owner):
                name = f"{owner.__name__}.{item.name}"
                assert name in known or name in MADE_FROM, f"{name} cannot be configured"


def test_options_name_settings_that_exist():
    for model in models():
        for info in model.model_fields.values():
            core = option_of(info).core
            if core:
                owner, _, name = core.partition(".")
                assert name in {
                    item.name for item in fields(getattr(rules, owner, None) or getattr(settings, owner))
                }, core


@pytest.mark.parametrize("union", [events.Event, commands.Command], ids=["events", "commands"])
def test_every_event_and_command_is_documented(union):
    text = read("reference/events-and-commands.md")
    for value in values_of(union):
        assert f"#### `{value.__name__}`" in text, value.__name__
        assert value.__doc__ and not value.__doc__.startswith(f"{value.__name__}("), f"{value.__name__}: no docstring"


@pytest.mark.parametrize("result", CallResult)
def test_every_call_result_is_documented(result):
    assert re.search(rf"^\| {result.value} \| `{result.name}` \|", read("reference/call-results.md"), re.MULTILINE) or (
        f"`{result.name}`" in read("reference/call-results.md")
    )


def test_every_knob_of_the_world_is_documented():
    text = read("reference/simulated-world.md")
    for name in build.WORLD_TABLES:
        for item in fields(getattr(world, name)):
            assert f"`{item.name}`" in text or item.name == "operator_acts", f"{name}.{item.name}"
    for kind in (*world.CalleeKind, *world.FaultKind):
        assert f"`{kind.value}`" in text


def test_every_column_of_a_report_is_documented():
    text = read("reference/reports.md")
    for kind in report_kinds.values():
        assert kind.about and f"## `{kind.name}`" in text
        for item in (*kind.dimensions, *kind.columns):
            assert f"| `{item.name}` | {build.cell(item.meaning)} |" in text, f"{kind.name}: {item.name}"
            assert item.meaning.endswith("."), f"{kind.name}: {item.name}"
        names = [item.name for item in (*kind.dimensions, *kind.columns)]
        assert len(names) == len(set(names)), f"{kind.name}: two of one name"
        assert all(kind.dimension(name) for name in kind.default_by)


def test_links_between_pages_lead_somewhere():
    for path in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(DOCS)} links to {target}"


def test_every_rule_profile_is_in_the_page_about_compliance():
    text = read("concepts/compliance.md")
    assert all(f"| `{name}` |" in text for name in own_profiles())
