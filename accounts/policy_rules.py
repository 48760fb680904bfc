"""Kubernetes' PolicyRules: read, compared, and judged. Pure.

Source of the rules: RBAC's own validation and its escalation check
(`k8s.io/component-helpers/auth/rbac/validation`), and Kubernetes' page "Role Based
Access Control Good Practices" for what is dangerous.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from kubecarrier.lib.errors import InvalidError

Rule = Mapping[str, Any]

_KEYS = ("apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs")
_MAX_RULES = 200
_MAX_ITEMS = 200
_MAX_LENGTH = 253
ANY = "*"


def checked(rules: Sequence[Rule], where: str = "spec.rules") -> list[dict[str, list[str]]]:
    """The rules in their normal form; raises InvalidError `rule_invalid`."""
    if len(rules) > _MAX_RULES:
        raise InvalidError("rule_invalid", f"At most {_MAX_RULES} rules.", field=where)
    return [_checked(rule, f"{where}.{at}") for at, rule in enumerate(rules)]


def _checked(rule: Rule, where: str) -> dict[str, list[str]]:
    if unknown := sorted(set(map(str, rule)) - set(_KEYS)):
        raise InvalidError("field_unknown", "Unknown field.", field=f"{where}.{unknown[0][:80]}")
    found = {key: _texts(rule[key], f"{where}.{key}") for key in _KEYS if rule.get(key)}
    if not found.get("verbs"):
        raise InvalidError("rule_invalid", "A rule needs verbs.", field=f"{where}.verbs")
    if found.get("nonResourceURLs"):
        if found.keys() & {"apiGroups", "resources", "resourceNames"}:
            raise InvalidError(
                "rule_invalid",
                "A rule is of resources or of other URLs, not of both.",
                field=f"{where}.nonResourceURLs",
            )
    elif not found.get("resources") or not found.get("apiGroups"):
        raise InvalidError(
            "rule_invalid",
            "A rule needs apiGroups and resources.",
            field=f"{where}.resources",
            hint='The core group is written "".',
        )
    return found


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise InvalidError("rule_invalid", "This is a list of texts.", field=where)
    for text in value:
        if not isinstance(text, str) or len(text) > _MAX_LENGTH or not text.isprintable():
            raise InvalidError("rule_invalid", "This is a list of texts.", field=where)
    return list(value)


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest part of a rule: one verb on one resource (or URL)."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str = ""
    url: str = ""


def atoms(rules: Iterable[Rule]) -> Iterator[Atom]:
    """Every verb on every resource, one by one."""
    for rule in rules:
        for verb, url in product(rule["verbs"], rule.get("nonResourceURLs", ())):
            yield Atom(verb, url=url)
        names = rule.get("resourceNames") or [""]
        parts = (rule["verbs"], rule.get("apiGroups", ()), rule.get("resources", ()), names)
        for verb, group, resource, name in product(*parts):
            yield Atom(verb, group, resource, name)


def uncovered(held: Sequence[Rule], wanted: Sequence[Rule]) -> Atom | None:
    """The first part of `wanted` that `held` does not allow; None when it allows all."""
    return next((atom for atom in atoms(wanted) if not any(allows(r, atom) for r in held)), None)


def allows(rule: Rule, atom: Atom) -> bool:
    """Whether one rule allows one atom, wildcards meant literally on the atom's side."""
    if not _has(rule["verbs"], atom.verb):
        return False
    if atom.url:
        return any(_url_fits(url, atom.url) for url in rule.get("nonResourceURLs", ()))
    names = rule.get("resourceNames") or []
    return (
        _has(rule.get("apiGroups", ()), atom.group)
        and _resource_fits(rule.get("resources", ()), atom.resource)
        and (not names or atom.name in names)
    )


def _has(listed: Iterable[str], text: str) -> bool:
    listed = list(listed)
    return ANY in listed or text in listed


