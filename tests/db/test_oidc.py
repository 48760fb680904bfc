"""Login by OIDC against an issuer that mints each wrong token; the real provider is in test_oidc_provider."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiToken, AuditEntry, Identity, IdentityMapping, LoginSession, User
from accounts.oidc import provider
from accounts.services.rechecks import recheck_due, rechecks_due
from accounts.services.tokens import token_create
from accounts.tasks import recheck_identities
from kubecarrier.lib import audit, sweeps
from tests.oidc_issuer import ACCESS_TOKEN, CLIENT_ID, Issuer, half_hash, running
from tests.portal import Portal

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
Json = dict[str, Any]
Mint = Callable[[Issuer], Any]


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    with running() as found:
        settings.KUBECARRIER_OIDC_ISSUER = found.url
        settings.KUBECARRIER_OIDC_CLIENT_ID = CLIENT_ID
        settings.KUBECARRIER_OIDC_CLIENT_SECRET = "canary-client-secret"
        settings.KUBECARRIER_OIDC_LABEL = "Example ID"
        provider.forget()
        yield found
        provider.forget()


@pytest.fixture
def platform() -> Group:
    group = Group.objects.create(name="platform-team")
    IdentityMapping.objects.create(name="platform", source="oidc", value="platform", group=group)
    return group


def begin(client: Client, issuer: Issuer, following: str = "") -> Json:
    """To the provider; its parameters, and the nonce is what the issuer will sign."""
    response = client.get("/oidc/login", {"next": following} if following else {})
    assert response.status_code == 302, response.content
    assert response["Location"].startswith(f"{issuer.url}/authorize?")
    sent = {k: v[0] for k, v in parse_qs(urlsplit(response["Location"]).query).items()}
    issuer.nonce = sent["nonce"]
    return sent


def login(client: Client, issuer: Issuer, following: str = "") -> Any:
    sent = begin(client, issuer, following)
    return client.get("/oidc/callback", {"code": "code-1", "state": sent["state"]})


def code(response: Any) -> str:
    text = response.content.decode()
    return str(text.split('class="kc-reason">')[1].split("<")[0])


def is_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


class TestComingIn:
    def test_the_whole_way(self, issuer: Issuer, platform: Group) -> None:
        client = Client()
        sent = begin(client, issuer, "/admin/fleet/cluster/")
        assert sent["code_challenge_method"] == "S256"
        assert sent["response_type"] == "code"
        assert sent["redirect_uri"] == "http://testserver/oidc/callback"
        answer = client.get("/oidc/callback", {"code": "code-1", "state": sent["state"]})
        assert (answer.status_code, answer["Location"]) == (302, "/admin/fleet/cluster/")
        (form,) = issuer.asked("/token")
        assert len(form["code_verifier"]) >= 43
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == sent["code_challenge"]
        assert form["client_secret"] == "canary-client-secret"
        user = User.objects.get()
        assert (user.username, user.email) == ("ana", "ana@example.org")
        assert list(user.groups.all()) == [platform]
        assert not user.has_usable_password()
        assert not user.is_superuser
        assert is_in(client)
        row = Identity.objects.get()
        assert (row.issuer, row.subject) == (issuer.url, "subject-1")
        assert row.refresh_token
        assert "refresh" not in row.refresh_token.split(":")[2]
        session = LoginSession.objects.get()
        assert (session.method, session.sid) == ("oidc", "sid-1")
        assert AuditEntry.objects.filter(event="login", actor=user).count() == 1

    @pytest.mark.parametrize(
        "following", ["https://evil.example/", "//evil.example", "javascript:1"]
    )
    def test_next_stays_here(self, issuer: Issuer, platform: Group, following: str) -> None:
        assert login(Client(), issuer, following)["Location"] == "/admin/"

    def test_with_the_lock_out_on(
        self, issuer: Issuer, platform: Group, settings: Settings
    ) -> None:
        settings.AXES_ENABLED = True
        client = Client()
        login(client, issuer)
        assert is_in(client)

    def test_by_subject_and_never_by_mail(self, issuer: Issuer, platform: Group) -> None:
        User.objects.create_superuser("root", "ana@example.org", "a-long-password")
        login(Client(), issuer)
        assert Identity.objects.get().user.username == "ana"
        issuer.token_answer = lambda form: issuer.answer(
            issuer.sign(issuer.claims(preferred_username="renamed", email="new@example.org"))
        )
        login(Client(), issuer)
        user = Identity.objects.get().user
        assert (user.username, user.email) == ("ana", "new@example.org")
        assert User.objects.count() == 2

    def test_the_same_subject_of_another_issuer_is_somebody_else(
        self, issuer: Issuer, platform: Group, settings: Settings
    ) -> None:
        login(Client(), issuer)
        with running() as other:
            settings.KUBECARRIER_OIDC_ISSUER = other.url
            assert code(login(Client(), other)) == "sso_name_taken"
            other.token_answer = lambda form: other.answer(
                other.sign(other.claims(preferred_username="ana2"))
            )
            assert login(Client(), other).status_code == 302
        assert list(Identity.objects.values_list("subject", flat=True)) == ["subject-1"] * 2
        assert set(User.objects.values_list("username", flat=True)) == {"ana", "ana2"}

    @pytest.mark.parametrize(("way", "in_body"), [("post", True), ("basic", False)])
    def test_how_the_secret_is_sent(
        self, issuer: Issuer, platform: Group, settings: Settings, way: str, in_body: bool
    ) -> None:
        settings.KUBECARRIER_OIDC_CLIENT_AUTH = way
        assert login(Client(), issuer).status_code == 302
        (form,) = issuer.asked("/token")
        assert ("client_secret" in form) is in_body
        sent = base64.b64encode(f"{CLIENT_ID}:canary-client-secret".encode()).decode()
        assert issuer.authorizations[-1] == ("" if in_body else f"Basic {sent}")

    @pytest.mark.parametrize(
        ("extra", "prompt"),
        [({}, "consent"), ({"prompt": ""}, None), ({"prompt": "select_account"}, "select_account")],
    )
    def test_parameters_of_the_way_there(
        self, issuer: Issuer, settings: Settings, extra: Json, prompt: str | None
    ) -> None:
        """Entra asks people for an administrator's consent each time it is told to."""
        settings.KUBECARRIER_OIDC_EXTRA = extra
        assert begin(Client(), issuer).get("prompt") == prompt

    def test_a_local_name_is_not_taken_over(self, issuer: Issuer, platform: Group) -> None:
        User.objects.create_superuser("Ana", "x@example.org", "a-long-password")
        response = login(Client(), issuer)
        assert (response.status_code, code(response)) == (403, "sso_name_taken")
        assert not Identity.objects.exists()

    def test_a_service_accounts_name_is_not_taken(self, issuer: Issuer, platform: Group) -> None:
        issuer.token_answer = lambda form: issuer.answer(
            issuer.sign(issuer.claims(preferred_username="sa:ci"))
        )
        login(Client(), issuer)
        assert User.objects.get().username == "sa-ci"

    def test_disabled_here(self, issuer: Issuer, platform: Group) -> None:
        login(Client(), issuer)
        with audit.unaudited("a test"):
            User.objects.update(is_active=False)
        assert code(login(Client(), issuer)) == "account_disabled"

    @pytest.mark.parametrize("groups", [..., [], "", None, 7, {"a": 1}, ["other"], [["platform"]]])
    def test_without_a_mapped_group(self, issuer: Issuer, platform: Group, groups: Any) -> None:
        issuer.token_answer = lambda form: issuer.answer(issuer.sign(issuer.claims(groups=groups)))
        issuer.userinfo = {"sub": "subject-1"}
        response = login(Client(), issuer)
        assert (response.status_code, code(response)) == (403, "sso_not_admitted")
        assert not User.objects.exists()

    def test_everyone_where_that_is_said(self, issuer: Issuer, settings: Settings) -> None:
        settings.KUBECARRIER_OIDC_ADMIT = "everyone"
        client = Client()
        login(client, issuer)
        assert is_in(client)

    @pytest.mark.parametrize(
        ("names", "claims"),
        [
            (["roles", "groups"], {"roles": ["platform"], "groups": ...}),
            (["realm_access.roles"], {"realm_access": {"roles": ["platform"]}}),
            (["https://example.org/groups"], {"https://example.org/groups": "platform"}),
            (["groups"], {"groups": [{"name": "platform"}]}),
        ],
    )
    def test_several_names_for_the_claim(
        self, issuer: Issuer, platform: Group, settings: Settings, names: list[str], claims: Json
    ) -> None:
        settings.KUBECARRIER_OIDC_GROUPS_CLAIMS = names
        issuer.token_answer = lambda form: issuer.answer(issuer.sign(issuer.claims(**claims)))
        assert login(Client(), issuer).status_code == 302

    def test_groups_from_the_user_info(self, issuer: Issuer, platform: Group) -> None:
        issuer.token_answer = lambda form: issuer.answer(issuer.sign(issuer.claims(groups=...)))
        issuer.userinfo = {"sub": "subject-1", "groups": ["platform"]}
        assert login(Client(), issuer).status_code == 302
        issuer.userinfo = {"sub": "somebody-else", "groups": ["platform"]}
        assert code(login(Client(), issuer)) == "oidc_subject"

    def test_groups_that_were_left_out(self, issuer: Issuer, platform: Group) -> None:
        overage = {"groups": ..., "_claim_names": {"groups": "src1"}}
        issuer.token_answer = lambda form: issuer.answer(issuer.sign(issuer.claims(**overage)))
        issuer.userinfo = {"sub": "subject-1"}
        assert code(login(Client(), issuer)) == "oidc_groups_overage"
        overage["_claim_names"] = 7  # odd, and no 500
        assert code(login(Client(), issuer)) == "sso_not_admitted"


