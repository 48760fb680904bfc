"""The database's own refusal of edits: triggers on entries and seals.

What may be done is to insert. Prune opens the guard for its transaction, by
the setting `kubecarrier.audit_prune` on PostgreSQL, by a row in
`accounts_audit_open` on SQLite, which has no settings; even then no entry can
be changed, and of a seal the leaves only. Whoever owns the database can drop
triggers: that is what the seals are for.

Django makes a table of SQLite anew when a migration alters it, and its
triggers go with the old one: such a migration calls `install` again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ENTRY, _SEAL = "accounts_auditentry", "accounts_auditseal"
_REFUSED = "the audit is never changed"
_SEALED = (
    "number", "purpose", "sealed_at", "first_id", "last_id", "count", "pruned_through",
    "previous", "digest", "key_id", "public_key", "signature",
)  # fmt: skip

_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION kubecarrier_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('kubecarrier.audit_prune', true) = 'on' THEN
    IF TG_OP = 'TRUNCATE' THEN RETURN NULL; END IF;
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = '{_ENTRY}' THEN RETURN OLD; END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = '{_SEAL}'
       AND to_jsonb(NEW) - 'leaves' = to_jsonb(OLD) - 'leaves' THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'insufficient_privilege';
END $$
"""


def install(connection: Any) -> None:
    """Make the triggers where they are missing."""
    with connection.cursor() as cursor:
        for sql in _statements(connection.vendor):
            cursor.execute(sql)


def missing(connection: Any) -> list[str]:
    """The triggers that are not there."""
    queries = {
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'audit_guard_%' AND tgenabled <> 'D'",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_guard_%'",
    }
    with connection.cursor() as cursor:
        cursor.execute(queries[connection.vendor])
        present = {row[0] for row in cursor.fetchall()}
    wanted = ["entry_update", "entry_delete", "seal_update", "seal_delete"]
    if connection.vendor == "postgresql":
        wanted = ["entry_row", "entry_all", "seal_row", "seal_all"]
    return [name for name in wanted if f"audit_guard_{name}" not in present]


@contextmanager
def opened(connection: Any) -> Iterator[None]:
    """Inside, old entries can be removed. In a transaction: an error closes it by rolling back."""
    _open(connection, wide=True)
    yield
    _open(connection, wide=False)


def _open(connection: Any, *, wide: bool) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            value = "on" if wide else "off"
            cursor.execute("SELECT set_config('kubecarrier.audit_prune', %s, false)", [value])
        elif wide:
            cursor.execute("INSERT INTO accounts_audit_open (opened) VALUES (1)")
        else:
            cursor.execute("DELETE FROM accounts_audit_open")


def _statements(vendor: str) -> list[str]:
    return _postgresql() if vendor == "postgresql" else _sqlite()


def _postgresql() -> list[str]:
    found = [_POSTGRESQL_FUNCTION]
    for name, table in (("entry", _ENTRY), ("seal", _SEAL)):
        for sort, when, each in (
            ("row", "UPDATE OR DELETE", "ROW"),
            ("all", "TRUNCATE", "STATEMENT"),
        ):
            found.append(
                f"CREATE OR REPLACE TRIGGER audit_guard_{name}_{sort} BEFORE {when} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION kubecarrier_audit_guard()"
            )
    return found


def _sqlite() -> list[str]:
    closed = "NOT EXISTS (SELECT 1 FROM accounts_audit_open)"
    changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in _SEALED)
    rules = {
        f"entry_update BEFORE UPDATE ON {_ENTRY}": "1",
        f"entry_delete BEFORE DELETE ON {_ENTRY}": closed,
        f"seal_update BEFORE UPDATE ON {_SEAL}": f"{closed} OR {changed}",
        f"seal_delete BEFORE DELETE ON {_SEAL}": closed,
    }
    return ["CREATE TABLE IF NOT EXISTS accounts_audit_open (opened INTEGER)"] + [
        f"CREATE TRIGGER IF NOT EXISTS audit_guard_{name} WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for name, when in rules.items()
    ]
