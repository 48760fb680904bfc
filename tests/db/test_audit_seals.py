"""Seals: every entry in one, whatever commits when; what was touched is found, and by name."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from accounts.models import AuditEntry, AuditSeal, User
from accounts.services import prune, seals
from accounts.trail import chain, guard, head
from accounts.trail.check import Fault, Verdict, audit_verdict
from kubecarrier.lib import schedules
from kubecarrier.lib.errors import InvalidError
from tests.db.conftest import error
from tests.portal import Portal

pytestmark = pytest.mark.django_db(transaction=True)


def make(*names: str) -> list[int]:
    """Entries; their keys."""
    found = []
    for name in names:
        User.objects.create_user(name)
        found.append(AuditEntry.objects.latest("pk").pk)
    return found


def faults(verdict: Verdict) -> list[tuple[Fault, int, int | None]]:
    return [(one.fault, one.seal, one.entry) for one in verdict.breaks]


@pytest.fixture
def tamper() -> Iterator[Any]:
    """What somebody who owns the database can do: SQL past the triggers."""

    def run(sql: str, *values: Any) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET session_replication_role = replica")
                cursor.execute(sql, values)
                cursor.execute("SET session_replication_role = origin")
                return
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            cursor.execute(sql, values)
            for _, text in triggers:
                cursor.execute(text)

    yield run
    guard.install(connection)


class TestSealing:
    def test_everything_is_in_one_seal_and_nothing_makes_none(self) -> None:
        keys = make("a", "b", "c")
        assert seals.seal_all() == 1
        assert seals.seal_all() == 0
        seal = AuditSeal.objects.get()
        assert (seal.number, seal.count, seal.previous) == (1, 3, chain.START)
        assert [key for key, _ in chain.unpacked(seal.leaves)] == keys
        verdict = audit_verdict()
        assert (verdict.entries, verdict.unsealed, verdict.breaks) == (3, 0, [])
        make("d")
        assert audit_verdict().unsealed == 1

    def test_seals_are_chained(self) -> None:
        for name in "abc":
            make(name)
            seals.seal_all()
        first, second, third = AuditSeal.objects.order_by("number")
        assert second.previous == chain.hash_of(first)
        assert third.previous == chain.hash_of(second)
        assert audit_verdict().head == chain.hash_of(third)

    def test_large_backlogs_make_several(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(seals, "_MOST", 2)
        make(*"abcde")
        assert seals.seal_all() == 3
        assert audit_verdict().entries == 5

    def test_one_that_commits_late_is_sealed_late(self, tamper: Any) -> None:
        """Its key is lower than what a seal has passed: as after a long transaction."""
        first, middle, last = make("a", "b", "c")
        row = AuditEntry.objects.filter(pk=middle).values().get()
        tamper("DELETE FROM accounts_auditentry WHERE id = %s", middle)
        seals.seal_all()
        assert [key for key, _ in chain.unpacked(AuditSeal.objects.get().leaves)] == [first, last]
        models.QuerySet(AuditEntry).bulk_create([AuditEntry(**row)])
        assert audit_verdict().unsealed == 1
        assert audit_verdict().breaks == []
        assert seals.seal_all() == 1
        late = AuditSeal.objects.get(number=2)
        assert [key for key, _ in chain.unpacked(late.leaves)] == [middle]
        assert late.last_id == last
        assert audit_verdict().breaks == []
        assert audit_verdict().unsealed == 0

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="one writer on SQLite")
    def test_a_transaction_that_is_open_while_a_seal_passes_it(self) -> None:
        written, sealed = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                User.objects.create_user("slow")
                written.set()
                sealed.wait(30)
            connection.close()

        thread = threading.Thread(target=slow)
        thread.start()
        assert written.wait(30)
        (quick,) = make("quick")
        assert seals.seal_all() == 1
        sealed.set()
        thread.join()
        late = AuditEntry.objects.get(object_repr="slow").pk
        assert late < quick
        assert audit_verdict().breaks == []
        assert seals.seal_all() == 1
        assert [key for key, _ in chain.unpacked(AuditSeal.objects.get(number=2).leaves)] == [late]
        assert audit_verdict().breaks == []

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="one writer on SQLite")
    def test_concurrent_transactions_of_any_order_are_all_sealed_once(self) -> None:
        """Writers that commit in another order than they wrote, some not at all, and two sealers."""
        stop = threading.Event()
        made: list[int] = []

        def write(number: int) -> None:
            for turn in range(12):
                try:
                    with transaction.atomic():
                        User.objects.create_user(f"w{number}-{turn}")
                        stop.wait(0.01 * ((number * 7 + turn * 3) % 5))
                        if turn % 4 == 3:
                            raise InvalidError("no", "rolled back")
                except InvalidError:
                    continue
            connection.close()

        def seal() -> None:
            while not stop.wait(0.005):
                made.append(seals.seal_all())
            connection.close()

        writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        sealers = [threading.Thread(target=seal) for _ in range(2)]
        for thread in [*writers, *sealers]:
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        for thread in sealers:
            thread.join()
        seals.seal_all()
        keys = [
            key
            for leaves in AuditSeal.objects.values_list("leaves", flat=True)
            for key, _ in chain.unpacked(leaves)
        ]
        assert sorted(keys) == sorted(AuditEntry.objects.values_list("pk", flat=True))
        assert len(keys) == len(set(keys)) == 6 * 9
        assert audit_verdict().breaks == []

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="one writer on SQLite")
    def test_whoever_finds_another_sealing_leaves_it_to_him(self) -> None:
        make("a")
        with transaction.atomic():
            assert seals.take_turn()
            made: list[int] = []

            def other() -> None:
                made.append(seals.seal_all())
                connection.close()

            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert made == [0]

    def test_the_controller_does_it(self) -> None:
        make("a")
        jobs = {job.name: job for job in schedules.jobs()}
        jobs["audit seals"].run()
        assert AuditSeal.objects.count() == 1
        assert jobs["audit seals"].seconds == 60


class TestFindings:
    @pytest.fixture(autouse=True)
    def sealed(self) -> list[int]:
        keys = make("a", "b")
        seals.seal_all()
        keys += make("c", "d")
        seals.seal_all()
        return keys

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("actor_name", "somebody"),
            ("object_repr", "else"),
            ("timestamp", timezone.now() - timedelta(days=3)),
            ("changes", json.dumps({"username": ["None", "x"]})),
            ("remote_addr", "203.0.113.66"),
            ("reason", "a good one"),
            ("result", "denied"),
            ("content_type_id", 1),
        ],
    )
    def test_an_edited_entry(self, sealed: list[int], tamper: Any, column: str, value: Any) -> None:
        sql = f"UPDATE accounts_auditentry SET {column} = %s WHERE id = %s"  # noqa: S608
        tamper(sql, value, sealed[2])
        assert faults(audit_verdict()) == [(Fault.EDITED, 2, sealed[2])]

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL keeps types")
    @pytest.mark.parametrize("column", ["timestamp", "actor_id"])
    def test_an_entry_that_cannot_be_read_any_more(
        self, sealed: list[int], tamper: Any, column: str
    ) -> None:
        sql = f"UPDATE accounts_auditentry SET {column} = '}}{{' WHERE id = %s"  # noqa: S608
        tamper(sql, sealed[2])
        assert faults(audit_verdict()) == [(Fault.EDITED, 2, sealed[2])]

    def test_a_deleted_entry(self, sealed: list[int], tamper: Any) -> None:
        tamper("DELETE FROM accounts_auditentry WHERE id = %s", sealed[1])
        assert faults(audit_verdict()) == [(Fault.DELETED, 1, sealed[1])]

    @pytest.mark.parametrize(
        ("sql", "fault", "seal"),
        [
            ("UPDATE accounts_auditseal SET count = 7 WHERE number = 1", Fault.SIGNATURE, 1),
            ("UPDATE accounts_auditseal SET last_id = 99 WHERE number = 2", Fault.SIGNATURE, 2),
            ("DELETE FROM accounts_auditseal WHERE number = 1", Fault.CHAIN, 1),
            ("UPDATE accounts_auditseal SET leaves = '' WHERE number = 1", Fault.CHAIN, 1),
            ("UPDATE accounts_auditseal SET previous = 'zz' WHERE number = 1", Fault.CHAIN, 1),
            ("UPDATE accounts_auditseal SET signature = 'zz' WHERE number = 2", Fault.SIGNATURE, 2),
            (
                "UPDATE accounts_auditseal SET public_key = 'zz' WHERE number = 2",
                Fault.SIGNATURE,
                2,
            ),
        ],
    )
    def test_an_edited_seal(self, tamper: Any, sql: str, fault: Fault, seal: int) -> None:
        tamper(sql)
        first = faults(audit_verdict())[0]
        assert first[:2] == (fault, seal)

    def test_an_entry_and_its_leaf_edited_together(self, sealed: list[int], tamper: Any) -> None:
        """Who knows the form but not the key: the digest in the signed statement differs."""
        tamper("UPDATE accounts_auditentry SET actor_name = 'x' WHERE id = %s", sealed[0])
        from accounts.trail import record

        rows = record.rows(AuditEntry.objects.filter(pk__in=sealed[:2]).order_by("pk"))
        leaves = [(values[0], chain.leaf(record.canonical(values))) for values in rows]
        tamper("UPDATE accounts_auditseal SET leaves = %s WHERE number = 1", chain.packed(leaves))
        assert faults(audit_verdict())[0] == (Fault.CHAIN, 1, None)

    def test_the_tail_cut_off_is_told_by_an_anchor_only(self, tamper: Any) -> None:
        kept = (2, chain.hash_of(AuditSeal.objects.get(number=2)))
        assert audit_verdict(anchor=kept).breaks == []
        tamper("DELETE FROM accounts_auditseal WHERE number = 2")
        tamper(
            "DELETE FROM accounts_auditentry WHERE id > (SELECT last_id FROM accounts_auditseal)"
        )
        assert audit_verdict().breaks == []
        assert faults(audit_verdict(anchor=kept)) == [(Fault.CHAIN, 2, None)]
        make("e")
        seals.seal_all()
        assert faults(audit_verdict(anchor=kept)) == [(Fault.CHAIN, 2, None)]

    def test_a_part_by_time(self, sealed: list[int], tamper: Any) -> None:
        between = AuditSeal.objects.get(number=2).sealed_at
        tamper("DELETE FROM accounts_auditentry WHERE id = %s", sealed[0])
        assert audit_verdict(since=between).breaks == []
        assert len(audit_verdict(until=between).breaks) == 1
        assert audit_verdict(since=between).seals == 1


def test_an_entry_inserted_where_a_gap_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rolled back transaction left a gap; what comes there is a late commit, or a forgery."""
    (first,) = make("a")
    row = AuditEntry.objects.filter(pk=first).values().get()
    models.QuerySet(AuditEntry).bulk_create([AuditEntry(**{**row, "id": first + 2})])
    earlier = timezone.now() - 2 * head.GRACE
    with monkeypatch.context() as clock:
        clock.setattr(timezone, "now", lambda: earlier)
        assert seals.seal_all() == 1
    models.QuerySet(AuditEntry).bulk_create([AuditEntry(**{**row, "id": first + 3})])
    assert seals.seal_all() == 1  # sealing went on for longer than any transaction lasts
    models.QuerySet(AuditEntry).bulk_create([AuditEntry(**{**row, "id": first + 1})])
    assert faults(audit_verdict()) == [(Fault.INSERTED, 1, first + 1)]
    assert seals.seal_all() == 0