def _aged(seconds: int) -> Mint:
    now = int(time.time())
    return lambda i: i.sign(i.claims(iat=now - seconds - 300, exp=now - seconds))


WRONG: list[tuple[str, Mint, str]] = [
    ("alg none", lambda i: jwt.encode(i.claims(), "", algorithm="none"), "oidc_algorithm"),
    (
        "HS256 with the public key",
        lambda i: _hmac_with(i.public_pem(), i.claims()),
        "oidc_algorithm",
    ),
    (
        "HS256 with the secret",
        lambda i: _hmac_with("canary-client-secret", i.claims()),
        "oidc_algorithm",
    ),
    ("an algorithm not chosen", lambda i: i.sign(i.claims(), alg="RS512"), "oidc_algorithm"),
    ("PS256", lambda i: i.sign(i.claims(), alg="PS256"), "oidc_algorithm"),
    ("signed by somebody else", lambda i: i.sign(i.claims(), key=i.other), "oidc_signature"),
    ("unknown kid", lambda i: i.sign(i.claims(), kid="r9"), "oidc_unknown_key"),
    ("kid of another family", lambda i: i.sign(i.claims(), kid="e1"), "oidc_unknown_key"),
    ("wrong issuer", lambda i: i.sign(i.claims(iss="https://evil.example")), "oidc_issuer"),
    ("issuer with a slash more", lambda i: i.sign(i.claims(iss=f"{i.url}/")), "oidc_issuer"),
    ("no issuer", lambda i: i.sign(i.claims(iss=...)), "oidc_incomplete"),
    ("wrong audience", lambda i: i.sign(i.claims(aud="other")), "oidc_audience"),
    ("no audience", lambda i: i.sign(i.claims(aud=...)), "oidc_incomplete"),
    ("wrong azp", lambda i: i.sign(i.claims(azp="other")), "oidc_party"),
    ("two audiences without azp", lambda i: i.sign(i.claims(aud=[CLIENT_ID, "o"])), "oidc_party"),
    (
        "two audiences, wrong azp",
        lambda i: i.sign(i.claims(aud=[CLIENT_ID, "o"], azp="o")),
        "oidc_party",
    ),
    ("expired", _aged(60), "oidc_expired"),
    ("no expiry", lambda i: i.sign(i.claims(exp=...)), "oidc_incomplete"),
    ("from the future", lambda i: i.sign(i.claims(iat=int(time.time()) + 600)), "oidc_not_yet"),
    ("not before later", lambda i: i.sign(i.claims(nbf=int(time.time()) + 600)), "oidc_not_yet"),
    ("no time of issue", lambda i: i.sign(i.claims(iat=...)), "oidc_incomplete"),
    ("wrong nonce", lambda i: i.sign(i.claims(nonce="another")), "oidc_nonce"),
    ("no nonce", lambda i: i.sign(i.claims(nonce=...)), "oidc_nonce"),
    ("wrong at_hash", lambda i: i.sign(i.claims(at_hash=half_hash("other"))), "oidc_at_hash"),
    ("no subject", lambda i: i.sign(i.claims(sub=...)), "oidc_incomplete"),
    ("empty subject", lambda i: i.sign(i.claims(sub="")), "oidc_subject"),
    ("long subject", lambda i: i.sign(i.claims(sub="x" * 256)), "oidc_subject"),
    ("a logout token", lambda i: i.sign(i.claims(events={})), "oidc_token_kind"),
    ("not a token", lambda i: "x.y.z", "oidc_malformed"),
    ("a number", lambda i: 7, "oidc_no_token"),
    ("nothing", lambda i: None, "oidc_no_token"),
    ("far too long", lambda i: "x" * 100_000, "oidc_no_token"),
    ("another's payload", lambda i: [_swapped(i)][0], "oidc_signature"),
]


