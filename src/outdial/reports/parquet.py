"""Reports as Parquet, for spreadsheets and data frames that want types. Needs the extra `outdial[parquet]`."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from outdial.reports.columns import Value
from outdial.reports.formats import Heading
from outdial.results_files import ResultsError, utc_text

ROWS = 50_000
"""Rows of one row group, which are in memory at once. Unit: rows. Ours."""


class ParquetReport:
    """A Parquet file: dimensions are texts, counts whole numbers, everything else floating point. No totals."""

    def __init__(self, output: Path, heading: Heading) -> None:
        """Create the file.

        Raises:
            ResultsError: it cannot be created, or pyarrow is not installed.
        """
        try:
            import pyarrow  # type: ignore[import-untyped]
            import pyarrow.parquet  # type: ignore[import-untyped]
        except ModuleNotFoundError as error:
            if error.name != "pyarrow":
                raise
            raise ResultsError('Parquet needs pyarrow: pip install "outdial[parquet]"') from error
        self._pyarrow = pyarrow
        self._output = output
        self._rows: list[tuple[Value, ...]] = []
        dimensions = len(heading.by)
        types = [pyarrow.string()] * dimensions
        types += [pyarrow.float64() if column.digits else pyarrow.int64() for column in heading.columns]
        about = {
            "outdial.report": heading.kind,
            "outdial.from_utc": utc_text(heading.period.from_utc_ms),
            "outdial.until_utc": utc_text(heading.period.until_utc_ms),
            "outdial.zone": heading.clock.zone.name,
        }
        self._schema = pyarrow.schema(list(zip(heading.names(), types, strict=True)), metadata=about)
        try:
            self._file: Any = pyarrow.parquet.ParquetWriter(str(output), self._schema)
        except OSError as error:
            raise ResultsError(f"{output}: cannot be created: {error.strerror or error}") from error

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        """See `Out`."""
        self._rows.append((*labels, *values))
        if len(self._rows) >= ROWS:
            self._write()

    def totals(self, values: Sequence[Value]) -> None:
        """Not in the file: whoever adds a column up would count everything twice."""

    def __enter__(self) -> "ParquetReport":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file; what is no whole report is removed."""
        if error is None:
            self._write()
        try:
            self._file.close()
        except OSError as failure:
            raise ResultsError(f"{self._output}: cannot be written: {failure.strerror or failure}") from failure
        if error is not None:
            with contextlib.suppress(OSError):
                self._output.unlink()

    def _write(self) -> None:
        if not self._rows:
            return
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        arrays = [self._pyarrow.array(column, each.type) for column, each in zip(columns, self._schema, strict=True)]
        try:
            self._file.write_table(self._pyarrow.Table.from_arrays(arrays, schema=self._schema))
        except OSError as error:
            raise ResultsError(f"{self._output}: cannot be written: {error.strerror or error}") from error
        self._rows = []
