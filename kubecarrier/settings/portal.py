"""The portal's settings: each file one subject, environment variables typed and checked."""

from kubecarrier.settings.audit import *
from kubecarrier.settings.base import *
from kubecarrier.settings.console import *
from kubecarrier.settings.ldap import *
from kubecarrier.settings.logging import *
from kubecarrier.settings.oidc import *
from kubecarrier.settings.queue import *
from kubecarrier.settings.security import *
