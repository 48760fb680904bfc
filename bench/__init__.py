"""Benchmarks against real control planes: `python -m bench NAME --json`.

`frame` is what a benchmark is, `cases/` holds one file for each, `inside/` the
programs that run as part of the measured portal. See docs/benchmarks.md.
"""
