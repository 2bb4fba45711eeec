"""Short calling lists among several groups."""

from dataclasses import replace

import pytest

from config_samples import load_text, text_with
from outdial.record_shares import share_records

CONFIGURATION = load_text(text_with()).configuration
[GROUP] = CONFIGURATION.campaign_groups
TWO = replace(CONFIGURATION, campaign_groups=(GROUP, replace(GROUP, dbid=2, optimal_record_buffer=60)))


@pytest.mark.parametrize(
    "records, buffers",
    [
        (100_000, [(200, 50), (60, 50)]),
        (800, [(100, 50), (60, 50)]),
        (24, [(3, 1), (3, 1)]),
        (0, [(2, 1), (2, 1)]),
    ],
)
def test_nobody_keeps_more_than_a_fair_part_of_short_lists(records, buffers):
    shared = share_records(TWO, records).campaign_groups
    assert [(group.optimal_record_buffer, group.minimum_record_buffer) for group in shared] == buffers
