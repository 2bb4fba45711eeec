"""Tables for records: `[[calling-list]]` with its treatments, `[[campaign]]`, `[do-not-call]`."""

from typing import Annotated, ClassVar

from pydantic import Field

from outdial.config.options import (
    NAME,
    REFERENCE,
    TIME_OF_DAY,
    Child,
    Dbid,
    Name,
    Reference,
    Table,
    TimeOfDay,
    core_default,
    option,
)
from outdial.config.treatments import TreatmentTable
from outdial.core.abandonment_settings import AbandonmentMethod, AbandonmentWindow
from outdial.core.settings import CallingList, Campaign
from outdial.selection.parsing import KEYS_MAX

RECORDS_MAX = 10_000_000
PROFILES = "an array of names of rule profiles: those of outdial, or of a `[[rule-profile]]` of this file"
CLOSED_DAYS = "an array of names of `[[closed-days]]`"
DO_NOT_CALL_MAX = 1_000_000


class CallingListTable(Table):
    """`[[calling-list]]`: an ordered store of records."""

    CHILDREN: ClassVar = {"treatment": Child(TreatmentTable, "What is done with a record after an attempt.")}

    dbid: Dbid = option("dbid", "Number of the calling list.", source="vendor", core="CallingList.dbid")
    name: Name = option("name", "Name of the calling list.", source="vendor", allowed=NAME, core="CallingList.name")
    file: str | None = option(
        "file",
        "CSV file with the records, relative to the configuration file. Either this or `synthetic`. `outdial serve` "
        "reads it into its database once.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    synthetic: int | None = option(
        "synthetic",
        "Number of made-up records, for simulations. Their numbers belong to nobody.",
        default=None,
        unit="records",
        ge=1,
        le=RECORDS_MAX,
    )
    daily_from: TimeOfDay = option(
        "daily-from",
        "Earliest local time of day for records that name none.",
        default=core_default(CallingList, "daily_from_s"),
        source="vendor",
        allowed=TIME_OF_DAY,
        core="CallingList.daily_from_s",
    )
    daily_till: TimeOfDay = option(
        "daily-till",
        "End of the calling hours (exclusive) for records that name none.",
        default=core_default(CallingList, "daily_till_s"),
        source="vendor",
        allowed=TIME_OF_DAY,
        core="CallingList.daily_till_s",
    )
    time_zone: str = option(
        "time-zone",
        "Time zone of records that name none, and for which `zone-by-number` finds none.",
        default="UTC",
        allowed='an IANA time zone, such as "Europe/Berlin"',
        core="CallingList.zone",
        max_length=100,
    )
    default_region: str = option(
        "default-region",
        "Numbers without a + are read as national numbers of this region, and dialed in the international form; what "
        "is no possible number there is left out. Empty: numbers are dialed as they stand in the file.",
        default=core_default(CallingList, "default_region"),
        allowed='a region as ISO 3166 spells it, such as "US" or "DE"',
        core="CallingList.default_region",
        max_length=2,
    )
    customer_id: str = option(
        "customer-id",
        "Column of the file with the id of the customer, by which do-not-call lists of the database may know them "
        "(`customer:ID`). Records that were imported before the option was set have none. Empty: none has.",
        default=core_default(CallingList, "customer_id"),
        allowed="the name of a column, as the file or `outdial list import --map` calls it",
        core="CallingList.customer_id",
        max_length=100,
    )
    zone_by_number: bool = option(
        "zone-by-number",
        "Records that name no time zone get the zones that their number may be in, and are dialed only while the "
        "calling hours allow it in all of them. Numbers need a leading + and the country code; for others `time-zone` "
        "counts.",
        default=core_default(CallingList, "zone_by_number"),
        core="CallingList.zone_by_number",
    )
    rules: list[str] = option(
        "rules",
        "Rule profiles for its records, whoever dials them. All of them hold: of each limit the strictest counts. "
        "See docs/concepts/compliance.md.",
        default=["neutral"],
        allowed=PROFILES,
        core="CallingList.rules",
        max_length=100,
    )
    closed_days: list[str] = option(
        "closed-days",
        "Days on which none of its records is dialed.",
        default=[],
        allowed=CLOSED_DAYS,
        core="CallingList.rules",
        max_length=100,
    )


class CampaignListTable(Table):
    """`[[campaign.lists]]`: one calling list of a campaign. A plain name stands for a list with weight 10."""

    calling_list: Reference = option(
        "calling-list", "The calling list.", source="vendor", allowed=f"{REFERENCE} of a calling list"
    )
    weight: int = option(
        "weight",
        "A list of weight 20 is asked for twice as many records as one of weight 10.",
        default=10,
        source="vendor",
        ge=1,
        le=100,
    )
    filter: str | None = option(
        "filter",
        "Which records are dialed: comparisons of columns, the list's own and those of its file. Left out: all. "
        "Callbacks are dialed in any case. The language: docs/concepts/records.md.",
        default=None,
        source="vendor",
        allowed='text of at most 4,000 characters, such as \'state in ("TX", "FL") and attempts < 3\'',
        max_length=4_000,
    )
    order_by: list[str] = option(
        "order-by",
        "What goes first among the records of one priority. Left out: what has been due for longest, then list order.",
        default=[],
        source="vendor",
        allowed=f"an array of at most {KEYS_MAX} columns, each optionally with asc or desc, such as "
        '["balance desc", "attempts"]',
        max_length=KEYS_MAX,
    )


