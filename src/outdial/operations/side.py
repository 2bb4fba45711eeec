"""Everything that the API asks of the database, put together for one running dialer."""

from collections.abc import Callable

from outdial.api.store_side import StoreSide
from outdial.configured_store import utc_now_ms
from outdial.core.units import ListId
from outdial.operations.compliance import RunningCompliance
from outdial.operations.do_not_call import RunningDoNotCall
from outdial.operations.imports import RunningImports
from outdial.operations.lists import RunningLists
from outdial.operations.records import RunningRecords
from outdial.operations.reports import RunningReports
from outdial.operations.running_store import RunningStore
from outdial.shared_store import SharedStore


class Operations:
    """What operators do with a running dialer's database.

    Attributes:
        running: the database.
        side: what the API's routes ask.
    """

    def __init__(
        self, shared: SharedStore, on_records: Callable[[ListId], None], utc_now_ms: Callable[[], int] = utc_now_ms
    ) -> None:
        """Nothing works yet; `run` does. Arguments: see `RunningStore`."""
        self.running = RunningStore(shared, on_records, utc_now_ms)
        lists = RunningLists(self.running)
        self._imports = RunningImports(self.running, lists)
        self.side = StoreSide(
            lists=lists,
            imports=self._imports,
            records=RunningRecords(self.running, lists),
            do_not_call=RunningDoNotCall(self.running),
            compliance=RunningCompliance(self.running),
            reports=RunningReports(self.running),
        )

    async def run(self) -> None:
        """Read the files that people send, until the task is cancelled."""
        await self._imports.run()
