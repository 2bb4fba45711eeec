"""The servers on which the contract is tried: the shipped fake as two versions, and real Asterisk 22 and 16."""

import pytest

from sides import FakeSide, RealSide

VERSIONS = {"fake22": "22.10.1", "fake16": "16.28.0"}


@pytest.fixture(
    params=[
        "fake22",
        "fake16",
        pytest.param("asterisk22", marks=pytest.mark.slow),
        pytest.param("asterisk16", marks=pytest.mark.slow),
    ]
)
def far_side(request):
    """Makes one server, with callees and phones around it, for one story."""
    if request.param in VERSIONS:
        return lambda: FakeSide(VERSIONS[request.param])
    lab = request.getfixturevalue("lab")
    return lambda: RealSide(lab.lone_node(request.param), lab)
