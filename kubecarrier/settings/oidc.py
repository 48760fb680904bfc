"""Login through an OIDC provider; off without KUBECARRIER_OIDC_ISSUER. Checked in accounts/checks.py."""

from __future__ import annotations

from kubecarrier.settings.base import env

KUBECARRIER_OIDC_ISSUER = env.str("KUBECARRIER_OIDC_ISSUER", default="")
KUBECARRIER_OIDC_CLIENT_ID = env.str("KUBECARRIER_OIDC_CLIENT_ID", default="")
KUBECARRIER_OIDC_CLIENT_SECRET = env.str("KUBECARRIER_OIDC_CLIENT_SECRET", default="")
# How the secret is sent: `post` (in the body) or `basic` (a header).
KUBECARRIER_OIDC_CLIENT_AUTH = env.str("KUBECARRIER_OIDC_CLIENT_AUTH", default="post")
KUBECARRIER_OIDC_LABEL = env.str("KUBECARRIER_OIDC_LABEL", default="single sign-on")
KUBECARRIER_OIDC_SCOPES = env.list(
    "KUBECARRIER_OIDC_SCOPES", default=["openid", "profile", "email", "offline_access"]
)
# Further parameters of the way to the provider, such as access_type=offline for Google.
KUBECARRIER_OIDC_EXTRA = env.dict("KUBECARRIER_OIDC_EXTRA", default={})
KUBECARRIER_OIDC_ALGORITHMS = env.list("KUBECARRIER_OIDC_ALGORITHMS", default=["RS256", "ES256"])
KUBECARRIER_OIDC_USERNAME_CLAIM = env.str(
    "KUBECARRIER_OIDC_USERNAME_CLAIM", default="preferred_username"
)
# Names of the claim that holds groups; a dot goes into a nested object. All that are there count.
KUBECARRIER_OIDC_GROUPS_CLAIMS = env.list("KUBECARRIER_OIDC_GROUPS_CLAIMS", default=["groups"])
# Who is let in: `mapped` (a group of theirs has an identity mapping), or `everyone`.
KUBECARRIER_OIDC_ADMIT = env.str("KUBECARRIER_OIDC_ADMIT", default="mapped")
KUBECARRIER_OIDC_CA_FILE = env.str("KUBECARRIER_OIDC_CA_FILE", default="")
# How often the provider is asked again whether somebody may still come in.
KUBECARRIER_OIDC_RECHECK_SECONDS = env.int("KUBECARRIER_OIDC_RECHECK_SECONDS", default=600)

# mozilla-django-oidc's own names.
OIDC_USE_PKCE = True
OIDC_USE_NONCE = True
OIDC_MAX_STATES = 10
OIDC_AUTHENTICATION_CALLBACK_URL = "oidc-callback"
