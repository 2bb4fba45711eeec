"""Where a secret is that messages are signed with."""

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path

from outdial.core.errors import ConfigError

PREFIX = "whsec_"
"""How a secret begins that is written in base64, as the specification of Standard Webhooks has it."""
BYTES_MIN, FILE_BYTES_MAX = 24, 4_096
"""Source: Standard Webhooks, "Signature scheme": between 24 and 64 bytes. Ours: longer ones do no harm."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is. The secret itself is read when it is needed and shown nowhere."""

    file: Path | None = None
    variable: str | None = None
    """Name of an environment variable."""

    def read(self) -> bytes:
        """Fetch the secret.

        Raises:
            ConfigError: the file or the variable is missing, or holds no secret that is good enough.
        """
        if self.file is None:
            text, place = os.environ.get(self.variable or "", ""), f"environment variable {self.variable}"
        else:
            place = str(self.file)
            try:
                with self.file.open("rb") as stream:
                    lines = stream.read(FILE_BYTES_MAX).decode("utf-8-sig").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError([f"{place}: the secret cannot be read: {error}"]) from error
            text = lines[0].strip() if lines else ""
        if text.startswith(PREFIX):
            try:
                key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
            except binascii.Error as error:
                raise ConfigError([f"{place}: what follows {PREFIX} is not base64"]) from error
        else:
            key = text.encode()
        if len(key) < BYTES_MIN:
            raise ConfigError([f"{place}: holds a secret of {len(key)} bytes; allowed: at least {BYTES_MIN}"])
        return key
