"""What campaigns say of the records of their lists: `filter` and `order-by`, and whether the columns are there."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from outdial.config.document import Document
from outdial.config.lists import CampaignListTable
from outdial.config.lists_check import Lists
from outdial.config.mistakes import Mistakes, show_names, show_value, suggest
from outdial.config.rows import Row
from outdial.core.units import ListId
from outdial.selection.parsing import FilterError, parse_filter, parse_order
from outdial.selection.terms import EVERYTHING, KNOWN, Kind, Selection, columns_of

Selections: TypeAlias = Mapping[int, Mapping[ListId, Selection]]
"""What each campaign says of its lists. Shape: {campaign: {list: selection}}; what says nothing is missing."""

FILTER = 'comparisons of columns, such as state in ("TX", "FL") and attempts < 3; see docs/concepts/records.md'
ORDER = 'columns, each optionally with asc or desc, such as "balance desc"'


def check_selection(row: Row[CampaignListTable], mistakes: Mistakes) -> None:
    """Note what is wrong, with its place in the text."""
    if row.has("filter") and row.table.filter is not None:
        try:
            parse_filter(row.table.filter)
        except FilterError as error:
            mistakes.add(row.key("filter"), str(error), FILTER)
    if row.has("order_by"):
        for n, text in enumerate(row.table.order_by, 1):
            try:
                parse_order(text)
            except FilterError as error:
                mistakes.add(f"{row.key('order_by')}[#{n}]", str(error), ORDER)


def selections_of(document: Document, lists: Lists) -> dict[int, dict[ListId, Selection]]:
    """What campaigns select; without mistakes."""
    found: dict[int, dict[ListId, Selection]] = {}
    for campaign in document.campaigns:
        for child in campaign.child_rows(CampaignListTable, "lists"):
            table, entry = child.table, lists.lists.get(child.table.calling_list)
            assert entry is not None
            selection = Selection(
                None if table.filter is None else parse_filter(table.filter), tuple(map(parse_order, table.order_by))
            )
            if selection != EVERYTHING:
                found.setdefault(campaign.table.dbid, {})[entry.item.table.dbid] = selection
    return found


WHERE = "campaign["
"""What every place begins with that `where_of` names."""


def where_of(name: str) -> str:
    """Where the selections of a campaign are."""
    return f"{WHERE}{name}].lists"


def unknown_columns(
    selections: Selections, names: Mapping[int, str], list_id: ListId, columns: Iterable[str]
) -> list[str]:
    """What campaigns ask of a list that its records do not have.

    Args:
        selections: what campaigns select.
        names: of campaigns, by DBID.
        list_id: the list.
        columns: columns of its files that mean nothing to the dialer.

    Returns:
        One sentence for each column that there is not.
    """
    there = list(columns)
    found = []
    for campaign_id, by_list in selections.items():
        for column in columns_of(by_list.get(list_id, EVERYTHING)):
            if column.kind is Kind.CUSTOM and column.name not in there:
                hint = suggest(column.name, [*there, *KNOWN])
                wrong = f"there is no column {show_value(column.name)}" + (f"; {hint}" if hint else "")
                found.append(f"{where_of(names[campaign_id])}: {wrong}; there are: {show_names([*KNOWN, *there])}")
    return found
