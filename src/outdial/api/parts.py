"""What the API is put together from."""

from dataclasses import dataclass, field

from outdial.api.access import Access
from outdial.api.audit import Audit
from outdial.api.configuration_file import ConfigurationFile
from outdial.api.desk_view import Desks
from outdial.api.dialer import RunningDialer
from outdial.api.live_board import LiveBoard
from outdial.api.observed import Observability
from outdial.api.protection import Accounts, Protection
from outdial.api.record_reasons import RecordReasons
from outdial.api.running_settings import RunningSettings
from outdial.api.store_side import StoreSide


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Everything that routes need and the API does not make itself."""

    dialer: RunningDialer
    board: LiveBoard
    access: Access
    audit: Audit
    version: str
    """Of the server."""
    desks: Desks | None = None
    """Desktops of agents. None: nobody has one."""
    settings: RunningSettings | None = None
    """None: there is no configuration file, and nothing of it can be changed."""
    configuration_file: ConfigurationFile | None = None
    record_reasons: RecordReasons | None = None
    """None: no database of records can be asked."""
    accounts: Accounts | None = None
    """Tokens, people and sessions. None: `access` alone says who asks, and there are no routes for these."""
    protection: Protection = field(default_factory=Protection)
    store: StoreSide | None = None
    """Lists, records, do-not-call lists, rules and reports. None: there is no database, and no routes about them."""
    observability: Observability | None = None
    """None: nobody watches over the server."""
