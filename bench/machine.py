"""What was measured on, and the CPU time of process trees from /proc."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from tools.controlplane import versions as servers

_TICKS = os.sysconf("SC_CLK_TCK")


def load_average() -> float:
    """Of the last minute: above the number of CPUs, absolute times mean nothing."""
    return os.getloadavg()[0]


def versions() -> dict[str, str]:
    """Of everything that takes part, and the size of the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "python": platform.python_version(),
        "django": version("django"),
        "django-q2": version("django-q2"),
        "sqlite": sqlite3.sqlite_version,
        "kubernetes": servers.KUBERNETES,
        "helm": servers.HELM,
        "etcd": servers.ETCD,
        "cpus": str(os.cpu_count()),
        "memory_gib": f"{memory / 2**30:.0f}",
    }


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of these processes, their descendants, and those that ended.

    The time of a child that ended is its parent's `cutime`, so nothing is lost
    or counted twice as long as parents wait for their children.
    """
    stats = _stats()
    mine = set(roots)
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in stats.items() if parent in mine} - mine
        mine |= more
        grown = bool(more)
    return sum(stats[pid][1] for pid in mine if pid in stats) / _TICKS


def waited_cpu_seconds() -> float:
    """User and system time of the children of this process that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _stats() -> dict[int, tuple[int, int]]:
    """Process id → (parent, ticks); the fields after the command, which may hold anything."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(folder.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    return found
