"""Who is let into the API of a server: on sockets, over TLS, and what a server refuses to begin with."""

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from api_samples import SteppedDialer
from config_samples import load_text, text_with
from outdial import cli
from outdial.api.credentials import Token, User, digest_of
from outdial.api.memory_access import MemoryAccess
from outdial.api.passwords import hashed
from outdial.api.roles import Role, Scope
from outdial.config.api import Api, Listen, Tls
from outdial.names import Names
from outdial.observation import Observation
from outdial.serve_access import Door
from outdial.serve_api import Host, ServeApi
from outdial.serve_certificate import ApiError
from serve_samples import serving, write_configuration

LOOPBACK, EVERYWHERE = Listen("127.0.0.1", 0), Listen("0.0.0.0", 0)
PASSWORD = "correct horse battery staple"
TOKEN = Token("a", "robot", frozenset(Scope), None, None, 0, None)


class ReadyDialer(SteppedDialer):
    """The real core, with a configuration from the beginning."""

    is_ready = True


class Told:
    """What a server tells of its API."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    changed = requested = api_ended = lambda self, line: self.lines.append(line)


@contextlib.asynccontextmanager
async def served(api: Api, records: MemoryAccess | None = None, **more: Any) -> AsyncIterator[tuple[ServeApi, Told]]:
    """An API on a real socket of loopback."""
    told = Told()
    configuration = load_text(text_with()).configuration
    dialer = ReadyDialer(configuration)
    seen = Observation(dialer.core, Names(configuration))
    server = ServeApi(api, Host(dialer, seen, told, records or MemoryAccess(), **more))  # type: ignore[arg-type]
    server.begin()
    try:
        yield server, told
    finally:
        await server.close()


async def asked(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """An answer, as soon as the server gives any."""
    for _ in range(500):
        with contextlib.suppress(httpx.TransportError):
            return await client.get(path)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.02)
    raise AssertionError("the server does not answer")


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> Tls:
    """A certificate for 127.0.0.1 that vouches for itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    return made_certificate(folder)


def made_certificate(folder: Path) -> Tls:
    """Another one for 127.0.0.1, which vouches for itself."""
    folder.mkdir(exist_ok=True)
    found = Tls(folder / "server.pem", folder / "server.key")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, "-out", found.certificate, "-keyout", found.key], check=True, capture_output=True)
    return found


# --- on sockets ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_over_tls_a_person_signs_in(tls):
    async def story():
        records = MemoryAccess()
        await records.add_user(User("anna", Role.ADMIN, None, None, hashed(PASSWORD, cost=16), 0))
        trusting = ssl.create_default_context(cafile=str(tls.certificate))
        async with served(Api(LOOPBACK, tls), records) as (server, told):
            assert server.address.startswith("https://127.0.0.1:")
            origin = {"origin": server.address}
            async with httpx.AsyncClient(base_url=server.address, verify=trusting, headers=origin) as client:
                assert (await asked(client, "/v1/groups")).status_code == 401
                answer = await client.post("/v1/session", json={"login": "anna", "password": PASSWORD})
                assert answer.status_code == 200
                assert "__Host-outdial=" in answer.headers["set-cookie"] and "Secure" in answer.headers["set-cookie"]
                assert answer.headers["strict-transport-security"] == "max-age=31536000"
                csrf = {"x-csrf-token": answer.json()["csrf_token"]}
                assert (await client.post("/v1/groups/1/start")).status_code == 403
                await client.post("/v1/groups/1/start", headers=csrf)
                assert (await client.delete("/v1/session", headers=csrf)).status_code == 204
            with pytest.raises(httpx.TransportError):
                await httpx.AsyncClient().get(server.address.replace("https", "http") + "/v1/groups")
        text = str(told.lines)
        assert "group.start" in text and "'status': 401" in text
        assert PASSWORD not in text and csrf["x-csrf-token"] not in text

    asyncio.run(story())


