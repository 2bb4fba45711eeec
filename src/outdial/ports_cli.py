"""The commands `outdial ports …`: try the port sharing rule with numbers of one's own, no configuration needed.

All arguments arrive as text and are checked here, together, so that one run names every mistake.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from outdial.core.sharing import PORT_MILLIS, Claim, Share, share_ports

if TYPE_CHECKING:
    from rich.table import Table

PORTS_MAX = 10_000_000
"""Largest pool, need and cap. Unit: ports."""

NEEDS_MAX = 100_000
"""Most groups in one call."""

ROWS_MAX = 1_000
"""Most rows of the printed table; JSON has them all."""

MISTAKES_MAX = 20
"""Most mistakes spelled out; the others are counted."""

EXIT_ERROR = 2

_POOL = f"a whole number from 0 to {PORTS_MAX}"
_NEED = f"a number from 0 to {PORTS_MAX} with at most three decimals, such as 7.5"
_CAP = f"i=N, such as 2=40: the i-th need gets at most N ports, N a whole number from 1 to {PORTS_MAX}"

app = typer.Typer(help="Port pools: try the sharing rule.", no_args_is_help=True)


@app.callback()
def ports() -> None:
    """Port pools: try the sharing rule."""


@app.command()
def share(
    pool: Annotated[str | None, typer.Option(metavar="PORTS", help="Ports to share.")] = None,
    need: Annotated[
        list[str] | None,
        typer.Option(metavar="PORTS", help="Mean ports that one group needs, such as 7.5. Once for each group."),
    ] = None,
    cap: Annotated[
        list[str] | None,
        typer.Option(metavar="i=PORTS", help="The i-th group, counted from 1, gets at most so many."),
    ] = None,
    minimum_one: Annotated[
        bool, typer.Option("--minimum-one", help="No group gets less than one port, as if all had agents logged in.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
    ] = False,
) -> None:
    """Share a pool of ports among campaign groups, and say why each gets what it gets.

    Example: outdial ports share --pool 50 --need 5 --need 100
    """
    request = _Request()
    request.read(pool, need or [], cap or [])
    if request.mistakes:
        typer.echo("\n".join(_shortened(request.mistakes)), err=True)
        raise typer.Exit(EXIT_ERROR)
    claims = [
        Claim(number, millis, request.caps.get(number), int(minimum_one))
        for number, millis in enumerate(request.needs_millis, 1)
    ]
    shares = share_ports(request.pool_ports, claims)
    if json_output:
        typer.echo(json.dumps(_as_json(request.pool_ports, shares), ensure_ascii=False))
    else:
        _print(request.pool_ports, shares)


@dataclass(slots=True)
class _Request:
    """The arguments, read, and everything that is wrong with them."""

    pool_ports: int = 0
    needs_millis: list[int] = field(default_factory=list)
    caps: dict[int, int] = field(default_factory=dict)
    """Shape: {number of the need, from 1: ports}."""
    mistakes: list[str] = field(default_factory=list)

    def read(self, pool: str | None, needs: Sequence[str], caps: Sequence[str]) -> None:
        if pool is None:
            self.mistakes.append(f"--pool is missing: {_POOL}")
        elif (ports := _whole(pool)) is None:
            self._refuse("--pool", pool, _POOL)
        else:
            self.pool_ports = ports
        if not needs:
            self.mistakes.append(f"--need is missing, once for each group: {_NEED}")
        if len(needs) > NEEDS_MAX:
            self.mistakes.append(f"--need is given {len(needs)} times; allowed: at most {NEEDS_MAX}")
            needs = needs[:NEEDS_MAX]
        for number, text in enumerate(needs, 1):
            millis = _millis(text)
            if millis is None:
                self._refuse(f"--need number {number}", text, _NEED)
            self.needs_millis.append(millis or 0)
        for text in caps:
            self._read_cap(text, len(needs))

    def _read_cap(self, text: str, need_count: int) -> None:
        left, equals, right = text.partition("=")
        number, ports = _whole(left), _whole(right)
        if not equals or number is None or not ports:
            self._refuse("--cap", text, _CAP)
        elif not 1 <= number <= need_count:
            self._refuse("--cap", text, f"i from 1 to {need_count}, the number of needs" if need_count else "no cap")
        elif number in self.caps:
            self._refuse("--cap", text, f"one cap for each need, and need {number} has {self.caps[number]}")
        else:
            self.caps[number] = ports

    def _refuse(self, option: str, text: str, allowed: str) -> None:
        shown = repr(text if len(text) <= 40 else text[:39] + "…")
        self.mistakes.append(f"{option}: {shown} is wrong; allowed: {allowed}")


def _whole(text: str) -> int | None:
    """A whole number from 0 to PORTS_MAX, or None. Digits only: no sign, no blanks, no underscores."""
    if not re.fullmatch(r"[0-9]{1,8}", text):
        return None
    number = int(text)
    return number if number <= PORTS_MAX else None


def _millis(text: str) -> int | None:
    """A decimal from 0 to PORTS_MAX with up to three places as thousandths, or None."""
    if not re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,3})?", text):
        return None
    millis = int(Decimal(text) * PORT_MILLIS)
    return millis if millis <= PORTS_MAX * PORT_MILLIS else None


def _shortened(mistakes: list[str]) -> list[str]:
    more = len(mistakes) - MISTAKES_MAX
    return [*mistakes[:MISTAKES_MAX], f"… and {more} more"] if more > 0 else mistakes


def _decimal(millis: int) -> Decimal:
    """Thousandths as ports without trailing zeros: 7500 is 7.5, 5000 is 5."""
    whole, rest = divmod(millis, PORT_MILLIS)
    return (Decimal(millis) / PORT_MILLIS).normalize() if rest else Decimal(whole)


def _as_json(pool_ports: int, shares: Sequence[Share]) -> dict[str, object]:
    needs = [_decimal(share.need_millis) for share in shares]
    return {
        "pool": pool_ports,
        "maxima": [share.maximum_ports for share in shares],
        "needs": [int(need) if need == need.to_integral_value() else float(need) for need in needs],
        "reasons": [share.reason for share in shares],
        "rules": [share.rule.value for share in shares],
    }


def _print(pool_ports: int, shares: Sequence[Share]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(_table(pool_ports, shares[:ROWS_MAX]))
    if len(shares) > ROWS_MAX:
        console.print(f"The first {ROWS_MAX} of {len(shares)} groups; --json prints them all.")
    used_ports = sum(share.maximum_ports for share in shares)
    if used_ports < pool_ports:
        console.print(f"{pool_ports - used_ports} of {pool_ports} ports are left over: every group is at its cap.")


def _table(pool_ports: int, shares: Sequence[Share]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=f"{pool_ports} ports", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("group", "needs", "exact", "maximum"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why")
    for share in shares:
        needs, exact = f"{_decimal(share.need_millis):f}", f"{_decimal(share.share_millis):f}"
        table.add_row(str(share.group_id), needs, exact, str(share.maximum_ports), share.reason)
    return table
