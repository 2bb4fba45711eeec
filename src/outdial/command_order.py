"""In which order `outdial --help` names the commands: those first that a newcomer needs first."""

from typing import Any

from typer.core import TyperGroup

ORDER = (
    *("demo", "serve", "check", "doctor", "asterisk-config", "simulate", "plan"),
    *("list", "record", "dnc", "preflight", "why", "report", "compliance"),
    *("group", "node", "top", "user", "token", "audit", "webhook", "grafana", "replay", "ports"),
)
"""Trying it and setting it up; lists and what becomes of them; a running server and who may use it."""


class InOrder(TyperGroup):
    """Commands in this order."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names; one that has no place here comes last."""
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
