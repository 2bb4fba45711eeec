"""Run the benchmarks: all of them, or those named on the command line."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import bench


def main(names: Sequence[str]) -> int:
    """Run benchmarks by name, all when none is given, and return the exit code."""
    known = [module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_")]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names or known:
        module = importlib.import_module(f"bench.{name}")
        if not hasattr(module, "run"):
            continue
        if getattr(module, "SLOW", False) and name not in names:
            print(f"{name}: takes minutes, run it by name")
            continue
        module.run()
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
