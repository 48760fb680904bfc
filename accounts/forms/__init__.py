"""Forms of the console's pages about people."""

from accounts.forms.account import CodeForm
from accounts.forms.audit import PlaceForm, StreamForm
from accounts.forms.audit_policy import AuditPolicyForm
from accounts.forms.binding import BindingForm
from accounts.forms.device import DeviceForm
from accounts.forms.identity_mapping import IdentityMappingForm
from accounts.forms.role import RoleForm
from accounts.forms.service_account import ServiceAccountForm
from accounts.forms.token import TokenForm

__all__ = [
    "AuditPolicyForm",
    "BindingForm",
    "CodeForm",
    "DeviceForm",
    "IdentityMappingForm",
    "PlaceForm",
    "RoleForm",
    "ServiceAccountForm",
    "StreamForm",
    "TokenForm",
]
