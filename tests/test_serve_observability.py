"""`outdial serve`, watched from outside while it dials."""

import base64
import hmac
import json
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families

from outdial.metrics_table import BY_NAME
from serve_samples import WAIT_S, serving, write_configuration

pytestmark = pytest.mark.slow


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_running_server_tells_its_metrics_and_that_it_is_ready(tmp_path):
    path = write_configuration(tmp_path, "\n[api]\nlisten = '127.0.0.1:0'\nopen-metrics = true\n")
    with serving(path) as server:
        address = server.until("started")["api"]
        settled = server.until("attempt settled", 20)
        assert settled["attempt_id"].startswith("1-")
        status, body = get(f"{address}/v1/health/ready")
        assert 200 == status and json.loads(body)["is_ready"], body
        assert 200 == get(f"{address}/v1/health/live")[0]
        status, text = get(f"{address}/v1/metrics")
    assert 200 == status
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families.values()}
    assert names <= BY_NAME.keys()
    attempts = sum(sample.value for sample in families["outdial_attempts"].samples)
    assert attempts >= 20
    answered = families["outdial_store_seconds"].samples
    assert {"write", "claim"} <= {sample.labels["operation"] for sample in answered}
    assert [1.0] == [sample.value for sample in families["outdial_store_up"].samples]
    missing = {name for name in BY_NAME if "webhook" not in name and name not in names}
    assert missing <= {"outdial_group_held", "outdial_alarms", "outdial_campaign_abandoned_ratio"}, missing


class Hook(BaseHTTPRequestHandler):
    """A receiver of webhooks: in the first process it refuses everything, later it takes it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        server = self.server
        server.came.append((self.headers["webhook-id"], json.loads(body), dict(self.headers), body))
        self.send_response(204 if server.is_willing else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def hooked() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.came, server.is_willing = [], False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_webhooks_are_told_and_what_one_process_could_not_deliver_the_next_one_does(tmp_path):
    secret = "a secret of more than 24 bytes"
    with hooked() as hook:
        table = f"""
[[webhook]]
name = "crm"
url = "http://127.0.0.1:{hook.server_port}/in"
secret-env = "OUTDIAL_TEST_SECRET"
events = ["attempt.settled"]
"""
        path = write_configuration(tmp_path, f"\n[api]\nlisten = '127.0.0.1:0'\n{table}", records=30)
        env = {"OUTDIAL_TEST_SECRET": secret}
        with serving(path, env=env) as server:
            address = server.until("started")["api"]
            server.until("attempt settled", 30)
            server.until("webhook fails")
            status, body = get(f"{address}/v1/webhooks")
            assert 200 == status and "crm" == json.loads(body)["webhooks"][0]["name"]
            server.process.terminate()
            assert 0 == server.ended(), server.lines
        refused = {came[0] for came in hook.came}
        hook.is_willing, hook.came = True, []
        with sqlite3.connect(tmp_path / "results" / "outdial.sqlite3") as database:
            assert (30,) == database.execute("SELECT count(*) FROM outbox").fetchone()
            database.execute("UPDATE outbox SET due_utc_ms = 0")  # nobody waits for a minute here
        with serving(path, env=env) as server:
            deadline = time.monotonic() + WAIT_S
            while len({came[0] for came in hook.came}) < 30 and time.monotonic() < deadline:
                server.read()
            server.process.terminate()
            server.ended()
    names = [came[0] for came in hook.came]
    assert {f"att_1-{n}" for n in range(1, 31)} == set(names) and refused <= set(names)
    _, message, headers, raw = hook.came[0]
    assert f"att_{message['data']['attempt_id']}" == headers["webhook-id"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
    expected = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
    assert f"v1,{expected}" == headers["webhook-signature"]
