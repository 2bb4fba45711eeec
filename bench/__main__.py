"""Run the benchmarks: all of them, or those named on the command line; `--json FILE` writes their figures, too."""

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

import bench


def main(arguments: Sequence[str]) -> int:
    """Run benchmarks by name, all when none is given, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    options = parser.parse_args(arguments)
    names: list[str] = options.names
    known = [module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_")]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    figures: dict[str, object] = {}
    for name in names or known:
        module = importlib.import_module(f"bench.{name}")
        if not hasattr(module, "run"):
            continue
        if getattr(module, "SLOW", False) and name not in names:
            print(f"{name}: takes minutes, run it by name")
            continue
        figures[name] = module.run()
        print()
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
