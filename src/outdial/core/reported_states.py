"""What servers report of calls and phones, in our words."""

import enum


class PhoneState(enum.StrEnum):
    """State of an agent's phone (DN), as the prime node reports it."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    RINGING = "ringing"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


class CallPhase(enum.StrEnum):
    """How far a call is, as a server reports it when asked which of our calls it still has."""

    DIALING = "dialing"
    ALERTING = "alerting"
    ANSWERED = "answered"
    CONNECTED = "connected"
