"""What the demo's databases hold at first: scripts, and psql to run them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path

from console.demo.place import PORT, Place
from console.demo.programs import Programs, last_words, own_account
from console.errors import DemoFailed
from console.resources import folder

_SAMPLE = Path(str(files("console.demo") / "sample"))

SCRIPTS = [
    ("template1", _SAMPLE / "cluster.sql"),
    ("shop", _SAMPLE / "shop.sql"),
    ("analytics", _SAMPLE / "analytics.sql"),
]
"""They fill a new server, in order; each with the database that it runs in."""

PLATFORM_SCRIPTS = [
    _SAMPLE / "platform" / f"{name}.sql"
    for name in ("words", "people", "keys", "buildings", "agents", "trade")
]
"""They fill the platform's schema, in order, in one transaction."""


def contents(programs: Programs) -> str:
    """What a data directory must hold to be used as it is: this major version, this sample, this platform schema."""
    version = programs.run("postgres", "--version").stdout.split()[-1]
    digest = hashlib.sha256()
    migrations = sorted(folder("migrations").rglob("*.py"))
    for path in [*(script for _, script in SCRIPTS), *PLATFORM_SCRIPTS, *migrations]:
        digest.update(path.read_bytes())
    return f"PostgreSQL {version.partition('.')[0]}, sample {digest.hexdigest()[:16]}\n"


def fill(place: Place, programs: Programs) -> None:
    """Fills a new server. Raises `DemoFailed`."""
    for database, script in SCRIPTS:
        # The bootstrap superuser runs the first script, which makes our own role.
        user = "postgres" if database == "template1" else "dbconsole"
        _psql(place, programs, user, database, ["--file", script])


def fill_platform(place: Place, programs: Programs, day: date) -> None:
    """Fills the platform's schema of the shop, as it is at the beginning of a day (UTC): all of it or nothing.

    One day's data is always the same. Raises `DemoFailed`.
    """
    scripts: list[str | Path] = [word for script in PLATFORM_SCRIPTS for word in ("--file", script)]
    _psql(
        place,
        programs,
        "dbconsole",
        "shop",
        [
            *("--single-transaction", "--set", f"day={day} 00:00+00", *scripts, "--command", "ANALYZE"),
            # The statistics begin with the load, not with the making of its tables.
            *("--command", "SELECT pg_stat_statements_reset()"),
        ],
    )


def _psql(
    place: Place, programs: Programs, user: str, database: str, arguments: Sequence[str | Path]
) -> None:
    done = programs.run(
        "psql",
        *("--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"),
        *("--host", place.sockets, "--port", str(PORT), "--username", user, "--dbname", database),
        *arguments,
        account=own_account(),
    )
    if done.returncode != 0:
        raise DemoFailed(f"The demo's data could not be made: {last_words(done.stderr.splitlines())}.")
