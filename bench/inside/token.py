"""A migrated database and an administrator's API token."""

from __future__ import annotations

import json

from django.core.management import call_command

from accounts.models import User
from accounts.services.tokens import token_create


def main() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    user = User.objects.create_superuser("bench", "bench@example.org", None)
    _, secret = token_create(user=user, name="bench")
    print(json.dumps({"token": secret}))


if __name__ == "__main__":
    main()
