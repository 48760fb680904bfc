"""Why a directory does not take a password that is right.

Active Directory says it in the text of the error (Microsoft's "Common Active Directory Bind
Errors"), and but for the locked account only to who knows the password: nothing is given away.
"""

from __future__ import annotations

import re
from typing import Any, Final

from kubecarrier.lib.errors import DeniedError

_CODE: Final = re.compile(r"AcceptSecurityContext error, data ([0-9a-f]{3,4})\b")
_CHANGE = "Change it where you change it for your computer, then log in here."
_ASK = "Ask whoever looks after accounts in your directory."
_REASONS: Final = {
    "530": ("ldap_wrong_hours", "Your directory does not let you log in at this time.", _ASK),
    "531": ("ldap_wrong_machine", "Your directory does not let you log in from here.", _ASK),
    "532": ("ldap_password_expired", "Your password has expired.", _CHANGE),
    "533": ("ldap_account_disabled", "Your account is disabled in the directory.", _ASK),
    "701": ("ldap_account_expired", "Your account has expired in the directory.", _ASK),
    "773": ("ldap_password_change", "Your password must be changed before you log in.", _CHANGE),
    "775": ("ldap_account_locked", "Your account is locked in the directory.", _ASK),
}


def reason_of(error: Exception) -> DeniedError | None:
    """The directory's reason for a person; None where the password is wrong, or none is said."""
    said: Any = error.args[0] if error.args else None
    found = _CODE.search(str(said.get("info", ""))) if isinstance(said, dict) else None
    if found is None or found[1] not in _REASONS:
        return None
    code, message, hint = _REASONS[found[1]]
    return DeniedError(code, message, hint=hint)
