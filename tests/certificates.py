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

    def issue(
        self, name: str, subject: str, *, days: int = 1, password: str | None = None
    ) -> tuple[Path, Path]:
        """Another certificate of the same authority, and its key, for this process alone.

        `subject` is its common name; with -1 `days` it has expired; `password` is what the key is encrypted with.
        """
        directory = self.root.parent
        certificate, key, request = (directory / f"{name}.{kind}" for kind in ("crt", "key", "csr"))
        secret = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        _openssl("req", *_NEW_KEY, *secret, "-keyout", key, "-out", request, "-subj", f"/CN={subject}")
        extensions = directory / "extensions.cnf"
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.root, "-CAkey", directory / "root.key"),
            *("-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", certificate),
        )
        key.chmod(0o600)
        return certificate, key

    def revoked(self, certificate: Path) -> Path:
        """The authority's list of revoked certificates, with this one on it."""
        directory = self.root.parent
        serial = _openssl("x509", "-in", certificate, "-noout", "-serial").strip().partition("=")[2]
        (directory / "index.txt").write_text(f"R\t491231235959Z\t250101000000Z\t{serial}\tunknown\t/CN=x\n")
        (directory / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={directory}/index.txt\ndefault_md=sha256\ndefault_crl_days=1\n"
        )
        made = directory / "root.crl"
        key = directory / "root.key"
        _openssl(
            *("ca", "-config", directory / "ca.cnf", "-gencrl", "-keyfile", key, "-cert", self.root),
            *("-out", made),
        )
        return made


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def make_certificates(directory: Path, account: Account | None = None) -> Certificates:
    """Makes an authority and a certificate of it in `directory`, valid for a day; the key for `account` alone."""
    made = Certificates(directory / "root.crt", directory / "server.crt", directory / "server.key")
    (directory / "extensions.cnf").write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    _openssl(
        *("req", "-x509", *_NEW_KEY, "-nodes", "-keyout", directory / "root.key", "-out", made.root),
        *("-days", "1", "-subj", "/CN=Test authority"),
    )
    made.issue("server", "localhost")
    if account is not None and os.geteuid() == 0:
        os.chown(made.key, account.uid, account.gid)
    return made


def _openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl failed: {last_words(done.stderr.splitlines())}")
    return done.stdout
