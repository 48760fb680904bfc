"""django-auditlog under our own wrapper and with our own entry."""

AUDITLOG_LOGENTRY_MODEL = "accounts.AuditEntry"
AUDITLOG_DISABLE_REMOTE_ADDR = True  # it trusts X-Forwarded-For; the wrapper brings the address
AUDITLOG_CHANGE_DISPLAY_TRUNCATE_LENGTH = 500
AUDITLOG_USE_BASE_MANAGER = True
