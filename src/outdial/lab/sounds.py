"""Sounds for callees, as sipp streams them: G.711 µ-law, 8,000 bytes a second, one channel.

Source: ITU-T G.711 (µ-law); ITU-T T.30 (the calling tone of a fax: 1,100 Hz, half a second in every three and a half).
"""

import math
from collections.abc import Callable
from pathlib import Path

RATE = 8_000
"""Unit: samples per second."""
LOUD = 12_000
"""Amplitude. Range of a sample: -32,768 … 32,767."""
SPEECH_HZ = 350.0
FAX_HZ = 1_100.0

_BIAS = 0x84
_CLIP = 32_635


def ulaw(sample: int) -> int:
    """One linear sample of 16 bits as µ-law."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


def tone(hz: float, seconds: float) -> bytes:
    """A sine."""
    step = 2 * math.pi * hz / RATE
    return bytes(ulaw(round(LOUD * math.sin(step * index))) for index in range(round(seconds * RATE)))


def silence(seconds: float) -> bytes:
    """No sound, but packets."""
    return bytes([ulaw(0)]) * round(seconds * RATE)


def person() -> bytes:
    """A short greeting, then silence."""
    return tone(SPEECH_HZ, 0.6) + silence(10)


def machine() -> bytes:
    """A greeting that does not end."""
    return tone(SPEECH_HZ, 10)


def fax() -> bytes:
    """A fax that calls."""
    return (tone(FAX_HZ, 0.5) + silence(3)) * 3


SOUNDS: dict[str, Callable[[], bytes]] = {"person.ulaw": person, "machine.ulaw": machine, "fax.ulaw": fax}


def write_sounds(folder: Path) -> None:
    """Write every sound that the scenario of the callees names."""
    for name, make in SOUNDS.items():
        (folder / name).write_bytes(make())
