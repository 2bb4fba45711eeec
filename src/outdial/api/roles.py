"""Who may do what: scopes of a request, and the roles of people that give them."""

import enum
from collections.abc import Mapping
from typing import Final


class Scope(enum.StrEnum):
    """One kind of thing that a request may do."""

    READ = "read"
    """Look at everything that runs, and at lists, records and reports."""
    OPERATE = "operate"
    """Change what runs: groups, nodes, lists, do-not-call numbers."""
    AGENT = "agent"
    """Work as one agent: log in, take calls, give dispositions."""
    ADMIN = "admin"
    """Change the configuration, and who may do what."""


class Role(enum.StrEnum):
    """What a person is here."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    AGENT = "agent"
    ADMIN = "admin"


SCOPES_OF: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.OPERATOR: frozenset({Scope.READ, Scope.OPERATE}),
    Role.AGENT: frozenset({Scope.AGENT}),
    Role.ADMIN: frozenset(Scope),
}
"""What each role may do. Ours (decision 0027)."""


def in_order(scopes: frozenset[Scope]) -> list[str]:
    """Scopes as they are shown: in the order of `Scope`."""
    return [scope.value for scope in Scope if scope in scopes]
