"""How this package fails; the text of each is something a person can act on."""


class ControlPlaneError(Exception):
    """A server did not start, stop or answer as asked; the text names the log to read."""


class BuildError(ControlPlaneError):
    """The binaries are missing and could not be built (no Go, no network, a compile error)."""


class PortTakenError(ControlPlaneError):
    """Another program was faster to listen on the port chosen for this one."""
