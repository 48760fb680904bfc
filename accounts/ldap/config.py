"""The configured directory as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings


@dataclass(frozen=True, slots=True)
class LdapConfig:
    """Everything that the door needs."""

    urls: tuple[str, ...]
    start_tls: bool
    ca_file: str
    bind_dn: str
    bind_password: str = field(repr=False)
    user_base: str
    user_filter: str
    username_attribute: str
    id_attribute: str
    mail_attribute: str
    first_name_attribute: str
    last_name_attribute: str
    group_base: str
    group_type: str
    admit_everyone: bool
    recheck_seconds: int

    @property
    def issuer(self) -> str:
        """Who vouches: the tree, whichever server answers for it."""
        return f"ldap:{self.user_base.casefold()}"


def enabled() -> bool:
    """Whether a directory is configured."""
    return bool(settings.KUBECARRIER_LDAP_URL)


def config() -> LdapConfig:
    """The directory of the settings."""
    return LdapConfig(
        urls=tuple(settings.KUBECARRIER_LDAP_URL),
        start_tls=settings.KUBECARRIER_LDAP_START_TLS,
        ca_file=settings.KUBECARRIER_LDAP_CA_FILE,
        bind_dn=settings.KUBECARRIER_LDAP_BIND_DN,
        bind_password=settings.KUBECARRIER_LDAP_BIND_PASSWORD,
        user_base=settings.KUBECARRIER_LDAP_USER_BASE,
        user_filter=settings.KUBECARRIER_LDAP_USER_FILTER,
        username_attribute=settings.KUBECARRIER_LDAP_USERNAME_ATTRIBUTE,
        id_attribute=settings.KUBECARRIER_LDAP_ID_ATTRIBUTE,
        mail_attribute=settings.KUBECARRIER_LDAP_MAIL_ATTRIBUTE,
        first_name_attribute=settings.KUBECARRIER_LDAP_FIRST_NAME_ATTRIBUTE,
        last_name_attribute=settings.KUBECARRIER_LDAP_LAST_NAME_ATTRIBUTE,
        group_base=settings.KUBECARRIER_LDAP_GROUP_BASE,
        group_type=settings.KUBECARRIER_LDAP_GROUP_TYPE,
        admit_everyone=settings.KUBECARRIER_LDAP_ADMIT == "everyone",
        recheck_seconds=settings.KUBECARRIER_LDAP_RECHECK_SECONDS,
    )