def _hmac_with(secret: str, claims: Json) -> str:
    """PyJWT itself refuses to sign with a public key, so by hand."""
    import hmac
    import json

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "r1"}).encode())
    body = f"{head}.{part(json.dumps(claims).encode())}"
    return f"{body}.{part(hmac.digest(secret.encode(), body.encode(), hashlib.sha256))}"


def _swapped(issuer: Issuer) -> str:
    head, _, tail = issuer.sign(issuer.claims()).split(".")
    _, body, _ = issuer.sign(issuer.claims(sub="somebody-else")).split(".")
    return f"{head}.{body}.{tail}"


class TestWrongTokens:
    @pytest.mark.parametrize(
        ("mint", "expected"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
    )
    def test_refused(self, issuer: Issuer, platform: Group, mint: Mint, expected: str) -> None:
        issuer.token_answer = lambda form: issuer.answer(mint(issuer))
        client = Client()
        response = login(client, issuer)
        assert (response.status_code, code(response)) == (403, expected)
        assert not is_in(client)
        assert not User.objects.exists()
        assert AuditEntry.objects.filter(event="login-failed").count() == 1

    @pytest.mark.parametrize(
        "mint",
        [
            lambda i: i.sign(i.claims(), key=i.ec, alg="ES256", kid="e1"),
            lambda i: i.sign(i.claims(aud=[CLIENT_ID])),
            lambda i: i.sign(i.claims(aud=[CLIENT_ID, "other"], azp=CLIENT_ID)),
            lambda i: i.sign(i.claims(at_hash=half_hash(ACCESS_TOKEN))),
            lambda i: i.sign(i.claims(), kid=None),
        ],
    )
    def test_good_ones_pass(self, issuer: Issuer, platform: Group, mint: Mint) -> None:
        issuer.token_answer = lambda form: issuer.answer(mint(issuer))
        assert login(Client(), issuer).status_code == 302

    @pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256", "ES384"])
    def test_each_algorithm_where_it_is_chosen(
        self, issuer: Issuer, platform: Group, settings: Settings, algorithm: str
    ) -> None:
        issuer.kids.append("e3")
        key, kid = {"ES256": (issuer.ec, "e1"), "ES384": (issuer.ec384, "e3")}.get(
            algorithm, (issuer.rsa, "r1")
        )
        issuer.token_answer = lambda form: issuer.answer(
            issuer.sign(issuer.claims(), key=key, alg=algorithm, kid=kid)
        )
        settings.KUBECARRIER_OIDC_ALGORITHMS = [algorithm]
        assert login(Client(), issuer).status_code == 302
        settings.KUBECARRIER_OIDC_ALGORITHMS = ["RS256" if algorithm != "RS256" else "ES256"]
        assert code(login(Client(), issuer)) == "oidc_algorithm"

    def test_a_rotated_key_is_looked_for_once(
        self, issuer: Issuer, platform: Group, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login(Client(), issuer)
        issuer.token_answer = lambda form: issuer.answer(
            issuer.sign(issuer.claims(), key=issuer.other, kid="r2")
        )
        assert code(login(Client(), issuer)) == "oidc_unknown_key"
        issuer.kids.append("r2")
        assert len(issuer.asked("/jwks")) == 1  # not again within half a minute
        monkeypatch.setattr(provider, "_KEYS_AGAIN_SECONDS", 0.0)
        assert login(Client(), issuer).status_code == 302
        assert len(issuer.asked("/jwks")) == 2


class TestWrongCallbacks:
    def test_state(self, issuer: Issuer, platform: Group) -> None:
        client, other = Client(), Client()
        sent = begin(client, issuer)
        for query in (
            {"code": "c", "state": "made-up"},
            {"code": "c"},
            {"state": sent["state"]},
            {},
        ):
            begin(other, issuer)
            response = other.get("/oidc/callback", query)
            assert response.status_code == 403
        assert issuer.asked("/token") == []

    def test_a_callback_works_once(self, issuer: Issuer, platform: Group) -> None:
        client = Client()
        sent = begin(client, issuer)
        query = {"code": "c", "state": sent["state"]}
        assert client.get("/oidc/callback", query).status_code == 302
        assert client.get("/oidc/callback", query).status_code == 403

    def test_the_provider_says_no(self, issuer: Issuer, platform: Group) -> None:
        client = Client()
        sent = begin(client, issuer)
        query = {"error": "access_denied", "state": sent["state"], "error_description": "<script>"}
        response = client.get("/oidc/callback", query)
        assert (response.status_code, code(response)) == (403, "oidc_denied")
        assert "<script>" not in response.content.decode().split("kc-alert")[1]

    @pytest.mark.parametrize(
        ("answer", "status", "expected"),
        [
            ((400, {"error": "invalid_grant"}), 403, "oidc_refused"),
            ((400, {"error": "invalid_client"}), 403, "oidc_token_refused"),
            ((500, {}), 503, "oidc_unreachable"),
            ((200, b"<html>"), 503, "oidc_bad_answer"),
            ((200, []), 503, "oidc_bad_answer"),
            ((200, b"x" * 2_000_000), 503, "oidc_bad_answer"),
            ((302, {}), 503, "oidc_unreachable"),
        ],
    )
    def test_odd_answers(
        self, issuer: Issuer, platform: Group, answer: Any, status: int, expected: str
    ) -> None:
        issuer.token_answer = lambda form: answer
        response = login(Client(), issuer)
        assert (response.status_code, code(response)) == (status, expected)
        assert "canary-client-secret" not in response.content.decode()

    def test_off(self) -> None:
        for path in ("/oidc/login", "/oidc/callback"):
            assert Client().get(path).status_code == 404
        assert Client().post("/oidc/backchannel-logout").status_code == 404


class TestProviderAway:
    @pytest.mark.parametrize("where", ["/.well-known/openid-configuration", "/token", "/jwks"])
    def test_a_hanging_one_is_an_error_in_time(
        self, issuer: Issuer, platform: Group, where: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(provider, "_SECONDS", 0.3)
        issuer.hanging.add(where)
        client = Client()
        response = client.get("/oidc/login") if "well-known" in where else login(client, issuer)
        assert (response.status_code, code(response)) == (503, "oidc_unreachable")
        assert response["Retry-After"]

    def test_the_budget_is_below_five_seconds(self) -> None:
        assert provider._SECONDS < 5

    def test_local_accounts_and_sessions_live(
        self, issuer: Issuer, platform: Group, settings: Settings
    ) -> None:
        client = Client()
        login(client, issuer)
        provider.forget()
        settings.KUBECARRIER_OIDC_ISSUER = Identity.objects.get().issuer
        issuer.token_answer = lambda form: (503, {})
        Identity.objects.update(check_due_at=timezone.now())
        assert is_in(client)
        assert recheck_due() == 0  # the request itself asked, and moved it
        User.objects.create_superuser("root", "r@example.org", "a-long-password")
        local = Client()
        local.post("/admin/login/", {"username": "root", "password": "a-long-password"})
        assert is_in(local)

    def test_what_it_says_of_itself_is_kept(
        self, issuer: Issuer, platform: Group, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = "/.well-known/openid-configuration"
        for _ in range(3):
            login(Client(), issuer)
        assert (len(issuer.asked(place)), len(issuer.asked("/jwks"))) == (1, 1)
        monkeypatch.setattr(provider, "_KEPT_SECONDS", 0.0)
        assert login(Client(), issuer).status_code == 302
        assert len(issuer.asked(place)) > 1
        # What was good an hour ago is better than nothing.
        issuer.discovery = {"token_endpoint": None}
        assert begin(Client(), issuer)["client_id"] == CLIENT_ID

    def test_it_calls_itself_otherwise(self, issuer: Issuer) -> None:
        issuer.discovery = {"issuer": "https://evil.example"}
        assert code(Client().get("/oidc/login")) == "oidc_wrong_issuer"

    @pytest.mark.parametrize("address", ["javascript:1", "", None, "file:///etc/passwd", 7])
    def test_odd_endpoints(self, issuer: Issuer, address: Any) -> None:
        issuer.discovery = {"authorization_endpoint": address}
        assert code(Client().get("/oidc/login")) == "oidc_bad_answer"

    def test_an_address_that_is_guarded(self, issuer: Issuer) -> None:
        issuer.discovery = {"jwks_uri": "http://169.254.169.254/keys"}
        response = login(Client(), issuer)
        assert (response.status_code, code(response)) == (503, "oidc_unreachable")


class TestComingBack:
    @pytest.fixture
    def client(self, issuer: Issuer, platform: Group) -> Client:
        found = Client()
        assert login(found, issuer).status_code == 302
        Identity.objects.update(check_due_at=timezone.now() - timedelta(seconds=1))
        return found

    def test_within_a_quarter_of_an_hour(self, issuer: Issuer, platform: Group) -> None:
        """With a session or a token: the worker's chore finds whoever is due, active or not."""
        assert login(Client(), issuer).status_code == 302
        row = Identity.objects.get()
        assert row.check_due_at is not None
        assert row.check_due_at <= timezone.now() + timedelta(minutes=15)
        assert not rechecks_due()
        Identity.objects.update(check_due_at=timezone.now())
        assert "accounts.tasks.recheck_identities" in {one.task for one in sweeps.waiting()}
        issuer.token_answer = lambda form: (400, {"error": "invalid_grant"})
        recheck_identities()
        assert not LoginSession.objects.exists()

    def test_groups_are_read_again(self, issuer: Issuer, platform: Group, client: Client) -> None:
        by_hand = Group.objects.create(name="by-hand")
        other = Group.objects.create(name="other")
        IdentityMapping.objects.create(name="o", source="oidc", value="other", group=other)
        user = User.objects.get()
        user.groups.add(by_hand)
        issuer.token_answer = lambda form: issuer.answer(
            issuer.sign(issuer.claims(nonce=..., groups=["other"]))
        )
        assert recheck_due() == 1
        assert issuer.asked("/token")[-1]["grant_type"] == "refresh_token"
        assert set(user.groups.all()) == {by_hand, other}
        assert is_in(client)
        assert not rechecks_due()

    @pytest.mark.parametrize(
        "how", ["refused", "to be asked again", "groups gone", "groups unknown", "another person"]
    )
    def test_a_no_ends_sessions_and_tokens(
        self, issuer: Issuer, platform: Group, client: Client, how: str
    ) -> None:
        token_create(user=User.objects.get(), name="t")
        answers: dict[str, Any] = {
            "refused": (400, {"error": "invalid_grant"}),
            "to be asked again": (400, {"error": "interaction_required"}),
            "groups unknown": issuer.answer(
                issuer.sign(issuer.claims(nonce=..., groups=..., _claim_names={"groups": "s"}))
            ),
            "groups gone": issuer.answer(issuer.sign(issuer.claims(nonce=..., groups=[]))),
            "another person": issuer.answer(issuer.sign(issuer.claims(nonce=..., sub="x"))),
        }
        issuer.token_answer = lambda form: answers[how]
        issuer.userinfo = {"sub": "subject-1"}
        assert recheck_due() == 1
        assert not is_in(client)
        assert not ApiToken.objects.exists()
        assert not LoginSession.objects.exists()
        assert AuditEntry.objects.filter(event="access-ended").count() == 1
        assert not rechecks_due()

    @pytest.mark.parametrize(
        "answer",
        [
            (503, {}),
            (200, b"x"),
            (429, {}),
            (429, {"error": "slow_down"}),
            (401, {"error": "invalid_client"}),  # its secret expired
            (400, {"error": "unauthorized_client"}),
            (400, {"error": "invalid_scope"}),
            "signed by somebody else",
            "clocks apart",
        ],
        ids=str,
    )
    def test_an_error_ends_nothing(
        self, issuer: Issuer, platform: Group, client: Client, answer: Any
    ) -> None:
        token_create(user=User.objects.get(), name="t")
        if answer == "signed by somebody else":
            answer = issuer.answer(issuer.sign(issuer.claims(nonce=...), key=issuer.other))
        elif answer == "clocks apart":
            answer = issuer.answer(_aged(3600)(issuer))
        issuer.token_answer = lambda form: answer
        assert recheck_due() == 1
        assert is_in(client)
        assert ApiToken.objects.exists()
        assert list(User.objects.get().groups.all()) == [platform]
        row = Identity.objects.get()
        assert row.check_due_at
        assert timezone.now() < row.check_due_at < timezone.now() + timedelta(seconds=61)

    def test_without_a_worker_the_request_asks(
        self, issuer: Issuer, platform: Group, client: Client
    ) -> None:
        issuer.token_answer = lambda form: (400, {"error": "invalid_grant"})
        assert not is_in(client)

    def test_a_rotated_refresh_token_is_kept(
        self, issuer: Issuer, platform: Group, client: Client
    ) -> None:
        recheck_due()
        Identity.objects.update(check_due_at=timezone.now())
        recheck_due()
        sent = [f["refresh_token"] for f in issuer.asked("/token") if "refresh_token" in f]
        assert len(set(sent)) == 2

    def test_who_has_neither_session_nor_token_is_not_asked_about(
        self, issuer: Issuer, platform: Group, client: Client
    ) -> None:
        LoginSession.objects.all().delete()
        assert not rechecks_due()


class TestGoing:
    @pytest.fixture
    def client(self, issuer: Issuer, platform: Group) -> Client:
        found = Client()
        login(found, issuer)
        return found

    def logout_token(self, issuer: Issuer, **more: Any) -> str:
        event: Json = {"http://schemas.openid.net/event/backchannel-logout": {}}
        base: Json = {"nonce": ..., "jti": "j", "events": event}
        return issuer.sign(issuer.claims(**{**base, **more}))

    def post(self, token: Any) -> Any:
        return Client(enforce_csrf_checks=True).post(
            "/oidc/backchannel-logout", {"logout_token": token} if token is not None else {}
        )

    def test_by_session(self, issuer: Issuer, client: Client) -> None:
        assert self.post(self.logout_token(issuer, sid="another", sub=...)).status_code == 200
        assert is_in(client)
        assert self.post(self.logout_token(issuer, sub=...)).status_code == 200
        assert not is_in(client)

    def test_by_subject(self, issuer: Issuer, client: Client) -> None:
        assert self.post(self.logout_token(issuer, sid=...)).status_code == 200
        assert not is_in(client)

    def test_wrong_ones_end_nothing(self, issuer: Issuer, client: Client) -> None:
        wrong = [
            None, "", "x", issuer.sign(issuer.claims()),
            self.logout_token(issuer, nonce="n"), self.logout_token(issuer, events={}),
            self.logout_token(issuer, aud="other"), self.logout_token(issuer, iss="https://e"),
            self.logout_token(issuer, sub=..., sid=...), self.logout_token(issuer, jti=...),
            self.logout_token(issuer, exp=int(time.time()) - 60),
            jwt.encode(issuer.claims(), "", algorithm="none"),
        ]  # fmt: skip
        for token in wrong:
            assert self.post(token).status_code == 400
        assert is_in(client)

    def test_at_the_provider_too(self, issuer: Issuer, client: Client) -> None:
        text = client.post("/admin/logout/").content.decode()
        assert f"{issuer.url}/end?id_token_hint=" in text
        assert "console/console" in text, "it looks like the console"
        assert not is_in(client)
        assert not LoginSession.objects.exists()
        assert AuditEntry.objects.filter(event="logout").count() == 1

    def test_with_the_provider_away(
        self, issuer: Issuer, client: Client, settings: Settings
    ) -> None:
        provider.forget()
        settings.KUBECARRIER_OIDC_ISSUER = "http://127.0.0.1:1"
        client.post("/admin/logout/")
        assert not is_in(client)


class TestMappings:
    def test_over_rest(self, portal: Portal, platform: Group) -> None:
        spec = {"source": "oidc", "value": "ops", "group": "platform-team"}
        portal.call("put", "identitymappings/ops", {"spec": spec}, code=201)
        assert portal.call("get", "identitymappings/ops")["spec"] == spec
        portal.call("put", "identitymappings/ops", {"spec": spec}, code=200)
        portal.call("put", "identitymappings/same", {"spec": spec}, code=409)
        portal.call("put", "identitymappings/x", {"spec": {**spec, "group": "no"}}, code=404)
        portal.call("put", "identitymappings/x", {"spec": {**spec, "source": "x"}}, code=400)
        portal.call("delete", "identitymappings/ops")
        assert IdentityMapping.objects.count() == 1


def test_the_login_page_offers_it(issuer: Issuer) -> None:
    text = Client().get("/admin/login/?next=/device%3Fcode%3DBCDF-GHJK").content.decode()
    assert "Log in with Example ID" in text
    assert "/oidc/login?next=/device%3Fcode%3DBCDF-GHJK" in text
    assert 'name="password"' in text
