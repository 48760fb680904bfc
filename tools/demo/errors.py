"""How the demo fails: one line that a person can act on."""


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""
