"""How far rights reach in this app, and its part of the catalogue of permissions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import scopes
from accounts.models import (
    ApiToken,
    AuditEntry,
    AuditPolicy,
    Binding,
    IdentityMapping,
    Role,
    ServiceAccount,
)
from kubecarrier.lib import access, catalogue
from kubecarrier.lib.access import Reach
from kubecarrier.lib.catalogue import (
    CLUSTER,
    CREATE,
    DELETE,
    EDIT,
    EVERYWHERE,
    PLATFORM,
    PROJECT,
    VIEW,
    Level,
    Subject,
    Verb,
)

_ADMIN = tuple(Verb(verb.name, verb.title, Level.ADMIN) for verb in (CREATE, EDIT, DELETE))


def register() -> None:
    """Called once at start."""
    platform = (PLATFORM,)
    catalogue.register(
        Subject("roles", _("Roles"), (VIEW, *_ADMIN), platform),
        Subject("bindings", _("Bindings"), (VIEW, *_ADMIN), EVERYWHERE),
        Subject("users", _("People"), (VIEW, *_ADMIN), platform),
        Subject("groups", _("Groups"), (VIEW, *_ADMIN), platform),
        Subject(
            "auditentries",
            _("Audit"),
            (Verb("view", _("see"), Level.ADMIN), Verb("export", _("export"), Level.ADMIN)),
            EVERYWHERE,
        ),
        Subject(
            "auditpolicies",
            _("Audit policies"),
            (Verb("view", _("see"), Level.ADMIN), *_ADMIN),
            platform,
        ),
        Subject("auditseals", _("Audit seals"), (Verb("view", _("see"), Level.ADMIN),), platform),
        Subject(
            "apitokens",
            _("API tokens of others"),
            (Verb("view", _("see"), Level.ADMIN), Verb("delete", _("revoke"), Level.ADMIN)),
            platform,
        ),
        Subject(
            "accessreviews",
            _("Access reviews of others"),
            (Verb("view", _("see"), Level.ADMIN),),
            (PLATFORM, PROJECT, CLUSTER),
        ),
        Subject("identitymappings", _("Identity mappings"), (VIEW, *_ADMIN), platform),
        Subject("metrics", _("Metrics and health"), (Verb("view", _("read")),), platform),
        Subject(
            "serviceaccounts",
            _("Service accounts"),
            (VIEW, *_ADMIN, Verb("token", _("make and revoke tokens"), Level.ADMIN)),
            (PLATFORM, PROJECT),
        ),
    )
    access.register_reach(Role, Reach("roles", shared=True))
    access.register_reach(Binding, Reach("bindings"))
    # By keys that are no relations: entries of what was deleted stay where they were.
    access.register_reach(
        AuditEntry,
        Reach(
            "auditentries", project="project_uid", cluster="cluster_uid", namespace="namespace",
            owner="actor",
        ),
    )  # fmt: skip
    access.register_reach(AuditPolicy, Reach("auditpolicies"))
    access.register_reach(ApiToken, Reach("apitokens", owner="user"))
    access.register_reach(IdentityMapping, Reach("identitymappings"))
    access.register_reach(ServiceAccount, Reach("serviceaccounts", project="project_uid"))
    access.register_narrowing(scopes.allows)
