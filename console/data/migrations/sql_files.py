"""SQL pairs: what the names and the first lines of their files say, in both conventions.

Collex has `001_add_users.sql` and `001_rollback.sql` (or `001_add_users_rollback.sql`), golang-migrate
`001_add_users.up.sql` and `001_add_users.down.sql`. Versions are numbers: 9 comes before 10, and 1 is 001.
"""

from __future__ import annotations

import hashlib
import os
import re
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import BadMigrations
from console.models.migrations import Revision, Source, SourceKind

_PAIRED = re.compile(r"([0-9]{1,18})_(.+)\.(up|down)\.sql")
_PLAIN = re.compile(r"([0-9]{1,18})_(.+)\.sql")
_ROLLBACK = "rollback"

_HEADER_LINE = re.compile(
    rb"[ \t]*(?:--[ \t]*(?:(Migration|Description|Created)[ \t]*:(.*)|[^\n]*))?(?:\r?\n|\Z)"
)
_TIMESTAMP_WIDTH = 14
"""Digits of a version that is the time of its making: `20240101120000`."""


@dataclass(slots=True)
class _Pair:
    """The names of the files of one version."""

    version: str
    up: list[str] = field(default_factory=list)
    down: list[str] = field(default_factory=list)


def recognise(directory: Path) -> SourceKind | None:
    """Which convention the files of a directory follow; None where it has no SQL pairs, or cannot be listed."""
    try:
        names = os.listdir(directory)
    except OSError:
        return None
    if any(map(_PAIRED.fullmatch, names)):
        return SourceKind.GOLANG_MIGRATE
    return SourceKind.SQL_PAIRS if any(map(_PLAIN.fullmatch, names)) else None


def read(source: Source) -> tuple[Revision, ...]:
    """The revisions of a directory, oldest first, each following the one before.

    Raises `BadMigrations` where the directory or a file cannot be read, or where the names contradict each other.
    """
    revisions: list[Revision] = []
    for pair in _pairs(source):
        up = source.directory / pair.up[0]
        down = source.directory / pair.down[0] if pair.down else None
        content = _bytes(up)
        message, created = _header(content)
        revisions.append(
            Revision(
                id=pair.version,
                down=(revisions[-1].id,) if revisions else (),
                message=message or _message(pair.up[0]),
                created=created,
                path=up,
                rollback_path=down,
                checksum=_checksum(content, None if down is None else _bytes(down)),
            )
        )
    return tuple(revisions)


def checksum(revision: Revision) -> str:
    """What `Revision.checksum` would be by now. Raises `BadMigrations` where a file cannot be read."""
    assert revision.path is not None, "only a revision with a file is checked"
    rollback = revision.rollback_path
    return _checksum(_bytes(revision.path), None if rollback is None else _bytes(rollback))


def text_of(path: Path) -> str:
    """A file's text. Raises `BadMigrations` where it cannot be read, or is no UTF-8."""
    try:
        text = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadMigrations(f"{path.name} is not UTF-8: see byte {error.start + 1}.") from error
    if "\0" in text:
        raise BadMigrations(f"{path.name} has a NUL byte, which no SQL can have.")
    return text


def id_of(version: int, revisions: Iterable[str]) -> str:
    """The revision whose number a version table has, as its file name has it; the bare number where there is none."""
    return next((revision for revision in revisions if number_of(revision) == version), str(version))


def number_of(revision: str) -> int | None:
    """The number that a version is; None where it is none."""
    return int(revision) if re.fullmatch("[0-9]{1,18}", revision) else None


# Creating ---------------------------------------------------------------------------------------------------------


def new_files(source: Source, message: str, clock: Clock = SYSTEM_CLOCK) -> tuple[Path, ...]:
    """Creates the files of the next version, the migration's before its rollback's, and returns their paths.

    Raises `BadMigrations` where the message makes no name, or a file cannot be created; then there is neither.
    """
    message = " ".join(message.split())
    name = re.sub("[^a-z0-9]+", "_", message.lower()).strip("_")
    if name in ("", _ROLLBACK):
        raise BadMigrations(f"“{message}” makes no file name: say in a few words what the migration does.")
    version = _next_version(_pairs(source), clock)
    if source.kind is SourceKind.GOLANG_MIGRATE:
        names = f"{version}_{name}.up.sql", f"{version}_{name}.down.sql"
    else:
        names = f"{version}_{name}.sql", f"{version}_{_ROLLBACK}.sql"
    up, down = (source.directory / name for name in names)
    created = f"-- Created: {clock.now():%Y-%m-%dT%H:%M:%SZ}\n\n"
    _create(
        {
            up: f"-- Migration: {message}\n-- Version: {version}\n-- Description: {message}\n{created}",
            down: f"-- Rollback Migration: {message}\n-- Version: {version}\n"
            f"-- Description: Rollback of {message}\n{created}",
        }
    )
    return up, down


