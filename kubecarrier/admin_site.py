"""The console's site: unfold's, with our start page and without foreign admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from unfold.sites import UnfoldAdminSite

from kubecarrier.console.editor import check_view
from kubecarrier.lib.audit import is_machine, may_operate

# Whoever may change these rows could run any function, grant any right or forge the record.
FOREIGN_APPS = frozenset({"django_q", "knox", "axes", "guardian", "auditlog"})


class KubeCarrierAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """The admin site of the portal."""

    index_template = "console/start.html"

    @property
    def login_form(self) -> Any:
        """Ours; imported late, because the site is made before the models are."""
        from kubecarrier.console.login import LoginForm

        return LoginForm

    def register(
        self,
        model_or_iterable: Any,
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Django's, except that foreign admins are never mounted, whenever they are imported."""
        if admin_class is not None and admin_class.__module__.partition(".")[0] in FOREIGN_APPS:
            return  # a foreign admin over a model of ours, such as auditlog's over our entry
        models = (
            model_or_iterable
            if isinstance(model_or_iterable, list | tuple | set)
            else [model_or_iterable]
        )
        ours = [model for model in models if model._meta.app_label not in FOREIGN_APPS]
        if ours:
            super().register(ours, admin_class, **options)

    def unregister(self, model_or_iterable: Any) -> None:
        """Django's, tolerant of what was never mounted."""
        models = (
            model_or_iterable
            if isinstance(model_or_iterable, list | tuple | set)
            else [model_or_iterable]
        )
        super().unregister([model for model in models if self.is_registered(model)])

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever is active: what he finds is decided by what he holds. A machine has no session."""
        return may_operate(request.user) and not is_machine(request.user)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Somebody who is logged in but may not come in is refused, not asked to log in again."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            user = request.user
            if (
                user.is_authenticated
                and not self.has_permission(request)
                and not request.path.endswith("/logout/")
            ):
                raise PermissionDenied
            return inner(request, *args, **kwargs)

        return guarded

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Whoever may come in already is sent on; others see what is configured."""
        from accounts.admin.login import ConsoleLogin

        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": getattr(request.user, "username", ""),
            **(extra_context or {}),
        }
        view = ConsoleLogin.as_view(
            extra_context=context,
            authentication_form=self.login_form,
            next_page="admin:index",
        )
        request.current_app = self.name
        response: HttpResponse = never_cache(view)(request)  # type: ignore[assignment]
        return response

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """By POST only, as Django's; also out of the provider."""
        from accounts.admin.login import console_logout

        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return csrf_protect(console_logout)(request)

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Objects by name, as they are now: the theme's keeps for minutes what it once found."""
        from kubecarrier.console.finding import find_view

        return find_view(request, self)

    def extra_urls(self) -> list[Any]:
        """Pages that belong to no model."""
        return [
            path("matrix/", self.admin_view(self._matrix), name="apps_matrix"),
            path("capacity/", self.admin_view(self._capacity), name="fleet_capacity"),
            path("access-review/", self.admin_view(self._access_review), name="access_review"),
            path("live/", self.admin_view(self._live), name="start_live"),
            path(
                "check/<slug:name>/", self.admin_view(csrf_protect(check_view)), name="editor_check"
            ),
        ]

    def _matrix(self, request: HttpRequest) -> HttpResponse:
        from apps.admin.matrix import matrix_view

        return matrix_view(request, self)

    def _capacity(self, request: HttpRequest) -> HttpResponse:
        from fleet.admin.capacity import capacity_view

        return capacity_view(request, self)

    def _access_review(self, request: HttpRequest) -> HttpResponse:
        from fleet.admin.access_review import access_review_view

        return access_review_view(request, self)

    def _live(self, request: HttpRequest) -> HttpResponse:
        return TemplateResponse(request, "console/start_live.html", start_page(request, {}))


def start_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's dashboard callback: the fleet at a glance."""
    from kubecarrier.console.start import facts

    return {**context, **facts(request.user)}


class AdminConfig(DjangoAdminConfig):
    """Makes ours the default site."""

    default_site = "kubecarrier.admin_site.KubeCarrierAdminSite"
