"""Calling lists of a running server: what they have, files into them and out of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from outdial.api.imports import ImportView
from outdial.api.lists import FinishedStatus, ListView, ResetView
from outdial.client.requests import Requests, find, query
from outdial.client.transport import FileToSend

MEDIA_TYPES = {".parquet": "application/vnd.apache.parquet"}
"""Of files by the end of their names; others are CSV."""


class ListCalls(Requests):
    """Lists are given by name or DBID."""

    def lists(self) -> list[ListView]:
        """All calling lists."""
        return self._list(ListView, "lists")

    def calling_list(self, which: str | int) -> ListView:
        """One calling list."""
        return find("calling list", which, self.lists())

    def import_list(
        self,
        which: str | int,
        path: Path,
        *,
        columns: Sequence[str] = (),
        default_region: str | None = None,
        dry_run: bool = False,
    ) -> ImportView:
        """Send a CSV or Parquet file. The server reads it as a job: see `import_job`.

        Args:
            which: the calling list.
            path: the file.
            columns: shape: ("column in the file=our name", …).
            default_region: of numbers without a +. None: what the list says.
            dry_run: say what would be read, and write nothing.

        Raises:
            NotSent: the file cannot be read.
        """
        asked: list[tuple[str, object]] = [("name", path.name), *(("map", column) for column in columns)]
        asked += [("default_region", default_region), ("dry_run", dry_run)]
        kind = MEDIA_TYPES.get(path.suffix.lower(), "text/csv")
        return self._send_file(f"/lists/{self.calling_list(which).dbid}/imports{query(asked)}", path, kind)

    def add_consents(
        self, which: str | int, path: Path, *, columns: Sequence[str] = (), ready: bool = False
    ) -> ImportView:
        """Send a CSV or Parquet file of consents. The server reads it as a job: see `import_job`.

        Args:
            which: the calling list.
            path: the file.
            columns: as with `import_list`.
            ready: records that were cancelled for want of a consent are ready again.

        Raises:
            NotSent: the file cannot be read.
        """
        asked: list[tuple[str, object]] = [("name", path.name), *(("map", column) for column in columns)]
        kind = MEDIA_TYPES.get(path.suffix.lower(), "text/csv")
        address = f"/lists/{self.calling_list(which).dbid}/consents{query([*asked, ('ready', ready)])}"
        return self._send_file(address, path, kind)

    def _send_file(self, address: str, path: Path, kind: str) -> ImportView:
        answer = self._transport.send("POST", address, FileToSend(path), {"Content-Type": kind})
        return self._parse_one(ImportView, answer)

    def imports(self) -> list[ImportView]:
        """The import jobs that the server remembers, the newest first."""
        return self._list(ImportView, "imports")

    def import_job(self, job_id: str) -> ImportView:
        """One import job: its progress."""
        return self._get(ImportView, f"/imports/{job_id}")

    def cancel_import(self, job_id: str) -> ImportView:
        """End an import; what was read stays, and the same file goes on from there."""
        return self._post(ImportView, f"/imports/{job_id}/cancel")

    def rejects(self, job_id: str) -> Iterator[bytes]:
        """All rejected lines of an import with their reasons, as CSV, piece by piece."""
        return self._transport.pieces(f"/imports/{job_id}/rejects")

    def export_list(self, which: str | int) -> Iterator[bytes]:
        """Every record of a list as CSV, piece by piece."""
        return self._transport.pieces(f"/lists/{self.calling_list(which).dbid}/export")

    def reset_list(self, which: str | int, statuses: Sequence[FinishedStatus] | None = None) -> ResetView:
        """Make finished records ready again: these people will be called again.

        Args:
            which: the calling list.
            statuses: only records of these. None: all finished ones.
        """
        body = {"sure": True, "statuses": None if statuses is None else list(statuses)}
        return self._post(ResetView, f"/lists/{self.calling_list(which).dbid}/reset", body)
