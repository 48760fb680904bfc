"""System checks of logging in: each wrong combination of settings has an id and says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from accounts.oidc.id_token import ALLOWED

TAG = "kubecarrier"
_MOST_RECHECK_SECONDS = 900


@register(TAG)
def check_oidc(**_: Any) -> list[CheckMessage]:
    """Whether the OIDC login can work, and only as safely as it should."""
    if not settings.KUBECARRIER_OIDC_ISSUER:
        stray = settings.KUBECARRIER_OIDC_CLIENT_ID or settings.KUBECARRIER_OIDC_CLIENT_SECRET
        hint = "Set KUBECARRIER_OIDC_ISSUER, or unset the others."
        text = "An OIDC client is configured without its provider."
        return [Warning(text, hint, id="kubecarrier.W060")] if stray else []
    return list(_oidc())


def _oidc() -> Iterator[CheckMessage]:
    parts = urlsplit(settings.KUBECARRIER_OIDC_ISSUER)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (local and settings.KUBECARRIER_ALLOW_LOOPBACK):
        yield Error("The OIDC issuer is not https.", id="kubecarrier.E061")
    if not settings.KUBECARRIER_OIDC_CLIENT_ID:
        yield Error("KUBECARRIER_OIDC_CLIENT_ID is not set.", id="kubecarrier.E062")
    wrong = set(settings.KUBECARRIER_OIDC_ALGORITHMS) - ALLOWED
    if wrong or not settings.KUBECARRIER_OIDC_ALGORITHMS:
        hint = f"Choose among {', '.join(sorted(ALLOWED))}."
        yield Error("KUBECARRIER_OIDC_ALGORITHMS is not acceptable.", hint, id="kubecarrier.E063")
    if "openid" not in settings.KUBECARRIER_OIDC_SCOPES:
        yield Error("KUBECARRIER_OIDC_SCOPES lacks openid.", id="kubecarrier.E064")
    if settings.KUBECARRIER_OIDC_ADMIT not in {"mapped", "everyone"}:
        yield Error("KUBECARRIER_OIDC_ADMIT is mapped or everyone.", id="kubecarrier.E065")
    elif settings.KUBECARRIER_OIDC_ADMIT == "everyone":
        hint = "Fine where the provider itself admits only the right people."
        text = "Everybody whom the OIDC provider knows may use the portal."
        yield Warning(text, hint, id="kubecarrier.W066")
    if not 60 <= settings.KUBECARRIER_OIDC_RECHECK_SECONDS <= _MOST_RECHECK_SECONDS:
        hint = "Access has to end within 15 minutes after the provider says so."
        text = "KUBECARRIER_OIDC_RECHECK_SECONDS is not from 60 to 900."
        yield Error(text, hint, id="kubecarrier.E067")
    ca_file = settings.KUBECARRIER_OIDC_CA_FILE
    if ca_file and not Path(ca_file).is_file():
        yield Error("KUBECARRIER_OIDC_CA_FILE is no file.", id="kubecarrier.E068")
    if settings.KUBECARRIER_OIDC_CLIENT_AUTH not in {"post", "basic"}:
        yield Error("KUBECARRIER_OIDC_CLIENT_AUTH is post or basic.", id="kubecarrier.E069")


@register(TAG)
def check_ldap(**_: Any) -> list[CheckMessage]:
    """Whether the LDAP login can work, and only as safely as it should."""
    return list(_ldap()) if settings.KUBECARRIER_LDAP_URL else []


def _ldap() -> Iterator[CheckMessage]:
    if not (find_spec("ldap") and find_spec("django_auth_ldap")):
        hint = "Install requirements-ldap.txt (it needs libldap2-dev and libsasl2-dev)."
        yield Error("The packages for LDAP are not installed.", hint, id="kubecarrier.E070")
    schemes = {urlsplit(url).scheme for url in settings.KUBECARRIER_LDAP_URL}
    start_tls = settings.KUBECARRIER_LDAP_START_TLS
    if schemes - {"ldap", "ldaps"}:
        yield Error("KUBECARRIER_LDAP_URL is ldap:// or ldaps://.", id="kubecarrier.E071")
    elif "ldap" in schemes and not start_tls:
        hint = "Use ldaps:// or KUBECARRIER_LDAP_START_TLS=true."
        yield Error("Passwords would travel to LDAP in clear.", hint, id="kubecarrier.E072")
    elif "ldaps" in schemes and start_tls:
        yield Error("ldaps:// and START_TLS exclude each other.", id="kubecarrier.E073")
    if not settings.KUBECARRIER_LDAP_USER_BASE:
        yield Error("KUBECARRIER_LDAP_USER_BASE is not set.", id="kubecarrier.E074")
    if not _is_filter(settings.KUBECARRIER_LDAP_USER_FILTER):
        text = "KUBECARRIER_LDAP_USER_FILTER is no filter with %(user)s where the name goes."
        yield Error(text, id="kubecarrier.E075")
    if settings.KUBECARRIER_LDAP_GROUP_TYPE not in {"nested", "ad", "unique", "posix", "none"}:
        text = "KUBECARRIER_LDAP_GROUP_TYPE is nested, ad, unique, posix or none."
        yield Error(text, id="kubecarrier.E076")
    elif settings.KUBECARRIER_LDAP_ADMIT == "mapped" and (
        not settings.KUBECARRIER_LDAP_GROUP_BASE or settings.KUBECARRIER_LDAP_GROUP_TYPE == "none"
    ):
        hint = "Set KUBECARRIER_LDAP_GROUP_BASE, or let in everyone: KUBECARRIER_LDAP_ADMIT."
        text = "Only members of mapped groups are let in, and no groups are read."
        yield Error(text, hint, id="kubecarrier.E082")
    if settings.KUBECARRIER_LDAP_KIND not in settings.KUBECARRIER_LDAP_KINDS:
        text = f"KUBECARRIER_LDAP_KIND is {' or '.join(sorted(settings.KUBECARRIER_LDAP_KINDS))}."
        yield Error(text, id="kubecarrier.E083")
    if settings.KUBECARRIER_LDAP_ADMIT not in {"mapped", "everyone"}:
        yield Error("KUBECARRIER_LDAP_ADMIT is mapped or everyone.", id="kubecarrier.E077")
    ca_file = settings.KUBECARRIER_LDAP_CA_FILE
    if ca_file and not Path(ca_file).is_file():
        yield Error("KUBECARRIER_LDAP_CA_FILE is no file.", id="kubecarrier.E078")
    if not 60 <= settings.KUBECARRIER_LDAP_RECHECK_SECONDS <= _MOST_RECHECK_SECONDS:
        hint = "Access has to end within 15 minutes after the directory says so."
        text = "KUBECARRIER_LDAP_RECHECK_SECONDS is not from 60 to 900."
        yield Error(text, hint, id="kubecarrier.E081")
    if not 0 < settings.KUBECARRIER_LDAP_SHRINK_PERCENT < 100:
        text = "KUBECARRIER_LDAP_SHRINK_PERCENT is from 1 to 99."
        yield Error(text, id="kubecarrier.E079")


def _is_filter(text: str) -> bool:
    """Whether a name can be put into it, and nothing else."""
    if "%(user)s" not in text or text.count("(") != text.count(")"):
        return False
    try:
        text % {"user": "x"}
    except (KeyError, TypeError, ValueError):
        return False
    return True


@register(TAG)
def check_second_factor(**_: Any) -> list[CheckMessage]:
    """Whether the setting says anything."""
    if settings.KUBECARRIER_REQUIRE_SECOND_FACTOR in {"nobody", "superusers", "everyone"}:
        return []
    text = "KUBECARRIER_REQUIRE_SECOND_FACTOR is nobody, superusers or everyone."
    return [Error(text, id="kubecarrier.E080")]
