"""The portal's settings: each file one subject, environment variables typed and checked."""

from kubecarrier.settings.audit import *  # noqa: F403
from kubecarrier.settings.base import *  # noqa: F403
from kubecarrier.settings.console import *  # noqa: F403
from kubecarrier.settings.logging import *  # noqa: F403
from kubecarrier.settings.queue import *  # noqa: F403
from kubecarrier.settings.security import *  # noqa: F403
