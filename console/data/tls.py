"""How a connection is encrypted: libpq's options as the context of Python's ssl."""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.errors import TlsFailed
from console.models.target import Target, Tls

_ALPN = ["postgresql"]
"""A server that is spoken to without asking first wants to hear it."""


class _Context(ssl.SSLContext):
    """Asks and verifies for the name that a person gave, whatever address the connection goes to."""

    server_name: str | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As the driver's event loop asks for it, with the name in place of the address."""
        return super().wrap_bio(incoming, outgoing, server_side, self.server_name, session)


def tls_contexts(target: Target) -> tuple[ssl.SSLContext | None, ...]:
    """How to try to connect, one after the other; None is unencrypted, as every Unix socket is.

    Raises `TlsFailed`: a certificate or a key cannot be used.
    """
    if target.is_socket or target.tls.mode == "disable":
        return (None,)
    context = _context(target)
    return {"allow": (None, context), "prefer": (context, None)}.get(target.tls.mode, (context,))


def _context(target: Target) -> ssl.SSLContext:
    tls = target.tls
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = target.host if tls.names_server else None
    context.check_hostname = tls.mode == "verify-full"
    context.verify_mode = ssl.CERT_NONE if tls.mode in ("allow", "prefer") else ssl.CERT_REQUIRED
    context.minimum_version = _version(tls.minimum or "TLSv1.2")
    if tls.maximum:
        context.maximum_version = _version(tls.maximum)
    context.set_alpn_protocols(_ALPN)
    if context.verify_mode is ssl.CERT_REQUIRED:
        _trust(context, tls)
    if tls.presents_certificate:
        _present(context, tls)
    return context


def _version(name: str) -> ssl.TLSVersion:
    return ssl.TLSVersion[name.replace(".", "_")]


def _trust(context: ssl.SSLContext, tls: Tls) -> None:
    """Loads whom to believe. Without a root certificate sslmode=require believes everybody, as in libpq."""
    if tls.root_certificate == "system":
        context.set_default_verify_paths()
    elif root := tls.root_certificate or _own("root.crt"):
        with _used("root certificate", root):
            context.load_verify_locations(root)
    elif tls.mode == "require":
        context.verify_mode = ssl.CERT_NONE
        return
    else:
        raise TlsFailed(
            f"sslmode={tls.mode} needs a root certificate to check the server's with; give its file in "
            "sslrootcert, or sslrootcert=system."
        )
    revocations = tls.revocations
    if revocations is None and tls.revocations_directory is None:
        revocations = _own("root.crl")
    if revocations or tls.revocations_directory:
        with _used("list of revoked certificates", revocations or tls.revocations_directory):
            context.load_verify_locations(cafile=revocations, capath=tls.revocations_directory)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _present(context: ssl.SSLContext, tls: Tls) -> None:
    """Loads the client's certificate, where there is one."""
    certificate = tls.certificate or _own("postgresql.crt")
    if certificate is None:
        return
    key = tls.key or _own("postgresql.key")
    if key is not None:
        with _used("private key", key):
            about = os.stat(key)
        # Root may own a key that a group reads, as libpq has it: then the person cannot change that.
        if about.st_mode & (
            stat.S_IRWXO | (stat.S_IWGRP | stat.S_IXGRP if about.st_uid == 0 else stat.S_IRWXG)
        ):
            raise TlsFailed(
                f"The private key {key} is not used: others may read it; chmod 600 makes it private."
            )
    password = tls.key_password.get_secret_value() if tls.key_password else ""
    with _used("client's certificate", certificate, key):
        # Without a password of ours OpenSSL would ask on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: password)


def _own(name: str) -> str | None:
    """The file of that name in `~/.postgresql`, if it is there."""
    file = Path(os.path.expanduser("~"), ".postgresql", name)
    return str(file) if file.exists() else None


@contextmanager
def _used(what: str, *files: Any) -> Iterator[None]:
    """Says in a sentence which file cannot be used."""
    try:
        yield
    except OSError as error:  # ssl's own errors are of it
        reason = error.strerror if not isinstance(error, ssl.SSLError) else error.reason
        places = " with ".join(str(file) for file in files if file)
        raise TlsFailed(f"The {what} {places} cannot be used: {reason or 'it is damaged'}.") from error
