"""Records of a running server, one by one."""

from outdial.api.records import AddedView, CancelledView, ConsentView, HistoryView, NewRecord, RecordsView, RecordView
from outdial.client.list_calls import ListCalls
from outdial.client.requests import query


class RecordCalls(ListCalls):
    """Records are given by the DBID of their list and their number there."""

    def records_with(self, which: str) -> list[RecordView]:
        """The records of any list with a telephone number, or with this number of the record."""
        return self._get(RecordsView, f"/records{query([('number', which)])}").records

    def record(self, list_dbid: int, record_id: int) -> HistoryView:
        """One record, its chain, every attempt on it, and what agents have said of these."""
        return self._get(HistoryView, f"/lists/{list_dbid}/records/{record_id}")

    def add_record(self, which: str | int, new: NewRecord) -> AddedView:
        """Add a record to a calling list, which is given by name or DBID."""
        body = new.model_dump(mode="json", exclude_none=True)
        return self._post(AddedView, f"/lists/{self.calling_list(which).dbid}/records", body)

    def cancel_record(self, list_dbid: int, record_id: int) -> CancelledView:
        """Do not call a record any more. A call that is in progress goes on."""
        return self._post(CancelledView, f"/lists/{list_dbid}/records/{record_id}/cancel")

    def add_consent(
        self, list_dbid: int, record_id: int, consent: str, consent_utc_ms: int | None = None, *, ready: bool = False
    ) -> ConsentView:
        """Add a consent to a record, in the place of the one that it has; see `ConsentGiven`."""
        body = {"consent": consent, "consent_utc_ms": consent_utc_ms, "ready": ready}
        return self._post(ConsentView, f"/lists/{list_dbid}/records/{record_id}/consent", body)
