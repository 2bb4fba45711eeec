"""Benchmarks. `python -m bench [name ...]` runs them; a module's `run()` prints a table and returns its figures."""