def shown_certificate(address: str, name: str | None) -> str:
    """What a new connection is shown. `name`: what the client says it looks for."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    host, port = address.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), 5) as plain,
        trusting.wrap_socket(plain, server_hostname=name) as tls,
    ):
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True) or b"")


@pytest.mark.slow
def test_a_certificate_is_renewed_while_connections_are_open(tls, tmp_path):
    def put(certificate: Path, key: Path) -> None:
        shutil.copy(certificate, used.certificate)
        shutil.copy(key, used.key)

    used = Tls(tmp_path / "server.pem", tmp_path / "server.key")
    put(tls.certificate, tls.key)
    other = made_certificate(tmp_path / "other")

    async def shown(server: ServeApi) -> set[str]:
        names = (None, "localhost")
        return {await asyncio.to_thread(shown_certificate, server.address, name) for name in names}

    async def story():
        trusting = ssl.create_default_context(cafile=str(tls.certificate))
        async with (
            served(Api(LOOPBACK, used)) as (server, _),
            httpx.AsyncClient(base_url=server.address, verify=trusting) as client,
        ):
            assert (await asked(client, "/v1/groups")).status_code == 200
            assert not await server.renew_certificate()
            for wrong in ((other.certificate, tls.key), (tls.key, tls.key), (other.certificate, other.certificate)):
                put(*wrong)
                with pytest.raises(ApiError, match="cannot be used for TLS"):
                    await server.renew_certificate()
                assert await shown(server) == {tls.certificate.read_text()}
            put(other.certificate, other.key)
            assert await server.renew_certificate()
            assert await shown(server) == {other.certificate.read_text()}
            assert (await client.get("/v1/groups")).status_code == 200  # on the connection of before
            with pytest.raises(httpx.ConnectError):
                await httpx.AsyncClient(verify=trusting).get(f"{server.address}/v1/groups")

    asyncio.run(story())


@pytest.mark.slow
def test_a_reload_takes_a_renewed_certificate_and_leaves_a_broken_one(tls, tmp_path):
    other = made_certificate(tmp_path / "other")
    for path in (tls.certificate, tls.key):
        shutil.copy(path, tmp_path / path.name)
    table = '\n[api]\nlisten = "127.0.0.1:0"\ntls-certificate-file = "server.pem"\ntls-key-file = "server.key"\n'
    with serving(write_configuration(tmp_path, table)) as server:
        address = server.until("started")["api"]
        assert "open to everybody on this machine" in server.until("note")["text"]
        shutil.copy(other.certificate, tmp_path / "server.pem")
        server.process.send_signal(signal.SIGHUP)
        assert "the certificate of before stays in use" in server.until("note", 2)["text"]
        server.until("reloaded")
        assert shown_certificate(address, None) == tls.certificate.read_text()
        shutil.copy(other.key, tmp_path / "server.key")
        server.process.send_signal(signal.SIGHUP)
        assert "another certificate is in use" in server.until("note", 3)["text"]
        assert shown_certificate(address, None) == other.certificate.read_text()
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0


@pytest.mark.slow
def test_the_key_of_a_guest_works_once_and_others_are_kept_out():
    async def story():
        async with served(Api(LOOPBACK), guests={"demo": "one-time-key"}) as (server, _):
            assert server.link == f"{server.address}/#key=one-time-key"
            async with httpx.AsyncClient(base_url=server.address) as client:
                assert (await asked(client, "/v1/groups")).status_code == 401
                answer = await client.post("/v1/session", json={"key": "one-time-key"})
                assert (answer.status_code, answer.json()["name"]) == (200, "guest demo")
                assert (await client.get("/v1/groups")).status_code == 200
            async with httpx.AsyncClient(base_url=server.address) as other:
                assert (await other.post("/v1/session", json={"key": "one-time-key"})).status_code == 401

    asyncio.run(story())


@pytest.mark.slow
def test_behind_a_proxy_the_address_is_what_the_proxy_says():
    async def story(proxies: tuple[str, ...]) -> str:
        records = MemoryAccess()
        await records.add_token(TOKEN, digest_of("outdial_x"))
        said = {"x-forwarded-for": "192.0.2.7", "authorization": "Bearer outdial_x"}
        async with (
            served(Api(LOOPBACK, proxies=proxies), records) as (server, _),
            httpx.AsyncClient(base_url=server.address, headers=said) as client,
        ):
            await asked(client, "/v1/groups")
            await client.post("/v1/groups/1/start")
        [entry] = await records.audit(None, 9)
        return entry.address

    assert asyncio.run(story(())) == "127.0.0.1"
    assert asyncio.run(story(("127.0.0.1",))) == "192.0.2.7"


@pytest.mark.slow
def test_refusals_of_the_server_around_the_api_have_the_same_shape():
    async def story():
        async with served(Api(LOOPBACK)) as (server, _), httpx.AsyncClient(base_url=server.address) as client:
            await asked(client, "/v1/groups")
            for method, path, status in (
                ("GET", "/v1/nothing", 404),
                ("GET", "/nothing", 404),
                ("DELETE", "/v1/groups", 405),
                ("POST", "/v1/snapshot", 405),
            ):
                answer = await client.request(method, path)
                assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
            assert (await client.delete("/v1/groups")).headers["allow"] == "GET"

    asyncio.run(story())


# --- what a server refuses to begin with -----------------------------------------------------------------------------


async def check(api: Api, records: MemoryAccess, **more: Any) -> str:
    return await Door(api, records, lambda change: None, **more).check()


def test_beyond_loopback_somebody_has_to_be_let_in():
    async def story():
        records = MemoryAccess()
        assert "open to everybody on this machine" in await check(Api(LOOPBACK), records)
        proxied = Api(LOOPBACK, trusted_origins=("https://dial.example.com",))
        assert "nobody can use the API" in await check(proxied, records)
        await check(Api(EVERYWHERE), records, guests={"demo": "key"})
        with pytest.raises(ApiError, match="nobody has been let in yet: make somebody first, with outdial user add"):
            await check(Api(EVERYWHERE), records)
        await records.add_token(replace(TOKEN, expires_utc_ms=1), digest_of("x"))
        with pytest.raises(ApiError):
            await check(Api(EVERYWHERE), records)
        await records.add_token(replace(TOKEN, token_id="b", name="other"), digest_of("y"))
        assert await check(Api(EVERYWHERE), records) == await check(Api(LOOPBACK), records) == ""

    asyncio.run(story())


@pytest.mark.slow
def test_a_certificate_has_to_be_usable(tls, tmp_path):
    async def story():
        await check(Api(LOOPBACK, tls), MemoryAccess())
        nothing, wrong = tmp_path / "nothing.pem", tmp_path / "wrong.pem"
        wrong.write_text("not a certificate")
        for broken in (Tls(nothing, tls.key), Tls(tls.certificate, nothing), Tls(wrong, tls.key)):
            with pytest.raises(ApiError, match="cannot be used for TLS"):
                await check(Api(LOOPBACK, broken), MemoryAccess())

    asyncio.run(story())


@pytest.mark.slow
def test_a_key_with_a_password_is_not_asked_for_on_the_terminal(tls, tmp_path):
    locked = tmp_path / "locked.key"
    command = ["openssl", "ec", "-in", tls.key, "-aes128", "-passout", "pass:secret", "-out", locked]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ApiError, match="takes keys without one"):
        asyncio.run(check(Api(LOOPBACK, Tls(tls.certificate, locked)), MemoryAccess()))


@pytest.mark.slow
def test_outdial_serve_says_why_it_does_not_listen(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("OUTDIAL_TEST_PASSWORD", "x")
    config = write_configuration(tmp_path)
    config.write_text(config.read_text() + '[api]\nlisten = "0.0.0.0:0"\ninsecure-plain-http = true\n')
    assert cli.run_command_line(["serve", str(config)]) == 2
    assert "0.0.0.0:0: can be reached from elsewhere, and nobody has been let in yet" in capsys.readouterr().err


# --- a whole server --------------------------------------------------------------------------------------------------


def call(address: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """One request. Returns its status and body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = httpx.request(method, f"{address}/v1{path}", json=body, headers=named)
    return answer.status_code, answer.json() if answer.content else None


