"""The text index of the inventory: trigrams on both databases, in each one's own way.

PostgreSQL: a GIN index of `pg_trgm`, a trusted extension that the owner of a
database may create; where it is not installed the search walks the list's
index. SQLite: an FTS5 table over the rows' text, kept by triggers. A later
migration that alters `InventoryObject` makes SQLite copy the table, and the
triggers are lost with the old one: call `make_index` again at its end
(`tests/db/test_inventory.py` looks whether they are there).
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, migrations, transaction

TABLE = "fleet_inventory_text"
ROWS = "fleet_inventoryobject"

_SQLITE = (
    f"DROP TABLE IF EXISTS {TABLE}",
    f"""CREATE VIRTUAL TABLE {TABLE} USING fts5(
        text, content='{ROWS}', content_rowid='id', tokenize='trigram')""",
    f"DROP TRIGGER IF EXISTS {TABLE}_added",
    f"""CREATE TRIGGER {TABLE}_added AFTER INSERT ON {ROWS} BEGIN
        INSERT INTO {TABLE}(rowid, text) VALUES (new.id, new.text);
    END""",
    f"DROP TRIGGER IF EXISTS {TABLE}_gone",
    f"""CREATE TRIGGER {TABLE}_gone AFTER DELETE ON {ROWS} BEGIN
        INSERT INTO {TABLE}({TABLE}, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    f"DROP TRIGGER IF EXISTS {TABLE}_changed",
    f"""CREATE TRIGGER {TABLE}_changed AFTER UPDATE OF text ON {ROWS}
    WHEN old.text <> new.text BEGIN
        INSERT INTO {TABLE}({TABLE}, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO {TABLE}(rowid, text) VALUES (new.id, new.text);
    END""",
    f"INSERT INTO {TABLE}({TABLE}) VALUES ('rebuild')",
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"CREATE INDEX IF NOT EXISTS {TABLE} ON {ROWS} USING gin (text gin_trgm_ops)",
)


def make_index(apps: Any, schema_editor: Any) -> None:
    """Also where the database cannot: then searches are slower, and right all the same."""
    connection = schema_editor.connection
    statements = _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except DatabaseError:
        return


def drop_index(apps: Any, schema_editor: Any) -> None:
    """The way back."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in ("added", "gone", "changed"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_{name}")
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        else:
            cursor.execute(f"DROP INDEX IF EXISTS {TABLE}")


class Migration(migrations.Migration):
    dependencies = [("fleet", "0005_inventory")]

    operations = [migrations.RunPython(make_index, drop_index)]
