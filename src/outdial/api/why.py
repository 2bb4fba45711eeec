"""Why nothing happens: one question about a campaign group, an agent, a node, or records."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from outdial.api.access import Caller, Reader
from outdial.api.parts import ApiParts
from outdial.api.problems import Problem, impossible, not_found
from outdial.api.reasons import Reason, Reasons
from outdial.api.record_reasons import ReasonView, WhyView
from outdial.core.settings import CampaignGroup, Configuration

NAME_OR_DBID = Query(min_length=1, max_length=255, description="Name (login of an agent) or DBID.")
Named = Annotated[str | None, NAME_OR_DBID]
RecordId = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Number of a record.")]
Number = Annotated[str | None, Query(pattern=r"^\+?[0-9]{3,20}$", description="Number of records or callbacks.")]


class WhyAnswer(BaseModel):
    """Answers: several, if several records have the number."""

    subjects: list[WhyView]


def router(parts: ApiParts) -> APIRouter:
    """The route `/why`."""
    routes = APIRouter(tags=["why"])

    @routes.get("/why", summary="Why a group does not dial, an agent gets no calls, a node no requests, or a record")
    async def get_why(
        caller: Reader,
        group: Named = None,
        agent: Named = None,
        node: Named = None,
        record: RecordId = None,
        number: Number = None,
    ) -> WhyAnswer:
        asked = {
            name: value
            for name, value in (
                ("group", group),
                ("agent", agent),
                ("node", node),
                ("record", record),
                ("number", number),
            )
            if value is not None
        }
        if len(asked) != 1:
            given = ", ".join(asked) or "none"
            mistakes = [f"query: one of group, agent, node, record, number is asked for, not {given}"]
            raise impossible(mistakes)
        [(kind, which)] = asked.items()
        if kind in ("record", "number"):
            return WhyAnswer(subjects=await _of_records(parts, caller, str(which)))
        configuration = parts.dialer.configuration
        reasons = Reasons(parts.dialer.snapshot(), configuration)
        look = {"group": _of_group, "agent": _of_agent, "node": _of_node}[kind]
        return WhyAnswer(subjects=[look(reasons, configuration, caller, str(which))])

    return routes


async def _of_records(parts: ApiParts, caller: Caller, which: str) -> list[WhyView]:
    if parts.record_reasons is None:
        raise Problem(409, "not_available", "this server has no database of records that could be asked")
    found = await parts.record_reasons.why(which, caller.campaigns)
    if not found:
        raise not_found(f"record {which}")
    return found


def _of_group(reasons: Reasons, configuration: Configuration, caller: Caller, which: str) -> WhyView:
    settings = _find(which, visible_groups(configuration.campaign_groups, configuration, caller))
    if settings is None:
        raise not_found(f"campaign group {which}")
    state = next((each.state for each in reasons.snapshot.groups if each.group_id == settings.dbid), "not loaded")
    return _view("group", settings.dbid, settings.name, state, reasons.of_group(settings))


def _of_agent(reasons: Reasons, configuration: Configuration, caller: Caller, which: str) -> WhyView:
    for agent in reasons.snapshot.agents:
        if which in (agent.login, str(agent.agent_id)):
            groups = list(visible_groups(reasons.groups_of(agent), configuration, caller))
            if groups or caller.campaigns is None:
                found = reasons.of_agent(agent, groups)
                return _view("agent", agent.agent_id, agent.login, agent.state, found)
    raise not_found(f"agent {which}")


def _of_node(reasons: Reasons, configuration: Configuration, caller: Caller, which: str) -> WhyView:
    for node in reasons.snapshot.nodes:
        if which in (node.name, str(node.node_id)):
            return _view("node", node.node_id, node.name, node.state, reasons.of_node(node))
    raise not_found(f"node {which}")


def visible_groups(
    groups: Iterable[CampaignGroup], configuration: Configuration, caller: Caller
) -> Iterable[CampaignGroup]:
    """Those of campaigns that exist for the caller."""
    names = {campaign.dbid: campaign.name for campaign in configuration.campaigns}
    return (group for group in groups if caller.may_see(names[group.campaign]))


def _find(which: str, groups: Iterable[CampaignGroup]) -> CampaignGroup | None:
    """By name, else by DBID."""
    found = {key: group for group in groups for key in (str(group.dbid), group.name)}
    return found.get(which)


def _view(kind: str, dbid: int, name: str, state: str, reasons: list[Reason]) -> WhyView:
    views = [
        ReasonView(code=each.code, text=each.text, ends_when=each.ends_when, since_utc_ms=each.since_utc_ms)
        for each in reasons
    ]
    return WhyView(kind=kind, dbid=dbid, name=name, state=state, reasons=views)
