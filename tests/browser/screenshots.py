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
EVERY_LOOK = ((WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark"))
DOCUMENTED = ("start", "matrix", "application", "release", "preview")


def main() -> None:
    """Make a fleet in a database of its own, serve it, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--look", default="", help="with --all: 1440-light, 390-dark …")
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

    from tests.browser import fleet, people

    call_command("migrate", verbosity=0)
    with ExitStack() as stack:
        planes = {} if given.no_planes else _planes(home, stack)
        people.build(fleet.build(planes=planes))
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


def _pages(everything: bool) -> dict[str, str]:
    """Those of the documentation, rows in a state of their own, and every page that there is."""
    from django.urls import reverse

    from accounts.models import User
    from apps.models import Application, Release
    from fleet.models import Cluster, ConfigItem, InventoryObject, Project
    from tests.browser import walking

    def page(model: str, row: Any, more: str = "") -> str:
        return reverse(f"admin:{model}_change", args=[row.pk]) + more

    payments = Application.objects.get(name="payments")
    checkout = Application.objects.get(name="checkout")
    failed = Release.objects.get(name="payments.ams-prod-1")
    secret = ConfigItem.objects.get(name="payment-keys")
    pages = {
        "start": "/admin/",
        "matrix": "/admin/matrix/",
        "application": page("apps_application", payments),
        "release": page("apps_release", failed),
        "preview": reverse("admin:apps_application_do", args=[checkout.pk, "preview"]),
        "login": "/admin/login/",
        "cluster": page("fleet_cluster", Cluster.objects.get(name="fra-prod-1")),
        "cluster-away": page("fleet_cluster", Cluster.objects.get(name="berlin-edge")),
        "release-drift": page("apps_release", Release.objects.get(name="catalog.fra-prod-2")),
        "inventory-search": "/admin/fleet/inventoryobject/?q=payments",
        "pod": page("fleet_inventoryobject", InventoryObject.objects.get(kind="Pod", health="Degraded")),
        "audit-denied": "/admin/accounts/auditentry/?result=denied&who=ada",
        "project": page("fleet_project", Project.objects.get(name="media")),
        "capacity-fits": "/admin/capacity/?fits=cpu:40,memory:64Gi",
        "capacity-namespaces": "/admin/capacity/?by=namespace",
        "capacity-projects": "/admin/capacity/?by=project",
        "config-secret": page("fleet_configitem", secret),
        "config-reveal": reverse("admin:fleet_configitem_do", args=[secret.pk, "reveal"]),
    }  # fmt: skip
    if everything:
        ada = User.objects.get(username="ada")
        pages |= walking.general_pages()
        for name, kind in walking.kinds():
            pages |= walking.kind_pages(name, kind, walking.rows_of(kind, ada).first())
    return pages


def _shoot(given: Any, base: str) -> None:
    from tests.browser.chromium import browser, listen, log_in

    pages = _pages(given.all)
    wanted = pages if given.all else {name: pages[name] for name in DOCUMENTED}
    if given.only:
        wanted = {name: path for name, path in pages.items() if name in given.only.split(",")}
    looks = (
        [(WIDE, "light")]
        if not given.all
        else [one for one in EVERY_LOOK if given.look in ("", f"{one[0][0]}-{one[1]}")]
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
                target = (
                    f"{name}.png"
                    if not given.all
                    else f"{name}-{width}-{scheme}.png".replace(" ", "-")
                )
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
