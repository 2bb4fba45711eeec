"""Every metric of a running server: the one table. Pages, dashboards and tests are checked against it.

Names, units and types follow the conventions of Prometheus: base units, `_total` for counters, the unit before that.
Labels have as many values as the configuration has objects, or are words of the dialer: never a number that was called,
a record, a call or a person who was called. Ours: which metrics there are (decision 0026).
"""

import enum
from dataclasses import dataclass


class MetricType(enum.StrEnum):
    """What kind of metric it is, by its name in the exposition format."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    """As in the exposition format, without the `_bucket`, `_sum` and `_count` of histograms."""
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    """Empty: it counts things."""
    buckets: tuple[float, ...] = ()
    """Histograms: upper bounds, ascending, in the unit. One without a bound comes on top."""


STEP_BUCKETS = (0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25)
ANSWER_BUCKETS = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0)
"""Ringing: the usual limits are 15 to 30 seconds."""
WAIT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Waiting for an agent: two seconds is the limit of the rules."""
STORE_BUCKETS = (0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_C, _G, _H = MetricType.COUNTER, MetricType.GAUGE, MetricType.HISTOGRAM

METRICS: tuple[Metric, ...] = (
    # the dialer's steps
    Metric("outdial_steps_total", _C, "Steps of the core, by the event that each took in.", ("event",)),
    Metric("outdial_commands_total", _C, "Commands that the core has given.", ("command",)),
    Metric("outdial_step_seconds", _H, "Time that one step of the core took.", (), "seconds", STEP_BUCKETS),
    Metric("outdial_late_events_total", _C, "Events that came too late to matter."),
    Metric("outdial_ignored_phone_events_total", _C, "Events of phones from nodes that are not the prime node."),
    Metric("outdial_unknown_results_total", _C, "Attempts whose signs fitted no row of the result table."),
    Metric("outdial_inbox_events", _G, "Events that wait for the core."),
    Metric("outdial_lost_events_total", _C, "Events for which the core had no room; audits find what they said."),
    # attempts
    Metric("outdial_attempts_total", _C, "Attempts settled, by call result.", ("group", "result")),
    Metric(
        "outdial_node_attempts_total", _C, "Attempts settled, by node and by whose fault it was.", ("node", "fault")
    ),
    Metric("outdial_persons_total", _C, "Attempts that a person answered, previews aside.", ("group",)),
    Metric("outdial_abandoned_total", _C, "Persons who found nobody within the limit of the rules.", ("group",)),
    Metric("outdial_talk_seconds_total", _C, "Time of conversations that are over.", ("group",), "seconds"),
    Metric(
        "outdial_dial_to_answer_seconds",
        _H,
        "From the dial request to the answer, of calls that were answered.",
        ("group",),
        "seconds",
        ANSWER_BUCKETS,
    ),
    Metric(
        "outdial_wait_for_agent_seconds",
        _H,
        "From the verdict to the connection with an agent, of persons who were connected.",
        ("group",),
        "seconds",
        WAIT_BUCKETS,
    ),
    # campaign groups
    Metric("outdial_group_state", _G, "1 for the state that the group is in.", ("group", "state")),
    Metric("outdial_group_ports_used", _G, "Ports that the group holds.", ("group",)),
    Metric(
        "outdial_group_ports_maximum",
        _G,
        "Ports that the group may hold; missing: only its pool limits it.",
        ("group",),
    ),
    Metric("outdial_group_ports_needed", _G, "Ports that the group needs on average, as estimated.", ("group",)),
    Metric(
        "outdial_group_calls",
        _G,
        "Calls now: dialing (not ringing yet), ringing, answered, waiting, connected.",
        ("group", "state"),
    ),
    Metric("outdial_group_agents", _G, "Agents of the group: logged in, and of these ready, busy.", ("group", "state")),
    Metric("outdial_group_buffered_chains", _G, "Customers in memory who may be dialed next.", ("group",)),
    Metric("outdial_group_held", _G, "1 for each reason why the group does not dial more.", ("group", "reason")),
    # pools, nodes, agents
    Metric("outdial_pool_ports", _G, "Size of the pool.", ("pool", "kind")),
    Metric("outdial_pool_ports_used", _G, "Ports in use.", ("pool", "kind")),
    Metric("outdial_pool_short", _G, "1 while dynamic groups need more than the pool has.", ("pool", "kind")),
    Metric("outdial_node_state", _G, "1 for the state that the node is in.", ("node", "state")),
    Metric("outdial_node_prime", _G, "1 for the prime node.", ("node",)),
    Metric("outdial_node_draining", _G, "1 while an operator keeps new requests from the node.", ("node",)),
    Metric("outdial_node_calls", _G, "Calls that hold a port on the node.", ("node",)),
    Metric("outdial_node_requests_total", _C, "Dial and engage requests sent.", ("node",)),
    Metric("outdial_node_faults_total", _C, "Requests that failed through the node's fault.", ("node",)),
    Metric("outdial_agents", _G, "Agents by state.", ("state",)),
    # abandonment and alarms
    Metric(
        "outdial_campaign_abandoned_ratio",
        _G,
        "Share of abandoned calls by the campaign's method, over each window.",
        ("campaign", "window"),
        "ratio",
    ),
    Metric(
        "outdial_campaign_abandoned_limit_ratio", _G, "The campaign's limit for that share.", ("campaign",), "ratio"
    ),
    Metric("outdial_alarms", _G, "Alarms that are up.", ("kind", "severity")),
    # database
    Metric(
        "outdial_store_seconds", _H, "Time that the database took to answer.", ("operation",), "seconds", STORE_BUCKETS
    ),
    Metric("outdial_store_up", _G, "0 while the database counts as away."),
    Metric("outdial_store_waiting_changes", _G, "Changes and claims that wait to be given to the database."),
    Metric("outdial_spool_bytes", _G, "Size of what is kept for a database that is away.", (), "bytes"),
    # webhooks
    Metric("outdial_webhook_deliveries_total", _C, "Deliveries tried, by how they ended.", ("webhook", "outcome")),
    Metric("outdial_webhook_waiting", _G, "Messages that have not been delivered yet.", ("webhook",)),
    Metric("outdial_webhook_parked", _G, "Messages that were given up.", ("webhook",)),
    # the process
    Metric("outdial_info", _G, "Always 1; its label is the version.", ("version",)),
    Metric("outdial_uptime_seconds", _G, "Time since the server's start.", (), "seconds"),
)
BY_NAME = {metric.name: metric for metric in METRICS}
