"""System checks: each wrong combination of settings has an id and says what to do.

Errors (E) stop `manage.py up`; warnings (W) are printed. `manage.py check` shows both.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from kubecarrier.lib import keyfile
from kubecarrier.lib.tasks import Queue

TAG = "kubecarrier"
_KEY_BYTES = 32
_SECRET_LENGTH = 50
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", "testserver"})
_NETWORK_FILESYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph", "glusterfs", "9p"}
)
_LEAST_TOKEN_SECONDS = 600
_POSITIVE = (
    ("KUBECARRIER_PROBE_SECONDS", 5),
    ("KUBECARRIER_VERIFY_SECONDS", 60),
    ("KUBECARRIER_HELM_SLOTS", 1),
    ("KUBECARRIER_CALLS_PER_CLUSTER", 1),
)


@register(TAG)
def check_queue(**_: Any) -> list[CheckMessage]:
    """Whether no task can run twice or never."""
    base: dict[str, Any] = settings.Q_CLUSTER
    alternatives: dict[str, dict[str, Any]] = base.get("ALT_CLUSTERS") or {}
    found: list[CheckMessage] = []
    if Queue.HELM not in alternatives or base.get("name") != Queue.DEFAULT:
        text = f"Q_CLUSTER must be named {Queue.DEFAULT} and have the alternative {Queue.HELM}."
        found.append(Error(text, id="kubecarrier.E001"))
    for name, cluster in ((Queue.DEFAULT, base), *alternatives.items()):
        found += _check_cluster(name, {**base, **cluster})
    if base.get("orm") != "default":
        hint = "The other brokers are not transactional or lose tasks."
        found.append(Error("The queue is not in the database.", hint, id="kubecarrier.E004"))
    if base.get("max_attempts") != 1 or not base.get("ack_failures"):
        hint = "Set max_attempts=1 and ack_failures=True: retries are on the rows."
        found.append(Error("The queue would repeat failed tasks.", hint, id="kubecarrier.E005"))
    if base.get("scheduler", True):
        hint = "One broken row stops all schedules; the controller keeps ours. Set scheduler=False."
        found.append(Warning("The queue's scheduler is on.", hint, id="kubecarrier.W006"))
    return found


def _check_cluster(name: str, cluster: dict[str, Any]) -> Iterator[CheckMessage]:
    """What is taken ahead waits for what runs: `retry` must cover both."""
    timeout, retry = cluster.get("timeout") or 0, cluster.get("retry") or 0
    if not timeout or retry < timeout * 3:
        hint = "A task that waits behind another would run twice: retry ≥ 3 × timeout."
        yield Error(
            f"Queue {name}: retry {retry} s, timeout {timeout} s.", hint, id="kubecarrier.E002"
        )
    if cluster.get("queue_limit") != cluster.get("workers"):
        hint = "What is taken ahead is lost for others: queue_limit = workers."
        yield Error(f"Queue {name}: queue_limit is not workers.", hint, id="kubecarrier.E003")


@register(TAG)
def check_keys(**_: Any) -> list[CheckMessage]:
    """Whether credentials can be sealed, and who can read the keys."""
    found: list[CheckMessage] = []
    keys = getattr(settings, "KUBECARRIER_ENCRYPTION_KEYS", None) or {}
    if not keys or any(len(key) != _KEY_BYTES for key in keys.values()):
        hint = "Run `manage.py init`, or set KUBECARRIER_ENCRYPTION_KEYS=id:base64 of 32 bytes."
        found.append(Error("There is no usable encryption key.", hint, id="kubecarrier.E010"))
    if len(settings.SECRET_KEY) < _SECRET_LENGTH:
        text = f"KUBECARRIER_SECRET_KEY is shorter than {_SECRET_LENGTH} characters."
        found.append(Warning(text, "Sessions are signed with it.", id="kubecarrier.W011"))
    path = Path(settings.KUBECARRIER_HOME) / keyfile.FILE_NAME
    if path.exists() and path.stat().st_mode & 0o077:
        text = f"{keyfile.FILE_NAME} can be read by other users of this machine."
        found.append(Warning(text, "chmod 600 it.", id="kubecarrier.W012"))
    return found


@register(TAG)
def check_exposure(**_: Any) -> list[CheckMessage]:
    """What is fine on one machine and dangerous on a network."""
    found: list[CheckMessage] = []
    if settings.DEBUG:
        hint = "It shows settings and queries to callers."
        found.append(Warning("DEBUG is on.", hint, id="kubecarrier.W020"))
    hosts = set(settings.ALLOWED_HOSTS)
    if "*" in hosts:
        hint = "Name the portal's hosts in KUBECARRIER_ALLOWED_HOSTS."
        found.append(Warning("Every host name is accepted.", hint, id="kubecarrier.W021"))
    public = hosts - _LOCAL_HOSTS
    if public and not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        hint = "Serve it over TLS and set KUBECARRIER_HTTPS=true."
        found.append(Warning("Cookies travel without TLS.", hint, id="kubecarrier.W022"))
    if public and settings.KUBECARRIER_ALLOW_LOOPBACK:
        hint = "KUBECARRIER_ALLOW_LOOPBACK is for demos and single machines."
        text = "Users may name addresses of the portal's own machine."
        found.append(Warning(text, hint, id="kubecarrier.W023"))
    if settings.KUBECARRIER_ALLOW_INSECURE_TLS:
        hint = "Give such clusters a CA certificate and unset KUBECARRIER_ALLOW_INSECURE_TLS."
        found.append(
            Warning("Clusters without TLS checks are allowed.", hint, id="kubecarrier.W024")
        )
    return found


@register(TAG)
def check_database(**_: Any) -> list[CheckMessage]:
    """SQLite only in the form that was measured, PostgreSQL without what forks break."""
    return database_problems(settings.DATABASES["default"])


def database_problems(database: dict[str, Any]) -> list[CheckMessage]:
    """What is wrong with an entry of DATABASES."""
    options = database.get("OPTIONS") or {}
    if database["ENGINE"].endswith("sqlite3"):
        return list(_check_sqlite(str(database["NAME"]), options))
    if options.get("pool"):
        hint = "Workers are forked; a pool's threads and sockets do not survive that."
        return [Error("The database has a connection pool.", hint, id="kubecarrier.E032")]
    return []


def _check_sqlite(name: str, options: dict[str, Any]) -> Iterator[CheckMessage]:
    journal = str(options.get("init_command", "")).replace(" ", "").lower()
    if (
        options.get("transaction_mode") != "IMMEDIATE"
        or "journal_mode=wal" not in journal
        or (options.get("timeout") or 0) < 10
    ):
        hint = "Use WAL, transaction_mode IMMEDIATE and a timeout of at least 10 s."
        yield Error("SQLite would answer with lock errors.", hint, id="kubecarrier.E030")
    if filesystem_of(Path(name)) in _NETWORK_FILESYSTEMS:
        hint = "Locks do not work there. For several machines use PostgreSQL."
        yield Error("The SQLite file is on a network file system.", hint, id="kubecarrier.E031")


def filesystem_of(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The type of the file system that holds `path`; "" when it cannot be told."""
    best, kind = "", ""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        _, point, type_, *_rest = line.split()
        if path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, type_
    return kind


