"""The project itself as an app: shared templates, commands and the heartbeat."""

from django.apps import AppConfig


class KubeCarrierConfig(AppConfig):
    """Holds what belongs to no single app."""

    name = "kubecarrier"
    verbose_name = "KubeCarrier"

    def ready(self) -> None:
        from kubecarrier import checks  # noqa: F401 - registers them
