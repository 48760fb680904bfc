"""The address of an API server, in one normal form."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from fleet.kubeconfig_errors import refuse

_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?"
)
_PATH = re.compile(r"(/[A-Za-z0-9._~:@-]+)*/?")


def parse_server(text: str, field: str = "server") -> str:
    """`https://host[:port][/path]`, host in lower case, without a slash at the end.

    Raises KubeconfigError `server_invalid` for other schemes, user info, a
    query, a fragment, control characters, or what is no host name. Which
    addresses may be called is the address guard's business.
    """
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        refuse("server_invalid", "The server's URL has characters that no URL has.", field)
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        refuse("server_invalid", "The server's URL cannot be read.", field)
    _check(url, text, field)
    at_port = f":{port}" if port is not None else ""
    return f"https://{_host(url, field)}{at_port}{url.path.rstrip('/')}"


def _check(url: SplitResult, text: str, field: str) -> None:
    if url.scheme != "https":
        refuse("server_invalid", "The server's URL has to begin with https://.", field)
    if "@" in url.netloc:
        refuse("server_invalid", "A URL with a user name or password is not taken.", field)
    if "?" in text or "#" in text:
        refuse("server_invalid", "A URL with a query or fragment is not taken.", field)
    if not _PATH.fullmatch(url.path) or {".", ".."} & set(url.path.split("/")):
        refuse("server_invalid", "The path of the server's URL is not taken.", field)
    if url.port == 0:
        refuse("server_invalid", "The port is between 1 and 65535.", field)


def _host(url: SplitResult, field: str) -> str:
    host = url.hostname or ""
    if "[" in url.netloc:
        return f"[{_ipv6(host, field)}]"
    if not _NAME.fullmatch(host):
        refuse("server_invalid", "The server's URL has no valid host.", field)
    return host


def _ipv6(host: str, field: str) -> str:
    """A zone (`%eth0`) is refused: it means something on one machine only."""
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        refuse("server_invalid", "The server's URL has no valid IPv6 address.", field)
    if address.scope_id:
        refuse("server_invalid", "An IPv6 address with a zone is not taken.", field)
    return str(address)
