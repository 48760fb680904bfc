"""Login by an LDAP directory; off without KUBECARRIER_LDAP_URL. Checked in accounts/checks.py.

Needs the packages of requirements-ldap.txt, which are built from source: they are not installed
where nobody wants LDAP.
"""

from __future__ import annotations

from kubecarrier.settings.base import env

_OPENLDAP = {
    "USER_FILTER": "(uid=%(user)s)",
    "USERNAME_ATTRIBUTE": "uid",
    "ID_ATTRIBUTE": "entryUUID",
    "GROUP_TYPE": "nested",
}
# People, not computers, by either of their two names. Closed accounts are told by their attributes.
_ACTIVE_DIRECTORY = {
    "USER_FILTER": "(&(objectCategory=person)(objectClass=user)"
    "(|(sAMAccountName=%(user)s)(userPrincipalName=%(user)s)))",
    "USERNAME_ATTRIBUTE": "sAMAccountName",
    "ID_ATTRIBUTE": "objectGUID",
    "GROUP_TYPE": "ad",
}
KUBECARRIER_LDAP_KINDS = {"openldap": _OPENLDAP, "active-directory": _ACTIVE_DIRECTORY}

# What the settings below are when they are not set.
KUBECARRIER_LDAP_KIND = env.str("KUBECARRIER_LDAP_KIND", default="openldap")
_DEFAULTS = KUBECARRIER_LDAP_KINDS.get(KUBECARRIER_LDAP_KIND, _OPENLDAP)
# Several are tried in order.
KUBECARRIER_LDAP_URL = env.list("KUBECARRIER_LDAP_URL", default=[])
KUBECARRIER_LDAP_START_TLS = env.bool("KUBECARRIER_LDAP_START_TLS", default=False)
KUBECARRIER_LDAP_CA_FILE = env.str("KUBECARRIER_LDAP_CA_FILE", default="")
KUBECARRIER_LDAP_BIND_DN = env.str("KUBECARRIER_LDAP_BIND_DN", default="")
KUBECARRIER_LDAP_BIND_PASSWORD = env.str("KUBECARRIER_LDAP_BIND_PASSWORD", default="")
KUBECARRIER_LDAP_USER_BASE = env.str("KUBECARRIER_LDAP_USER_BASE", default="")
KUBECARRIER_LDAP_USER_FILTER = env.str(
    "KUBECARRIER_LDAP_USER_FILTER", default=_DEFAULTS["USER_FILTER"]
)
KUBECARRIER_LDAP_USERNAME_ATTRIBUTE = env.str(
    "KUBECARRIER_LDAP_USERNAME_ATTRIBUTE", default=_DEFAULTS["USERNAME_ATTRIBUTE"]
)
# What stays the same when a person is renamed or moved: entryUUID, or objectGUID of AD.
KUBECARRIER_LDAP_ID_ATTRIBUTE = env.str(
    "KUBECARRIER_LDAP_ID_ATTRIBUTE", default=_DEFAULTS["ID_ATTRIBUTE"]
)
KUBECARRIER_LDAP_MAIL_ATTRIBUTE = env.str("KUBECARRIER_LDAP_MAIL_ATTRIBUTE", default="mail")
KUBECARRIER_LDAP_FIRST_NAME_ATTRIBUTE = env.str(
    "KUBECARRIER_LDAP_FIRST_NAME_ATTRIBUTE", default="givenName"
)
KUBECARRIER_LDAP_LAST_NAME_ATTRIBUTE = env.str("KUBECARRIER_LDAP_LAST_NAME_ATTRIBUTE", default="sn")
KUBECARRIER_LDAP_GROUP_BASE = env.str("KUBECARRIER_LDAP_GROUP_BASE", default="")
# `nested` (groupOfNames and AD), `ad` (AD in one question, with the primary group), `unique`
# (groupOfUniqueNames, nested too), `posix`, `none`.
KUBECARRIER_LDAP_GROUP_TYPE = env.str(
    "KUBECARRIER_LDAP_GROUP_TYPE", default=_DEFAULTS["GROUP_TYPE"]
)
KUBECARRIER_LDAP_ADMIT = env.str("KUBECARRIER_LDAP_ADMIT", default="mapped")
# How often the directory is asked again about whoever is logged in or has a token.
KUBECARRIER_LDAP_RECHECK_SECONDS = env.int("KUBECARRIER_LDAP_RECHECK_SECONDS", default=600)
KUBECARRIER_LDAP_SYNC_SECONDS = env.int("KUBECARRIER_LDAP_SYNC_SECONDS", default=86400)
# A pass that would take away more than this share of the people takes away nobody.
KUBECARRIER_LDAP_SHRINK_PERCENT = env.int("KUBECARRIER_LDAP_SHRINK_PERCENT", default=20)
