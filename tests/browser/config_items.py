"""Config items of the fleet that is looked at: saved through the services, observed as reconcilers write it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from fleet.choices import Propagation
from fleet.conditions import APPLIED, DRIFTED, STALLED, ConfigReason
from fleet.configs.changes import to_inbox
from fleet.configs.object import Author
from fleet.models import ConfigCopy, ConfigItem
from fleet.reconcilers.configcopy_passes import of
from fleet.reconcilers.configitem import ConfigItemReconciler
from fleet.services.configitems import configitem_apply, configitem_set
from kubecarrier.lib.conditions import Condition, Status, merge
from kubecarrier.lib.manifests import Wish
from kubecarrier.lib.reconcile import run_due

ITEMS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "shop-settings",
        {
            "data": {
                "currency": "EUR",
                "features.yaml": "checkout:\n  express: true\n  wallets: [apple, google]\n",
                "log.level": "info",
            },
            "propagation": Propagation.INBOX.value,
            "restart": [{"kind": "Deployment", "name": "checkout"}],
        },
    ),
    (
        "payment-keys",
        {
            "object_kind": "Secret",
            "data": {"api-key": "sk_live_4711", "webhook-secret": "whsec_0815"},
        },
    ),
    ("mail-templates", {"data": {"order.txt": "Dear customer,\n"}, "propagation": "two-way"}),
)


def build(user: User) -> None:
    """Three items; a change of one waits in the inbox, an object of another is not ours."""
    for name, more in ITEMS:
        spec = {
            "object_kind": "ConfigMap",
            "namespaces": ["shop"],
            "immutable": False,
            "propagation": "one-way",
            "placement": {
                "clusters": [],
                "selector": "kubecarrier.io/environment in (prod,staging)",
                "exclude": [],
                "overrides": {},
            },
            **more,
        }
        wish = Wish(name, {"team": "shop"}, spec)
        configitem_apply(actor=user, wish=wish)
    row = ConfigItem.objects.get(name="shop-settings")
    changes = {"log.level": "warning"}
    configitem_set(actor=user, item=row, data=changes, binary={}, unset=[])
    _observe()
    _drift()
    run_due(ConfigItemReconciler(), budget_seconds=10)


def _observe() -> None:
    fine = of(
        [
            Condition(APPLIED, Status.TRUE, ConfigReason.APPLIED, "The API server has taken it."),
            Condition(DRIFTED, Status.FALSE, ConfigReason.NO_DRIFT, "As it was applied."),
            Condition(STALLED, Status.FALSE, ConfigReason.NOT_STALLED, ""),
        ],
        {},
        again=None,
    )
    now = timezone.now()
    ConfigCopy.objects.all().status_update(
        conditions=merge({}, fine.seen, now=now, generation=1),
        ready="True",
        observed_generation=F("generation"),
        applied_digest=F("desired_digest"),
        uid="5b3c",
        resource_version="1042",
        seen_at=now - timedelta(minutes=4),
        next_reconcile_at=None,
    )
    for copy in ConfigCopy.objects.select_related("revision"):
        ConfigCopy.objects.filter(pk=copy.pk).status_update(applied_revision=copy.revision.number)


def _drift() -> None:
    waits = ConfigCopy.objects.filter(item__name="shop-settings").order_by("name").last()
    if waits is None:
        return
    at = timezone.now() - timedelta(minutes=9)
    there = {
        "currency": b"EUR",
        "features.yaml": b"checkout:\n  express: false\n  wallets: [apple, google]\n",
        "log.level": b"debug",
    }
    to_inbox(waits, there, Author("kubectl-edit", at), "1071")
    text = "A change by “kubectl-edit” waits for a decision in the inbox."
    drifted = Condition(DRIFTED, Status.TRUE, ConfigReason.WAITS_FOR_DECISION, text)
    _say(waits, [Condition(APPLIED, Status.TRUE, ConfigReason.APPLIED, ""), drifted])
    foreign = ConfigCopy.objects.filter(item__name="payment-keys").order_by("name").first()
    if foreign is not None:
        text = "Secret “payment-keys” in shop is there already and not ours: it is left alone."
        reason = ConfigReason.OBJECT_OWNED_BY_OTHERS
        _say(
            foreign,
            [
                Condition(APPLIED, Status.FALSE, reason, text),
                Condition(STALLED, Status.TRUE, reason, text),
            ],
        )


def _say(copy: ConfigCopy, seen: list[Condition]) -> None:
    result = of(seen, {}, again=None)
    conditions = merge(copy.conditions, result.seen, now=timezone.now(), generation=1)
    ready = conditions["Ready"]["status"]
    ConfigCopy.objects.filter(pk=copy.pk).status_update(conditions=conditions, ready=ready)
