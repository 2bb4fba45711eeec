"""What webhooks cost the event loop: the messages of one settled attempt, for one webhook and for five."""

import time
from dataclasses import replace
from pathlib import Path

from bench.far_side import configuration
from outdial.config.secrets import Secret
from outdial.config.webhooks import Webhook, WebhookEvent
from outdial.core.commands import Disposition, SettleAttempt
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import TreatmentAction
from outdial.core.units import Now
from outdial.webhooks.messages import Announcer

ATTEMPTS = 5_000
ROUNDS = 7
NOW = Now(0, 1_800_000_000_000)
SETTLED = SettleAttempt(
    *(4, 1, 1, 1, 55, "+4930123456", DialingMode.PREDICTIVE, CallResult.ANSWER, Fault.NONE, Verdict.PERSON),
    *(None, 16, 1, 2, NOW.utc_ms, 6_000, 250, 80_000, Disposition(TreatmentAction.DONE)),
)


def run() -> dict[str, object]:
    """Measure, print, return the figures."""
    figures = {}
    for count in (0, 1, 5):
        hook = Webhook("crm", "https://crm.example", Secret(Path("none")), tuple(WebhookEvent), (), 1_000)
        hooks = [replace(hook, name=f"crm-{n}") for n in range(count)]
        announcer = Announcer(hooks, configuration(groups=10, ports=100, agents=50), 7)
        best = min(_seconds(announcer) for _ in range(ROUNDS))
        figures[f"us_per_attempt_{count}"] = 1e6 * best / ATTEMPTS
        print(f"webhooks: {figures[f'us_per_attempt_{count}']:.1f} us for each attempt with {count}")
    return dict(figures)


def _seconds(announcer: Announcer) -> float:
    began = time.perf_counter()
    for _ in range(ATTEMPTS):
        announcer.messages(NOW, SETTLED)
    return time.perf_counter() - began
