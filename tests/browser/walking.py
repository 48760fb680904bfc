"""Every page of the console, found by asking the console itself, and what a page must keep to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib import admin
from django.urls import reverse

from kubecarrier.console.admin import PortalAdmin
from tests import npm

NO_MODEL = ("index", "apps_matrix", "fleet_capacity", "access_review")
REVIEWS = ("person", "right", "drift", "orphans")
# Of axe-core: what keeps somebody out. The rest it can say is advice.
_GRAVE = ("serious", "critical")
# Django's own chooser of many stays as it is.
_RUN = "(rules) => axe.run({exclude: ['.selector']}, {resultTypes: ['violations'], runOnly: rules})"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
_ASK = """() => {
  const shown = (one) => one.checkVisibility({visibilityProperty: true});
  const heads = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(shown).map((one) => +one.tagName[1]);
  const at = heads.findIndex((level, index) => index && level > heads[index - 1] + 1);
  const names = (one) => (one.ariaLabel || one.textContent || one.title).trim();
  return {
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    tops: heads.filter((level) => level === 1).length,
    skips: at < 0 ? '' : `h${heads[at - 1]} then h${heads[at]}`,
    fake: [...document.querySelectorAll('main [onclick], [href^="javascript:"]')].length,
    nameless: [...document.querySelectorAll('a[href], button')].filter(shown)
      .filter((one) => !names(one) && !one.querySelector('img[alt]:not([alt=""]), [aria-label]'))
      .map((one) => one.outerHTML.slice(0, 120)),
  };
}"""


def axe() -> str:
    """The script of axe-core; raises NotInstalledError."""
    folder = npm.installed(Path(__file__).parents[1] / "axe", "axe")
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


def general_pages() -> dict[str, str]:
    """Those that belong to no kind, by name."""
    pages = {name: reverse(f"admin:{name}") for name in NO_MODEL}
    review = reverse("admin:access_review")
    pages |= {f"access_review {tab}": f"{review}?tab={tab}" for tab in REVIEWS}
    changed = reverse("admin:accounts_auditentry_changed")
    return {**pages, "account": reverse("account"), "audit changed": changed}


def kinds() -> Iterator[tuple[str, Any]]:
    """The name of each kind's pages and its admin."""
    for model, one in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label):
        yield f"{model._meta.app_label}_{model._meta.model_name}", one


def rows_of(kind: Any, user: Any) -> Any:
    """What the person sees of a kind."""
    return type(kind).rows(user) if isinstance(kind, PortalAdmin) else kind.model.objects.all()


def kind_pages(name: str, kind: Any, row: Any | None) -> dict[str, str]:
    """The list, the form of a new one, and one object with its tabs and actions."""
    pages = {name: reverse(f"admin:{name}_changelist")}
    if getattr(kind, "writes", True):
        pages[f"{name} add"] = reverse(f"admin:{name}_add")
    if row is None:
        return pages
    change = reverse(f"admin:{name}_change", args=[row.pk])
    tabs = [tab for tab, *_ in kind._tabs()] if isinstance(kind, PortalAdmin) else []
    pages |= {f"{name} {tab}": f"{change}?tab={tab}" for tab in tabs or ["status"]}
    for action in getattr(kind, "object_actions", ()):
        if action.offered(row):
            path = reverse(f"admin:{name}_do", args=[row.pk, action.slug])
            pages[f"{name} {action.slug}"] = path
    if getattr(kind, "delete_action", None) is not None:
        pages[f"{name} delete"] = reverse(f"admin:{name}_delete", args=[row.pk])
    return pages


def page_of(name: str, row: Any) -> str:
    """The address of an object's page."""
    return reverse(f"admin:{name}_change", args=[row.pk])


def live_pages(cluster: Any, namespace: str, pod: str) -> dict[str, str]:
    """Objects asked of a cluster: kinds, a list, one object with its tabs, the forms."""

    def page(what: str, *more: str) -> str:
        return reverse(f"admin:fleet_live_{what}", args=[cluster.pk, *more])

    pods = ("core", "v1", "pods")
    one = page("object", *pods, namespace, pod)
    return {
        "live kinds": page("kinds"), "live list": page("list", *pods), "live new": page("new", *pods),
        "live object": one, "live yaml": f"{one}?tab=yaml", "live events": f"{one}?tab=events",
        "live owners": f"{one}?tab=owners", "live edit": page("edit", *pods, namespace, pod),
        "live delete": page("do", *pods, namespace, pod, "delete"),
        "live logs": page("logs", *pods, namespace, pod),
    }  # fmt: skip


def faults(page: Any, script: str, *, only: str = "") -> list[str]:
    """What is wrong with the page as it stands, in a line each; of axe `only` one rule."""
    found = page.evaluate(_ASK)
    wrong = [f"nothing to read out: {html}" for html in found["nameless"]]
    if found["wide"] > 0:
        wrong.append(f"{found['wide']} px wider than the window")
    if found["tops"] != 1:
        wrong.append(f"{found['tops']} headings of the first level")
    if found["skips"]:
        wrong.append(f"headings: {found['skips']}")
    if found["fake"]:
        wrong.append(f"{found['fake']} elements that only a mouse can use")
    if script:
        if not page.evaluate("'axe' in window"):
            page.evaluate(script)
        for one in page.evaluate(_RUN, [only] if only else _RULES)["violations"]:
            if one["impact"] in _GRAVE:
                where = one["nodes"][0]
                wrong.append(
                    f"{one['id']} ×{len(one['nodes'])}: {where['html'][:160]} {where['any'][:1]}"
                )
    return wrong
