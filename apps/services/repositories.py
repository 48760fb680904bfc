"""Chart repositories: save, refresh, delete."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.chart_oci import parse_reference
from apps.choices import RepositoryType
from apps.errors import RepositoryInvalidError, RepositoryStateError
from apps.models import Application, ChartRepository
from fleet import addresses
from kubecarrier.lib import access, crypto, lease, netguard
from kubecarrier.lib.errors import TransientError
from kubecarrier.lib.manifests import Applied, Result, Wish
from kubecarrier.lib.tasks import wake_on_commit

REFRESH_TASK = "apps.tasks.refresh_repositories"
# Changing one of these changes where the stored password is sent.
_DESTINATION = ("type", "url", "plain_http", "ca_pem")


def repository_apply(*, actor: Any, wish: Wish) -> Applied:
    """Create or update a repository; raises RepositoryInvalidError, AddressError."""
    spec = dict(wish.spec)
    password = spec.pop("password", None)
    _check(spec, has_password=bool(password))
    with transaction.atomic():
        row = ChartRepository.objects.select_for_update().filter(name=wish.name).first()
        fresh = row is None
        access.demand(f"repositories.{'create' if fresh else 'edit'}", row)
        row = row or ChartRepository(name=wish.name, generation=0)
        if not fresh:
            wish.check(row)
        if not fresh and password is None and row.credential and _moved(row, spec):
            raise RepositoryInvalidError(
                "credential_required",
                "Where the password is sent was changed: give the password again.",
                field="spec.password",
            )
        changed = fresh or row.labels != wish.labels
        row.labels = wish.labels
        for column, value in spec.items():
            changed |= getattr(row, column) != value
            setattr(row, column, value)
        if password is not None and password != crypto.reveal(row, "credential"):
            crypto.seal(row, "credential", password)
            changed = True
        if not changed:
            return Applied(row, Result.UNCHANGED)
        row.generation += 1
        row.full_clean(exclude=["credential"])
        row.save()
        _wake(row)
    return Applied(row, Result.CREATED if fresh else Result.CONFIGURED)


def repository_refresh(*, repository: ChartRepository) -> None:
    """Look for new charts now."""
    access.demand("repositories.refresh", repository)
    with transaction.atomic():
        _wake(repository)


def repository_delete(*, actor: Any, row: ChartRepository) -> None:
    """Remove a repository and its charts; refuses while an application uses one."""
    access.demand("repositories.delete", row)
    with transaction.atomic():
        chart = f"{row.name}/"
        # A release may be held at an earlier revision, with a chart of another repository.
        held = Q(releases__revision__spec__chart__startswith=chart)
        using = Application.objects.filter(Q(chart__startswith=chart) | held).order_by("name")
        used = list(using.values_list("name", flat=True).distinct()[:5])
        if used:
            raise RepositoryStateError(
                "repository_in_use",
                f"Applications use its charts: {', '.join(used)}.",
                hint="Delete those first.",
                applications=used,
            )
        # Another instance: the caller still shows the row, and deleting takes the key off it.
        ChartRepository.objects.get(pk=row.pk).delete()


def _moved(row: ChartRepository, spec: dict[str, Any]) -> bool:
    return any(column in spec and spec[column] != getattr(row, column) for column in _DESTINATION)


def _check(spec: dict[str, Any], *, has_password: bool) -> None:
    """The URL's form and address; a name that does not resolve today is no reason to refuse."""
    match spec.get("type"):
        case RepositoryType.LOCAL:
            if spec.get("url"):
                raise RepositoryInvalidError(
                    "url_unexpected", "A local repository has no URL.", field="spec.url"
                )
        case RepositoryType.OCI:
            parse_reference(f"{spec['url'].rstrip('/')}/chart")
        case _:
            try:
                checked = netguard.check_url(spec["url"], addresses.policy())
            except TransientError:
                return
            local = all(netguard.is_loopback(address) for address in checked.addresses)
            if (spec.get("username") or has_password) and checked.scheme == "http" and not local:
                raise RepositoryInvalidError(
                    "password_in_clear",
                    "A password is not sent over plain HTTP.",
                    field="spec.url",
                    hint="Use https.",
                )


def _wake(row: ChartRepository) -> None:
    lease.wake(ChartRepository.objects.filter(pk=row.pk))
    wake_on_commit(REFRESH_TASK)
