"""Pictures of the console, for the documentation and for looking at.

python -m tests.browser.screenshots docs/images          # the five of the documentation
python -m tests.browser.screenshots /tmp/shots --all     # every page, wide and narrow, light and dark
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

WIDE, NARROW = (1440, 900), (390, 844)
DOCUMENTED = {
    "start": "start",
    "matrix": "matrix",
    "application": "application",
    "release": "release",
    "preview": "preview",
}


def main() -> None:
    """Make a fleet in a database of its own, serve it, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--no-planes", action="store_true", help="no API server: the preview shows errors"
    )
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["KUBECARRIER_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "kubecarrier.settings.test"
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        import django

        django.setup()
        _run(given, Path(home))


def _run(given: Any, home: Path) -> None:
    from contextlib import ExitStack

    from django.core.management import call_command

    from tests.browser import fleet

    call_command("migrate", verbosity=0)
    with ExitStack() as stack:
        planes = {} if given.no_planes else _planes(home, stack)
        fleet.build(planes=planes)
        base = _serve()
        _shoot(given, base)


def _planes(home: Path, stack: Any) -> dict[str, Any]:
    """Real API servers for the clusters of the preview; the others are rows only."""
    from django.conf import settings

    from tools.controlplane import ControlPlane, Etcd, binaries, start_all, stop_all

    settings.KUBECARRIER_HELM = str(binaries().path("helm"))
    etcd = stack.enter_context(Etcd(home))
    names = ("fra-prod-1", "fra-prod-2", "ams-prod-1", "iad-prod-1")
    planes = {
        name: ControlPlane(name=name, dir=home, etcd=etcd, nodes=0, controllers=False)
        for name in names
    }
    start_all(list(planes.values()))
    stack.callback(stop_all, list(planes.values()))
    from tests.browser.fleet import archive

    package = home / "web.tgz"
    package.write_bytes(archive("web", "2.3.0"))
    for plane in planes.values():  # an earlier version, so that the preview has something to say
        plane.helm(
            "install",
            "checkout",
            str(package),
            "-n",
            "shop",
            "--create-namespace",
            "--set",
            "replicaCount=2",
        )
        plane.kubectl(
            "create",
            "clusterrolebinding",
            "portal",
            "--clusterrole=cluster-admin",
            "--serviceaccount=default:portal",
        )
    return planes


def _serve() -> str:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
            if args and str(args[1]).startswith("5"):
                sys.stderr.write(f"{args[0]} {args[1]}\n")

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _pages() -> dict[str, str]:
    from django.contrib.auth.models import Group
    from django.urls import reverse

    from accounts.models import AuditEntry, User
    from apps.models import Application, Chart, ChartRepository, Release
    from fleet.models import (
        Cluster,
        ConfigConflict,
        ConfigCopy,
        ConfigItem,
        InventoryObject,
        Operation,
        Project,
        ResourceType,
    )

    def page(model: str, row: Any, more: str = "") -> str:
        return reverse(f"admin:{model}_change", args=[row.pk]) + more

    settings = ConfigItem.objects.get(name="shop-settings")
    secret = ConfigItem.objects.get(name="payment-keys")
    conflict = ConfigConflict.objects.get()
    catalog = Application.objects.get(name="catalog")
    checkout = Application.objects.get(name="checkout")
    payments = Application.objects.get(name="payments")
    cluster = Cluster.objects.get(name="fra-prod-1")
    away = Cluster.objects.get(name="berlin-edge")
    failed = Release.objects.get(name="payments.ams-prod-1")
    pod = InventoryObject.objects.get(kind="Pod", health="Degraded")
    certificates = ResourceType.objects.get(kind="Certificate")
    return {
        "inventory": "/admin/fleet/inventoryobject/",
        "inventory-search": "/admin/fleet/inventoryobject/?q=payments",
        "inventory-object": page("fleet_inventoryobject", pod),
        "resource-types": "/admin/fleet/resourcetype/",
        "resource-type": page("fleet_resourcetype", certificates),
        "start": "/admin/",
        "matrix": "/admin/matrix/",
        "application": page("apps_application", payments),
        "release": page("apps_release", failed),
        "preview": reverse("admin:apps_application_do", args=[checkout.pk, "preview"]),
        "login": "/admin/login/",
        "clusters": "/admin/fleet/cluster/",
        "cluster": page("fleet_cluster", cluster),
        "cluster-away": page("fleet_cluster", away),
        "cluster-spec": page("fleet_cluster", cluster, "?tab=spec"),
        "cluster-import": "/admin/fleet/cluster/add/",
        "cluster-remove": reverse("admin:fleet_cluster_delete", args=[cluster.pk]),
        "applications": "/admin/apps/application/",
        "application-spec": page("apps_application", catalog, "?tab=spec"),
        "application-history": page("apps_application", payments, "?tab=history"),
        "application-add": "/admin/apps/application/add/",
        "rollback": reverse("admin:apps_application_do", args=[payments.pk, "rollback"]),
        "delete": reverse("admin:apps_application_delete", args=[payments.pk]),
        "releases": "/admin/apps/release/",
        "release-drift": page("apps_release", Release.objects.get(name="catalog.fra-prod-2")),
        "release-spec": page("apps_release", failed, "?tab=spec"),
        "repository": page("apps_chartrepository", ChartRepository.objects.get()),
        "chart": page("apps_chart", Chart.objects.get(chart="web")),
        "audit": "/admin/accounts/auditentry/",
        "audit-denied": "/admin/accounts/auditentry/?result=denied&who=ada",
        "audit-changed": "/admin/accounts/auditentry/changed/",
        "entry": page(
            "accounts_auditentry",
            AuditEntry.objects.filter(object_repr="payments", action=1).first()
            or AuditEntry.objects.first(),
        ),
        "projects": "/admin/fleet/project/",
        "project": page("fleet_project", Project.objects.get(name="media")),
        "project-spec": page("fleet_project", Project.objects.get(name="shop"), "?tab=spec"),
        "project-add": "/admin/fleet/project/add/",
        "project-delete": reverse(
            "admin:fleet_project_delete", args=[Project.objects.get(name="shop").pk]
        ),
        "capacity": "/admin/capacity/",
        "capacity-fits": "/admin/capacity/?fits=cpu:40,memory:64Gi",
        "capacity-namespaces": "/admin/capacity/?by=namespace",
        "capacity-projects": "/admin/capacity/?by=project",
        "operations": "/admin/fleet/operation/",
        "operation": page("fleet_operation", Operation.objects.filter(verb="upgrade").first()),
        "token": "/admin/accounts/apitoken/add/",
        "person": page("accounts_user", User.objects.get(username="ada")),
        "group": page("auth_group", Group.objects.get_or_create(name="operators")[0]),
        "configitems": "/admin/fleet/configitem/",
        "configitem": page("fleet_configitem", settings),
        "configitem-spec": page("fleet_configitem", settings, "?tab=spec"),
        "configitem-history": page("fleet_configitem", settings, "?tab=history"),
        "configitem-add": "/admin/fleet/configitem/add/",
        "config-secret": page("fleet_configitem", secret),
        "config-secret-spec": page("fleet_configitem", secret, "?tab=spec"),
        "config-reveal": reverse("admin:fleet_configitem_do", args=[secret.pk, "reveal"]),
        "config-rollback": reverse("admin:fleet_configitem_do", args=[settings.pk, "rollback"]),
        "config-delete": reverse("admin:fleet_configitem_delete", args=[settings.pk]),
        "config-copies": "/admin/fleet/configcopy/",
        "config-copy": page("fleet_configcopy", ConfigCopy.objects.filter(ready="False").first()),
        "inbox": "/admin/fleet/configconflict/?open__exact=1",
        "conflict": page("fleet_configconflict", conflict),
        "conflict-adopt": reverse("admin:fleet_configconflict_do", args=[conflict.pk, "adopt"]),
        "users": "/admin/accounts/user/",
        "user-add": "/admin/accounts/user/add/",
    }


def _shoot(given: Any, base: str) -> None:
    from tests.browser.chromium import browser, listen, log_in

    pages = _pages()
    wanted = pages if given.all else {name: pages[name] for name in DOCUMENTED}
    if given.only:
        wanted = {name: pages[name] for name in given.only.split(",")}
    looks = (
        [(WIDE, "light")]
        if not given.all
        else [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")]
    )
    with browser() as running:
        for (width, height), scheme in looks:
            context = running.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            said = listen(page)
            if "login" in wanted:
                page.goto(f"{base}/admin/login/")
                page.screenshot(path=given.folder / f"login-{width}-{scheme}.png")
            log_in(page, base, "ada", "a-long-password-1")
            for name, path in wanted.items():
                if name == "login":
                    continue
                page.goto(base + path, wait_until="load")
                page.wait_for_timeout(500)
                target = f"{name}.png" if not given.all else f"{name}-{width}-{scheme}.png"
                page.screenshot(
                    path=given.folder / target,
                    full_page=(given.all and width < 1000) or name in {"release", "preview"},
                )
                if said:
                    sys.stderr.write(f"{name}: {said}\n")
                    said.clear()
            context.close()


if __name__ == "__main__":
    main()
