"""SIP cluster nodes and the port pools of dialers."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from outdial.api.access import Caller, Operator, Reader
from outdial.api.board import NodeBoard, PoolBoard
from outdial.api.dialer import demand
from outdial.api.parts import ApiParts
from outdial.api.problems import Problem, not_found
from outdial.core.events import NodeDrainRequested, NodeEnableRequested, NodePromoteRequested
from outdial.core.units import NodeId

NodeDbid = Annotated[
    NodeId, Path(ge=1, le=2**31 - 1, description="DBID of the node: that of its primary application.", examples=[1])
]
Dialer = Annotated[
    str, Path(pattern=r"^[a-z-]{1,20}-[0-9]{1,10}$", description="A pool's `dialer`.", examples=["switch-1"])
]


class NodesView(BaseModel):
    """SIP cluster nodes."""

    nodes: list[NodeBoard]


class PoolsView(BaseModel):
    """Port pools."""

    pools: list[PoolBoard]


class PortSampleView(BaseModel):
    """Ports of one pool at one instant."""

    utc_ms: int
    ports: int
    used: dict[int, int]
    """By campaign group. What is missing uses none."""


class PortHistoryView(BaseModel):
    """Ports of one pool over the last quarter of an hour, oldest first."""

    dialer: str
    samples: list[PortSampleView]


def router(parts: ApiParts) -> APIRouter:
    """Routes under `/nodes` and `/pools`."""
    routes = APIRouter(tags=["cluster and ports"])

    def node_of(dbid: NodeId) -> NodeBoard:
        node = parts.board.node(dbid)
        if node is None:
            raise not_found(f"node {dbid}")
        return node

    async def changed(caller: Caller, action: str, before: NodeBoard, told: str = "admin") -> NodeBoard:
        after = node_of(before.dbid)
        was, now = before.model_dump(include={told}), after.model_dump(include={told})
        await parts.audit.note(caller, action, f"node {before.dbid}", was, now)
        return after

    @routes.get("/nodes", summary="All SIP cluster nodes")
    async def list_nodes(caller: Reader) -> NodesView:
        return NodesView(nodes=list(parts.board.current().nodes))

    @routes.get("/nodes/{dbid}", summary="One SIP cluster node")
    async def get_node(dbid: NodeDbid, caller: Reader) -> NodeBoard:
        return node_of(dbid)

    @routes.post("/nodes/{dbid}/drain", summary="Send no new requests to a node; its calls go on")
    async def drain_node(dbid: NodeDbid, caller: Operator) -> NodeBoard:
        _demand_all_campaigns(caller)
        before = node_of(dbid)
        await demand(parts.dialer, lambda number: NodeDrainRequested(number, dbid))
        return await changed(caller, "node.drain", before)

    @routes.post("/nodes/{dbid}/enable", summary="Take back a drain")
    async def enable_node(dbid: NodeDbid, caller: Operator) -> NodeBoard:
        _demand_all_campaigns(caller)
        before = node_of(dbid)
        await demand(parts.dialer, lambda number: NodeEnableRequested(number, dbid))
        return await changed(caller, "node.enable", before)

    @routes.post("/nodes/{dbid}/promote", summary="Make an active node the prime node")
    async def promote_node(dbid: NodeDbid, caller: Operator) -> NodeBoard:
        _demand_all_campaigns(caller)
        before = node_of(dbid)
        await demand(parts.dialer, lambda number: NodePromoteRequested(number, dbid))
        return await changed(caller, "node.promote", before, "is_prime")

    @routes.get("/pools", summary="All port pools")
    async def list_pools(caller: Reader) -> PoolsView:
        return PoolsView(pools=list(parts.board.current().seen_by(caller.campaigns).pools))

    @routes.get("/pools/{dialer}/history", summary="Ports in use over the last quarter of an hour")
    async def get_port_history(dialer: Dialer, caller: Reader) -> PortHistoryView:
        board = parts.board.current().seen_by(caller.campaigns)
        if dialer not in {pool.dialer for pool in board.pools}:
            raise not_found(f"pool {dialer}")
        visible = {group.dbid for group in board.groups}
        samples = []
        for utc_ms, pools in parts.board.samples:
            ports, used = pools.get(dialer, (0, {}))
            mine = {group: count for group, count in used.items() if group in visible}
            samples.append(PortSampleView(utc_ms=utc_ms, ports=ports, used=mine))
        return PortHistoryView(dialer=dialer, samples=samples)

    return routes


def _demand_all_campaigns(caller: Caller) -> None:
    """Nodes serve every campaign.

    Raises:
        Problem: the caller is bound to some.
    """
    if caller.campaigns is not None:
        raise Problem(403, "forbidden", f"{caller.name} may change some campaigns only, and a node serves all of them")
