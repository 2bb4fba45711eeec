"""Dialing modes: the vendor's codes, and the few facts about a mode that the rest of the core asks for.

Source: mode codes and names: OCS dialing modes (genesys configuration SDK, position in the enumeration). Which modes
share ports: guide "Dynamic Port Allocation Between Campaign Groups", first paragraph. Which modes are load balanced and
how: guide "OCS Load Balancing in SIP Cluster".
"""

import enum


class DialingMode(enum.StrEnum):
    """How a campaign group dials. The value is the name in configuration, API and reports."""

    PREDICTIVE = "predictive"
    PROGRESSIVE = "progressive"
    PREVIEW = "preview"
    PROGRESSIVE_SEIZING = "progressive-with-seizing"
    PREDICTIVE_SEIZING = "predictive-with-seizing"
    PUSH_PREVIEW = "push-preview"
    PROGRESSIVE_GVP = "progressive-gvp"
    PREDICTIVE_GVP = "predictive-gvp"
    POWER_GVP = "power-gvp"

    is_seizing: bool
    """Agents are engaged first; customers are joined to them (ASM modes)."""
    is_gvp: bool
    """An answered call goes to an IVR application."""
    is_preview: bool
    """An agent looks at the record first and is on the call from its start; no port is held."""
    is_predictive: bool
    """Calls are started ahead of agents becoming available."""
    shares_ports: bool
    """May take part in dynamic port allocation."""
    needs_agents: bool
    """Dials only while an agent is logged in: every mode but Power GVP."""

    def may_change_to(self, other: "DialingMode") -> bool:
        """Whether a *running* group may change to `other`: progressive and predictive form of one family."""
        return any(self in family and other in family for family in _FAMILIES)


_SEIZING = frozenset({DialingMode.PROGRESSIVE_SEIZING, DialingMode.PREDICTIVE_SEIZING})
_GVP = frozenset({DialingMode.PROGRESSIVE_GVP, DialingMode.PREDICTIVE_GVP, DialingMode.POWER_GVP})
_PREVIEW = frozenset({DialingMode.PREVIEW, DialingMode.PUSH_PREVIEW})
_PREDICTIVE = frozenset({DialingMode.PREDICTIVE, DialingMode.PREDICTIVE_SEIZING, DialingMode.PREDICTIVE_GVP})
for _mode in DialingMode:  # plain attributes: they are asked for many times in every step
    _mode.is_seizing = _mode in _SEIZING
    _mode.is_gvp = _mode in _GVP
    _mode.is_preview = _mode in _PREVIEW
    _mode.is_predictive = _mode in _PREDICTIVE
    _mode.shares_ports = not (_mode.is_gvp or _mode.is_preview)
    _mode.needs_agents = _mode is not DialingMode.POWER_GVP

_FAMILIES = (
    frozenset({DialingMode.PROGRESSIVE, DialingMode.PREDICTIVE}),
    frozenset({DialingMode.PROGRESSIVE_SEIZING, DialingMode.PREDICTIVE_SEIZING}),
    frozenset({DialingMode.PROGRESSIVE_GVP, DialingMode.PREDICTIVE_GVP}),
)
