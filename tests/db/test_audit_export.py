"""Exports: checked by the verifier of docs/audit.md, which knows nothing of the portal."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import AuditEntry, AuditSeal, User
from accounts.services import seals
from accounts.trail import export, keys
from kubecarrier.lib import access
from tests.db.conftest import add_cluster, error
from tests.portal import Portal

pytestmark = pytest.mark.django_db
_DOCS = Path(__file__).parents[2] / "docs" / "audit.md"


def archive(portal: Portal, **body: Any) -> zipfile.ZipFile:
    response: Any = portal.client.post("/api/v1/auditentries/export", body, format="json")
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith('attachment; filename="audit-')
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


@pytest.fixture
def verifier(tmp_path: Path) -> Path:
    """The text of the documentation as a program."""
    found = re.search(r"```python\n(.*?)```", _DOCS.read_text(), re.DOTALL)
    assert found
    path = tmp_path / "check_export.py"
    path.write_text(found[1])
    return path


def verified(verifier: Path, folder: Path, key: str = "") -> str:
    """What it says; in a process without our settings and without our code on its path."""
    command = [sys.executable, "-I", str(verifier), str(folder), key or keys.current()[1]]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder.parent, env={}
    )
    return done.stdout if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


@pytest.fixture
def exported(portal: Portal, tmp_path: Path) -> Path:
    add_cluster(portal, "one")
    seals.seal_all()
    add_cluster(portal, "two")
    folder = tmp_path / "export"
    archive(portal).extractall(folder)
    return folder


class TestOffline:
    def test_it_holds(self, verifier: Path, exported: Path) -> None:
        said = verified(verifier, exported)
        count = AuditEntry.objects.exclude(event="audit-exported").count()
        assert said.startswith(f"{count} entries are as sealed, 0 were not sealed yet; head 2:")

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            ("entries.jsonl", b'"object":"one"', b'"object":"two"'),
            ("seals.jsonl", b'"count":', b'"count":1'),
            ("signature.json", b'"entries": ', b'"entries": 1'),
        ],
    )
    def test_an_edited_file(
        self, verifier: Path, exported: Path, name: str, old: bytes, new: bytes
    ) -> None:
        path = exported / name
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new, 1))
        assert re.search("was edited|InvalidSignature", verified(verifier, exported))

    def test_an_entry_edited_by_who_can_sign_exports_only(
        self, verifier: Path, exported: Path
    ) -> None:
        """The file's sum and signature are made anew; the leaf in the seal still differs."""
        path = exported / "entries.jsonl"
        path.write_bytes(path.read_bytes().replace(b'"object":"one"', b'"object":"two"', 1))
        said = json.loads((exported / "signature.json").read_text())
        said["signed"]["files"]["entries.jsonl"] = hashlib.sha256(path.read_bytes()).hexdigest()
        text = json.dumps(said["signed"], sort_keys=True, separators=(",", ":"))
        said["signature"] = keys.sign(text.encode())[2]
        (exported / "signature.json").write_text(json.dumps(said))
        assert re.search(r"entry \d+ was edited", verified(verifier, exported))

    def test_another_s_key(self, verifier: Path, exported: Path) -> None:
        assert "a key that you do not trust" in verified(verifier, exported, "00" * 32)

    def test_a_selection(self, portal: Portal, exported: Path, verifier: Path) -> None:
        folder = exported.with_name("selection")
        archive(portal, filters={"cluster": "one"}).extractall(folder)
        assert verified(verifier, folder).startswith("1 entries are as sealed")
        signed = json.loads((folder / "signature.json").read_text())["signed"]
        assert (signed["filters"], signed["entries"]) == ({"cluster": "one"}, 1)


class TestExport:
    def test_it_is_on_record(self, portal: Portal, admin_user: User) -> None:
        add_cluster(portal, "one")
        archive(portal, form="csv", filters={"kind": "Cluster"})
        entry = AuditEntry.objects.get(event="audit-exported")
        assert (entry.actor_name, entry.kind) == ("admin", "AuditSeal")
        assert entry.changes_text == "csv kind=Cluster"

    def test_csv_holds_no_formula(self, portal: Portal) -> None:
        body = {"spec": {"type": "local"}}
        for number, reason in enumerate(["=1+1", "%2Bx", "-x", "@x"]):
            headers = {"X-KubeCarrier-Reason": reason}
            portal.call("put", f"repositories/r{number}", body, **headers)
        found = archive(portal, form="csv", filters={"kind": "ChartRepository"})
        rows = list(csv.DictReader(io.StringIO(found.read("entries.csv").decode(), newline="")))
        assert [row["reason"] for row in rows] == ["'=1+1", "'+x", "'-x", "'@x"]
        assert json.loads(rows[0]["changes"])["name"] == ["None", "r0"]

    def test_in_pages(self, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(export, "_PAGE", 3)
        for number in range(10):
            User.objects.create_user(f"user-{number}")
        with CaptureQueriesContext(connection) as queries:
            lines = archive(portal).read("entries.jsonl").splitlines()
        ids = [json.loads(line)["id"] for line in lines]
        assert len(ids) == 11
        assert ids == sorted(ids)
        assert len(queries) < 40

    def test_nothing_at_all(self, portal: Portal, tmp_path: Path, verifier: Path) -> None:
        archive(portal, filters={"who": "nobody"}).extractall(tmp_path / "none")
        assert verified(verifier, tmp_path / "none").startswith("0 entries are as sealed")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"form": "xml"}, "form"),
            ({"filters": {"colour": "red"}}, "filters.colour"),
            ({"filters": {"since": "yesterday"}}, "since"),
            ({"colour": 1}, "colour"),
        ],
    )
    def test_odd_wishes(self, portal: Portal, body: Any, field: str) -> None:
        assert error(portal, "post", "auditentries/export", body, code=400)["field"] == field
        assert not AuditEntry.objects.filter(event="audit-exported").exists()

    def test_who_may_not(self, portal: Portal, monkeypatch: Any) -> None:
        monkeypatch.setattr(
            access, "may_somewhere", lambda user, permission: not permission.endswith("export")
        )
        refused = error(portal, "post", "auditentries/export", {}, code=403)
        assert refused["data"]["needs"] == "auditentries.export"
        denied = AuditEntry.objects.get(event="denied")
        assert denied.changes_text == "POST /api/v1/auditentries/export (auditentries.export)"

    def test_by_a_form_of_another_site(self, admin_user: User) -> None:
        client = APIClient(enforce_csrf_checks=True)
        client.force_login(admin_user)
        assert client.post("/api/v1/auditentries/export").status_code == 403
        assert client.get("/api/v1/auditentries/export").status_code in {404, 405}


class TestCommand:
    def test_files(self, portal: Portal, tmp_path: Path, verifier: Path) -> None:
        add_cluster(portal, "one")
        folder = tmp_path / "out"
        words = ("--directory", str(folder), "--who", "admin", "--from", "2020-01-01")
        call_command("audit", "export", *words, stdout=io.StringIO())
        assert {path.name for path in folder.iterdir()} == {
            "entries.jsonl",
            "seals.jsonl",
            "signature.json",
        }
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        assert verified(verifier, folder).startswith("1 entries are as sealed")
        assert AuditEntry.objects.get(event="audit-exported").channel == "command"
        with pytest.raises(CommandError, match="File exists"):
            call_command("audit", "export", *words, stdout=io.StringIO())


def test_no_seal_holds_a_secret(exported: Path) -> None:
    assert AuditSeal.objects.exists()
    for path in exported.iterdir():
        assert b"canary" not in path.read_bytes()
