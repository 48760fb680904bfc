"""The portal's own account on a cluster, in place of an administrator's credential. Pure.

What it may is said rule by rule, each with its reason: the same text is the manifest that
people read and apply by hand, and what the exchange applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.builtin import ADMINISTRATORS_GROUP
from fleet.grants.objects import API_VERSION, MANAGED_BY, OWNER
from fleet.resource import ObjectRef
from kubecarrier.lib import strict_yaml

Json = dict[str, Any]

NAMESPACE = "kubecarrier-system"
ACCOUNT = "kubecarrier"
SECRET = "kubecarrier-token"  # noqa: S105 - a name
SUBJECT = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
ROLE = "kubecarrier:portal"
GROUPS_ROLE = "kubecarrier:portal-groups"
OWNER_MARK = "portal/account"
_GROUP = "rbac.authorization.k8s.io"
_GROUP_PREFIX = "kubecarrier:group:"


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule and why it is there."""

    reason: str
    rule: Json


RULES = (
    Rule(
        "Reads everything: inventory, catalogue, drift, capacity. Secrets too, because Helm keeps"
        " its releases in Secrets; viewers of the portal are impersonated and do not read them.",
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
    ),
    Rule(
        "Writes everything: a chart may contain any object, of any custom resource too. This is"
        " wide on purpose; narrow it to the groups of your charts if you know them. It also"
        " writes config maps and secrets, namespaces and quotas, evicts pods, makes the accounts"
        " and tokens of people's kubeconfigs, and reviews access.",
        {
            "apiGroups": ["*"],
            "resources": ["*"],
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
        },
    ),
    Rule(
        "Gives the rights of the portal's roles, also those that it does not hold itself (the"
        " built-in cluster-admin). Without this rule only roles within the two above can be given,"
        " superusers keep acting with this account, and projects cannot deploy charts.",
        {
            "apiGroups": [_GROUP],
            "resources": ["roles", "clusterroles"],
            "verbs": ["escalate", "bind"],
        },
    ),
    Rule(
        "Acts as people (kubecarrier:<name>) and, for charts, as projects (kubecarrier-project:<name>),"
        " so that the cluster's own RBAC decides and its audit log names them. Kubernetes limits this"
        " by whole names only, and people and projects come and go.",
        {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]},
    ),
    Rule(
        "What is no resource: versions, health, discovery, the description of the API.",
        {
            "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez",
                                "/livez/*", "/openapi", "/openapi/*", "/readyz", "/readyz/*",
                                "/version", "/version/"],
            "verbs": ["get"],
        },
    ),
)  # fmt: skip
_GROUPS_REASON = (
    "The groups as whose members people act: these, by name, and no other. So nobody becomes a"
    " member of system:masters through the portal. A group that is given a right here later is"
    " added by the portal itself."
)


def groups_rule(groups: Iterable[str]) -> Json:
    """Impersonation of the administrators' group and of these groups of the portal."""
    names = sorted({ADMINISTRATORS_GROUP, *(f"{_GROUP_PREFIX}{name}" for name in groups)})
    return {
        "apiGroups": [""], "resources": ["groups"], "verbs": ["impersonate"], "resourceNames": names,
    }  # fmt: skip


def objects(groups: Sequence[str]) -> list[Json]:
    """Every object, in the order in which they are applied."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(NAMESPACE)},
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {**_metadata("kubecarrier-no-pods"), "namespace": NAMESPACE},
            "spec": {"hard": {"pods": "0"}},
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {**_metadata(ACCOUNT), "namespace": NAMESPACE},
            "automountServiceAccountToken": False,
        },
        _role(ROLE, [one.rule for one in RULES]),
        _binding(ROLE),
        _role(GROUPS_ROLE, [groups_rule(groups)]),
        _binding(GROUPS_ROLE),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": _secret_metadata(),
        },
    ]


def account_ref() -> ObjectRef:
    """The service account."""
    return ObjectRef("v1", "ServiceAccount", NAMESPACE, ACCOUNT)


def secret_ref() -> ObjectRef:
    """The secret that the cluster writes the token into."""
    return ObjectRef("v1", "Secret", NAMESPACE, SECRET)


def groups_role_ref() -> ObjectRef:
    """The role that names the groups."""
    return ObjectRef(API_VERSION, "ClusterRole", "", GROUPS_ROLE)


def questions() -> list[Json]:
    """SelfSubjectAccessReviews, one for each rule: what the new account must be allowed."""
    asked: list[Json] = [
        {"resourceAttributes": {"group": "", "resource": "pods", "verb": "list"}},
        {"resourceAttributes": {"group": "apps", "resource": "deployments", "verb": "create"}},
        {"resourceAttributes": {"group": _GROUP, "resource": "clusterroles", "verb": "escalate"}},
        {"resourceAttributes": {"group": "", "resource": "users", "verb": "impersonate"}},
        {
            "resourceAttributes": {
                "group": "", "resource": "groups", "verb": "impersonate", "name": ADMINISTRATORS_GROUP,
            }
        },
        {"nonResourceAttributes": {"path": "/version", "verb": "get"}},
    ]  # fmt: skip
    return [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": spec,
        }
        for spec in asked
    ]


def manifest(cluster: str, groups: Sequence[str]) -> str:
    """The same objects as YAML for `kubectl apply -f -`, each rule below its reason."""
    reasons = {ROLE: [one.reason for one in RULES], GROUPS_ROLE: [_GROUPS_REASON]}
    parts = [_HEAD.format(cluster=cluster, namespace=NAMESPACE, secret=SECRET)]
    for obj in objects(groups):
        if obj["kind"] != "ClusterRole":
            parts.append(strict_yaml.dump(obj))
            continue
        told = reasons[obj["metadata"]["name"]]
        head = strict_yaml.dump({key: value for key, value in obj.items() if key != "rules"})
        rules = [
            _comment(why) + strict_yaml.dump([rule])
            for why, rule in zip(told, obj["rules"], strict=True)
        ]
        parts.append(head + "rules:\n" + "".join(rules))
    return "---\n".join(parts)


_HEAD = """\
# The account of the KubeCarrier portal on the cluster {cluster}, in place of an administrator's
# credential. Apply it, then give the portal the token:
#   kubectl apply -f account.yaml
#   kubectl get secret {secret} -n {namespace} -o jsonpath='{{.data.token}}' | base64 -d |
#     kubecarrier cluster rotate {cluster} --token-stdin
# `kubecarrier cluster exchange {cluster}` does the same. Deleting the Secret ends the token.
"""


def _comment(text: str, width: int = 96) -> str:
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) + 1 > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "".join(f"# {one}\n" for one in [*lines, line])


def _metadata(name: str) -> Json:
    return {
        "name": name, "labels": {MANAGED_BY: "kubecarrier"}, "annotations": {OWNER: OWNER_MARK},
    }  # fmt: skip


def _secret_metadata() -> Json:
    metadata = _metadata(SECRET)
    metadata["annotations"]["kubernetes.io/service-account.name"] = ACCOUNT
    return {**metadata, "namespace": NAMESPACE}


def _role(name: str, rules: list[Json]) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRole",
        "metadata": _metadata(name),
        "rules": rules,
    }


def _binding(name: str) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name),
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
    }