@pytest.mark.slow
def test_who_is_let_in_over_the_api_is_known_after_a_restart_and_no_secret_is_in_the_log(tmp_path, capsys):
    config = write_configuration(tmp_path, '\n[api]\nlisten = "127.0.0.1:0"\n')
    secrets = [PASSWORD]
    with serving(config) as server:
        address = server.until("started")["api"]
        assert call(address, "GET", "/session")[1]["name"] == "loopback"
        wanted = {"login": "anna", "password": PASSWORD, "role": "admin"}
        assert call(address, "POST", "/users", wanted)[0] == 201
        assert call(address, "GET", "/groups")[0] == 401
        page = {"Origin": address}
        with httpx.Client(base_url=f"{address}/v1", headers=page) as anna:
            session = anna.post("/session", json={"login": "anna", "password": PASSWORD}).json()
            anna.headers["x-csrf-token"] = session["csrf_token"]
            token = anna.post("/tokens", json={"name": "crm", "scopes": ["operate"]}).json()["token"]
            secrets += [session["csrf_token"], token, anna.cookies["outdial"]]
        bearer = {"Authorization": f"Bearer {token}"}
        assert call(address, "POST", "/groups/1/stop", Idempotency_Key="k1", **bearer)[0] == 200
        assert call(address, "GET", "/groups", **bearer)[0] == 403
        assert call(address, "POST", f"/session?token={token}", {"token": "wrong"})[0] == 401
        server.process.send_signal(signal.SIGHUP)
        server.until("reloaded")
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
        lines = list(server.lines)
    with serving(config) as server:
        address = server.until("started")["api"]
        assert call(address, "POST", "/groups/1/stop", Idempotency_Key="k1", **bearer)[0] == 200  # the answer, again
        assert call(address, "GET", "/groups/1", **bearer)[0] == 403
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
        lines += server.lines
    log = json.dumps(lines)
    assert [line["action"] for line in lines if line["event"] == "changed"] == [
        "user.create",
        "token.create",
        "group.stop",
    ]
    assert not [secret for secret in secrets if secret in log]
    assert cli.run_command_line(["audit", str(config), "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["audit"]
    assert [(entry["how"], entry["action"]) for entry in entries] == [
        ("signal", "configuration.reload"),
        ("token", "group.stop"),
        ("session", "token.create"),
        ("loopback", "user.create"),
    ]
    assert not [secret for secret in secrets if secret in str(entries)]
