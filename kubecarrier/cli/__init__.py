"""The `kubecarrier` command: a thin client of the REST API.

It imports neither Django nor anything else of the portal, so that it can be
installed alone, and loads HTTP, YAML and rich only inside commands, so that
`kubecarrier version` and completion answer at once.
"""

__version__ = "0.1.0"
