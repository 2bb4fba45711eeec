"""The table `[serve]`: what `outdial serve` needs to know beside the objects of the configuration."""

from pathlib import Path

from outdial.config.loaded import RESULTS_DIR, Serve
from outdial.config.options import Table, option, seconds_default
from outdial.core.units import SECOND_MS


class ServeTable(Table):
    """`[serve]`: how the server runs. Read by `outdial serve` only."""

    drain_s_max: float = option(
        "drain-s-max",
        "How long running calls may end by themselves after SIGTERM or SIGINT; those that are left are released.",
        default=seconds_default(Serve, "drain_ms_max"),
        unit="seconds",
        ge=0,
        le=86_400,
    )
    results_dir: str = option(
        "results-dir",
        "Folder for `attempts.csv` and `records.csv`, relative to the configuration file; made if it is missing.",
        default=RESULTS_DIR,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    ready_again_s: float = option(
        "ready-again-s",
        "Pause before an agent without a desktop is ready again after a missed call.",
        default=seconds_default(Serve, "ready_again_ms"),
        unit="seconds",
        ge=1,
        le=86_400,
    )
    after_call_work_s: float = option(
        "after-call-work-s",
        "After-call work of agents without a desktop, who cannot end it themselves, in campaign groups whose own "
        "`after-call-work-s` is 0.",
        default=seconds_default(Serve, "after_call_work_ms"),
        unit="seconds",
        ge=0.1,
        le=86_400,
    )
    journal: str | None = option(
        "journal",
        "File that every step is recorded in, for `outdial replay`, relative to the configuration file. It must not "
        "exist yet. Left out: no journal.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )


def serve_of(table: ServeTable, folder: Path) -> Serve:
    """The table as the server reads it.

    Args:
        table: checked values.
        folder: what paths are relative to.
    """
    return Serve(
        results_dir=folder / table.results_dir,
        journal=None if table.journal is None else folder / table.journal,
        drain_ms_max=round(table.drain_s_max * SECOND_MS),
        ready_again_ms=round(table.ready_again_s * SECOND_MS),
        after_call_work_ms=round(table.after_call_work_s * SECOND_MS),
    )
