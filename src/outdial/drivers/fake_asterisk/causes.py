"""Q.850 causes as Asterisk gives them: for SIP statuses, for its own ends of calls, and their texts.

Source: every status from 300 to 699 was answered to Asterisk 22.10 and 16.28; the tables are what their events said.
"""

from collections.abc import Mapping

UNKNOWN = 0
NORMAL_CLEARING = 16
NO_ANSWER = 19
NO_ROUTE = 3

TEXT: Mapping[int, str] = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    3: "No route to destination",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    22: "Number changed",
    23: "Redirected to new destination",
    27: "Destination out of order",
    28: "Invalid number format",
    29: "Facility rejected",
    31: "Normal, unspecified",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    44: "Requested channel not available",
    58: "Bearer capability not available",
    102: "Recover on timer expiry",
    111: "Protocol error, unspecified",
    127: "Interworking, unspecified",
}
OF_STATUS: Mapping[int, int] = {
    **dict.fromkeys((401, 403, 407, 603), 21),
    **dict.fromkeys((404, 485, 604), 1),
    **dict.fromkeys((480, 483), 19),
    **dict.fromkeys((486, 600), 17),
    **dict.fromkeys((488, 606), 58),
    408: 18,
    409: 41,
    410: 22,
    420: 3,
    484: 28,
    500: 38,
    501: 29,
    502: 27,
    504: 102,
}


TO_STATUS: Mapping[int, int] = {
    **dict.fromkeys((1, 2, 3), 404),
    **dict.fromkeys((19, 20, 31), 480),
    **dict.fromkeys((34, 42, 66), 503),
    17: 486,
    18: 408,
    21: 403,
    22: 410,
    27: 502,
    28: 484,
    29: 501,
    38: 500,
    58: 488,
}
"""TechCause of a channel that this server ends with a cause; the other causes have none."""


def of_status(status: int) -> int:
    """Cause of a call that was refused with a SIP status from 400 to 699."""
    return OF_STATUS.get(status, 34 if 500 <= status <= 599 else 127)


def dial_status(cause: int) -> str:
    """DialStatus of the DialEnd event of a refused leg. Only these four causes are told apart."""
    return {17: "BUSY", 34: "CONGESTION", 3: "CHANUNAVAIL"}.get(cause, "NOANSWER")


def dial_result(cause: int) -> str:
    """DIALSTATUS after Dial() whose only leg was refused with this cause (app_dial counts the rest as unavailable)."""
    return {17: "BUSY", 34: "CONGESTION", 19: "NOANSWER"}.get(cause, "CHANUNAVAIL")
