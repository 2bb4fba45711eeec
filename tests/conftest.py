"""Seeds and order for every test.

`OUTDIAL_SEED` (a whole number or a commit hash) fixes all luck of a run: the `seed` fixture and
hypothesis. Without it the seed is `DEFAULT_SEED`, and hypothesis searches anew each time, except
in CI, where it then repeats itself.
"""

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import settings

from lab_of_tests import Lab, open_lab

DEFAULT_SEED = 20_261_121


def parse_seed(text: str) -> int:
    """Read a seed: digits are a number, a commit hash its first 60 bits (so it fits any integer column)."""
    text = text.strip().lower()
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"[0-9a-f]{7,64}", text):
        return int(text[:15], 16)
    raise pytest.UsageError(f"OUTDIAL_SEED={text!r} is neither a whole number below 10**18 nor a commit hash")


GIVEN = os.environ.get("OUTDIAL_SEED")
SEED = parse_seed(GIVEN) if GIVEN else DEFAULT_SEED

settings.register_profile(
    "outdial",
    deadline=None,
    max_examples=100,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")) and not GIVEN,
)
settings.load_profile("outdial")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if GIVEN and config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = str(SEED)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        terminalreporter.write_line(f"reproduce with OUTDIAL_SEED={GIVEN or SEED}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, whatever their file: a broken rule shows before the long runs start."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture
def seed() -> int:
    """The run's seed. Pytest shows the printed line when the test fails."""
    print(f"reproduce with OUTDIAL_SEED={GIVEN or SEED}")
    return SEED


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Lab]:
    """Real Asterisks, callees and phones of this test process."""
    opened = open_lab(tmp_path_factory.mktemp("lab"), worker_id)
    yield opened
    opened.close()
