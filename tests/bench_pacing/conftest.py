"""What the tests of the pacing benchmark share."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def part(monkeypatch):
    """Find a module of the benchmark by name; the folder bench is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"bench.pacing.{name}")
