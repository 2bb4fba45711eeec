"""`python -m outdial.lab [asterisk22] [asterisk16] [sipp]`: fetch programs into the cache and say where they are."""

import sys
from typing import get_args

from outdial.lab.fetch import LabUnavailable, Program, fetch, version_of


def main(arguments: list[str]) -> int:
    """Fetch the programs that are named, or all. Returns the exit code: 0 done, 1 one cannot be had, 2 unknown name."""
    known: tuple[Program, ...] = get_args(Program)
    if unknown := [name for name in arguments if name not in known]:
        print(f"unknown: {', '.join(unknown)}; allowed: {', '.join(known)}", file=sys.stderr)
        return 2
    code = 0
    for what in known:
        if arguments and what not in arguments:
            continue
        try:
            home = fetch(what)
        except LabUnavailable as error:
            print(error, file=sys.stderr)
            code = 1
        else:
            print(f"{what}: {home}: {version_of(home)}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
