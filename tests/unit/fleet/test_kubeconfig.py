"""What a kubeconfig may say, and with which code everything else is refused."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fleet.kubeconfig import choose_context, parse_kubeconfig
from fleet.kubeconfig_errors import KubeconfigError
from kubecarrier.lib.errors import KubeCarrierError

from .pki import NOW, encrypted_key, identity

SERVER = "https://cluster.example:6443"
CANARY = "canary-token-0123456789"
Document = dict[str, Any]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def document(**changes: Any) -> Document:
    """A kubeadm-shaped admin.conf."""
    admin = identity()
    base: Document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": "admin@prod",
        "clusters": [
            {
                "name": "prod",
                "cluster": {
                    "server": SERVER,
                    "certificate-authority-data": b64(identity("ca").cert),
                },
            }
        ],
        "contexts": [{"name": "admin@prod", "context": {"cluster": "prod", "user": "admin"}}],
        "users": [
            {
                "name": "admin",
                "user": {
                    "client-certificate-data": b64(admin.cert),
                    "client-key-data": b64(admin.key),
                },
            }
        ],
    }
    return {**base, **changes}


def edited(path: str, value: Any, base: Document | None = None) -> Document:
    """The document with one field set: `clusters.0.cluster.server`."""
    result = copy.deepcopy(base or document())
    *parents, last = path.split(".")
    target: Any = result
    for step in parents:
        target = target[int(step)] if step.isdecimal() else target[step]
    target[int(last) if last.isdecimal() else last] = value
    return result


def with_token(**user: Any) -> Document:
    return edited("users.0.user", {"token": CANARY, **user})


def text(of: Document) -> str:
    """Without aliases: equal parts are written twice."""
    return yaml.safe_dump(json.loads(json.dumps(of)), sort_keys=False)


def refusal(of: Document | str, **options: Any) -> KubeconfigError:
    with pytest.raises(KubeconfigError) as caught:
        parse_kubeconfig(of if isinstance(of, str) else text(of), now=NOW, **options)
    return caught.value


def test_kubeadm_shape_gives_a_connection() -> None:
    (found,) = parse_kubeconfig(text(document()), now=NOW)
    connection = found.connection
    assert (found.context, found.cluster, found.current) == ("admin@prod", "prod", True)
    assert connection.server == SERVER
    assert connection.ca_pem == identity("ca").cert
    assert connection.client_cert_pem == identity().cert
    assert connection.client_key_pem == identity().key
    assert not connection.insecure
    assert connection.token is None


KIND = document(
    clusters=[
        {
            "name": "kind-kind",
            "cluster": {
                "server": "https://127.0.0.1:43215",
                "certificate-authority-data": b64(identity("ca").cert),
            },
        }
    ],
    contexts=[{"name": "kind-kind", "context": {"cluster": "kind-kind", "user": "admin"}}],
    **{"current-context": "kind-kind"},
)
MINIKUBE = edited(
    "clusters.0.cluster.extensions",
    [{"name": "cluster_info", "extension": {"provider": "minikube.sigs.k8s.io"}}],
)
EKS_WITH_TOKEN = edited(
    "clusters.0.cluster.server", "https://0AB1.gr7.eu-central-1.eks.example", with_token()
)
RANCHER = edited(
    "clusters.0.cluster.server", "https://rancher.example/k8s/clusters/c-m-abc12/", with_token()
)
NULLS = edited("users.0.user.exec", None, edited("clusters.0.cluster.proxy-url", ""))
IPV6 = edited("clusters.0.cluster.server", "https://[2001:DB8::1]:6443")
JSON_LIKE = document(preferences={"colors": True}, extensions=[])


@pytest.mark.parametrize(
    "accepted", [KIND, MINIKUBE, EKS_WITH_TOKEN, RANCHER, NULLS, IPV6, JSON_LIKE]
)
def test_real_shapes_pass(accepted: Document) -> None:
    assert len(parse_kubeconfig(text(accepted), now=NOW)) == 1


def test_addresses_are_normalised() -> None:
    assert parse_kubeconfig(text(RANCHER), now=NOW)[0].connection.server == (
        "https://rancher.example/k8s/clusters/c-m-abc12"
    )
    assert parse_kubeconfig(text(IPV6), now=NOW)[0].connection.server == (
        "https://[2001:db8::1]:6443"
    )


U, C = "users.0.user", "clusters.0.cluster"
EXPIRED = identity("old", ends=NOW - timedelta(days=1))

REFUSED: list[tuple[str, Document, str]] = [
    ("kubeconfig_exec", edited(f"{U}.exec", {"command": "sh"}), "users[0].user.exec"),
    ("kubeconfig_auth_provider", edited(f"{U}.auth-provider", {"name": "gcp"}), "auth-provider"),
    ("kubeconfig_token_file", edited(f"{U}.tokenFile", "/etc/passwd"), "users[0].user.tokenFile"),
    ("kubeconfig_file_path", edited(f"{U}.client-certificate", "/a.crt"), "client-certificate"),
    ("kubeconfig_file_path", edited(f"{U}.client-key", "/a.key"), "users[0].user.client-key"),
    ("kubeconfig_file_path", edited(f"{C}.certificate-authority", "/ca"), "certificate-authority"),
    ("kubeconfig_proxy_url", edited(f"{C}.proxy-url", "http://evil.example"), "proxy-url"),
    ("kubeconfig_skip_tls", edited(f"{C}.insecure-skip-tls-verify", True), "insecure-skip"),
    ("kubeconfig_wrong_type", edited(f"{C}.insecure-skip-tls-verify", "yes"), "insecure-skip"),
    ("kubeconfig_impersonation", edited(f"{U}.as", "root"), "users[0].user.as"),
    ("kubeconfig_impersonation", edited(f"{U}.as-uid", "1"), "as-uid"),
    ("kubeconfig_impersonation", edited(f"{U}.as-groups", ["system:masters"]), "as-groups"),
    ("kubeconfig_impersonation", edited(f"{U}.as-user-extra", {"a": ["b"]}), "as-user-extra"),
    ("kubeconfig_basic_auth", edited(f"{U}.username", "admin"), "username"),
    ("kubeconfig_basic_auth", edited(f"{U}.password", "hunter2"), "password"),
    ("kubeconfig_unknown_field", edited(f"{U}.run", "x"), "users[0].user.run"),
    ("kubeconfig_unknown_field", edited(f"{C}.socks", "x"), "clusters[0].cluster.socks"),
    ("kubeconfig_unknown_field", document(include="/etc"), "include"),
    ("kubeconfig_unknown_field", edited("contexts.0.context.shell", "x"), "shell"),
    ("kubeconfig_no_context", document(contexts=[]), "contexts"),
    ("kubeconfig_unknown_cluster", edited("contexts.0.context.cluster", "no"), "cluster"),
    ("kubeconfig_unknown_user", edited("contexts.0.context.user", "no"), "user"),
    ("kubeconfig_duplicate_name", document(users=document()["users"] * 2), "users[1].name"),
    ("kubeconfig_duplicate_name", document(clusters=document()["clusters"] * 2), "clusters[1]"),
    ("kubeconfig_duplicate_name", document(contexts=document()["contexts"] * 2), "contexts[1]"),
    ("kubeconfig_no_name", edited("users.0.name", ""), "users[0].name"),
    ("kubeconfig_no_credentials", edited(U, {}), "users[0].user"),
    ("kubeconfig_wrong_type", document(users={"a": 1}), "users"),
    ("kubeconfig_wrong_type", edited("users.0", "text"), "users[0]"),
    ("kubeconfig_wrong_type", edited(U, ["text"]), "users[0].user"),
    ("kubeconfig_wrong_type", edited(f"{U}.token", 12345), "users[0].user.token"),
    ("kubeconfig_token_invalid", edited(f"{U}.token", "a\r\nX-Evil: 1"), "token"),
    ("kubeconfig_token_invalid", edited(f"{U}.token", "t" * 40_000), "token"),
    ("kubeconfig_token_invalid", edited(f"{U}.token", "pässword"), "token"),
    ("kubeconfig_bad_base64", edited(f"{C}.certificate-authority-data", "%%%"), "authority-data"),
    ("kubeconfig_bad_pem", edited(f"{C}.certificate-authority-data", b64("no")), "authority-data"),
    ("kubeconfig_bad_pem", edited(f"{U}.client-certificate-data", b64("no")), "certificate-data"),
    ("kubeconfig_bad_pem", edited(f"{U}.client-key-data", b64("no")), "client-key-data"),
    ("kubeconfig_bad_pem", edited(f"{U}.client-key-data", b64("k" * 40_000)), "client-key-data"),
    ("kubeconfig_key_encrypted", edited(f"{U}.client-key-data", b64(encrypted_key())), "key-data"),
    ("kubeconfig_key_mismatch", edited(f"{U}.client-key-data", b64(identity("x").key)), "key-data"),
    ("kubeconfig_key_mismatch", edited(f"{U}.client-key-data", ""), "client-key-data"),
    (
        "kubeconfig_expired_certificate",
        edited(
            U,
            {
                "client-certificate-data": b64(EXPIRED.cert),
                "client-key-data": b64(EXPIRED.key),
            },
        ),
        "client-certificate-data",
    ),
    (
        "kubeconfig_expired_certificate",
        edited(f"{C}.certificate-authority-data", b64(EXPIRED.cert)),
        "certificate-authority-data",
    ),
    ("kubeconfig_invalid", document(kind="Secret"), ""),
    ("kubeconfig_invalid", document(apiVersion="v2"), ""),
    ("server_invalid", edited(f"{C}.tls-server-name", "a b"), "tls-server-name"),
]


@pytest.mark.parametrize(("code", "refused", "field"), REFUSED)
def test_refused_with_its_code_and_place(code: str, refused: Document, field: str) -> None:
    error = refusal(refused)
    assert error.code == code
    assert field in (error.field or "")
    assert "hunter2" not in str(error)
    assert "/etc/passwd" not in str(error)


@pytest.mark.parametrize(
    "server",
    [
        "http://cluster.example",
        "file:///etc/passwd",
        "ftp://cluster.example",
        "cluster.example:6443",
        "",
        "https://",
        "https:///path",
        "https://user:pw@cluster.example",
        "https://user@cluster.example",
        "https://cluster.example@evil.example",
        "https://cluster.example/?a=b",
        "https://cluster.example/?",
        "https://cluster.example/#x",
        "https://cluster.example#",
        "https://cluster.example:0",
        "https://cluster.example:99999",
        "https://cluster.example:port",
        "https://cluster.example/../admin",
        "https://cluster.example/a%2e%2e/b",
        "https://cluster.example\\@evil.example",
        "https://cluster.example /",
        "https://clu\tster.example",
        "https://cluster.example\nHost: evil",
        "https://[fe80::1%25eth0]:6443",
        "https://[::1",
        "https://exämple.example",
        "https://cluster..example",
        "https://-cluster.example",
    ],
)
def test_servers_that_are_refused(server: str) -> None:
    assert refusal(edited("clusters.0.cluster.server", server)).code == "server_invalid"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("", "kubeconfig_invalid"),
        ("[]", "kubeconfig_invalid"),
        ("just text", "kubeconfig_invalid"),
        ("a: [", "kubeconfig_invalid"),
        ("a: 1\na: 2", "kubeconfig_invalid"),
        ("a: &x [1]\nb: *x", "kubeconfig_invalid"),
        ("--- {}\n--- {}", "kubeconfig_invalid"),
        ("!!python/object/apply:os.system ['id']", "kubeconfig_invalid"),
        ("[" * 5000, "kubeconfig_invalid"),
        ("{" * 100 + "}" * 100, "kubeconfig_invalid"),
        ("\x00", "kubeconfig_invalid"),
        ("{}", "kubeconfig_no_context"),
        ("# " + "x" * (5 * 1024 * 1024), "kubeconfig_too_large"),
        ("# " + "ü" * (600 * 1024), "kubeconfig_too_large"),
    ],
)
def test_texts_that_are_no_kubeconfig(broken: str, code: str) -> None:
    assert refusal(broken).code == code


def test_yaml_bomb_is_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for last, this in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{this}: &{this} [{', '.join([f'*{last}'] * 9)}]")
    assert refusal("\n".join(lines)).code == "kubeconfig_invalid"


def test_parse_error_never_quotes_the_file() -> None:
    error = refusal(f"users: [{CANARY}: : {CANARY}\n  : {CANARY}")
    assert CANARY not in repr(error) + repr(error.data) + repr(error.__cause__)


def test_skipped_tls_only_when_the_platform_allows_it() -> None:
    insecure = edited("clusters.0.cluster.insecure-skip-tls-verify", True)
    (found,) = parse_kubeconfig(text(insecure), allow_insecure=True, now=NOW)
    assert found.connection.insecure
    assert found.connection.ca_pem is None


def test_current_context_is_the_default() -> None:
    both = two_contexts(**{"current-context": "second"})
    assert choose_context(text(both), now=NOW).context == "second"
    assert choose_context(text(both), "first", now=NOW).context == "first"


def test_unknown_and_missing_current_context() -> None:
    with pytest.raises(KubeconfigError) as unknown:
        choose_context(text(two_contexts()), "third", now=NOW)
    with pytest.raises(KubeconfigError) as none:
        choose_context(text(two_contexts(**{"current-context": ""})), now=NOW)
    with pytest.raises(KubeconfigError) as gone:
        choose_context(text(two_contexts(**{"current-context": "gone"})), now=NOW)
    assert (unknown.value.code, none.value.code, gone.value.code) == (
        "kubeconfig_unknown_context",
        "kubeconfig_no_context",
        "kubeconfig_unknown_context",
    )
    assert unknown.value.data["contexts"] == ["first", "second"]


def test_only_the_chosen_context_is_judged() -> None:
    both = two_contexts()
    both["users"].append({"name": "bad", "user": {"exec": {"command": "sh"}}})
    both["contexts"][1]["context"]["user"] = "bad"
    assert choose_context(text(both), "first", now=NOW).context == "first"
    assert refusal(both).code == "kubeconfig_exec"


def two_contexts(**changes: Any) -> Document:
    target = {"cluster": "prod", "user": "admin"}
    contexts = [{"name": name, "context": dict(target)} for name in ("first", "second")]
    return document(contexts=contexts, **changes)


def test_extra_content_does_not_survive() -> None:
    smuggled = "# note\n" + identity("ca").cert + "-----BEGIN EVIL-----\nAAAA\n-----END EVIL-----\n"
    (found,) = parse_kubeconfig(
        text(edited("clusters.0.cluster.certificate-authority-data", b64(smuggled))), now=NOW
    )
    assert found.connection.ca_pem == identity("ca").cert


# --- fuzz ------------------------------------------------------------------------------------

_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 10), st.text(max_size=20), st.just(CANARY)
)
_NAMES = st.sampled_from(
    ["name", "user", "cluster", "context", "server", "token", "exec", "as", "clusters", "users"]
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_PATHS = st.sampled_from(
    [
        "clusters",
        "clusters.0",
        "clusters.0.cluster",
        "clusters.0.cluster.server",
        "clusters.0.cluster.certificate-authority-data",
        "contexts",
        "contexts.0.context",
        "users",
        "users.0.user",
        "users.0.user.client-key-data",
        "users.0.user.client-certificate-data",
        "current-context",
    ]
)


@given(path=_PATHS, value=_TREES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_anywhere_is_accepted_or_refused_with_a_code(path: str, value: Any) -> None:
    # Hypothesis collects this file's own literals: a cluster *named* like the canary is no leak.
    assume(CANARY not in str(value))
    changed = text(edited(path, value))
    try:
        found = parse_kubeconfig(changed, now=NOW)
    except KubeCarrierError as error:
        assert error.code.startswith(("kubeconfig_", "server_"))
        assert CANARY not in str(error)
    else:
        assert CANARY not in repr(found)


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_refused_or_understood(noise: str) -> None:
    with contextlib.suppress(KubeconfigError):
        parse_kubeconfig(noise, now=NOW)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_key_material_is_refused_or_understood(noise: bytes) -> None:
    encoded = base64.b64encode(noise).decode()
    for path in ("client-key-data", "client-certificate-data"):
        assert refusal(edited(f"users.0.user.{path}", encoded)).code.startswith("kubeconfig_")
