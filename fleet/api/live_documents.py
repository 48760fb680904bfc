"""Live objects over REST: how a request is read, and how an answer is written."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from fleet.kube import ListPage, Propagation, Resource
from fleet.live import actions, bulk, kinds, tables
from fleet.live.writing import Written
from kubecarrier.api import errors
from kubecarrier.lib.errors import InvalidError
from kubecarrier.lib.manifests import API_VERSION

_CREATED = {"created": status.HTTP_201_CREATED}


def dry_run(request: Request) -> bool:
    """Whether the server is only to be asked; raises InvalidError."""
    wish = request.query_params.get("dryRun", "")
    if wish not in {"", "All"}:
        raise InvalidError("dry_run_invalid", "dryRun is All or absent.", field="dryRun")
    return bool(wish)


def flag(request: Request, name: str) -> bool:
    """`name=true`; raises InvalidError for anything but true and false."""
    text = request.query_params.get(name, "false")
    if text not in {"true", "false"}:
        raise InvalidError("parameter_invalid", f"{name} is true or false.", field=name)
    return text == "true"


def propagation(text: str) -> Propagation:
    """background, foreground or orphan; raises InvalidError."""
    try:
        return Propagation(text.capitalize())
    except ValueError as error:
        raise InvalidError(
            "propagation_invalid", "background, foreground or orphan.", field="propagationPolicy"
        ) from error


def version(request: Request, metadata: Any) -> tuple[str, bool]:
    """The resourceVersion that the caller read, and whether If-Match says so."""
    said = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    header = request.headers.get("If-Match", "").strip()
    matched = "" if header == "*" else header.removeprefix("W/").strip('"')
    if said and matched and str(said) != matched:
        raise InvalidError(
            "resource_version_contradictory", "If-Match and the object name different versions.",
            field="metadata.resourceVersion",
        )  # fmt: skip
    return matched or str(said or ""), bool(matched)


def document(body: Any, kind: Resource, *, namespace: str = "", name: str = "") -> dict[str, Any]:
    """The body as a document of the kind and object in the path; raises where it says otherwise."""
    metadata = body.get("metadata", {}) if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(metadata, dict):
        raise InvalidError("document_invalid", "An object is a mapping, and so is its metadata.")
    for path, said, wanted in (
        ("apiVersion", body.get("apiVersion"), kind.api_version),
        ("kind", body.get("kind"), kind.kind),
        ("metadata.namespace", metadata.get("namespace"), namespace),
        ("metadata.name", metadata.get("name"), name),
    ):
        if said and wanted and said != wanted:
            raise InvalidError(
                "document_mismatch",
                "The document names another object than the address.",
                field=path,
            )
    given = {k: v for k, v in (("name", name), ("namespace", namespace)) if v}
    named = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {**metadata, **given}}
    return {**body, **named}


# --- rendering -------------------------------------------------------------------------------


def described(one: Resource, versions: list[str]) -> dict[str, Any]:
    """A kind as the list of kinds shows it."""
    return {
        "group": one.group or kinds.CORE,
        "version": one.version,
        "apiVersion": one.api_version,
        "kind": one.kind,
        "plural": one.plural,
        "singular": one.singular,
        "shortNames": list(one.short_names),
        "categories": list(one.categories),
        "namespaced": one.namespaced,
        "verbs": sorted(one.verbs),
        "versions": versions,
        "actions": actions.offered(one),
    }


def table(kind: Resource, table: tables.Table) -> dict[str, Any]:
    """One page of a list."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ResourceTable",
        "metadata": {
            "continue": table.continue_token or None,
            "remaining": table.remaining,
            "resourceVersion": table.resource_version,
            "scanned": table.scanned,
        },
        "resource": {"apiVersion": kind.api_version, "kind": kind.kind, "plural": kind.plural},
        "columns": list(table.columns),
        "items": [
            {
                "cells": list(row.cells),
                "metadata": {
                    "name": row.name,
                    "namespace": row.namespace,
                    "uid": row.uid,
                    "resourceVersion": row.resource_version,
                    "createdAt": row.created_at,
                    "labels": row.labels,
                    "deleting": row.deleting,
                },
            }
            for row in table.rows
        ],
    }


def objects(page: ListPage) -> dict[str, Any]:
    """One page of whole objects, as Kubernetes lists them."""
    return {
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {
            "continue": page.continue_token or None,
            "remaining": page.remaining,
            "resourceVersion": page.resource_version,
        },
        "items": list(page.items),
    }


def written(written: Written) -> Response:
    """What a write made."""
    body = {
        "object": written.obj,
        "result": written.result,
        "dryRun": written.dry_run,
        "changes": [
            {"path": one.name, "before": one.before, "after": one.after} for one in written.changes
        ],
        "diff": written.diff,
        "warnings": written.warnings,
    }
    return Response(body, status=_CREATED.get(written.result, status.HTTP_200_OK))


def outcomes(found: list[bulk.Outcome]) -> Response:
    """A result per object."""
    items = [
        {
            "apiVersion": one.item.api_version,
            "kind": one.item.kind,
            "namespace": one.item.namespace,
            "name": one.item.name,
            "result": "error" if one.error else one.result,
            "error": errors.of(one.error) if one.error else None,
            "data": one.data,
        }
        for one in found
    ]
    return Response({"items": items, "failed": sum(1 for one in found if one.error)})
