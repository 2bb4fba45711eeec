"""The dashboard for Grafana names only metrics and labels that there are."""

import json
import re
from importlib.resources import files

import pytest

from outdial.metrics_table import BY_NAME

DASHBOARD = json.loads(files("outdial").joinpath("data", "grafana.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OUTSIDE = {"le", "instance"}
"""Labels that are not ours: of buckets, and of the scrape."""


def metric_of(name: str) -> str:
    """The table's name of a series."""
    found = [name, *(name.removesuffix(end) for end in ("_bucket", "_sum", "_count") if name.endswith(end))]
    return next((each for each in found if each in BY_NAME), name)


def unknown_in(expression: str) -> list[str]:
    """Metrics and labels of an expression that do not exist."""
    named = {metric_of(name) for name in re.findall(r"\boutdial_[a-z_]+", expression)}
    labels = set(re.findall(r"[{,]\s*([a-z_]+)\s*=", expression))
    labels |= {label for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(", ")}
    known = {label for name in named if name in BY_NAME for label in BY_NAME[name].labels} | OUTSIDE
    return sorted(named - BY_NAME.keys()) + sorted(labels - known)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_asks_for_what_there_is(panel):
    for target in panel["targets"]:
        assert [] == unknown_in(target["expr"]), target["expr"]
        metrics = [BY_NAME[metric_of(name)] for name in re.findall(r"\boutdial_[a-z_]+", target["expr"])]
        assert metrics, target["expr"]
        legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert legend <= {label for metric in metrics for label in metric.labels}, target["legendFormat"]


def test_wrong_names_would_be_found():
    assert ["outdial_made_up"] == unknown_in("rate(outdial_made_up[1m])")
    assert ["colour"] == unknown_in('sum by (le) (outdial_step_seconds_bucket{colour="red"})')
    assert [] == unknown_in("sum by (group, reason) (outdial_group_held)")


def test_counters_are_never_drawn_as_they_are():
    for panel in PANELS:
        for target in panel["targets"]:
            for name in re.findall(r"(\boutdial_[a-z_]+_(?:total|bucket))", target["expr"]):
                assert re.search(rf"(?:rate|increase)\({name}", target["expr"]), target["expr"]


def test_dashboard_can_be_loaded_anywhere():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    assert ["DS_PROMETHEUS"] == [each["name"] for each in DASHBOARD["__inputs"]]
    assert all("${DS_PROMETHEUS}" == panel["datasource"]["uid"] for panel in PANELS)
    for variable in DASHBOARD["templating"]["list"]:
        assert not unknown_in(variable["definition"].partition(",")[0])