class TestKeys:
    def test_a_rotation_keeps_old_seals_checkable(self, settings: Any) -> None:
        old = dict(settings.KUBECARRIER_ENCRYPTION_KEYS)
        make("a")
        seals.seal_all()
        settings.KUBECARRIER_ENCRYPTION_KEYS = {"t2": b"2" * 32, **old}
        make("b")
        seals.seal_all()
        assert list(AuditSeal.objects.values_list("key_id", flat=True)) == ["t1", "t2"]
        assert audit_verdict().breaks == []
        settings.KUBECARRIER_ENCRYPTION_KEYS = {"t2": b"2" * 32}  # the old one is gone for good
        assert audit_verdict().breaks == []
        settings.KUBECARRIER_ENCRYPTION_KEYS = {"t3": b"3" * 32}
        assert faults(audit_verdict()) == [(Fault.SIGNATURE, 2, None)]

    def test_a_chain_written_anew_with_another_key(self, settings: Any) -> None:
        ours = dict(settings.KUBECARRIER_ENCRYPTION_KEYS)
        settings.KUBECARRIER_ENCRYPTION_KEYS = {"t1": b"x" * 32}
        make("a")
        seals.seal_all()
        settings.KUBECARRIER_ENCRYPTION_KEYS = ours
        assert (Fault.SIGNATURE, 1, None) in faults(audit_verdict())


