"""For the tests: throw-away keys, fast hashing, the clusters on this machine allowed."""

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault(
    "KUBECARRIER_SECRET_KEY", "test-only-secret-key-of-no-value-at-all-0123456789"
)
os.environ.setdefault(
    "KUBECARRIER_ENCRYPTION_KEYS",
    "t1:" + base64.b64encode(b"test-only-key-of-thirty-two-byte").decode(),
)
os.environ.setdefault("KUBECARRIER_ALLOW_LOOPBACK", "true")

from kubecarrier.settings.portal import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
WHITENOISE_AUTOREFRESH = True
AXES_ENABLED = False
LOGGING["root"]["handlers"] = []  # pytest captures what is logged
LOGGING["loggers"]["django-q"] = {"level": "WARNING"}
KUBECARRIER_HOME = Path(tempfile.mkdtemp(prefix="kubecarrier-test-"))
atexit.register(shutil.rmtree, KUBECARRIER_HOME, ignore_errors=True)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that tests can start processes that work on the same database.
    DATABASES["default"]["TEST"] = {"NAME": str(KUBECARRIER_HOME / "test.sqlite3")}
