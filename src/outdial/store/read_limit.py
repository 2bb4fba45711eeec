"""How long a query of a report may take while a dialer waits for the same database."""

from outdial.core.errors import OutdialError


class ReadTooLong(OutdialError):
    """A query was ended because it would have kept the database from others."""

    code = "read_too_long"

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"the query took longer than {limit_s:g} s")
