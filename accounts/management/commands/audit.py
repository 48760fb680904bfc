"""`manage.py audit`: check the seals, seal now, remove what is old, export, show the keys, mend the guard."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts.models import AuditEntry
from accounts.services import exports, prune, seals
from accounts.trail import check, guard, keys
from accounts.trail.export import Form, into_folder
from kubecarrier.lib.errors import KubeCarrierError


class Command(BaseCommand):
    """Exit code 1 means that the audit is not what was sealed, or that it was refused."""

    help = "Check, seal, prune and export the audit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        verify = commands.add_parser("verify", help="Whether the chain of seals holds.")
        verify.add_argument("--from", dest="since", type=moment, help="sealed from then on")
        verify.add_argument("--to", dest="until", type=moment, help="sealed until then")
        verify.add_argument("--anchor", type=anchor, help="NUMBER:HASH of a seal that you kept")
        verify.add_argument("--json", action="store_true", help="the verdict for programs")
        commands.add_parser("seal", help="Seal what is not sealed yet, now.")
        pruning = commands.add_parser("prune", help="Remove sealed entries that are old.")
        pruning.add_argument("--days", type=int, required=True, help="keep those of so many days")
        export = commands.add_parser("export", help="Entries, seals and a signature, as files.")
        export.add_argument("--directory", type=Path, required=True, help="made anew, for you only")
        export.add_argument("--form", choices=list(Form), type=Form, default=Form.JSONL)
        export.add_argument("--from", dest="since", type=moment, help="entries from then on")
        export.add_argument("--to", dest="until", type=moment, help="entries before then")
        export.add_argument("--who", help="only of this user")
        export.add_argument("--cluster", help="only on this cluster")
        export.add_argument("--project", help="only in this project")
        commands.add_parser("keys", help="The public keys that seals and exports are signed with.")
        commands.add_parser("guard", help="Make the database's triggers where they are missing.")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        try:
            getattr(self, f"_{what}")(**options)
        except KubeCarrierError as error:
            raise CommandError(f"{error.message} {error.hint or ''} ({error.code})") from error

    def _verify(
        self,
        *,
        since: datetime | None,
        until: datetime | None,
        anchor: tuple[int, str] | None,
        json: bool,
        **_: Any,
    ) -> None:
        verdict = check.audit_verdict(since=since, until=until, anchor=anchor)
        self.stdout.write(as_json(verdict) if json else as_text(verdict))
        if verdict.breaks:
            raise CommandError("The audit is not what was sealed.", returncode=1)

    def _seal(self, **_: Any) -> None:
        self.stdout.write(f"{seals.seal_all()} seals made")

    def _prune(self, *, days: int, **_: Any) -> None:
        self.stdout.write(f"{prune.audit_prune(days=days)} entries removed")

    def _export(self, *, directory: Path, form: Form, **options: Any) -> None:
        columns = {
            "since": "timestamp__gte", "until": "timestamp__lt",
            "who": "actor_name", "cluster": "cluster", "project": "project",
        }  # fmt: skip
        asked = {name: options[name] for name in columns if options[name]}
        entries = AuditEntry.objects.filter(**{columns[name]: asked[name] for name in asked})
        said = {name: str(value) for name, value in asked.items()}
        parts = exports.audit_export(actor=None, entries=entries, form=form, filters=said)
        try:
            size = into_folder(parts, directory)
        except OSError as error:
            raise CommandError(f"{directory}: {error.strerror}") from error
        self.stdout.write(f"{size} bytes in {directory}")

    def _keys(self, **_: Any) -> None:
        for key_id, public in keys.public_keys().items():
            self.stdout.write(f"{key_id} {public}")

    def _guard(self, **_: Any) -> None:
        guard.install(connection)
        self.stdout.write("the triggers are in place")


def as_text(verdict: check.Verdict) -> str:
    """The verdict for people: the first break, and how many more."""
    covered = f"{verdict.seals} seals over {verdict.entries} entries"
    lines = [f"{covered}, {verdict.pruned} pruned, {verdict.unsealed} not sealed yet"]
    lines += [f"warning: {text}" for text in verdict.warnings]
    if not verdict.breaks:
        return "\n".join([*lines, f"intact; the head is {verdict.head_number}:{verdict.head}"])
    first, *more = verdict.breaks
    lines.append(f"BROKEN at seal {first.seal} ({first.fault}): {first.message}")
    return "\n".join([*lines, *([f"and {len(more)} more breaks"] if more else [])])


def as_json(verdict: check.Verdict) -> str:
    """The whole verdict."""
    return json.dumps({"intact": not verdict.breaks, **asdict(verdict)}, indent=2)


def moment(text: str) -> datetime:
    """A time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no time, such as 2030-01-31T12:00") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def anchor(text: str) -> tuple[int, str]:
    """`NUMBER:HASH`."""
    number, _, found = text.partition(":")
    if not number.isdecimal() or len(found) != 64:
        raise ArgumentTypeError("an anchor is NUMBER:HASH, as verify prints the head")
    return int(number), found.lower()
