"""Do-not-call lists, budgets of abandoned calls and reports of a running server."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from outdial.api.compliance import AbandonmentReport, BudgetsView, BudgetView, Form
from outdial.api.do_not_call import (
    CHECKED_MAX,
    AddedNumbersView,
    CheckedView,
    ChecksView,
    DoNotCallView,
    NewNumbers,
    RemovedNumbersView,
)
from outdial.api.imports import ImportView
from outdial.api.reports import ReportView
from outdial.client.list_calls import ListCalls
from outdial.client.requests import part, query


class RuleCalls(ListCalls):
    """Do-not-call lists and campaigns are given by name."""

    def do_not_call(self) -> DoNotCallView:
        """All do-not-call lists."""
        return self._get(DoNotCallView, "/dnc")

    def check_numbers(self, numbers: Sequence[str]) -> list[CheckedView]:
        """On which do-not-call lists numbers are."""
        found: list[CheckedView] = []
        for some in _parts(numbers):
            found += self._get(ChecksView, f"/dnc/check{query(('number', each) for each in some)}").numbers
        return found

    def add_numbers(self, name: str, new: NewNumbers) -> AddedNumbersView:
        """Put numbers on a do-not-call list."""
        return self._post(AddedNumbersView, f"/dnc/{part(name)}/numbers", new.model_dump(mode="json"))

    def remove_numbers(self, name: str, numbers: Sequence[str]) -> RemovedNumbersView:
        """Take numbers off a do-not-call list."""
        told = RemovedNumbersView(list_name=name, numbers=0, removed=0)
        for some in _parts(numbers):
            address = f"/dnc/{part(name)}/numbers{query(('number', each) for each in some)}"
            removed = self._parse_one(RemovedNumbersView, self._send("DELETE", address))
            told.numbers += removed.numbers
            told.removed += removed.removed
        return told

    def import_numbers(self, name: str, path: Path, *, replace: bool = False) -> ImportView:
        """Send a file of numbers for a do-not-call list. The server reads it as a job: see `import_job`.

        Args:
            name: the list.
            path: the file.
            replace: it is the whole list: what it lacks is taken off.

        Raises:
            NotSent: the file cannot be read.
        """
        asked = query([("name", path.name), ("replace", replace)])
        return self._send_file(f"/dnc/{part(name)}/imports{asked}", path, "text/csv")

    def budgets(self, campaign: str | None = None) -> list[BudgetView]:
        """Abandoned calls: what is spent and what is left, of one campaign or of all and their sellers."""
        return self._get(BudgetsView, f"/compliance/budget{query([('campaign', campaign)])}").budgets

    def abandonment_report(self, period: str, form: Form, campaign: str | None = None) -> AbandonmentReport:
        """Abandoned calls, as rules want them reported. `period`: the first and the last day, `DAY..DAY`."""
        asked = query([("period", period), ("form", form.value), ("campaign", campaign)])
        return self._get(AbandonmentReport, f"/compliance/report{asked}")

    def report(
        self,
        name: str,
        period: str,
        *,
        by: Sequence[str] = (),
        zone: str = "UTC",
        only: Iterable[tuple[str, str]] = (),
    ) -> ReportView:
        """A report.

        Args:
            name: `attempts`, `agents`, `waits`, `lists` or `ports`.
            period: as `outdial report` has it.
            by: what rows are told apart by. Empty: what the report does by itself.
            zone: time zone of days and hours.
            only: shape: ((`group`, `campaign`, `list`, `node` or `agent`, name or DBID), …).
        """
        asked = query([("period", period), ("zone", zone), *(("by", each) for each in by), *only])
        return self._get(ReportView, f"/reports/{part(name)}{asked}")


def _parts(numbers: Sequence[str]) -> Iterable[Sequence[str]]:
    """As many at a time as one request may ask for, each once."""
    once = list(dict.fromkeys(numbers))
    return (once[first : first + CHECKED_MAX] for first in range(0, len(once), CHECKED_MAX))
