"""`outdial serve`, watched from outside while it dials."""

import json
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from outdial.metrics_table import BY_NAME
from serve_samples import serving, write_configuration

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
