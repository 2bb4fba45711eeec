"""Samples of ports as rows of `port_samples`."""

from typing import Any, Final

from outdial.core.settings import DialerKind
from outdial.store.stored import PortSample

PORT_SAMPLE_COLUMNS = (
    "epoch",
    "utc_ms",
    "pool_kind",
    "pool_id",
    "group_id",
    "span_ms",
    "looks",
    "used_sum",
    "used_peak",
    "engaging_sum",
    "maximum_ports",
    "at_maximum_looks",
    "waiting_looks",
    "need_millis",
    "ready_agents",
    "hold",
)
"""What `port_sample_values` gives, in its order."""
POOL_KINDS: Final = {DialerKind.SWITCH: 1, DialerKind.CPD_SERVER: 2}
"""What `pool_kind` holds."""
DELETED_AT_ONCE = 2_000
"""Old samples that go with each new minute. Unit: rows. Ours: more than a minute brings, so that there are none left
some time after the option was made smaller."""


def port_sample_values(epoch: int, sample: PortSample) -> tuple[Any, ...]:
    """A row of `port_samples`."""
    return (
        epoch,
        sample.utc_ms,
        POOL_KINDS[sample.pool.kind],
        sample.pool.dbid,
        sample.group_id,
        sample.span_ms,
        sample.looks,
        sample.used_sum,
        sample.used_peak,
        sample.engaging_sum,
        sample.maximum_ports,
        sample.at_maximum_looks,
        sample.waiting_looks,
        sample.need_millis,
        sample.ready_agents,
        sample.hold or None,
    )
