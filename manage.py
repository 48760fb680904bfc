#!/usr/bin/env python
"""Django's command line. `manage.py init` makes the portal's keys before Django starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kubecarrier.settings.portal")
    if sys.argv[1:2] == ["init"]:
        from kubecarrier.lib import keyfile

        home = Path(os.environ.get("KUBECARRIER_HOME", Path(__file__).parent / "var"))
        sys.stdout.write(f"keys: {keyfile.create(home)}\n")
        return
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"manage.py: {error}")


if __name__ == "__main__":
    main()
