"""The API and the dashboard of a demonstration."""

import errno
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from outdial.api_dialer import ApiDialer
from outdial.config.api import LISTEN, Listen, listen_of
from outdial.serve_api import ApiError, ServeApi

Say = Callable[[str, str], None]
"""Takes a kind and a sentence, for the log of the demonstration."""


def demo_api(listen: Listen, dialer: ApiDialer, say: Say) -> ServeApi:
    """Open the API. Where nothing else was asked for and the usual port is taken, any free one will do.

    Raises:
        ApiError: the address cannot be had.
    """

    def changed(change: dict[str, Any]) -> None:
        say("plain", f"{change['by']}: {change['action']} {change['subject']}")

    def ended(error: Exception) -> None:
        say("bad", f"the API has ended: {error!r}")

    try:
        return ServeApi(listen, dialer, changed, ended)
    except ApiError as error:
        cause = error.__cause__
        if listen != listen_of(LISTEN) or not isinstance(cause, OSError) or cause.errno != errno.EADDRINUSE:
            raise
        return ServeApi(replace(listen, port=0), dialer, changed, ended)
