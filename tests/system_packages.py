"""Makes sure that the Debian packages which the tests need are there.

As root it installs what is missing; anybody else is told the command. Needs nothing but Python itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_PROGRAMS = {
    "openssl": "openssl",
    "tmux": "tmux",
    "rsvg-convert": "librsvg2-bin",
    "npm": "npm",
    "dbus-daemon": "dbus",
    "gnome-keyring-daemon": "gnome-keyring",
}
_DAEMONS = {"pgbouncer": "pgbouncer"}
"""Those that are where only administrators look by themselves."""
_FONTS = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
_POSTGRESQL = Path("/usr/lib/postgresql")
_EXTENSIONS = Path("/usr/share/postgresql")

# What a release that has no PostgreSQL 15 has instead.
_OWN_OF_RELEASE = {
    "postgresql-15": "postgresql",
    "postgresql-15-postgis-3": "postgresql-postgis",
    "postgresql-15-hypopg": "postgresql-17-hypopg",
}

# Debian starts a server on port 5432 with the package, unless it is told before.
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")


def main() -> None:
    """Exits with 1 and one sentence when something is missing and cannot be installed."""
    packages = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    packages += [
        package
        for program, package in _DAEMONS.items()
        if shutil.which(program, path=f"{os.defpath}:/usr/sbin") is None
    ]
    if not _FONTS.exists():
        packages.append("fonts-dejavu-core")
    if not any(_POSTGRESQL.glob("*/bin/postgres")):
        packages.append("postgresql-15")
    if not any(_EXTENSIONS.glob("*/extension/postgis.control")):
        packages.append("postgresql-15-postgis-3")
    if not any(_EXTENSIONS.glob("*/extension/hypopg.control")):
        packages.append("postgresql-15-hypopg")
    if not packages:
        return
    if shutil.which("apt-get") is None:
        sys.exit(
            f"The tests need what Debian calls {' '.join(packages)}, and there is no apt-get to install it."
        )
    if os.geteuid() != 0:
        sys.exit(
            f"The tests need more packages; install them with: sudo apt-get install {' '.join(packages)}"
        )
    install(packages)


def install(packages: list[str]) -> None:
    """Installs packages, and the release's own PostgreSQL where it has no 15."""
    _apt_get("update")
    packages = [
        _OWN_OF_RELEASE[package] if package in _OWN_OF_RELEASE and _is_unknown(package) else package
        for package in packages
    ]
    if not _NO_CLUSTER.exists():
        _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        _NO_CLUSTER.write_text("create_main_cluster = false\n")
    _apt_get(
        "install", "--yes", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", *packages
    )


def _is_unknown(package: str) -> bool:
    return subprocess.run(["apt-cache", "show", package], capture_output=True).returncode != 0


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "-q", *arguments]
    done = subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{' '.join(command)} failed; the tests need it.")


if __name__ == "__main__":
    main()
