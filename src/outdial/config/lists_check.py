"""Checks of calling lists, campaigns and the do-not-call list: files, windows, zones, treatments, references."""

from pathlib import Path

from outdial.config.directory import Directory, entry_of
from outdial.config.document import Document
from outdial.config.lists import DO_NOT_CALL_MAX, CallingListTable, CampaignTable, DoNotCallTable
from outdial.config.lists import CampaignListTable as ListTable
from outdial.config.mistakes import Mistakes, show_value
from outdial.config.national_numbers import REGION, is_region
from outdial.config.numbers import NUMBER, normalise_number
from outdial.config.rows import Row
from outdial.config.treatments import TreatmentTable, check_treatment
from outdial.config.zones import check_zone
from outdial.core.abandonment_settings import AbandonmentMethod

HEAD_BYTES_MAX = 1_000_000
"""How far into a calling list the first record is looked for. Unit: bytes."""
DO_NOT_CALL_BYTES_MAX = 100_000_000
"""Size of a do-not-call file. Unit: bytes."""


class Lists:
    """Calling lists and campaigns of one file."""

    def __init__(self, document: Document, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._folder = document.folder
        self.lists: Directory[Row[CallingListTable]] = Directory("calling-list", mistakes)
        self.campaigns: Directory[Row[CampaignTable]] = Directory("campaign", mistakes)
        for row in document.calling_lists:
            self.lists.add(entry_of(row))
        for campaign in document.campaigns:
            self.campaigns.add(entry_of(campaign))

    def path(self, written: str) -> Path:
        """A path of the file: relative ones start at the configuration file's folder."""
        return self._folder / written

    # --- calling lists ------------------------------------------------------------------------------------------

    def check_lists(self, rows: list[Row[CallingListTable]], missing: Mistakes) -> None:
        """Where the records are, when they may be dialed, and what is done with them.

        Args:
            rows: the calling lists.
            missing: told of files that are not there; a database may have read them long ago.
        """
        for row in rows:
            self._check_source(row, missing)
            self._check_window(row)
            self._check_region(row)
            for treatment in row.child_rows(TreatmentTable, "treatment"):
                check_treatment(treatment, self._mistakes)
            self._check_sequences(row)

    def _check_source(self, row: Row[CallingListTable], missing: Mistakes) -> None:
        allowed = "either file or synthetic"
        if row.given("file") and row.given("synthetic"):
            self._mistakes.add(row.key("synthetic"), "given together with file", allowed)
        elif not row.given("file") and not row.given("synthetic"):
            self._mistakes.add(row.key("file"), "missing", allowed)
        elif row.has("file") and row.table.file is not None:
            told = self._mistakes
            try:
                wrong = self._look_at(self.path(row.table.file))
            except FileNotFoundError as error:
                told, wrong = missing, f"cannot be read: {error.strerror}"
            except (OSError, ValueError) as error:
                wrong = f"cannot be read: {getattr(error, 'strerror', None) or error}"
            if wrong:
                allowed = "a CSV file with a header and at least one record"
                told.add(row.key("file"), wrong, allowed, value=row.shown("file"))

    def _look_at(self, path: Path) -> str:
        """Say what is wrong with a calling list at first sight."""
        if path.is_dir():
            return "is a folder"
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES_MAX)
        if path.suffix.lower() == ".parquet":
            return "" if head.startswith(b"PAR1") else "is no Parquet file"
        lines = [line for line in head.splitlines()[:1_000] if line.strip(b" \t,;")]
        if not lines:
            return "the file is empty"
        return "the file has a header and no record" if len(lines) < 2 and len(head) < HEAD_BYTES_MAX else ""

    def _check_window(self, row: Row[CallingListTable]) -> None:
        table = row.table
        if row.has("daily_from", "daily_till") and table.daily_from == table.daily_till:
            wrong = "the same as daily-from, so that nothing could ever be dialed"
            allowed = "another time of day; earlier than daily-from crosses midnight"
            self._mistakes.add(row.key("daily_till"), wrong, allowed, value=row.shown("daily_till"))
        check_zone(row, "time_zone", self._mistakes)

    def _check_region(self, row: Row[CallingListTable] | Row[DoNotCallTable]) -> None:
        region = row.table.default_region if row.has("default_region") else ""
        if region and not is_region(region):
            near = f'; did you mean "{region.upper()}"?' if is_region(region.upper()) else ""
            wrong = f"there is no such region{near}"
            self._mistakes.add(row.key("default_region"), wrong, REGION, value=region)

    def _check_sequences(self, row: Row[CallingListTable]) -> None:
        seen: dict[tuple[int, int], str] = {}
        for treatment in row.child_rows(TreatmentTable, "treatment"):
            if not treatment.has("call_result", "number_in_sequence"):
                continue
            table = treatment.table
            holder = seen.setdefault((table.call_result, table.number_in_sequence), treatment.label)
            if holder != treatment.label:
                wrong = f"used twice for this call result; {holder} has it"
                allowed = "a number of its own for each treatment of a call result"
                self._mistakes.add(
                    treatment.key("number_in_sequence"), wrong, allowed, value=treatment.shown("number_in_sequence")
                )

    # --- campaigns ----------------------------------------------------------------------------------------------

    def check_campaigns(self, rows: list[Row[CampaignTable]]) -> None:
        """Every campaign's lists exist, each once."""
        for campaign in rows:
            self._check_abandonment(campaign)
            seen: dict[int, str] = {}
            for row in campaign.child_rows(ListTable, "lists"):
                if not row.has("calling_list"):
                    continue
                entry = self.lists.find(row.table.calling_list, row.key("calling_list"))
                if entry is None:
                    continue
                holder = seen.setdefault(id(entry), row.label)
                if holder != row.label:
                    wrong = f"named twice; {holder} has it"
                    self._mistakes.add(
                        row.key("calling_list"), wrong, "each list once", value=row.shown("calling_list")
                    )

    def _check_abandonment(self, row: Row[CampaignTable]) -> None:
        check_zone(row, "abandonment_time_zone", self._mistakes)
        name, method = "machine_false_positive_ratio", "abandonment_method"
        if row.has(name, method) and row.given(name) and row.table.abandonment_method is AbandonmentMethod.US:
            wrong = 'has no effect with abandonment-method = "us"'
            self._mistakes.add(row.key(name), wrong, 'only with abandonment-method = "uk"', value=row.shown(name))

    # --- do not call --------------------------------------------------------------------------------------------

    def read_do_not_call(self, row: Row[DoNotCallTable] | None) -> tuple[str, ...]:
        """The numbers that are never dialed, in one form, each once."""
        found: dict[str, None] = {}
        if row is None:
            return ()
        self._check_region(row)
        if row.has("numbers"):
            for n, text in enumerate(row.table.numbers, 1):
                self._add_number(text, f"{row.key('numbers')}[#{n}]", found)
        if row.has("file") and row.table.file is not None:
            self._read_numbers(row.table.file, row.key("file"), found)
        if len(found) > DO_NOT_CALL_MAX:
            self._mistakes.add(row.label, f"{len(found):,} numbers", f"at most {DO_NOT_CALL_MAX:,}")
        return tuple(found)

    def _read_numbers(self, written: str, where: str, found: dict[str, None]) -> None:
        try:
            path = self.path(written)
            if path.is_file() and path.stat().st_size > DO_NOT_CALL_BYTES_MAX:
                self._mistakes.add(where, "too large", f"at most {DO_NOT_CALL_BYTES_MAX:,} bytes", value=written)
                return
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            wrong = f"cannot be read: {getattr(error, 'strerror', None) or error}"
            self._mistakes.add(where, wrong, "a UTF-8 text file with one number per line", value=written)
            return
        for n, line in enumerate(text.splitlines(), 1):
            number = line.partition("#")[0].strip()
            if number:
                self._add_number(number, f"{where} {show_value(written)} line {n}", found)

    def _add_number(self, text: str, where: str, found: dict[str, None]) -> None:
        number = normalise_number(text)
        if number is None:
            self._mistakes.add(where, "not a telephone number", NUMBER, value=text)
        else:
            found[number] = None
