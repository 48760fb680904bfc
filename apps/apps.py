"""Repositories, charts, applications and their releases."""

from django.apps import AppConfig


class AppsConfig(AppConfig):
    """Knows fleet, accounts and the lib."""

    name = "apps"
    verbose_name = "Applications"

    def ready(self) -> None:
        from apps import placed, projects, reach, watching
        from apps.models import Application, ChartRepository, Release
        from apps.placing import RECONCILE_TASK, SUMMARIZE_TASK
        from apps.services.repositories import REFRESH_TASK
        from kubecarrier.lib.sweeps import Sweep, register
        from kubecarrier.lib.tasks import Queue

        reach.register()
        placed.register()
        projects.register()
        watching.register()
        register(Sweep(ChartRepository, REFRESH_TASK, Queue.DEFAULT))
        register(Sweep(Application, SUMMARIZE_TASK, Queue.DEFAULT))
        register(Sweep(Release, RECONCILE_TASK, Queue.HELM))
