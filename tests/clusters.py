"""Three pairs of servers with callees and phones around them: real Asterisks, or fakes."""

import asyncio
from collections import Counter

from cluster_engine import BACKUP, NODES
from cuttable import Proxy
from lab_of_tests import Lab
from outdial.drivers.asterisk import AsteriskSettings
from outdial.drivers.fake_asterisk import AskForAgent, FakeAsterisk, HangUp, Plan, Play
from outdial.lab.node import AMI_PORT, ARI_PORT, Node
from sides import PASSWORD, USER

SERVERS = tuple(server_id for node_id in NODES for server_id in (node_id, node_id + BACKUP))


def _settings(server_id: int, host: str, port: int, ari_port: int) -> AsteriskSettings:
    return AsteriskSettings(server_id, server_id % BACKUP, host, USER, lambda: PASSWORD, port, ari_port)


class FakeCluster:
    """Six fakes in this process."""

    def __init__(self, version: str = "22.10.1") -> None:
        plan = Plan(ivr={"ivr-agent": (Play(200), AskForAgent()), "ivr-end": (Play(300), HangUp())})
        self.fakes = {n: FakeAsterisk(user=USER, password=PASSWORD, version=version, plan=plan) for n in SERVERS}
        self.settings: list[AsteriskSettings] = []

    async def __aenter__(self) -> "FakeCluster":
        for server_id, fake in self.fakes.items():
            await fake.start()
            self.settings.append(_settings(server_id, "127.0.0.1", fake.ami_address[1], fake.ari_address[1]))
        return self

    async def __aexit__(self, *_: object) -> None:
        for fake in self.fakes.values():
            await fake.kill()

    def invited(self) -> Counter[str]:
        """Calls per number or phone, over all servers."""
        return sum((fake.invited for fake in self.fakes.values()), Counter())

    def callers(self) -> Counter[int]:
        """Calls to customers by the server that made them."""
        customers = (
            {n: sum(count for number, count in fake.invited.items() if number[:1].isdigit())}
            for n, fake in self.fakes.items()
        )
        return sum(map(Counter, customers), Counter())

    async def kill(self, server_id: int) -> None:
        """Kill a server."""
        await self.fakes[server_id].kill()

    async def restart(self, server_id: int) -> None:
        """Start a killed server."""
        await self.fakes[server_id].restart()

    def hang(self, server_id: int) -> None:
        """Freeze a server."""
        self.fakes[server_id].hang()

    def wake(self, server_id: int) -> None:
        """Let a frozen server go on."""
        self.fakes[server_id].wake()

    def cut(self, server_id: int) -> None:
        """Reset the connections of a server."""
        self.fakes[server_id].cut()

    def describe(self) -> str:
        """Channels by server."""
        return str({server_id: fake.calls for server_id, fake in self.fakes.items()})


class RealCluster:
    """Six Asterisks of the lab; they are shared by all stories of a process, and put right after each."""

    def __init__(self, lab: Lab, *, proxied: bool = False) -> None:
        """Nothing is started yet.

        Args:
            lab: where the servers are.
            proxied: put a proxy before each server, so that connections can be cut.
        """
        self._lab = lab
        self._proxied = proxied
        self.nodes: dict[int, Node] = {n: lab.node("asterisk22", f"server{n}", 100 + n) for n in SERVERS}
        self.settings = [_settings(n, node.address, AMI_PORT, ARI_PORT) for n, node in self.nodes.items()]
        self._before: Counter[str] = Counter()
        self._calls_before = 0
        self._proxies: list[Proxy] = []

    async def __aenter__(self) -> "RealCluster":
        for node in self.nodes.values():
            node.launch()
        for node in self.nodes.values():
            await asyncio.to_thread(node.wait_booted)
        self._before = self._counted()
        self._calls_before = len(self._lab.callees.calls())
        if self._proxied:
            self.settings = [await self._behind_proxies(settings) for settings in self.settings]
        return self

    async def __aexit__(self, *_: object) -> None:
        for proxy in self._proxies:
            proxy.stop()
        for node in self.nodes.values():
            if node.is_running:
                node.wake()
                node.cli("channel request hangup all")

    async def _behind_proxies(self, settings: AsteriskSettings) -> AsteriskSettings:
        ports = []
        for port in (AMI_PORT, ARI_PORT):
            self._proxies.append(Proxy(settings.host, port))
            ports.append(await self._proxies[-1].start())
        return _settings(settings.server_id, "127.0.0.1", *ports)

    def _counted(self) -> Counter[str]:
        return self._lab.callees.counts() + self._lab.phones.counts()

    def invited(self) -> Counter[str]:
        """Calls per number or phone, as sipp counted them since the story began."""
        return self._counted() - self._before

    def callers(self) -> Counter[int]:
        """Calls to customers by the server that made them, as sipp saw it."""
        servers = {node.address: n for n, node in self.nodes.items()}
        calls = self._lab.callees.calls()[self._calls_before :]
        return Counter(servers[seen.caller] for seen in calls if seen.caller in servers)

    async def kill(self, server_id: int) -> None:
        """Kill a server with SIGKILL."""
        self.nodes[server_id].kill9()

    async def restart(self, server_id: int) -> None:
        """Start a killed server."""
        await asyncio.to_thread(self.nodes[server_id].start)

    def hang(self, server_id: int) -> None:
        """SIGSTOP."""
        self.nodes[server_id].hang()

    def wake(self, server_id: int) -> None:
        """SIGCONT."""
        self.nodes[server_id].wake()

    def cut(self, server_id: int) -> None:
        """Reset the connections between the dialer and a server."""
        place = SERVERS.index(server_id)
        for proxy in self._proxies[2 * place : 2 * place + 2]:
            proxy.cut()

    def describe(self) -> str:
        """Channels by server, and what sipp knows of them."""
        running = {n: node for n, node in self.nodes.items() if node.is_running}
        return str({n: node.cli("core show channels verbose") for n, node in running.items()})