class CampaignTable(Table):
    """`[[campaign]]`: calling lists with their weights."""

    CHILDREN: ClassVar = {
        "lists": Child(CampaignListTable, "Its calling lists.", count_min=1, shorthand="calling-list")
    }

    dbid: Dbid = option("dbid", "Number of the campaign.", source="vendor", core="Campaign.dbid")
    name: Name = option("name", "Name of the campaign.", source="vendor", allowed=NAME, core="Campaign.name")
    do_not_call_lists: list[Name] = option(
        "do-not-call-lists",
        "Do-not-call lists of the database (`outdial dnc`) that count for this campaign, beside `internal`, which "
        "counts for all. Empty: every list counts.",
        default=[],
        allowed="an array of names of do-not-call lists",
        core="Campaign.do_not_call_lists",
        max_length=100,
    )
    seller: Name | None = option(
        "seller",
        "For whom the campaign calls. Abandoned calls are counted for each campaign and for each seller. Left out: the "
        "campaign's name.",
        default=None,
        allowed=NAME,
        core="Campaign.seller",
    )
    abandonment_method: Annotated[AbandonmentMethod, Field(strict=False)] = option(
        "abandonment-method",
        "How the rate of abandoned calls is counted. `us`: of the calls that a person answered. `uk`: of the abandoned "
        "calls and those connected to an agent, with `machine-false-positive-ratio`.",
        default=core_default(Campaign, "abandonment_method"),
        core="Campaign.abandonment_method",
    )
    abandonment_limit: float | None = option(
        "abandonment-limit",
        "Largest share of abandoned calls in each of `abandonment-windows`: nothing is risked any more when one more "
        "would break it. Left out: each campaign group's own limit on abandoned persons.",
        default=None,
        unit="percent",
        core="Campaign.abandonment_limit_ppm",
        ge=0,
        le=100,
    )
    abandonment_windows: list[Annotated[AbandonmentWindow, Field(strict=False)]] = option(
        "abandonment-windows",
        "Windows that the limit holds for: the calendar day, the last 24 hours, the last 30 days, the campaign's life. "
        "An empty array: none; then only today's account is kept.",
        default=[AbandonmentWindow.DAYS_30],
        allowed='an array of "day", "24-hours", "30-days", "life"',
        core="Campaign.abandonment_windows",
        max_length=4,
    )
    abandonment_time_zone: str = option(
        "abandonment-time-zone",
        "Time zone whose calendar day counts for abandoned calls.",
        default="UTC",
        allowed='an IANA time zone, such as "Europe/London"',
        core="Campaign.zone",
        max_length=100,
    )
    machine_false_positive_ratio: float = option(
        "machine-false-positive-ratio",
        "Method `uk`: reasoned estimate of persons among the calls that detection took for machines, by tests of your "
        "own. They count as abandoned.",
        default=core_default(Campaign, "false_positives_ppm") / 1_000_000,
        core="Campaign.false_positives_ppm",
        ge=0,
        le=1,
    )
    rules: list[str] = option(
        "rules",
        "Rule profiles for what it dials, besides those of its lists.",
        default=[],
        allowed=PROFILES,
        core="Campaign.rules",
        max_length=100,
    )


class DoNotCallTable(Table):
    """`[do-not-call]`: numbers that are never dialed, beside the do-not-call lists of the database (`outdial dnc`)."""

    numbers: list[str] = option(
        "numbers",
        "The numbers themselves.",
        default=[],
        allowed="an array of telephone numbers (text): 3 … 20 digits, optionally a leading +",
        core="Configuration.do_not_call",
        max_length=DO_NOT_CALL_MAX,
    )
    file: str | None = option(
        "file",
        "Text file with one number per line, relative to the configuration file; `#` begins a comment.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    default_region: str = option(
        "default-region",
        "`outdial dnc` reads numbers without a + as national numbers of this region. Needed where lists have national "
        "numbers and calling lists international ones. Empty: numbers are taken as they are.",
        default="",
        allowed='a region as ISO 3166 spells it, such as "US" or "DE"',
        max_length=2,
    )
    registries: list[Name] = option(
        "registries",
        "Do-not-call lists of the database that are copies of a public registry: to be renewed from time to time.",
        default=["national"],
        allowed="an array of names of do-not-call lists",
        max_length=100,
    )
    registry_days_max: int = option(
        "registry-days-max",
        "Oldest copy of a registry that is not warned of. 31: what the rules of the United States allow.",
        default=31,
        unit="days",
        ge=1,
        le=366,
    )
