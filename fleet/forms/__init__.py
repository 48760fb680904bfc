"""Forms of clusters, projects and config items."""

from fleet.forms.cluster import (
    ClusterForm,
    ImportForm,
    KubeconfigField,
    RemoveForm,
    RenameForm,
    RotateForm,
)
from fleet.forms.config_item import (
    AdoptForm,
    ConfigDeleteForm,
    ConfigItemForm,
    ConfigRollbackForm,
    ResolveForm,
    RevealForm,
)
from fleet.forms.project import ProjectDeleteForm, ProjectForm

__all__ = [
    "AdoptForm",
    "ClusterForm",
    "ConfigDeleteForm",
    "ConfigItemForm",
    "ConfigRollbackForm",
    "ImportForm",
    "KubeconfigField",
    "ProjectDeleteForm",
    "ProjectForm",
    "RemoveForm",
    "RenameForm",
    "ResolveForm",
    "RevealForm",
    "RotateForm",
]
