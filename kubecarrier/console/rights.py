"""Who may what on the console's pages: objects through a `visible_*` queryset only, rights by verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.contrib.admin import RelatedFieldListFilter
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from kubecarrier.console.actions import MAX_BULK, BulkAction, ObjectAction
from kubecarrier.lib import access
from kubecarrier.lib.audit import may_operate

SAFE = ("GET", "HEAD", "OPTIONS")


class VisibleFilter(RelatedFieldListFilter):
    """The objects that the person may see; of people, those whose rows are in the list."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        model = field.remote_field.model
        rows = model._default_manager.all()
        if hasattr(rows, "visible_to"):
            rows = rows.visible_to(request.user)
        else:
            listed = model_admin.get_queryset(request).order_by().values(field.attname)
            rows = rows.filter(pk__in=listed)
        return [
            (row.pk, str(row))
            for row in rows.order_by(getattr(model, "USERNAME_FIELD", "name"))[:MAX_BULK]
        ]


class RightsAdmin(ModelAdmin):  # type: ignore[misc]
    """Read-only until a subclass says that it `writes`; `rows` is its visible queryset."""

    rows: ClassVar[Callable[[Any], QuerySet[Any]]]
    object_actions: ClassVar[tuple[ObjectAction, ...]] = ()
    bulk_actions: ClassVar[tuple[BulkAction, ...]] = ()
    delete_action: ClassVar[ObjectAction | None] = None
    #: The symbol of its objects where Ctrl-K finds them by name; empty: it does not.
    find_icon: ClassVar[str] = ""
    #: What the button for a new one says; empty: the name of the kind.
    add_word: ClassVar[Any] = ""
    #: Where its objects come from, for a list that is empty.
    empty_text: ClassVar[Any] = ""
    #: Its form calls a service.
    writes: ClassVar[bool] = False
    #: A verb that is a part of `edit` → the fields of the form that it opens.
    part_fields: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def get_list_filter(self, request: HttpRequest) -> Any:
        """A filter by another object offers only what the person may see of those."""
        return [self._filter(one) for one in super().get_list_filter(request)]

    def _filter(self, one: Any) -> Any:
        fields = {f.name: f for f in self.opts.concrete_fields}
        related = isinstance(one, str) and getattr(fields.get(one), "remote_field", None)
        return (one, VisibleFilter) if related else one

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = type(self).rows(request.user)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def find(self, request: HttpRequest, text: str) -> QuerySet[Any]:
        """What the person sees whose name contains the text."""
        rows = type(self).rows(request.user).filter(name__icontains=text)
        return rows.order_by(Length("name"), "name")

    def find_about(self, row: Any) -> str:
        """What stands beside the name; nothing: the name of the kind."""
        return ""

    def may(self, request: HttpRequest, verb: str, obj: Any = None) -> bool:
        """Whether the person holds a verb of this kind (with a dot: of another) on `obj`, or anywhere."""
        kind = access.reach_of(self.model).plural
        permission = verb if "." in verb else f"{kind}.{verb}"
        asked: dict[Any, bool] = request.__dict__.setdefault("_rights", {})
        key = (permission, getattr(obj, "pk", None))
        if key not in asked:
            asked[key] = (
                access.may_somewhere(request.user, permission)
                if obj is None
                else access.may(request.user, permission, obj)
            )
        return asked[key]

    def writable(self, request: HttpRequest, obj: Any) -> frozenset[str] | None:
        """The fields of the form that the person may change; None: all of them."""
        if self.may(request, "edit", obj):
            return None
        parts = (f for verb, f in self.part_fields.items() if self.may(request, verb, obj))
        return frozenset(name for fields in parts for name in fields)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_operate(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.writes and self.may(request, "create")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """To look at the form everybody may who sees the object: what he may not change is locked."""
        if not self.writes or not may_operate(request.user):
            return False
        if obj is None or request.method in SAFE:
            return True
        return self.writable(request, obj) != frozenset()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.delete_action is not None and self.may_do(request, self.delete_action, obj)

    def may_act(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may use this kind at all; each action asks for its own right."""
        return may_operate(request.user)

    def may_do(
        self, request: HttpRequest, action: ObjectAction | BulkAction, obj: Any = None
    ) -> bool:
        """Whether the person may run one action."""
        return may_operate(request.user) and (
            not action.verb or self.may(request, action.verb, obj)
        )
