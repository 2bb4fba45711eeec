"""Tables `[[webhook]]`."""

import base64

import pytest

from config_samples import mistakes_in, text_with
from outdial.config import loads
from outdial.config.secrets import Secret
from outdial.config.webhooks import WebhookEvent
from outdial.core.errors import ConfigError

GOOD = """
[[webhook]]
name = "crm"
url = "https://crm.example:8443/outdial?key=abc"
secret-env = "CRM_SECRET"
events = ["attempt.settled", "alarm.raised"]
"""


def test_a_webhook_and_its_defaults(tmp_path):
    [webhook] = loads(text_with(GOOD), folder=tmp_path).webhooks
    assert ("crm", (WebhookEvent.ATTEMPT_SETTLED, WebhookEvent.ALARM_RAISED)) == (webhook.name, webhook.events)
    assert ((), 10_000) == (webhook.campaigns, webhook.timeout_ms)
    assert "https://crm.example:8443" == webhook.origin, "what may be secret is not shown"
    other = GOOD.replace('secret-env = "CRM_SECRET"', 'secret-file = "s.txt"\ncampaigns = ["spring"]\ntimeout-s = 0.5')
    [webhook] = loads(text_with(other), folder=tmp_path).webhooks
    assert (tmp_path / "s.txt", ("spring",), 500) == (webhook.secret.file, webhook.campaigns, webhook.timeout_ms)


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("https:", "ftp:", "no address that messages can be posted to"),
        ("https://crm", "https://me:hunter2@crm", "holds a user or password"),
        ("https://crm.example:8443/outdial?key=abc", "https:///x", "names no host"),
        ("crm.example:8443", "crm.example:99999", "cannot be read"),
        ("key=abc", "key=a b", "holds characters that no address has"),
        ("key=abc", "key=abc#top", "holds a fragment"),
        ('secret-env = "CRM_SECRET"', "", "webhook[crm].secret-file: missing; allowed: secret-file or secret-env"),
        ('events = ["attempt.settled", "alarm.raised"]', 'events = ["attempt.begun"]', "webhook[crm].events"),
        ('"alarm.raised"', '"attempt.settled"', "given twice; allowed: each event once"),
        ('name = "crm"', 'name = "c r m"', "webhook[c r m].name"),
        ("secret-env", 'campaigns = ["sprin"]\nsecret-env', 'did you mean "spring"?'),
        ("secret-env", "timeout-s = 0\nsecret-env", "webhook[crm].timeout-s = 0: out of range"),
    ],
)
def test_mistakes(old, new, mistake):
    found = mistakes_in(text_with(GOOD.replace(old, new)))
    assert any(mistake in line for line in found), found
    assert not any("hunter2" in line or "abc" in line for line in found)


def test_two_webhooks_with_one_name():
    assert any("another webhook has this name" in line for line in mistakes_in(text_with(GOOD + GOOD)))


def test_secrets_are_read_where_they_are(tmp_path, monkeypatch):
    key = bytes(range(32))
    path = tmp_path / "secret"
    path.write_text("whsec_" + base64.b64encode(key).decode() + "\nsecond line\n")
    assert key == Secret(file=path).read()
    monkeypatch.setenv("CRM_SECRET", "a plain secret of thirty bytes")
    assert b"a plain secret of thirty bytes" == Secret(variable="CRM_SECRET").read()


@pytest.mark.parametrize("text", ["", "short", "whsec_###", "whsec_" + base64.b64encode(b"x" * 23).decode()])
def test_bad_secrets_are_refused_and_not_shown(tmp_path, text):
    path = tmp_path / "secret"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        Secret(file=path).read()
    assert str(path) in str(error.value) and (not text or text.removeprefix("whsec_") not in str(error.value))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Secret(file=tmp_path / "none").read()