def _next_version(pairs: Sequence[_Pair], clock: Clock) -> str:
    if not pairs:
        return "001"
    last = pairs[-1].version
    number = int(last) + 1
    if len(last) == _TIMESTAMP_WIDTH:
        number = max(number, int(f"{clock.now():%Y%m%d%H%M%S}"))
    return f"{number:0{len(last)}}"


def _create(contents: Mapping[Path, str]) -> None:
    """Creates all of the files or none, and never writes over one."""
    created: list[Path] = []
    try:
        for path, text in contents.items():
            with path.open("x", encoding="utf-8", newline="\n") as file:
                created.append(path)
                file.write(text)
    except OSError as error:
        for path in created:
            path.unlink(missing_ok=True)
        raise BadMigrations(
            f"The migration cannot be created: {error.strerror} ({error.filename})."
        ) from error


# Reading ----------------------------------------------------------------------------------------------------------


def _pairs(source: Source) -> list[_Pair]:
    """The files of each version, oldest first. Raises `BadMigrations`."""
    try:
        names = sorted(os.listdir(source.directory))
    except OSError as error:
        raise BadMigrations(f"{source.directory} cannot be read: {error.strerror}.") from error
    pairs = _paired(names) if source.kind is SourceKind.GOLANG_MIGRATE else _plain(names)
    for pair in pairs.values():
        for found in (pair.up, pair.down):
            if len(found) > 1:
                raise BadMigrations(f"Version {pair.version} is there twice: {' and '.join(found)}.")
        if not pair.up:
            raise BadMigrations(
                f"{pair.down[0]} undoes a migration that is not there: version {pair.version}."
            )
    return [pairs[number] for number in sorted(pairs)]


def _paired(names: Iterable[str]) -> dict[int, _Pair]:
    pairs: dict[int, _Pair] = {}
    for name in names:
        if match := _PAIRED.fullmatch(name):
            pair = pairs.setdefault(int(match[1]), _Pair(match[1]))
            (pair.up if match[3] == "up" else pair.down).append(name)
        elif _PLAIN.fullmatch(name):
            raise BadMigrations(
                f"{name} is neither .up.sql nor .down.sql, as the other migrations beside it are."
            )
    return pairs


def _plain(names: Sequence[str]) -> dict[int, _Pair]:
    pairs: dict[int, _Pair] = {}
    known = frozenset(names)
    for name in names:
        if _PAIRED.fullmatch(name):
            raise BadMigrations(f"{name} follows another convention than the migrations beside it.")
        if match := _PLAIN.fullmatch(name):
            pair = pairs.setdefault(int(match[1]), _Pair(match[1]))
            (pair.down if _is_rollback(match[1], match[2], known) else pair.up).append(name)
    return pairs


def _is_rollback(version: str, title: str, names: Collection[str]) -> bool:
    """`001_rollback.sql`, and `001_x_rollback.sql` beside `001_x.sql`; a lone `001_x_rollback.sql` is a migration."""
    return title == _ROLLBACK or (
        title.endswith(f"_{_ROLLBACK}") and f"{version}_{title.removesuffix(f'_{_ROLLBACK}')}.sql" in names
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadMigrations(f"{path.name} cannot be read: {error.strerror}.") from error


def _checksum(up: bytes, down: bytes | None) -> str:
    digest = hashlib.sha256(up)
    if down is not None:
        digest.update(b"\0")
        digest.update(down)
    return digest.hexdigest()


def _message(name: str) -> str:
    """`001_add_user_preferences.up.sql` is "add user preferences"."""
    return name.partition("_")[2].removesuffix(".sql").removesuffix(".up").replace("_", " ").strip()


def _header(content: bytes) -> tuple[str, datetime | None]:
    """The message and the time that the comments at the top of a file have."""
    found: dict[bytes, str] = {}
    place = 3 if content.startswith(BOM_UTF8) else 0
    while (line := _HEADER_LINE.match(content, place)) and line.end() > place:
        if line[1]:
            found.setdefault(line[1], line[2].decode("utf-8", "replace").strip())
        place = line.end()
    try:
        created = datetime.fromisoformat(found[b"Created"]).replace(tzinfo=None)
    except (KeyError, ValueError):
        created = None
    return found.get(b"Description") or found.get(b"Migration") or "", created
