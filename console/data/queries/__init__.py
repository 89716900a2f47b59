"""Named queries, one `.sql` file each, with variants for newer servers.

`sessions.sql` is what every supported server understands; `sessions.pg14.sql` is asked from PostgreSQL 14 on.
What is sent ends with `OWN_MARK`, by which `pg_stat_statements` shows whose it is.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

OLDEST_MAJOR = 13
"""The oldest PostgreSQL that the plain files are written for."""

OWN_MARK = "/* dbconsole */"
"""Ends every statement of the console's own: a comment at the beginning is not kept by PostgreSQL 18."""

_FILE_NAME = re.compile(r"(?P<name>\w+?)(?:\.pg(?P<major>\d+))?\.sql")


@cache
def variants() -> dict[str, dict[int, Path]]:
    """Every query's name, with the file for each major version from which on it is to be used."""
    found: dict[str, dict[int, Path]] = {}
    for path in sorted(Path(__file__).parent.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name}: a query's file is called NAME.sql or NAME.pgMAJOR.sql")
        found.setdefault(match["name"], {})[int(match["major"] or OLDEST_MAJOR)] = path
    return found


@cache
def query(name: str, major: int) -> str:
    """The text of the newest variant that a server of that major version understands.

    Raises `KeyError` for a name that no file has.
    """
    files = variants()[name]
    text = files[max(version for version in files if version <= major)].read_text(encoding="utf-8")
    return f"{text.rstrip()}\n{OWN_MARK}"
