"""Changes over the API of a real process: they outlive reloads and restarts, and the file is replaced as a whole."""

import json
import signal
import stat
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from config_samples import PIECES
from outdial.client import Client, Refused
from serve_samples import Serving, serving, write_configuration

pytestmark = pytest.mark.slow

API = '\n[api]\nlisten = "127.0.0.1:0"\n'


def call(server: Serving, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """One request. Returns status, body and headers."""
    address = server.until("started")["api"]
    content = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    kind = "application/toml" if isinstance(body, str) else "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{address}/v1{path}", content, {"Content-Type": kind, **named}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text, status, found = answer.read().decode(), answer.status, dict(answer.headers)
    except HTTPError as error:
        text, status, found = error.read().decode(), error.code, dict(error.headers)
    return status, json.loads(text) if "json" in found["content-type"] else text, found


def setting(server: Serving, name: str) -> tuple[Any, Any, str | None]:
    """A setting of group 1: in effect, in the file, changed by whom."""
    _, body, _ = call(server, "GET", "/groups/1/settings")
    [found] = [each for each in body["settings"] if each["name"] == name]
    return found["value"], found["file_value"], found["overridden_by"]


def test_what_is_changed_outlives_reload_and_restart_until_it_is_taken_back(tmp_path):
    path = write_configuration(tmp_path, API)
    with serving(path) as server:
        server.until("attempt settled", 2)
        status, body, _ = call(server, "PATCH", "/groups/1", {"ring_timeout_s": 7, "number_of_cpd_ports": 3})
        assert status == 428
        tag = call(server, "GET", "/groups/1/settings")[2]["etag"]
        change = {"ring_timeout_s": 7, "number_of_cpd_ports": 3}
        status, body, _ = call(server, "PATCH", "/groups/1", change, If_Match=tag)
        assert status == 200, body
        assert call(server, "PATCH", "/groups/1", change, If_Match=tag)[0] == 412
        assert setting(server, "ring_timeout_s") == (7, 25, "loopback")
        assert call(server, "GET", "/groups/1")[1]["ports"]["maximum"] == 3
        wrong = call(server, "PATCH", "/groups/1", {"ring_timeout_s": 1, "asm_channel_num": 2}, If_Match="*")
        assert (wrong[0], len(wrong[1]["mistakes"])) == (422, 2)
        path.write_text(path.read_text() + "# changed\n")
        server.process.send_signal(signal.SIGHUP)
        server.until("reloaded")
        assert setting(server, "ring_timeout_s") == (7, 25, "loopback")
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    with serving(path) as server:
        server.until("attempt settled")
        assert setting(server, "number_of_cpd_ports") == (3, 0, "loopback")
        assert call(server, "DELETE", "/groups/1/settings/number_of_cpd_ports", If_Match="*")[0] == 200
        assert setting(server, "number_of_cpd_ports") == (0, 0, None)
        assert setting(server, "ring_timeout_s") == (7, 25, "loopback")
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0


def test_a_change_that_the_file_does_not_allow_any_more_is_left_out_and_told(tmp_path):
    path = write_configuration(tmp_path, API)
    with serving(path) as server:
        assert call(server, "PATCH", "/groups/1", {"progressive_multiplier": 1.5}, If_Match="*")[0] == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    path.write_text(path.read_text().replace('"progressive"', '"push-preview"'))
    with serving(path) as server:
        note = server.until("note")["text"]
        assert "progressive_multiplier" in note and "is left out" in note and "has no effect" in note
        found = call(server, "GET", "/groups/1/settings")[1]["settings"]
        [left_out] = [each for each in found if each["left_out"]]
        assert (left_out["name"], left_out["value"]) == ("progressive_multiplier", 1)
        assert call(server, "PATCH", "/groups/1", {"progressive_multiplier": None}, If_Match="*")[0] == 200
        assert not any(each["left_out"] for each in call(server, "GET", "/groups/1/settings")[1]["settings"])


def test_the_file_is_replaced_and_takes_effect(tmp_path):
    path = write_configuration(tmp_path, API)
    path.chmod(0o640)
    old = path.read_text()
    west = PIECES["group"].replace("dbid = 1", "dbid = 2").replace("east", "west").replace("predictive", "progressive")
    new = old + west
    with serving(path) as server:
        server.until("attempt settled")
        status, text, headers = call(server, "GET", "/configuration")
        assert (status, text, headers["outdial-in-effect"]) == (200, old, "true")
        status, tried, _ = call(server, "PUT", "/configuration?dry_run=true", new)
        assert [(each["kind"], each["name"], each["change"]) for each in tried["differences"]] == [
            ("campaign-group", "west", "added")
        ]
        assert path.read_text() == old
        wrong = call(server, "PUT", "/configuration", new.replace("channel_num = 60", "channel_num = -1"), If_Match="*")
        assert (wrong[0], "channel_num" in wrong[1]["mistakes"][0]) == (422, True)
        status, done, _ = call(server, "PUT", "/configuration", new, If_Match=headers["etag"])
        assert (status, done["differences"]) == (200, tried["differences"])
        assert path.read_text() == new
        assert Path(f"{path}.previous").read_text() == old
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert call(server, "GET", "/groups/2")[1]["name"] == "west"
        assert call(server, "PUT", "/configuration", old, If_Match=headers["etag"])[0] == 412
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert not list(tmp_path.glob(".outdial.toml*"))


def test_why_over_the_api(tmp_path):
    with serving(write_configuration(tmp_path, API)) as server:
        server.until("attempt settled")
        call(server, "POST", "/groups/1/pause")
        [group] = call(server, "GET", "/why?group=east")[1]["subjects"]
        assert group["reasons"][0]["code"] == "paused"
        [record] = call(server, "GET", "/why?record=1")[1]["subjects"]
        assert (record["kind"], record["reasons"] != []) == ("record", True)
        assert call(server, "GET", "/why?record=999999")[0] == 404
        assert call(server, "GET", "/groups/1/decisions")[1]["decisions"] == []


def test_the_python_client_on_a_real_server(tmp_path):
    with serving(write_configuration(tmp_path, API)) as server:
        client = Client(server.until("started")["api"])
        assert client.pause_group("east").state == "paused"
        boards = client.boards()
        assert any(board.groups[0].state == "paused" for board, _ in zip(boards, range(20), strict=False))
        client.resume_group("east")
        assert any(board.groups[0].state == "running" for board, _ in zip(boards, range(20), strict=False))
        with pytest.raises(Refused, match="is not paused"):
            client.resume_group("east")
        assert client.change_settings("east", {"number_of_cpd_ports": 4}).settings
        assert client.group("east").ports.maximum == 4
        text, tag = client.configuration()
        assert client.check_configuration(text.replace("channel_num = 60", "channel_num = 61")).differences
        with pytest.raises(Refused):
            client.replace_configuration(text, '"old"')
        assert client.replace_configuration(text + "# new\n", tag).differences == []
