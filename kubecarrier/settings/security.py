"""Keys, passwords, headers, logins, tokens."""

from __future__ import annotations

from datetime import timedelta

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from kubecarrier.lib import keyfile
from kubecarrier.settings.base import env


def _encryption_keys() -> dict[str, bytes]:
    text = env.str("KUBECARRIER_ENCRYPTION_KEYS", default="")
    if not text:
        raise ImproperlyConfigured(
            "KUBECARRIER_ENCRYPTION_KEYS is not set; run `manage.py init` once to make keys."
        )
    try:
        return keyfile.parse_keys(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"KUBECARRIER_ENCRYPTION_KEYS: {error}") from error


KUBECARRIER_ENCRYPTION_KEYS = _encryption_keys()
SECRET_KEY = env.str("KUBECARRIER_SECRET_KEY")
ALLOWED_HOSTS = env.list("KUBECARRIER_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("KUBECARRIER_TRUSTED_ORIGINS", default=[])

# Behind TLS (a proxy or uvicorn's own) cookies are marked secure.
_https = env.bool("KUBECARRIER_HTTPS", default=False)
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Alpine inside unfold evaluates expressions; nothing comes from another host.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "accounts.ldap.backend.LdapBackend",
    "accounts.oidc.backend.OidcBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None  # guardian: no row for people who did not log in
LOGIN_URL = "admin:login"

# Which local accounts must have a second factor: nobody, superusers, everyone.
KUBECARRIER_REQUIRE_SECOND_FACTOR = env.str("KUBECARRIER_REQUIRE_SECOND_FACTOR", default="nobody")
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "accounts.admin.login.locked_out"

REST_KNOX = {"TOKEN_TTL": timedelta(days=30), "TOKEN_PREFIX": "kc_"}
# The longest that a token may be given; also bounds the default above.
KUBECARRIER_TOKEN_MAX_LIFETIME = timedelta(days=env.int("KUBECARRIER_TOKEN_MAX_DAYS", default=365))
# The longest that a person's kubeconfig of a cluster works; 0: nobody gets one.
KUBECARRIER_KUBECONFIG_MAX_SECONDS = env.int("KUBECARRIER_KUBECONFIG_MAX_SECONDS", default=43200)
# Days after which the token of the portal's own account on a cluster is renewed; 0: never by itself.
KUBECARRIER_CREDENTIAL_ROTATION_DAYS = env.int("KUBECARRIER_CREDENTIAL_ROTATION_DAYS", default=30)
if KUBECARRIER_CREDENTIAL_ROTATION_DAYS < 0:
    raise ImproperlyConfigured("KUBECARRIER_CREDENTIAL_ROTATION_DAYS: a number of days, or 0.")
# The OpenAPI document and its page without a login.
KUBECARRIER_OPEN_API_DOCS = env.bool("KUBECARRIER_OPEN_API_DOCS", default=False)
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 - a model's name

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "kubecarrier.api.permissions.MayOperate",
        "kubecarrier.api.permissions.WithinScopes",
    ],
    "DEFAULT_RENDERER_CLASSES": ["kubecarrier.api.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["kubecarrier.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "kubecarrier.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "KubeCarrier",
    "DESCRIPTION": "Multi-cluster Kubernetes portal: one document form for every kind.",
    "VERSION": "v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {"ConditionStatusEnum": ["True", "False", "Unknown"]},
}
