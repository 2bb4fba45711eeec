"""Short calling lists, shared: no group may keep more than a fair part of them in memory."""

from dataclasses import replace

from outdial.core.settings import Configuration


def share_records(configuration: Configuration, records: int) -> Configuration:
    """Limit the record buffers where all groups together would want more than there is: some could not dial.

    Args:
        configuration: what the file says.
        records: records of all lists together.
    """
    groups = configuration.campaign_groups
    optimal = max(2, records // (4 * max(1, len(groups))))
    return replace(
        configuration,
        campaign_groups=tuple(
            replace(
                group,
                optimal_record_buffer=min(group.optimal_record_buffer, optimal),
                minimum_record_buffer=min(group.minimum_record_buffer, optimal // 2),
            )
            for group in groups
        ),
    )
