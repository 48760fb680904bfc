"""Edit or create an object: a form out of its schema, or YAML; the difference; then save.

The document, and what it was when it was read, travel with the form. Nothing is
kept on the server between two requests.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from fleet.admin.resources.page import Page, page_view, url
from fleet.forms.schema_form import FormNode, SchemaForm, pointer_of
from fleet.kube import ObjectRef, Resource
from fleet.live.checking import misfits
from fleet.live.fields import text_of
from fleet.live.objects import ref_of, resource_object
from fleet.live.rebasing import moved_by_others, rebased
from fleet.live.schemas import Schema, kind_schema
from fleet.live.writing import Verb, Write, Written, resource_write
from kubecarrier.console import editor
from kubecarrier.lib import audit, strict_yaml
from kubecarrier.lib.errors import ConflictError, InvalidError, KubeCarrierError, NotFoundError
from kubecarrier.lib.yaml_places import Places

Json = dict[str, Any]

_MAX_BYTES = 3 * 1024 * 1024
_TRIES = 3
_MISFITS = 100


@dataclass
class Draft:
    """The document as it is being edited; `base` is what was read (empty for a new one)."""

    document: Json
    base: Json
    text: str | None = None  # YAML as it was typed, when that is how it is edited

    @property
    def fresh(self) -> bool:
        return not self.base


@page_view
def edit_view(page: Page) -> HttpResponse:
    """An object that is there."""
    session, kind, ref = page.chosen()
    if page.request.method != "POST":
        obj = resource_object(session, kind, ref)
        return _form(page, Draft(copy.deepcopy(obj), obj))
    return _posted(page)


@page_view
def new_view(page: Page) -> HttpResponse:
    """An object that is to be."""
    if page.kind is None:
        raise NotFoundError("kind_missing", _("Name a kind."))
    page.session.require("resources.create")
    if page.request.method != "POST":
        namespace = page.request.GET.get("namespace", "").strip()[:63]
        metadata = {"name": ""} | (
            {"namespace": namespace or "default"} if page.kind.namespaced else {}
        )
        document = {
            "apiVersion": page.kind.api_version,
            "kind": page.kind.kind,
            "metadata": metadata,
        }
        if (schema := _schema(page)) is not None:
            form = SchemaForm(schema, document, fresh=True)
            for name in ("spec", "data"):
                if name in (schema.resolved(schema.root).get("properties") or {}):
                    form.add((), name)
        return _form(page, Draft(document, {}))
    return _posted(page)


@page_view
def check_view(page: Page) -> HttpResponse:
    """What is wrong with the YAML as it stands; the API server's own word comes with the difference."""
    page.session.require("resources.view")
    text = page.request.POST.get("yaml", "")
    document, problems = editor.read(text)
    if document is None:
        return editor.answer(problems)
    try:
        _matching(page, document)
    except KubeCarrierError as error:
        return editor.answer([editor.refusal(error, text)])
    if (schema := _schema(page)) is None:
        return editor.answer([])
    places = Places(text)
    for one in islice(misfits(schema, document), _MISFITS):
        at = places.at(one.path)
        severity = "warning" if one.dropped else "error"
        problems.append(editor.Problem(one.message, at.line, at.column, severity))
    return editor.answer(problems)


def _posted(page: Page) -> HttpResponse:
    """One of the buttons: add, append, remove, another form, preview, edit again, save."""
    posted = page.request.POST
    verb, _sep, where = posted.get("op", "preview").partition(":")
    draft = Draft(_json(posted.get("document", "")), _json(posted.get("base", "") or "{}"))
    schema = _schema(page)
    form = SchemaForm(schema or Schema({}, {}), draft.document, fresh=draft.fresh)
    try:
        if "yaml" in posted:
            draft.text = posted["yaml"].replace("\r\n", "\n")
            draft.document = form.document = _document(page, draft.text)
        elif schema is not None:
            form.take({name: posted.getlist(name)[-1] for name in posted})
        match verb:
            case "add":
                form.add(pointer_of(where), posted.get(f"new:{where}", ""))
            case "append":
                form.add(pointer_of(where), "")
            case "remove":
                form.remove(pointer_of(where))
            case "yaml":
                draft.text = strict_yaml.dump(draft.document)
            case "form":
                draft.text = None
            case "preview" if not form.errors:
                return _preview(page, draft)
            case "rebase":
                _rebase(page, draft)
                return _preview(page, draft)
            case "save" if not form.errors:
                return _save(page, draft)
    except ConflictError as error:
        if error.code == "resource_conflict" and not draft.fresh:
            return _moved(page, draft, error)
        return _form(page, draft, form.errors, error)
    except KubeCarrierError as error:
        return _form(page, draft, form.errors, error)
    return _form(page, draft, form.errors)


# --- pages -----------------------------------------------------------------------------------


def _form(
    page: Page,
    draft: Draft,
    errors: dict[str, str] | None = None,
    refused: KubeCarrierError | None = None,
) -> HttpResponse:
    schema = _schema(page)
    if draft.text is None and (schema is None or page.request.GET.get("as") == "yaml"):
        draft.text = strict_yaml.dump(draft.document)
    root: FormNode | None = None
    if draft.text is None and schema is not None:
        form = SchemaForm(schema, draft.document, fresh=draft.fresh, errors=errors or {})
        root = form.root()
    return page.render(
        "console/resource_edit.html",
        status=422 if refused or errors else 200,
        title=_title(page, draft),
        draft=draft,
        root=root,
        refused=refused,
        errors=errors or {},
        has_schema=schema is not None,
        editor=_editor(page, draft, refused),
        **_hidden(draft),
    )