def _resource_fits(listed: Iterable[str], resource: str) -> bool:
    sub = resource.partition("/")[2]
    return any(one in (ANY, resource) or (sub and one == f"*/{sub}") for one in listed)


def _url_fits(allowed: str, url: str) -> bool:
    return allowed in (ANY, url) or (allowed.endswith("*") and url.startswith(allowed[:-1]))


# --- dangers -----------------------------------------------------------------------------------

_WRITES = ("create", "update", "patch", "delete")
_READS = ("get", "list", "watch")
_RUNS_PODS = (
    ("", "pods"), ("", "replicationcontrollers"), ("apps", "deployments"), ("apps", "daemonsets"),
    ("apps", "statefulsets"), ("apps", "replicasets"), ("batch", "jobs"), ("batch", "cronjobs"),
)  # fmt: skip
# Any of these verbs on any of these resources is a way to more rights than the rule says.
_DANGERS: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]], ...] = (
    ("reads the values of secrets", _READS, (("", "secrets"),)),
    (
        "creates workloads, which run with any service account of their namespace",
        ("create", "update", "patch"),
        _RUNS_PODS,
    ),
    (
        "gives roles more rights than the holder has",
        ("escalate",),
        tuple(("rbac.authorization.k8s.io", r) for r in ("roles", "clusterroles")),
    ),
    (
        "binds roles that the holder does not have",
        ("bind",),
        tuple(("rbac.authorization.k8s.io", r) for r in ("roles", "clusterroles")),
    ),
    (
        "acts as other people",
        ("impersonate",),
        (
            ("", "users"),
            ("", "groups"),
            ("", "serviceaccounts"),
            ("authentication.k8s.io", "userextras"),
            ("authentication.k8s.io", "uids"),
        ),
    ),
    ("runs commands on any pod of a node", (*_READS, *_WRITES), (("", "nodes/proxy"),)),
    ("makes tokens of service accounts", ("create",), (("", "serviceaccounts/token"),)),
    (
        "runs commands in pods",
        (*_READS, "create"),
        (("", "pods/exec"), ("", "pods/attach"), ("", "pods/proxy")),
    ),
    ("adds containers to running pods", ("update", "patch"), (("", "pods/ephemeralcontainers"),)),
    (
        "reads and changes what others write, through webhooks",
        _WRITES,
        tuple(
            ("admissionregistration.k8s.io", r)
            for r in ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
        ),
    ),
    (
        "approves certificates, which are identities",
        ("update", "patch", "approve", "sign"),
        (
            ("certificates.k8s.io", "certificatesigningrequests/approval"),
            ("certificates.k8s.io", "signers"),
        ),
    ),
    ("reaches the files of nodes", ("create",), (("", "persistentvolumes"),)),
    (
        "changes a namespace's labels, which its pod security hangs on",
        ("update", "patch"),
        (("", "namespaces"),),
    ),
)
_RULES_PORTAL = {
    "bindings": "gives roles to people",
    "roles": "changes what roles hold",
    "users": "changes accounts",
    "groups": "changes who is in which group",
}


def dangers(rules: Sequence[Rule], permissions: Iterable[str] = ()) -> list[str]:
    """Why a role with these rules and permissions is dangerous; empty: it is not."""
    found = []
    if any(ANY in r["verbs"] and ANY in r.get("resources", ()) for r in rules):
        found.append("may do everything with everything")
    for reason, verbs, resources in _DANGERS:
        wanted = [Atom(verb, *resource) for verb, resource in product(verbs, resources)]
        # A name on a rule limits it to one object, which is danger enough.
        if any(allows({**r, "resourceNames": []}, atom) for r in rules for atom in wanted):
            found.append(reason)
    portal = {name.partition(".") for name in permissions}
    for plural, reason in _RULES_PORTAL.items():
        if any(one == plural and verb != "view" for one, _dot, verb in portal):
            found.append(f"{reason} in the portal")
    if any(verb == "reveal" for _one, _dot, verb in portal):
        found.append("reveals secret values")
    return found
