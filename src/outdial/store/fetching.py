"""What the dialer fetches, as the store is asked for it, and what it is told then."""

from collections.abc import Mapping

from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import FetchCallbacks, FetchRecords
from outdial.core.events import RecordsFetched
from outdial.core.units import ListId
from outdial.selection.terms import Selection
from outdial.store.claims import CallbackRequest, Claimed, ClaimRequest

CHAINS_MAX = 10_000
"""Most chains of one claim."""


def request_of(
    command: FetchRecords | FetchCallbacks, utc_ms: int, selections: Mapping[ListId, Selection]
) -> ClaimRequest | CallbackRequest:
    """What the store is asked for.

    Args:
        command: what the dialer wants.
        utc_ms: when it said so.
        selections: which records of its lists the group wants.
    """
    count_max = min(command.chains_max, CHAINS_MAX)
    if isinstance(command, FetchRecords):
        return ClaimRequest(
            command.group_id,
            command.lists,
            count_max,
            utc_ms,
            do_not_call_lists=command.do_not_call_lists,
            priorities=command.priorities,
            selections=selections,
            with_facts=command.with_facts,
        )
    return CallbackRequest(
        command.group_id,
        command.lists,
        command.agent_ids,
        command.overdue_utc_ms,
        count_max,
        utc_ms,
        command.left_utc_ms,
        command.running_ids,
        do_not_call_lists=command.do_not_call_lists,
        with_facts=command.with_facts,
    )


def answer_to(command: FetchRecords | FetchCallbacks, claimed: Claimed) -> RecordsFetched | CallbacksFetched:
    """What the dialer is told."""
    if isinstance(command, FetchRecords):
        return RecordsFetched(
            command.group_id, command.fetch_id, claimed.chains, claimed.exhausted, claimed.next_due_utc_ms
        )
    return CallbacksFetched(command.group_id, command.fetch_id, claimed.chains, claimed.next_due_utc_ms)
