"""The benchmarks by name: every module of `bench.cases` holds one as `BENCH`."""

from __future__ import annotations

import importlib
import pkgutil

from bench import cases
from bench.frame import Bench


def benches() -> dict[str, Bench]:
    """All of them, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(cases.__path__))
    listed = [importlib.import_module(f"{cases.__name__}.{name}").BENCH for name in names]
    return {bench.name: bench for bench in listed}
