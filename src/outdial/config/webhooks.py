"""The tables `[[webhook]]`: which other systems are told of what."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from outdial.config.mistakes import Mistakes, show_names, suggest
from outdial.config.options import Table, option
from outdial.config.rows import Row
from outdial.config.secrets import Secret
from outdial.core.units import SECOND_MS, Millis

URL = 'an address such as "https://crm.example/calls", without a user or password in it'
SCHEMES = ("http", "https")
TIMEOUT_S = 10.0


class WebhookEvent(enum.StrEnum):
    """What a webhook may be told of."""

    ATTEMPT_SETTLED = "attempt.settled"
    DISPOSITION_GIVEN = "disposition.given"
    CALLBACK_REQUESTED = "callback.requested"
    ALARM_RAISED = "alarm.raised"
    ALARM_CLEARED = "alarm.cleared"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Another system that is told of what happens."""

    name: str
    url: str
    secret: Secret
    events: tuple[WebhookEvent, ...]
    campaigns: tuple[str, ...]
    """Names of campaigns. Empty: all."""
    timeout_ms: Millis

    @property
    def origin(self) -> str:
        """The address without path and query, which may hold a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class WebhookTable(Table):
    """`[[webhook]]`: another system that is told of what happens. Read by `outdial serve` only."""

    name: str = option(
        "name",
        "Name of the webhook. What waits to be delivered belongs to it.",
        allowed="text of 1 … 64 letters, digits and . _ -, beginning with a letter or digit",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    )
    url: str = option("url", "Where messages are posted. Redirects are not followed.", allowed=URL, max_length=2_000)
    secret_file: str | None = option(
        "secret-file",
        "File whose first line is the secret that messages are signed with, relative to the configuration file.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    secret_env: str | None = option(
        "secret-env",
        "Environment variable that holds the secret.",
        default=None,
        allowed="the name of an environment variable",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$",
    )
    events: list[Annotated[WebhookEvent, Field(strict=False)]] = option(
        "events",
        "What it is told of.",
        allowed="an array of " + ", ".join(f'"{event}"' for event in WebhookEvent),
        min_length=1,
        max_length=len(WebhookEvent),
    )
    campaigns: list[Annotated[str, Field(min_length=1, max_length=255)]] = option(
        "campaigns",
        "Only of these campaigns. Left out: of all. Alarms that belong to no campaign are told in any case.",
        default=[],
        allowed="an array of names of campaigns",
        max_length=10_000,
    )
    timeout_s: float = option(
        "timeout-s", "Longest wait for an answer.", default=TIMEOUT_S, unit="seconds", ge=0.1, le=60
    )


def check_webhooks(rows: list[Row[WebhookTable]], campaigns: list[str], mistakes: Mistakes) -> None:
    """What the values of the tables have to do with each other, and with campaigns."""
    names: dict[str, str] = {}
    for row in rows:
        table = row.table
        if row.has("name") and names.setdefault(table.name, row.label) != row.label:
            mistakes.add(row.key("name"), f"another webhook has this name: {names[table.name]}", value=table.name)
        if row.has("url") and (wrong := _wrong_url(table.url)):
            mistakes.add(row.key("url"), wrong, URL)  # which is not shown, as it may hold a secret
        if not (row.given("secret_file") or row.given("secret_env")):
            mistakes.add(row.key("secret_file"), "missing", "secret-file or secret-env")
        elif row.given("secret_file") and row.given("secret_env"):
            mistakes.add(row.key("secret_env"), "two places for one secret: secret-file and secret-env", "one of them")
        if row.has("events") and len(set(table.events)) < len(table.events):
            mistakes.add(row.key("events"), "given twice", "each event once")
        for name in table.campaigns if row.has("campaigns") else ():
            if name not in campaigns:
                hint = suggest(name, campaigns)
                wrong = "there is no such campaign" + (f"; {hint}" if hint else "")
                mistakes.add(row.key("campaigns"), wrong, show_names(campaigns), value=name)


def webhooks_of(tables: list[WebhookTable], folder: Path) -> tuple[Webhook, ...]:
    """The tables as the server reads them; checked values. Paths are relative to `folder`."""
    return tuple(
        Webhook(
            name=table.name,
            url=table.url,
            secret=Secret(None if table.secret_file is None else folder / table.secret_file, table.secret_env),
            events=tuple(table.events),
            campaigns=tuple(table.campaigns),
            timeout_ms=round(table.timeout_s * SECOND_MS),
        )
        for table in tables
    )


def _wrong_url(url: str) -> str:
    """What is wrong with an address; empty: nothing."""
    try:
        parts = urlsplit(url)
        is_secret = parts.username is not None or parts.password is not None
        parts.port  # noqa: B018 raises when it is no port
    except ValueError as error:
        return f"cannot be read: {error}"
    if parts.scheme not in SCHEMES:
        return "no address that messages can be posted to"
    if is_secret:
        return "holds a user or password, and a secret is not written into the configuration"
    if not parts.hostname or not url.isprintable() or any(character.isspace() for character in url):
        return "names no host, or holds characters that no address has"
    return "holds a fragment, which is never sent" if parts.fragment else ""