@register(TAG)
def check_machine(**_: Any) -> list[CheckMessage]:
    """What the machine must bring."""
    found: list[CheckMessage] = []
    home = Path(settings.KUBECARRIER_HOME)
    if not os.access(home, os.W_OK | os.X_OK):
        text = f"KUBECARRIER_HOME ({home}) cannot be written."
        found.append(Error(text, "Make it, owned by the portal's user.", id="kubecarrier.E040"))
    if shutil.which(settings.KUBECARRIER_HELM) is None:
        hint = "Install Helm 4 or set KUBECARRIER_HELM to its path; until then nothing is deployed."
        found.append(Warning("The helm program is not there.", hint, id="kubecarrier.W041"))
    return found


@register(TAG)
def check_intervals(**_: Any) -> list[CheckMessage]:
    """Numbers that would stop the work, flood the clusters, or be refused by them."""
    found: list[CheckMessage] = [
        Error(f"{name} is {getattr(settings, name)}; at least {least}.", id="kubecarrier.E050")
        for name, least in _POSITIVE
        if getattr(settings, name) < least
    ]
    longest = settings.KUBECARRIER_KUBECONFIG_MAX_SECONDS
    if longest != 0 and longest < _LEAST_TOKEN_SECONDS:
        text = f"KUBECARRIER_KUBECONFIG_MAX_SECONDS is {longest}; 0, or at least {_LEAST_TOKEN_SECONDS}."
        found.append(Error(text, "No API server makes a token for less.", id="kubecarrier.E051"))
    return found
