"""The table `[[campaign-group]]`: what dials, how, and with which ports."""

from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator

from outdial.config.options import NAME, REFERENCE, Dbid, Name, Reference, Table, core_default, option, seconds_default
from outdial.core.abandonment_settings import AbandonmentClock
from outdial.core.aims import AimKind
from outdial.core.modes import DialingMode
from outdial.core.settings import CampaignGroup
from outdial.core.units import MINUTE_MS

HOURS_MAX = 8_760
"""Statistics older than a year are of no use to anybody. Unit: hours."""


def _target(value: object) -> AimKind:
    name = str(value).strip().lower().replace(" ", "-").replace("_", "-")
    if name == "maximum-gain":
        raise ValueError("not built")
    if name not in set(AimKind):
        raise ValueError("there is no such optimization target")
    return AimKind(name)


def _thousandths(value: float) -> float:
    if round(value, 3) != value:
        raise ValueError("more than 3 decimals")
    return value


class CampaignGroupTable(Table):
    """`[[campaign-group]]`: campaign × agent group: the unit that is started, stopped and dials."""

    dbid: Dbid = option("dbid", "Number of the campaign group.", source="vendor", core="CampaignGroup.dbid")
    name: Name = option("name", "Name of the campaign group.", source="vendor", allowed=NAME, core="CampaignGroup.name")
    campaign: Reference = option(
        "campaign",
        "The campaign.",
        source="vendor",
        allowed=f"{REFERENCE} of a campaign",
        core="CampaignGroup.campaign",
    )
    agent_group: Reference | None = option(
        "agent-group",
        "The agent group. Needed in every mode but Power GVP.",
        default=None,
        source="vendor",
        allowed=f"{REFERENCE} of an agent group",
        core="CampaignGroup.agent_group",
    )
    dialing_mode: Annotated[DialingMode, Field(strict=False)] = option(
        "dialing-mode", "How the group dials.", source="guide", core="CampaignGroup.dialing_mode"
    )
    dialer: Reference = option(
        "dialer",
        "The switch or the CPD server whose ports the group uses.",
        source="guide",
        allowed=f"{REFERENCE} of a switch or of a primary CPD server",
        core="CampaignGroup.dialer",
    )
    number_of_cpd_ports: int = option(
        "number-of-cpd-ports",
        "Upper limit of ports for the group. 0: a dynamic share, or no limit of its own.",
        default=core_default(CampaignGroup, "number_of_cpd_ports"),
        source="guide",
        unit="ports",
        also=("Number of CPD Ports", "Number of CPD ports"),
        core="CampaignGroup.number_of_cpd_ports",
        ge=0,
        le=1_000_000,
    )
    asm_channel_num: int | None = option(
        "asm_channel_num",
        "Modes with seizing: limit on engaging ports, which are then counted apart from regular ones; 0: apart, but "
        "not limited. Left out: one count for both.",
        default=core_default(CampaignGroup, "asm_channel_num"),
        source="guide",
        unit="ports",
        core="CampaignGroup.asm_channel_num",
        ge=0,
        le=1_000_000,
    )
    maximum_queue_size: int = option(
        "maximum-queue-size",
        "Power GVP: calls kept in progress. Needed in that mode.",
        default=core_default(CampaignGroup, "maximum_queue_size"),
        source="vendor",
        unit="calls",
        also=("Maximum Queue Size",),
        core="CampaignGroup.maximum_queue_size",
        ge=0,
        le=1_000_000,
    )
    optimization_target: Annotated[AimKind, PlainValidator(_target)] = option(
        "optimization-target",
        "What a predictive mode steers by: the share of people who answer and find no agent, the share of time that "
        "agents are busy, the mean time that an agent waits for a call, or the mean time that a person waits for an "
        "agent.",
        default=AimKind.OVERDIAL_RATE,
        source="vendor",
        allowed="one of " + ", ".join(f'"{kind.value}"' for kind in AimKind),
        core="CampaignGroup.aim",
    )
    optimization_value: float = option(
        "optimization-value",
        "What to steer for: percent for the overdial rate, which is not exceeded, and for the busy factor; seconds for "
        "the times.",
        default=100 * core_default(CampaignGroup, "overdial_ratio_max"),
        source="vendor",
        unit="percent or seconds",
        core="CampaignGroup.aim_value",
        ge=0,
        le=100,
    )
    overdial_rate_max: float = option(
        "overdial-rate-max",
        "Largest share of people who answer and find no agent, when something else than that is steered for.",
        default=100 * core_default(CampaignGroup, "overdial_ratio_max"),
        source="vendor",
        unit="percent",
        also=("predictive_max_overdial_rate",),
        core="CampaignGroup.overdial_ratio_max",
        ge=0,
        le=100,
    )
    history_length: int = option(
        "history_length",
        "Finished attempts before a predictive mode takes effect; until then the group dials progressively.",
        default=core_default(CampaignGroup, "history_length"),
        source="vendor",
        unit="attempts",
        core="CampaignGroup.history_length",
        ge=1,
        le=100_000,
    )
    progressive_multiplier: float = option(
        "progressive-multiplier",
        "Progressive modes: calls per available agent.",
        default=core_default(CampaignGroup, "progressive_multiplier_millis") / 1000,
        unit="calls per agent",
        core="CampaignGroup.progressive_multiplier_millis",
        ge=0.1,
        le=15,
    )
    maximum_calls_per_agent: Annotated[float, AfterValidator(_thousandths)] = option(
        "maximum-calls-per-agent",
        "Predictive modes: most calls in flight for each agent at work, whatever the forecast says. 0: no limit of its "
        "own.",
        default=core_default(CampaignGroup, "calls_per_agent_max_millis") / 1000,
        unit="calls per agent",
        allowed="a number 0 … 100 with at most 3 decimals",
        core="CampaignGroup.calls_per_agent_max_millis",
        ge=0,
        le=100,
    )
    ring_timeout_s: float = option(
        "ring-timeout-s",
        "Longest ringing before an attempt ends as no answer.",
        default=seconds_default(CampaignGroup, "ring_ms_max"),
        unit="seconds",
        core="CampaignGroup.ring_ms_max",
        ge=5,
        le=180,
    )
    call_progress_detection: bool = option(
        "call-progress-detection",
        "Ask for a verdict after the answer: person, machine, fax, silence. false: every answer is a person.",
        default=core_default(CampaignGroup, "call_progress_detection"),
        core="CampaignGroup.call_progress_detection",
    )
    cpd_timeout_s: float = option(
        "cpd-timeout-s",
        "Longest wait for the verdict; without one the answer counts as a person.",
        default=seconds_default(CampaignGroup, "cpd_ms_max"),
        unit="seconds",
        core="CampaignGroup.cpd_ms_max",
        ge=0.1,
        le=60,
    )
    call_wait_in_queue_timeout: float = option(
        "call_wait_in_queue_timeout",
        "How long an answered person waits for an agent before the call is dropped, from the instant that "
        "`abandonment-clock` names (compliance limit).",
        default=seconds_default(CampaignGroup, "call_wait_in_queue_ms_max"),
        source="vendor",
        unit="seconds",
        core="CampaignGroup.call_wait_in_queue_ms_max",
        ge=0,
        le=600,
    )
    abandonment_clock: Annotated[AbandonmentClock, Field(strict=False)] = option(
        "abandonment-clock",
        "What the time is counted from in which a person must find an agent: `answer`, `greeting-start` or "
        "`greeting-end`. Where the server does not tell when the greeting began, the answer counts; where it does not "
        "tell when it ended, the verdict; without call progress detection always the answer.",
        default=core_default(CampaignGroup, "abandonment_clock"),
        core="CampaignGroup.abandonment_clock",
    )
    abandonment_s_max: float = option(
        "abandonment-s-max",
        "A person who has found nobody so long after that counts as abandoned: dropped, hung up, or connected later.",
        default=seconds_default(CampaignGroup, "abandonment_ms_max"),
        unit="seconds",
        core="CampaignGroup.abandonment_ms_max",
        ge=0,
        le=60,
    )
    drop_message: str = option(
        "drop-message",
        "What a person hears who found no agent in time, before the call ends: with Asterisk the name of a sound file, "
        "without its extension, or several joined by &. Left out: nothing.",
        default=core_default(CampaignGroup, "drop_message"),
        allowed="text of 1 … 200 letters, digits and _ . / : & -",
        core="CampaignGroup.drop_message",
        pattern=r"^[A-Za-z0-9_./:&-]{0,200}$",
    )
    drop_message_s_max: float = option(
        "drop-message-s-max",
        "Longest time for the drop message; then the call is released.",
        default=seconds_default(CampaignGroup, "drop_message_ms_max"),
        unit="seconds",
        core="CampaignGroup.drop_message_ms_max",
        ge=1,
        le=300,
    )
    call_wait_agent_connected_timeout: float = option(
        "call_wait_agent_connected_timeout",
        "How long an agent's phone may ring.",
        default=seconds_default(CampaignGroup, "call_wait_agent_connected_ms_max"),
        source="vendor",
        unit="seconds",
        core="CampaignGroup.call_wait_agent_connected_ms_max",
        ge=1,
        le=600,
    )
    after_call_work_s: float = option(
        "after-call-work-s",
        "After-call work ends by itself after this time. 0: the agent ends it.",
        default=seconds_default(CampaignGroup, "after_call_work_ms_max"),
        unit="seconds",
        core="CampaignGroup.after_call_work_ms_max",
        ge=0,
        le=86_400,
    )
    preview_timeout_s: float = option(
        "preview-timeout-s",
        "Preview modes: how long an offered record waits for the agent's decision.",
        default=seconds_default(CampaignGroup, "preview_ms_max"),
        unit="seconds",
        core="CampaignGroup.preview_ms_max",
        ge=1,
        le=86_400,
    )
    ivr_application: str = option(
        "ivr-application",
        "GVP modes: the application that takes answered calls. Needed in those modes. With Asterisk it is a dialplan "
        "context of your own, entered at `s`, priority 1; it asks for an agent with UserEvent(OutdialAgent) and then "
        "Goto(outdial,wait,1).",
        default=core_default(CampaignGroup, "ivr_application"),
        allowed="text of 1 … 200 letters, digits and _ . / @ : , -",
        core="CampaignGroup.ivr_application",
        pattern=r"^[A-Za-z0-9_./@:,-]{0,200}$",
    )
    ivr_timeout_s: float = option(
        "ivr-timeout-s",
        "GVP modes: longest IVR session; a call beyond it is released.",
        default=seconds_default(CampaignGroup, "ivr_ms_max"),
        unit="seconds",
        core="CampaignGroup.ivr_ms_max",
        ge=1,
        le=86_400,
    )
    minimum_record_buffer: int = option(
        "minimum-record-buffer",
        "More records are fetched when fewer are in memory.",
        default=core_default(CampaignGroup, "minimum_record_buffer"),
        source="vendor",
        unit="chains",
        core="CampaignGroup.minimum_record_buffer",
        ge=1,
        le=9_999,
    )
    optimal_record_buffer: int = option(
        "optimal-record-buffer",
        "Records are fetched up to this number; greater than the minimum.",
        default=core_default(CampaignGroup, "optimal_record_buffer"),
        source="vendor",
        unit="chains",
        core="CampaignGroup.optimal_record_buffer",
        ge=2,
        le=10_000,
    )
    general_priority: int = option(
        "general-priority",
        "Rank of General records among those that are due; the highest go first, what came back before what is new. "
        "Equal ranks: callbacks, then rescheduled, then General.",
        default=core_default(CampaignGroup, "general_priority"),
        source="vendor",
        core="CampaignGroup.general_priority",
        ge=1,
        le=100,
    )
    campaign_rescheduled_priority: int = option(
        "campaign-rescheduled-priority",
        "Rank of Campaign Rescheduled records.",
        default=core_default(CampaignGroup, "campaign_rescheduled_priority"),
        source="vendor",
        core="CampaignGroup.campaign_rescheduled_priority",
        ge=1,
        le=100,
    )
    campaign_callback_priority: int = option(
        "campaign-callback-priority",
        "Rank of Campaign CallBack records.",
        default=core_default(CampaignGroup, "campaign_callback_priority"),
        source="vendor",
        core="CampaignGroup.campaign_callback_priority",
        ge=1,
        le=100,
    )
    callback_agent_wait: float = option(
        "callback-agent-wait",
        "How long a personal callback that is due waits for its agent to be there and free. Then it comes to Agent "
        "CallBack Error; without a treatment of that result it becomes a Campaign CallBack, for anybody of the group.",
        default=core_default(CampaignGroup, "callback_agent_wait_ms") // MINUTE_MS,
        unit="minutes",
        core="CampaignGroup.callback_agent_wait_ms",
        ge=0,
        le=10_080,
    )
    callback_group_wait: float = option(
        "callback-group-wait",
        "How long a callback that is due, personal or campaign, waits for its own group while that is stopped or has "
        "left the configuration. Then this group, if it dials the same list, finds it: it comes to Group CallBack "
        "Error, and without a treatment of that result it is this group's from then on.",
        default=core_default(CampaignGroup, "callback_group_wait_ms") // MINUTE_MS,
        unit="minutes",
        core="CampaignGroup.callback_group_wait_ms",
        ge=1,
        le=10_080,
    )
    caller_id: str = option(
        "caller-id",
        "What the callee's phone shows: a name and a number, or a number. Left out: what the trunk shows.",
        default=core_default(CampaignGroup, "caller_id"),
        allowed='`"name" <number>` or a number of 1 … 20 digits, optionally with a leading +; the name of 1 … 80 '
        "characters without quotes, angle brackets and backslashes",
        core="CampaignGroup.caller_id",
        pattern=r'^("[^"<>\\\p{Cc}]{1,80}" <\+?[0-9]{1,20}>|\+?[0-9]{1,20})$',
    )
    statistics_carry_over_hours: float = option(
        "statistics-carry-over-hours",
        "Begin with what the group has learned in earlier runs of the server, if that was saved at most so many hours "
        "before the start: a predictive mode then takes effect at once. 0: begin with nothing.",
        default=0,
        unit="hours",
        ge=0,
        le=HOURS_MAX,
    )
    start: bool = option("start", "Start the group together with the server.", default=True)
