"""Forms of clusters."""

from fleet.forms.cluster import (
    ClusterForm,
    ImportForm,
    KubeconfigField,
    RemoveForm,
    RenameForm,
    RotateForm,
)
from fleet.forms.project import ProjectForm

__all__ = [
    "ClusterForm",
    "ImportForm",
    "KubeconfigField",
    "ProjectForm",
    "RemoveForm",
    "RenameForm",
    "RotateForm",
]