class TestGuard:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE accounts_auditentry SET reason = 'x'",
            "DELETE FROM accounts_auditentry",
            "UPDATE accounts_auditseal SET leaves = ''",
            "UPDATE accounts_auditseal SET count = 9",
            "DELETE FROM accounts_auditseal",
        ],
    )
    def test_the_database_refuses(self, sql: str) -> None:
        make("a")
        seals.seal_all()
        before = (list(AuditEntry.objects.values()), list(AuditSeal.objects.values()))
        with pytest.raises(DatabaseError, match="the audit is never changed"), transaction.atomic():
            connection.cursor().execute(sql)
        assert (list(AuditEntry.objects.values()), list(AuditSeal.objects.values())) == before

    @pytest.mark.parametrize(
        "sql",
        ["UPDATE accounts_auditentry SET reason = 'x'", "UPDATE accounts_auditseal SET count = 9"],
    )
    def test_an_open_guard_lets_nothing_be_changed(self, sql: str) -> None:
        make("a")
        seals.seal_all()
        with (
            pytest.raises(DatabaseError, match="the audit is never changed"),
            transaction.atomic(),
            guard.opened(connection),
        ):
            connection.cursor().execute(sql)
        with pytest.raises(DatabaseError), transaction.atomic():  # and it is closed again
            connection.cursor().execute("DELETE FROM accounts_auditentry")

    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no TRUNCATE")
    def test_truncate(self) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            connection.cursor().execute("TRUNCATE accounts_auditentry, accounts_auditseal")

    def test_it_is_there_after_all_migrations(self) -> None:
        assert guard.missing(connection) == []

    def test_a_missing_one_is_said_and_mended(self) -> None:
        on = " ON accounts_auditseal" if connection.vendor == "postgresql" else ""
        name = "seal_row" if connection.vendor == "postgresql" else "seal_update"
        connection.cursor().execute(f"DROP TRIGGER audit_guard_{name}{on}")
        assert name in audit_verdict().warnings[0]
        call_command("audit", "guard", stdout=io.StringIO())
        assert audit_verdict().warnings == []

    def test_a_change_whose_entry_the_database_refuses_is_refused(self) -> None:
        """The entry is written in the change's transaction."""
        if connection.vendor == "postgresql":
            sql = """CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN RAISE EXCEPTION 'no room'; END $$;
                     CREATE TRIGGER broken BEFORE INSERT ON accounts_auditentry
                     FOR EACH ROW EXECUTE FUNCTION broken()"""
            undo = "DROP TRIGGER broken ON accounts_auditentry; DROP FUNCTION broken()"
        else:
            sql = """CREATE TRIGGER broken BEFORE INSERT ON accounts_auditentry
                     BEGIN SELECT RAISE(ABORT, 'no room'); END"""
            undo = "DROP TRIGGER broken"
        with connection.cursor() as cursor:
            cursor.execute(sql)
        try:
            with pytest.raises(DatabaseError, match="no room"), transaction.atomic():
                User.objects.create_user("ann")
            assert not User.objects.exists()
        finally:
            with connection.cursor() as cursor:
                cursor.execute(undo)


