"""django-auditlog under our own wrapper and with our own entry."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

from django.core.exceptions import ImproperlyConfigured

from kubecarrier.settings.base import env

type Network = IPv4Network | IPv6Network

AUDITLOG_LOGENTRY_MODEL = "accounts.AuditEntry"
AUDITLOG_DISABLE_REMOTE_ADDR = True  # it trusts X-Forwarded-For; the wrapper brings the address
AUDITLOG_CHANGE_DISPLAY_TRUNCATE_LENGTH = 500
AUDITLOG_USE_BASE_MANAGER = True

# Every change of a named object needs a reason; a project may demand it for itself.
KUBECARRIER_REQUIRE_REASON = env.bool("KUBECARRIER_REQUIRE_REASON", default=False)

# Sealed entries older than this are removed each hour, where no audit policy says otherwise; 0 keeps all.
KUBECARRIER_AUDIT_RETENTION_DAYS = env.int("KUBECARRIER_AUDIT_RETENTION_DAYS", default=0)
if KUBECARRIER_AUDIT_RETENTION_DAYS < 0:
    raise ImproperlyConfigured("KUBECARRIER_AUDIT_RETENTION_DAYS: a number of days, or 0.")

# The least that an audit policy may say: what law or contract asks for.
KUBECARRIER_AUDIT_MINIMUM_DAYS = env.int("KUBECARRIER_AUDIT_MINIMUM_DAYS", default=90)
if KUBECARRIER_AUDIT_MINIMUM_DAYS < 1:
    raise ImproperlyConfigured("KUBECARRIER_AUDIT_MINIMUM_DAYS: a number of days, at least 1.")


def _networks(texts: list[str]) -> list[Network]:
    try:
        return [ip_network(text.strip(), strict=False) for text in texts if text.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"KUBECARRIER_TRUSTED_PROXIES: {error}") from error


# Whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks of our proxies.
KUBECARRIER_TRUSTED_PROXIES = _networks(env.list("KUBECARRIER_TRUSTED_PROXIES", default=[]))
if KUBECARRIER_TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
