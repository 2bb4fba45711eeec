"""The table [api]."""

from pathlib import Path

import pytest

from config_samples import load_text, mistakes_in, text_with
from outdial.config.api import Listen, listen_of


def test_without_the_table_nothing_is_served():
    assert load_text(text_with()).api is None


def test_loopback_is_the_default():
    api = load_text(text_with("[api]\n")).api
    assert api is not None and api.listen == Listen("127.0.0.1", 8042)


@pytest.mark.parametrize(
    "text, listen",
    [
        ("127.0.0.1:0", Listen("127.0.0.1", 0)),
        ("[::1]:65535", Listen("::1", 65_535)),
        ("0.0.0.0:80", Listen("0.0.0.0", 80)),
        ("localhost:80", None),
        ("127.0.0.1", None),
        ("127.0.0.1:", None),
        ("::1:80", None),
        ("127.0.0.1:65536", None),
        ("127.0.0.1:-1", None),
        (":80", None),
        ("", None),
    ],
)
def test_addresses(text, listen):
    assert listen_of(text) == listen
    if listen is not None:
        assert listen_of(str(listen)) == listen


def test_a_wrong_address_is_named():
    (mistake,) = mistakes_in(text_with('[api]\nlisten = "everywhere"\n'))
    assert "api.listen" in mistake and "everywhere" in mistake and "127.0.0.1:8042" in mistake


def test_everything_that_can_be_said():
    api = load_text(
        text_with(
            """[api]
listen = "0.0.0.0:8443"
tls-certificate-file = "tls/server.pem"
tls-key-file = "/etc/outdial/server.key"
trusted-origins = ["https://dial.example.com", "http://dial:8080"]
proxies = ["192.0.2.10", "::1"]
session-idle-min = 5
session-hours-max = 8
"""
        )
    ).api
    assert (
        api is not None
        and api.tls is not None
        and api.tls.certificate.name == "server.pem"
        and api.tls.certificate.parent.name == "tls"
    )
    assert api.tls.key == Path("/etc/outdial/server.key")
    assert api.trusted_origins == ("https://dial.example.com", "http://dial:8080")
    assert (api.proxies, api.session_idle_ms, api.session_ms_max) == (("192.0.2.10", "::1"), 300_000, 28_800_000)


def test_beyond_loopback_it_is_tls_or_on_purpose():
    (mistake,) = mistakes_in(text_with('[api]\nlisten = "192.0.2.1:80"\n'))
    assert "in the clear" in mistake and "insecure-plain-http = true" in mistake
    assert load_text(text_with('[api]\nlisten = "192.0.2.1:80"\ninsecure-plain-http = true\n')).api is not None
    assert mistakes_in(text_with('[api]\nlisten = "[::]:80"\n'))
    assert load_text(text_with('[api]\nlisten = "127.9.9.9:80"\n')).api is not None


@pytest.mark.parametrize(
    "line, key",
    [
        ('tls-key-file = "x"', "tls-certificate-file"),
        ('tls-certificate-file = "x"', "tls-key-file"),
        ('trusted-origins = ["dial.example.com"]', "trusted-origins"),
        ('trusted-origins = ["https://dial.example.com/"]', "trusted-origins"),
        ('trusted-origins = ["https://Dial.example.com"]', "trusted-origins"),
        ('proxies = ["proxy"]', "proxies"),
        ("session-idle-min = 0", "session-idle-min"),
        ("session-hours-max = 169", "session-hours-max"),
    ],
)
def test_mistakes_are_named(line, key):
    (mistake,) = mistakes_in(text_with(f"[api]\n{line}\n"))
    assert f"api.{key}" in mistake
