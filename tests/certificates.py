"""Certificates for the tests' encrypted connections, made by the openssl program."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from console.demo.programs import Account, last_words


@dataclass(frozen=True, slots=True)
class Certificates:
    """A certificate for localhost and 127.0.0.1, its key, and the root certificate that signed it (files)."""

    root: Path
    certificate: Path
    key: Path


def make_certificates(directory: Path, account: Account | None = None) -> Certificates:
    """Makes an authority and a certificate of it in `directory`, valid for a day; the key for `account` alone."""
    root, root_key = directory / "root.crt", directory / "root.key"
    certificate, key, request = directory / "server.crt", directory / "server.key", directory / "server.csr"
    extensions = directory / "extensions.cnf"
    extensions.write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        "req",
        "-x509",
        *new_key,
        "-keyout",
        root_key,
        "-out",
        root,
        "-days",
        "1",
        "-subj",
        "/CN=Test authority",
    )
    _openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
    _openssl(
        *("x509", "-req", "-in", request, "-CA", root, "-CAkey", root_key, "-CAcreateserial"),
        *("-days", "1", "-extfile", extensions, "-out", certificate),
    )
    key.chmod(0o600)
    if account is not None and os.geteuid() == 0:
        os.chown(key, account.uid, account.gid)
    return Certificates(root, certificate, key)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl failed: {last_words(done.stderr.splitlines())}")
