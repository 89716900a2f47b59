"""libpq's password file, read as libpq reads it.

Source: PostgreSQL documentation, "The Password File", and `passwordFromFile` of libpq's fe-connect.c.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import SecretStr

from console.models.target import Target

_DEFAULT_SOCKET_DIRECTORIES = ("/var/run/postgresql", "/run/postgresql", "/tmp")
"""A password file calls the server behind one of these "localhost"."""

_FIELD = r"((?:[^:\\]|\\.)*)"
_LINE = re.compile(rf"{_FIELD}:{_FIELD}:{_FIELD}:{_FIELD}:((?:[^:\\]|\\.|\\$)*)(?::.*)?")


def pgpass_password(
    target: Target, environ: Mapping[str, str], warn: Callable[[str], None]
) -> SecretStr | None:
    """The password of the first line that matches where the target's own host is, its database and its role.

    Looks in the target's `passfile`, else in `~/.pgpass`. None when no line matches. `warn` is given a sentence when
    the file cannot be used.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    text = _readable(Path(target.passfile or Path(home, ".pgpass")), warn)
    if text is None:
        return None
    host = "localhost" if target.host in _DEFAULT_SOCKET_DIRECTORIES else target.host
    wanted = (host, str(target.port), target.database, target.user)
    for line in text.split("\n"):
        if line.startswith("#") or not (fields := _LINE.fullmatch(line.rstrip("\r"))):
            continue
        *patterns, password = fields.groups()
        if all(
            pattern == "*" or _unescaped(pattern) == value
            for pattern, value in zip(patterns, wanted, strict=True)
        ):
            return SecretStr(_unescaped(password)) if password else None
    return None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _readable(file: Path, warn: Callable[[str], None]) -> str | None:
    """The file's text; None when it is not there, or is not to be trusted."""
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            warn(f"The password file {file} is not used: it is not a plain file.")
            return None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            warn(f"The password file {file} is not used: others may read it; chmod 600 makes it private.")
            return None
        return file.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        warn(f"The password file {file} is not used: it is not UTF-8 text.")
        return None
    except OSError as error:
        warn(f"The password file {file} is not used: {error.strerror}.")
        return None
