"""Who asks, and what they may do.

A caller has scopes, and may be bound to campaigns: what belongs to other campaigns does not exist for such a caller. An
agent's caller is bound to that agent.
"""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends
from starlette.requests import HTTPConnection

from outdial.api.problems import Problem
from outdial.api.roles import Scope as Scope
from outdial.core.units import AgentId

ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose request has been recognised."""

    name: str
    """For the audit: `user alice`, `token crm`."""
    scopes: frozenset[Scope]
    campaigns: frozenset[str] | None = None
    """Names of the campaigns that exist for the caller. None: all."""
    agent_id: AgentId | None = None
    """With scope `agent`: as whom."""
    how: str = "token"
    """For the audit: `token`, `session` (a browser's) or `loopback`."""
    address: str = ""
    """For the audit: where the request comes from."""

    def may_see(self, campaign: str) -> bool:
        """Whether a campaign exists for the caller."""
        return self.campaigns is None or campaign in self.campaigns


class Access(Protocol):
    """Recognises callers."""

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Whose request it is.

        Raises:
            Problem: 401, nobody's; 403, a request that a browser was tricked into.
        """
        ...


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency of routes: the caller, who must have one of the scopes."""

    scopes: tuple[Scope, ...]

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """Recognise the caller.

        Raises:
            Problem: 401, 403: see `Access.identify`; or the caller lacks the scope.
        """
        access: Access = connection.app.state.access
        caller = await access.identify(connection)
        connection.state.caller = caller.name
        if caller.scopes.isdisjoint(self.scopes):
            wanted = " or ".join(scope.value for scope in self.scopes)
            raise Problem(403, "forbidden", f"{caller.name} lacks scope {wanted}")
        return caller


def needs(*scopes: Scope) -> Needs:
    """What a route demands of its caller: one of the scopes."""
    return Needs(scopes)


Reader = Annotated[Caller, Depends(needs(Scope.READ))]
"""The caller of a route that shows something."""
Operator = Annotated[Caller, Depends(needs(Scope.OPERATE))]
"""The caller of a route that changes what runs."""
