"""Acting as a person: the headers with which an API server applies that person's own rights."""

from __future__ import annotations

from dataclasses import dataclass

from kubecarrier.lib.errors import DeniedError, InvalidError


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a call acts as. An empty user would silently mean the portal itself: refused."""

    user: str
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.user.strip() or not all(group.strip() for group in self.groups):
            raise InvalidError("identity_empty", "An empty identity cannot act in a cluster.")
        if any(not text.isprintable() for text in (self.user, *self.groups)):
            raise InvalidError("identity_invalid", "An identity holds printable characters only.")
        if "system:masters" in self.groups:  # the one group that no RBAC rule can limit
            raise DeniedError("identity_denied", "Nobody acts as a member of system:masters.")

    def headers(self) -> list[tuple[str, str]]:
        """Header lines in UTF-8 (each character of the text stands for one byte on the wire)."""
        lines = [("Impersonate-User", self.user)]
        lines += [("Impersonate-Group", group) for group in self.groups]
        return [(name, value.encode().decode("latin-1")) for name, value in lines]
