"""The certificate of the API: usable at the start, and renewed while the server runs.

A context of `ssl` takes a new certificate and its key one after the other, and is left with half of them when the
second one is wrong. So each pair is read into a context of its own, and every connection is given the last one that was
right when it shakes hands. Connections that are open keep theirs.
"""

import hashlib
import ssl

from outdial.config.api import Tls
from outdial.core.errors import OutdialError


class ApiError(OutdialError):
    """The API cannot be served."""

    code = "api"


class Certificate:
    """The certificate in use."""

    def __init__(self, tls: Tls) -> None:
        """Read it.

        Raises:
            ApiError: it, or its key, cannot be used.
        """
        self._tls = tls
        self._context, self._digest = _read(tls)

    def renew(self) -> bool:
        """Read it again, for connections that are made from now on. Returns whether it is another one.

        Raises:
            ApiError: it, or its key, cannot be used; the one before stays in use.
        """
        context, digest = _read(self._tls)
        is_another = digest != self._digest
        if is_another:
            self._context, self._digest = context, digest
        return is_another

    def listening(self) -> ssl.SSLContext:
        """What a socket listens with: every connection gets the certificate in use."""

        def on_hello(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
            connection.context = self._context

        listening = self._context
        listening.sni_callback = on_hello
        return listening


def _read(tls: Tls) -> tuple[ssl.SSLContext, str]:
    """A context with a certificate, and what tells it from others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        digest = hashlib.sha256(tls.certificate.read_bytes() + b"\0" + tls.key.read_bytes()).hexdigest()
        context.load_cert_chain(tls.certificate, tls.key, _no_password)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
        raise ApiError(f"{tls.certificate}, {tls.key}: cannot be used for TLS: {reason}") from error
    return context, digest


def _no_password() -> str:
    raise ValueError("the key has a password; outdial takes keys without one")