class TestPrune:
    @pytest.fixture
    def aged(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Two seals of ten days ago, one of now."""
        keys = []
        now = timezone.now()
        for days, names in ((10, ("a", "b")), (9, ("c",)), (0, ("d",))):
            keys += make(*names)
            with monkeypatch.context() as clock:
                then = now - timedelta(days=days)
                clock.setattr(timezone, "now", lambda then=then: then)
                seals.seal_all()
        return keys

    def test_old_entries_go_and_the_chain_holds(self, aged: list[int]) -> None:
        assert prune.audit_prune(days=5) == 3
        assert not AuditEntry.objects.filter(pk__in=aged[:3]).exists()
        assert AuditEntry.objects.filter(pk=aged[3]).exists()
        verdict = audit_verdict()
        assert verdict.breaks == []
        assert (verdict.pruned, verdict.seals) == (3, 4)
        seal = AuditSeal.objects.get(purpose="pruned")
        assert (seal.pruned_through, seal.count) == (2, 3)
        event = AuditEntry.objects.get(event="audit-pruned")
        assert event.changes_text.startswith("3 entries up to ")
        assert prune.audit_prune(days=5) == 0
        assert AuditSeal.objects.filter(purpose="pruned").count() == 1

    def test_it_is_no_cover_for_more(self, aged: list[int], tamper: Any) -> None:
        prune.audit_prune(days=5)
        seals.seal_all()
        tamper("DELETE FROM accounts_auditentry WHERE id = %s", aged[3])
        assert faults(audit_verdict()) == [(Fault.DELETED, 3, aged[3])]

    def test_leaves_emptied_without_a_prune(self, aged: list[int], tamper: Any) -> None:
        tamper("UPDATE accounts_auditseal SET leaves = '' WHERE number = 2")
        tamper("DELETE FROM accounts_auditentry WHERE id = %s", aged[2])
        assert faults(audit_verdict())[0] == (Fault.CHAIN, 2, None)

    def test_policy(self, aged: list[int], settings: Any) -> None:
        assert prune.prune_by_policy() == 0
        settings.KUBECARRIER_AUDIT_RETENTION_DAYS = 5
        assert prune.prune_by_policy() == 3

    @pytest.mark.parametrize("days", [0, -1])
    def test_no_days(self, aged: list[int], days: int) -> None:
        with pytest.raises(InvalidError):
            prune.audit_prune(days=days)


class TestCommand:
    def run(self, *words: str) -> str:
        out = io.StringIO()
        call_command("audit", *words, stdout=out)
        return out.getvalue()

    def test_verify_seal_keys(self) -> None:
        make("a", "b")
        assert self.run("seal") == "1 seals made\n"
        said = self.run("verify")
        assert "1 seals over 2 entries" in said
        assert f"intact; the head is 1:{audit_verdict().head}" in said
        assert json.loads(self.run("verify", "--json"))["intact"] is True
        key_id, public = self.run("keys").split()
        assert (key_id, len(public)) == ("t1", 64)
        assert base64.b16decode(public.upper())

    def test_a_break_is_an_error(self, tamper: Any) -> None:
        (key,) = make("a")
        seals.seal_all()
        tamper("DELETE FROM accounts_auditentry WHERE id = %s", key)
        out = io.StringIO()
        with pytest.raises(CommandError) as caught:
            call_command("audit", "verify", stdout=out)
        assert caught.value.returncode == 1
        assert f"BROKEN at seal 1 (deleted): Entry {key} was deleted." in out.getvalue()

    @pytest.mark.parametrize("words", [("verify", "--from", "x"), ("verify", "--anchor", "1:2")])
    def test_wrong_words(self, words: tuple[str, ...]) -> None:
        with pytest.raises((CommandError, SystemExit)):
            self.run(*words)


class TestRest:
    def test_seals_are_read_page_by_page(self, portal: Portal) -> None:
        for name in "abc":
            make(name)
            seals.seal_all()
        page = portal.call("get", "auditseals?limit=2")
        more = portal.call("get", f"auditseals?limit=2&continue={page['metadata']['continue']}")
        items = page["items"] + more["items"]
        assert [item["metadata"]["name"] for item in items] == ["3", "2", "1"]
        one = portal.call("get", "auditseals/3")["status"]
        assert one["hash"] == audit_verdict().head
        assert "leaves" not in one

    def test_nobody_writes(self, portal: Portal) -> None:
        make("a")
        seals.seal_all()
        for method in ("put", "patch", "delete"):
            error(portal, method, "auditseals/1", {}, code=405)
