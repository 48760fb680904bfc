"""What the lower apps must know of the placed kinds here, told to them by registration."""


def register() -> None:
    """Called once at start."""
