"""Create, change and preview an application; then wait for its releases."""

from __future__ import annotations

from kubecarrier.cli import waiting
from kubecarrier.cli.actions import Manner, tell
from kubecarrier.cli.answers import Answer, Document
from kubecarrier.cli.api import Api, path_of
from kubecarrier.cli.appspec import Change, changed, document_of, has_text_values, require_new
from kubecarrier.cli.documents import read_one
from kubecarrier.cli.errors import CliError, ExitCode, usage_error
from kubecarrier.cli.kinds import Kinds
from kubecarrier.cli.options import dry
from kubecarrier.cli.output import echo, name_of, note, result_line
from kubecarrier.cli.values import merge_patch

_PLURAL, _SINGULAR = "applications", "application"
_MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


def create(api: Api, name: str, change: Change, labels: dict[str, str], manner: Manner) -> None:
    """A new application; raises CliError with exit code 5 if the name is taken."""
    path_of(name)
    spec = changed({}, change, as_text=_text_values(api))
    require_new(spec)
    body = document_of(name, spec, dict(labels), change.project)
    answer = api.call("POST", _PLURAL, body=body, params=dry(dry_run=manner.dry_run))
    _finish(api, name, answer.result, answer.body, manner)


def deploy(api: Api, name: str, change: Change, labels: dict[str, str], manner: Manner) -> None:
    """Create or change, then wait. The change is refused if somebody else was quicker."""
    present = _present(api, name)
    if present is None:
        create(api, name, change, labels, manner)
        return
    meta, spec = present.body.get("metadata") or {}, present.body.get("spec") or {}
    wanted = changed(spec, change, as_text=_text_values(api))
    patch: Document = {"spec": merge_patch(spec, wanted)} if wanted != spec else {}
    if about := _about(meta, labels, change.project):
        patch["metadata"] = about
    if not patch:
        _finish(api, name, "unchanged", present.body, manner)
        return
    headers = {**_MERGE_PATCH, **({"If-Match": present.etag} if present.etag else {})}
    answer = api.call(
        "PATCH",
        path_of(_PLURAL, name),
        body=patch,
        headers=headers,
        params=dry(dry_run=manner.dry_run),
    )
    _finish(api, name, answer.result, answer.body, manner)


def _about(meta: Document, labels: dict[str, str], project: str) -> Document:
    """What of the metadata changes."""
    about: Document = {}
    if labels and {**(meta.get("labels") or {}), **labels} != meta.get("labels"):
        about["labels"] = labels
    if project and project != meta.get("project"):
        about["project"] = project
    return about


def deploy_file(api: Api, name: str, file: str, manner: Manner) -> None:
    """Apply the document of `file`, then wait."""
    document = _application(file, name)
    path = path_of(_PLURAL, name_of(document))
    answer = api.call("PUT", path, body=document, params=dry(dry_run=manner.dry_run))
    _finish(api, name_of(document), answer.result, answer.body, manner)


def preview(api: Api, name: str, file: str, change: Change) -> Document:
    """What the server would render: `{"groups": [...]}`. Nothing is stored."""
    body: Document | None = None
    if file:
        body = _application(file, name)
    elif not change.is_empty:
        present = _present(api, name)
        spec = (present.body.get("spec") or {}) if present else {}
        labels = (present.body.get("metadata") or {}).get("labels") if present else None
        wanted = changed(spec, change, as_text=_text_values(api))
        body = document_of(name, wanted, labels, change.project)
    return api.call("POST", path_of(_PLURAL, name, "preview"), body=body).body


def _application(file: str, name: str) -> Document:
    document = read_one(file)
    found = name_of(document)
    if document.get("kind") != "Application" or not found:
        raise usage_error(f"{file} is not an Application with a name.")
    if name and name != found:
        raise usage_error(f"{file} describes “{found}”, not “{name}”.")
    return document


def _present(api: Api, name: str) -> Answer | None:
    try:
        return api.call("GET", path_of(_PLURAL, name))
    except CliError as error:
        if error.exit_code is ExitCode.NOT_FOUND:
            return None
        raise


def _text_values(api: Api) -> bool:
    return has_text_values(Kinds.fetch(api).find(_SINGULAR))


def _finish(api: Api, name: str, result: str, document: Document, manner: Manner) -> None:
    if manner.form.is_table:
        echo(result_line(_SINGULAR, name, result, dry_run=manner.dry_run))
    if manner.wait and not manner.dry_run:
        document = waiting.ready(api, _PLURAL, _SINGULAR, name, manner.seconds)
        note(result_line(_SINGULAR, name, "is ready"))
    tell(document, _SINGULAR, name, manner)
