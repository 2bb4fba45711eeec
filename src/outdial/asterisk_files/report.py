"""What the command `outdial asterisk-config` does and says."""

import json
from collections.abc import Sequence
from pathlib import Path

from outdial.asterisk_files.writing import Written, permits_of, write_all
from outdial.config import load
from outdial.core.errors import ConfigError


def run_asterisk_config(config: Path, out: Path, *, with_secrets: bool, addresses: Sequence[str], as_json: bool) -> str:
    """Write the files of every Asterisk and return what to print.

    Raises:
        ConfigError: mistakes in the configuration, no Asterisk in it, a missing password, or an address that is none.
    """
    permits = permits_of(addresses)
    loaded = load(config)
    written = write_all(loaded, out, with_secrets=with_secrets, permits=permits)
    if not written:
        allowed = "at least one server with driver asterisk-ami or asterisk-ari"
        raise ConfigError([f"{config}: no server is an Asterisk; allowed: {allowed}"])
    return json.dumps(_to_json(config, written), ensure_ascii=False) if as_json else _to_text(written)


def _to_text(written: Sequence[Written]) -> str:
    lines = [
        f"{entry.server}: {entry.folder}: {len(entry.files)} files"
        + (f" (with the password: {', '.join(entry.secret_files)})" if entry.secret_files else "")
        for entry in written
    ]
    return "\n".join([*lines, "What to do with them is in each README.txt."])


def _to_json(config: Path, written: Sequence[Written]) -> dict[str, object]:
    return {
        "file": str(config),
        "servers": [
            {
                "name": entry.server,
                "folder": str(entry.folder),
                "files": list(entry.files),
                "secret_files": list(entry.secret_files),
            }
            for entry in written
        ],
    }
