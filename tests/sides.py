"""One server with callees and phones around it, real or fake, for the contract tests."""

import asyncio

from lab_of_tests import Lab
from outdial.drivers.ami.requests import DialStrings
from outdial.drivers.asterisk import AsteriskSettings
from outdial.drivers.fake_asterisk import AskForAgent, FakeAsterisk, HangUp, Plan, Play
from outdial.lab.node import AMI_PORT, ARI_PORT, Node
from outdial.lab.sounds import SPEECH_HZ, tone

USER, PASSWORD = "outdial", "lab-secret"
NODE_ID = 101


def settings_of(host: str, port: int, ari_port: int, **strings: str) -> AsteriskSettings:
    """The server as the driver needs it."""
    return AsteriskSettings(NODE_ID, NODE_ID, host, USER, lambda: PASSWORD, port, ari_port, DialStrings(**strings))


class FakeSide:
    """The shipped fake."""

    message = "sorry"
    """A sound that it has."""

    def __init__(self, version: str) -> None:
        plan = Plan(
            ivr={"ivr-agent": (Play(200), AskForAgent()), "ivr-end": (Play(300), HangUp())}, sounds={"sorry": 800}
        )
        self.server = FakeAsterisk(user=USER, password=PASSWORD, version=version, plan=plan)

    async def __aenter__(self) -> "FakeSide":
        await self.server.start()
        self.settings = settings_of("127.0.0.1", self.server.ami_address[1], self.server.ari_address[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.kill()

    async def kill(self) -> None:
        """Die at once."""
        await self.server.kill()

    async def restart(self) -> None:
        """Come back without calls."""
        await self.server.restart()

    def hang(self) -> None:
        """Freeze."""
        self.server.hang()

    def wake(self) -> None:
        """Go on."""
        self.server.wake()

    async def register(self, phone: str) -> None:
        """A phone signs in at the server."""
        self.server.register(phone)

    async def unregister(self, phone: str) -> None:
        """A phone is gone."""
        self.server.unregister(phone)


class RealSide:
    """A real Asterisk of the lab; it is shared by all stories of a process, and is put right after each."""

    def __init__(self, node: Node, lab: Lab, **strings: str) -> None:
        self.node = node
        self._lab = lab
        self.message = str(node.folder.absolute() / "sorry")
        (node.folder / "sorry.ulaw").write_bytes(tone(SPEECH_HZ, 0.8))
        self.settings = settings_of(node.address, AMI_PORT, ARI_PORT, **strings)

    async def __aenter__(self) -> "RealSide":
        await asyncio.to_thread(self.node.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.node.is_running:
            self.node.wake()
            self.node.cli("channel request hangup all")

    async def kill(self) -> None:
        """Die at once."""
        self.node.kill9()

    async def restart(self) -> None:
        """Come back without calls."""
        await asyncio.to_thread(self.node.start)

    def hang(self) -> None:
        """Freeze."""
        self.node.hang()

    def wake(self) -> None:
        """Go on."""
        self.node.wake()

    async def register(self, phone: str) -> None:
        """A phone signs in at the server."""
        await asyncio.to_thread(self._lab.phones.register, phone, self.node.address)

    async def unregister(self, phone: str) -> None:
        """A phone is gone."""
        await asyncio.to_thread(self._lab.phones.register, phone, self.node.address, 0)
