"""What a predictive campaign group decided lately, and what on."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Reader
from outdial.api.groups import GroupDbid
from outdial.api.parts import ApiParts
from outdial.api.problems import not_found
from outdial.api.settings import campaign_name
from outdial.core.pacing import Decision
from outdial.core.snapshot import GroupView
from outdial.core.units import Millis


class DecisionView(BaseModel):
    """One predictive decision: docs/concepts/pacing.md."""

    model_config = ConfigDict(frozen=True)

    utc_ms: int
    available_agents: int = Field(description="Agents who could be given a person at once.", examples=[3])
    busy_agents: int = Field(description="Agents who are expected to come back.", examples=[17])
    pending_calls: int = Field(description="Calls in flight for these agents.", examples=[12])
    persons_expected: float = Field(description="Persons whom calls in flight will bring.", examples=[3.4])
    agents_expected: float = Field(description="Agents free by the time a new call is answered.", examples=[5.1])
    horizon_ms: int = Field(description="How far ahead was looked.", examples=[14_000])
    level: float = Field(description="What the budget of abandoned persons allows, against its long run.")
    risk: float = Field(description="Share of its persons who would find nobody, of one call more.", examples=[0.021])
    threshold: float = Field(description="Largest such share that was allowed.", examples=[0.024])
    started_calls: int = Field(examples=[2])
    why_not_more: str = Field(examples=["the risk of one more is above the threshold"])


class DecisionsView(BaseModel):
    """The last decisions of one group, oldest first."""

    mode: str
    pacing: str = Field(
        description="How it dials now; a predictive group that dials ahead little or not at all says why."
    )
    decisions: list[DecisionView]


def router(parts: ApiParts) -> APIRouter:
    """The route for decisions."""
    routes = APIRouter(prefix="/groups", tags=["campaign groups"])

    @routes.get("/{dbid}/decisions", summary="The last predictive decisions, with what they rested on")
    async def get_decisions(dbid: GroupDbid, caller: Reader) -> DecisionsView:
        campaign = campaign_name(parts.dialer.configuration, "campaign-group", dbid)
        now, group = parts.dialer.views.now, parts.dialer.views.group(dbid)
        if group is None or campaign is None or not caller.may_see(campaign):
            raise not_found(f"campaign group {dbid}")
        return decisions_of(group, now.utc_ms - now.mono_ms)

    return routes


def decisions_of(group: GroupView, offset_ms: Millis) -> DecisionsView:
    """Decisions as the API tells them.

    Args:
        group: of a snapshot.
        offset_ms: UTC less monotonic time.
    """
    return DecisionsView(
        mode=group.mode.value,
        pacing=group.pacing,
        decisions=[_view(decision, offset_ms) for decision in group.decisions],
    )


def _view(decision: Decision, offset_ms: Millis) -> DecisionView:
    return DecisionView(
        utc_ms=decision.at_mono_ms + offset_ms,
        available_agents=decision.available,
        busy_agents=decision.busy,
        pending_calls=decision.pending,
        persons_expected=decision.persons_millis / 1_000,
        agents_expected=decision.agents_millis / 1_000,
        horizon_ms=decision.horizon_ms,
        level=decision.level_millis / 1_000,
        risk=decision.risk_ppm / 1_000_000,
        threshold=decision.threshold_ppm / 1_000_000,
        started_calls=decision.started,
        why_not_more=decision.why,
    )
