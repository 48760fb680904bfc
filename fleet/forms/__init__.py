"""Forms of clusters."""

from fleet.forms.cluster import (
    ClusterForm,
    ImportForm,
    KubeconfigField,
    RemoveForm,
    RenameForm,
    RotateForm,
)

__all__ = [
    "ClusterForm",
    "ImportForm",
    "KubeconfigField",
    "RemoveForm",
    "RenameForm",
    "RotateForm",
]
