"""What the portal is made of, where it keeps its state, and how it speaks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from kubecarrier.lib import keyfile

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

KUBECARRIER_HOME = Path(env.str("KUBECARRIER_HOME", default=str(BASE_DIR / "var")))
keyfile.load(KUBECARRIER_HOME)

DEBUG = False
ROOT_URLCONF = "kubecarrier.urls"
ASGI_APPLICATION = "kubecarrier.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "kubecarrier.admin_site.AdminConfig",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "auditlog",
    "axes",
    "django_q",
    "django_structlog",
    "kubecarrier",
    "accounts",
    "fleet",
    "apps",
    "monitoring",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kubecarrier.request_context.RequestContextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.session_middleware.LoginSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


def _database() -> dict[str, Any]:
    """SQLite in the portal's home, or what KUBECARRIER_DATABASE_URL says.

    WAL, IMMEDIATE and 20 s of patience: measured without one lock error under
    four workers and a writer, where the defaults gave 24.
    """
    url = env.str("KUBECARRIER_DATABASE_URL", default="")
    if url:
        found: dict[str, Any] = env.db_url_config(url)
        if found["ENGINE"].endswith("postgresql"):
            found["CONN_HEALTH_CHECKS"] = True
            found["CONN_MAX_AGE"] = 60
            return found
        if not found["ENGINE"].endswith("sqlite3"):
            raise ImproperlyConfigured("KUBECARRIER_DATABASE_URL: use postgres:// or sqlite:///")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": found["NAME"] if url else KUBECARRIER_HOME / "kubecarrier.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
        },
    }


DATABASES = {"default": _database()}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static-root"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

# The helm program: what the control-plane tools built, or the one on the PATH.
KUBECARRIER_HELM = env.str("KUBECARRIER_HELM", default="helm")
# Clusters and repositories on this machine: for the demo, the tests and single machines.
KUBECARRIER_ALLOW_LOOPBACK = env.bool("KUBECARRIER_ALLOW_LOOPBACK", default=False)
KUBECARRIER_ALLOW_INSECURE_TLS = env.bool("KUBECARRIER_ALLOW_INSECURE_TLS", default=False)
KUBECARRIER_PROBE_SECONDS = env.int("KUBECARRIER_PROBE_SECONDS", default=30)
KUBECARRIER_VERIFY_SECONDS = env.int("KUBECARRIER_VERIFY_SECONDS", default=3600)
KUBECARRIER_HELM_SLOTS = env.int(
    "KUBECARRIER_HELM_SLOTS", default=max(4, 2 * (os.cpu_count() or 2))
)
KUBECARRIER_CALLS_PER_CLUSTER = env.int("KUBECARRIER_CALLS_PER_CLUSTER", default=4)
