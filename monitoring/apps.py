"""Metrics, alerts, events and logs (its models come with its issue)."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """The uppermost app."""

    name = "monitoring"
