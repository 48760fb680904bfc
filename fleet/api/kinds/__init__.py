"""This app's kinds as the API knows them."""

from fleet.api.kinds.cluster import CLUSTER
from fleet.api.kinds.cluster_grant import CLUSTER_GRANT
from fleet.api.kinds.config_item import CONFIG_CONFLICT, CONFIG_COPY, CONFIG_ITEM
from fleet.api.kinds.inventory import INVENTORY
from fleet.api.kinds.kubeconfig import KUBECONFIG
from fleet.api.kinds.observed import NAMESPACE, NODE
from fleet.api.kinds.operation import OPERATION
from fleet.api.kinds.project import PROJECT, PROJECT_COPY
from fleet.api.kinds.resource_type import RESOURCE_TYPE

__all__ = [
    "CLUSTER",
    "CLUSTER_GRANT",
    "CONFIG_CONFLICT",
    "CONFIG_COPY",
    "CONFIG_ITEM",
    "INVENTORY",
    "KUBECONFIG",
    "NAMESPACE",
    "NODE",
    "OPERATION",
    "PROJECT",
    "PROJECT_COPY",
    "RESOURCE_TYPE",
]
