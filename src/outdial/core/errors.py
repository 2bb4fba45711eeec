"""Errors shared by all layers.

Three kinds, kept apart:

1. *Outcomes* are values: busy, no answer, no port, no node. They are never raised.
2. *Operating errors* are `OutdialError` and its children: somebody can act on them.
3. *Bugs* are `InvariantViolated`: never handled, except at the very top, which writes the seed or
   the journal position and stops.
"""


class OutdialError(Exception):
    """An operating error: somebody can act on it.

    Attributes:
        code: stable string, part of the API.
        retriable: whether the same request may succeed later.
    """

    code = "error"
    retriable = False


class ConfigError(OutdialError):
    """The configuration is wrong. Carries every mistake at once.

    Attributes:
        mistakes: one line each: file, key, value, what is allowed.
    """

    code = "config"

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class InvariantViolated(AssertionError):
    """A bug in outdial: a state that the tables call *never*, or a broken invariant. Never handle it."""
