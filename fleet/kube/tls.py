"""TLS for one Connection, without a file that outlives the call."""

from __future__ import annotations

import ssl

from fleet.connection import Connection
from fleet.kube.deadline import DeadlineSocket
from fleet.kube_errors import TlsError
from fleet.memory_file import memory_file


def ssl_context(connection: Connection) -> ssl.SSLContext:
    """Verifies against the connection's CA alone, or the machine's store when it has none.

    Python 3.13's strict X.509 mode is off: it refuses the certificates that
    real clusters have and Go accepts (no authority key identifier).
    """
    try:
        context = ssl.create_default_context(cadata=connection.ca_pem or None)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if connection.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if connection.client_cert_pem and connection.client_key_pem:
            _load_identity(context, connection.client_cert_pem, connection.client_key_pem)
    except (ssl.SSLError, ValueError) as error:
        raise TlsError("The connection's certificates cannot be used.") from error
    context.sslsocket_class = DeadlineSocket
    return context


def _load_identity(context: ssl.SSLContext, cert_pem: str, key_pem: str) -> None:
    """OpenSSL takes paths only; an empty password keeps it from asking the terminal for one."""
    pem = f"{cert_pem.rstrip()}\n{key_pem.rstrip()}\n"
    with memory_file(pem.encode()) as file:
        context.load_cert_chain(file.path, password="")
