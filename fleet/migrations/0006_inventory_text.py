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

_SQLITE = (
    "DROP TABLE IF EXISTS fleet_inventory_text",
    """CREATE VIRTUAL TABLE fleet_inventory_text USING fts5(
        text, content='fleet_inventoryobject', content_rowid='id', tokenize='trigram')""",
    "DROP TRIGGER IF EXISTS fleet_inventory_text_added",
    """CREATE TRIGGER fleet_inventory_text_added AFTER INSERT ON fleet_inventoryobject BEGIN
        INSERT INTO fleet_inventory_text(rowid, text) VALUES (new.id, new.text);
    END""",
    "DROP TRIGGER IF EXISTS fleet_inventory_text_gone",
    """CREATE TRIGGER fleet_inventory_text_gone AFTER DELETE ON fleet_inventoryobject BEGIN
        INSERT INTO fleet_inventory_text(fleet_inventory_text, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    "DROP TRIGGER IF EXISTS fleet_inventory_text_changed",
    """CREATE TRIGGER fleet_inventory_text_changed AFTER UPDATE OF text ON fleet_inventoryobject
    WHEN old.text <> new.text BEGIN
        INSERT INTO fleet_inventory_text(fleet_inventory_text, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO fleet_inventory_text(rowid, text) VALUES (new.id, new.text);
    END""",
    "INSERT INTO fleet_inventory_text(fleet_inventory_text) VALUES ('rebuild')",
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS fleet_inventory_text ON fleet_inventoryobject USING gin (text gin_trgm_ops)",
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
                cursor.execute(f"DROP TRIGGER IF EXISTS fleet_inventory_text_{name}")
            cursor.execute("DROP TABLE IF EXISTS fleet_inventory_text")
        else:
            cursor.execute("DROP INDEX IF EXISTS fleet_inventory_text")


class Migration(migrations.Migration):
    dependencies = [("fleet", "0005_inventory")]

    operations = [migrations.RunPython(make_index, drop_index)]
