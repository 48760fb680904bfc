"""Uploaded charts, served back as an HTTP chart repository.

`helm repo add NAME URL --username USER --password TOKEN`: Helm knows basic
authentication only, therefore the password may be an API token.
"""

from __future__ import annotations

import base64
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views import View

from accounts.api.authentication import token_of
from accounts.scopes import allows
from apps.errors import ChartNotFoundError
from apps.models import ChartRepository, ChartVersion
from apps.permissions import visible_repositories
from apps.services.charts import chart_download
from kubecarrier.lib import audit, strict_yaml
from kubecarrier.lib.audit import may_operate
from kubecarrier.lib.errors import KubeCarrierError


class HelmView(View):
    """Authenticates like Helm asks, and renders errors as plain text."""

    http_method_names = ["get", "head"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = _user_of(request)
        if user is None:
            response = HttpResponse("Log in with an API token as the password.\n", status=401)
            response["WWW-Authenticate"] = 'Basic realm="KubeCarrier"'
            return response
        request.user = user
        named = ChartRepository.objects.filter(name=kwargs["name"], type="local")
        repository = visible_repositories(user).filter(name=kwargs["name"], type="local").first()
        if repository is None:
            audit.hidden("repositories.view", named.first)
            return HttpResponse("No such repository.\n", status=404)
        self.repository = repository
        try:
            return super().dispatch(request, *args, **kwargs)
        except KubeCarrierError as error:
            return HttpResponse(f"{error.message}\n", status=error.http_status)


class IndexView(HelmView):
    """index.yaml of a local repository."""

    repository: ChartRepository

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        entries: dict[str, list[dict[str, Any]]] = {}
        rows = ChartVersion.objects.filter(chart__repository=self.repository, archive__isnull=False)
        for row in rows.select_related("chart", "archive").defer(
            "readme", "values_text", "schema", "archive__content"
        ):
            entries.setdefault(row.chart.chart, []).append(_entry(row, name))
        text = strict_yaml.dump({"apiVersion": "v1", "entries": entries})
        return HttpResponse(text, content_type="application/yaml")


class ArchiveView(HelmView):
    """One archive, by the digest of its content; Helm saves it under the last part of the URL."""

    repository: ChartRepository

    def get(self, request: HttpRequest, name: str, digest: str, file: str) -> HttpResponse:
        content = chart_download(repository=self.repository, digest=digest)
        return HttpResponse(content, content_type="application/gzip")

    def head(self, request: HttpRequest, name: str, digest: str, file: str) -> HttpResponse:
        """Whether it is there: nothing is fetched, and nothing is on record."""
        known = ChartVersion.objects.filter(chart__repository=self.repository, archive_id=digest)
        if not known.exists():
            raise ChartNotFoundError("chart_not_found", "No such chart.")
        return HttpResponse(content_type="application/gzip")


def _entry(row: ChartVersion, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v2",
        "name": row.chart.chart,
        "version": row.version,
        "appVersion": row.app_version,
        "description": row.description,
        "digest": row.archive_id,
        "created": row.archive.created_at.isoformat() if row.archive else "",
        "urls": [
            reverse("helm-archive", args=[name, row.archive_id, f"{row.chart.chart}-{row.version}"])
        ],
    }


def _user_of(request: HttpRequest) -> Any:
    """The staff user of the token in Basic authentication, or None."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.user if may_operate(getattr(request, "user", None)) else None
    try:
        _, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    found = token_of(token.encode(), request.META.get("REMOTE_ADDR"))
    user = found.user if found else None
    return user if may_operate(user) and allows(user, "charts.view") else None