def _editor(page: Page, draft: Draft, refused: KubeCarrierError | None) -> dict[str, str]:
    """The attributes of the text area; what was refused is shown at its line."""
    if draft.text is None:
        return {}
    problems = []
    if refused is not None and "line" not in refused.data:
        places = Places(draft.text)
        causes = refused.data.get("causes") or [
            {"field": refused.field or "", "message": refused.message}
        ]
        found = [(one["message"], places.named(one["field"])) for one in causes]
        problems = [editor.Problem(message, at.line, at.column) for message, at in found]
    return editor.attributes(check=url("check", page.cluster, page.kind), problems=problems)


def _preview(page: Page, draft: Draft) -> HttpResponse:
    """What the server would make of it."""
    written = _written(page, draft, dry_run=True)
    return page.render(
        "console/resource_diff.html",
        title=_title(page, draft),
        draft=draft,
        written=written,
        before=text_of(written.before),
        after=text_of(written.obj),
        editor=editor.attributes(),
        **_hidden(draft),
    )


def _save(page: Page, draft: Draft) -> HttpResponse:
    with audit.because(page.request.POST.get("reason", "").strip()[:500]):
        written = _written(page, draft, dry_run=False)
    metadata = written.obj.get("metadata") or {}
    ref = ObjectRef("", "", str(metadata.get("namespace") or ""), str(metadata.get("name")))
    said = {
        "created": _("%(name)s was created."),
        "configured": _("%(name)s was saved."),
        "unchanged": _("%(name)s is as it was: nothing differs."),
    }[written.result]
    messages.success(page.request, said % {"name": ref.name})
    return HttpResponseRedirect(url("object", page.cluster, page.kind, ref))


def _moved(page: Page, draft: Draft, error: ConflictError) -> HttpResponse:
    """Somebody else changed it meanwhile: what they changed, and a way to go on."""
    live = _live(page)
    theirs = {
        item["path"]: item for item in error.data.get("difference") or [] if isinstance(item, dict)
    }
    changes = [
        {"change": one, "by": theirs.get(one.name, {}).get("manager", "")}
        for one in moved_by_others(draft.base, live)
    ]
    return page.render(
        "console/resource_conflict.html",
        status=409,
        title=_title(page, draft),
        draft=draft,
        refused=error,
        changes=changes,
        **_hidden(draft),
    )


# --- steps -----------------------------------------------------------------------------------


def _written(page: Page, draft: Draft, *, dry_run: bool) -> Written:
    """Written for the version that was read; where only the status moved, for the present one."""
    kind = _kind(page)
    if draft.fresh:
        metadata = draft.document.get("metadata") or {}
        ref = ref_of(
            kind,
            namespace=str(metadata.get("namespace") or ""),
            name=str(metadata.get("name") or ""),
        )
        if not ref.name:
            raise InvalidError("name_missing", _("An object needs a name."), field="metadata.name")
        wish = Write(Verb.CREATE, kind, ref, draft.document)
        return resource_write(page.session, wish, dry_run=dry_run)
    ref = page.chosen()[2]
    for _try in range(_TRIES):
        version = str((draft.base.get("metadata") or {}).get("resourceVersion") or "")
        wish = Write(Verb.REPLACE, kind, ref, draft.document, version=version)
        try:
            return resource_write(page.session, wish, dry_run=dry_run)
        except ConflictError as error:
            live = _live(page)
            if error.code != "resource_conflict" or moved_by_others(draft.base, live):
                raise
            _rebase(page, draft, live)
    raise ConflictError("resource_conflict", _("It changes all the time; try again."))


def _rebase(page: Page, draft: Draft, live: Json | None = None) -> None:
    """The person's change on top of what stands there now."""
    live = live or _live(page)
    draft.document = rebased(draft.base, draft.document, live)
    draft.base = live


def _live(page: Page) -> Json:
    return resource_object(*page.chosen())


def _schema(page: Page) -> Schema | None:
    """None where the server publishes none: then there is only YAML."""
    try:
        return kind_schema(page.session, _kind(page))
    except NotFoundError:
        return None


def _kind(page: Page) -> Resource:
    if page.kind is None:
        raise NotFoundError("kind_missing", _("Name a kind."))
    return page.kind


def _document(page: Page, text: str) -> Json:
    found = strict_yaml.load(text, max_bytes=_MAX_BYTES)
    return _matching(page, found)


def _matching(page: Page, found: Any) -> Json:
    """The document, if it is one of what this page is for."""
    kind = _kind(page)
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise InvalidError("document_invalid", _("An object is a mapping, and so is its metadata."))
    if (found.get("apiVersion"), found.get("kind")) != (kind.api_version, kind.kind):
        raise InvalidError(
            "document_mismatch",
            _("This page is for %(kind)s of %(version)s.")
            % {"kind": kind.kind, "version": kind.api_version},
            field="kind",
        )
    if page.ref is not None:
        metadata = found["metadata"]
        named = (metadata.get("namespace") or "", metadata.get("name"))
        if named != (page.ref.namespace, page.ref.name):
            raise InvalidError(
                "document_mismatch", _("The document names another object."), field="metadata.name"
            )
    return found


def _json(text: str) -> Json:
    try:
        found = orjson.loads(text) if len(text) <= _MAX_BYTES else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise InvalidError("form_invalid", _("The form is not one of ours; open the page again."))
    return found


def _hidden(draft: Draft) -> Json:
    return {
        "document_json": orjson.dumps(draft.document).decode(),
        "base_json": orjson.dumps(draft.base).decode(),
    }


def _title(page: Page, draft: Draft) -> str:
    if draft.fresh:
        return _("New %(kind)s") % {"kind": _kind(page).kind}
    return _("Edit %(name)s") % {"name": page.ref.name if page.ref else ""}
