"""Alembic's revision files, read without running them: what each declares, and what its docstring says.

A revision's code is somebody's and may do anything when it is imported; what is needed are four literals near its
top. A pattern finds them in most files, in a tenth of a millisecond; Python's own parser reads the others.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from console.errors import BadMigrations
from console.models.migrations import Revision, Source

_REVISION_FILE = re.compile(r"(?!\.#|__init__).*\.py", re.DOTALL)
"""Which files Alembic takes for revisions."""
_NAME_IS_REVISION = re.compile(r"([a-f0-9]+)\.py")
"""Files of Alembic 0.1 declare no revision: their name is one."""
_NOT_IN_A_REVISION = frozenset("@-+:")

_VARIABLES = ("revision", "down_revision", "branch_labels", "depends_on")
_DOCSTRING = re.compile(r'\A(?:\s|#[^\n]*\n)*+[rR]?("""|\'\'\')([^\\]*?)\1', re.DOTALL)
_PLAIN = re.compile(r"""None|(['"])([\w.-]+)\1""")
_DECLARATION = re.compile(
    rf"""^(?P<name>{"|".join(_VARIABLES)})\b
         (?:  (?:[ ]*:[^=\n#]+)? [ ]* =  [ ]*
              (?P<value> None | "[^"\\\n]*" | '[^'\\\n]*' | [(\[{{] [^()\[\]{{}}\#\\]* [)\]}}] )
              [ \t\r]* (?:\#[^\n]*)? $ )?+
    """,
    re.VERBOSE | re.MULTILINE,
)
_CREATED = re.compile(r"^Create Date: *(\S.*)$", re.MULTILINE)


_Stamps = dict[str, tuple[int, int]]
"""The paths of files, each with when it was modified and its size: while these stay, the file is what it was."""


class AlembicFiles:
    """The revisions of a source. What was read once is read again only when the file has changed."""

    def __init__(self) -> None:
        self._stamps: _Stamps | None = None
        self._found: dict[str, Revision | BadMigrations] = {}
        self._result: tuple[tuple[Revision, ...], tuple[str, ...]] = ((), ())

    def read(self, source: Source) -> tuple[tuple[Revision, ...], tuple[str, ...]]:
        """The revisions in the order in which Alembic loads their files, and what is wrong, a sentence each.

        A file that cannot be read is left out. Raises `BadMigrations` where there is no directory to look into.
        """
        stamps = _stamps(source)
        if self._stamps is None or list(stamps.items()) != list(self._stamps.items()):
            before, known = self._stamps or {}, self._found
            self._found = {
                path: known[path] if before.get(path) == stamp else _read(Path(path))
                for path, stamp in stamps.items()
            }
            revisions = tuple(one for one in self._found.values() if isinstance(one, Revision))
            unread = [one.sentence for one in self._found.values() if isinstance(one, BadMigrations)]
            self._stamps, self._result = stamps, (revisions, (*unread, *_contradictions(revisions)))
        return self._result


def _stamps(source: Source) -> _Stamps:
    directories = [directory for directory in source.version_directories if directory.is_dir()]
    if not directories:
        missing = source.version_directories[0] if source.version_directories else source.directory
        raise BadMigrations(f"There is no directory {missing}, where the revisions should be.")
    stamps: _Stamps = {}
    for directory in {directory.resolve(): directory for directory in directories}.values():
        try:
            with os.scandir(directory) as entries:
                found = [
                    entry for entry in entries if _REVISION_FILE.fullmatch(entry.name) and entry.is_file()
                ]
            for entry in sorted(found, key=lambda entry: entry.name):
                state = entry.stat()
                stamps[entry.path] = (state.st_mtime_ns, state.st_size)
        except OSError as error:
            raise BadMigrations(f"{directory} cannot be read: {error.strerror}.") from error
    return stamps


def _contradictions(revisions: Iterable[Revision]) -> Iterator[str]:
    """What Alembic would refuse or warn of."""
    names: dict[str, Revision] = {}
    for revision in revisions:
        where = f"{revision.path.name if revision.path else revision.id}"
        if revision.id in names:
            yield f"Revision {revision.id} is there twice: the one in {where} counts."
        if wrong := "".join(sorted(_NOT_IN_A_REVISION.intersection(revision.id))):
            yield f"The revision {revision.id!r} in {where} has a character that Alembic does not allow: {wrong}"
        names[revision.id] = revision
    labels: dict[str, str] = {}
    for revision in names.values():
        for label in revision.labels:
            if label in labels or label in names:
                yield f"The branch label {label!r} of {revision.id} is that of {labels.get(label, label)} already."
            labels[label] = revision.id
    for revision in names.values():
        for down in revision.down:
            if down not in names:
                yield f"Revision {revision.id} follows {down}, which no file describes."
        for name in revision.depends_on:
            if name not in names and name not in labels:
                yield f"Revision {revision.id} depends on {name}, which no file describes."


# One file -----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> Revision | BadMigrations:
    try:
        content = path.read_bytes()
        values, docstring = _glanced(content) or _parsed(content, path)
        id_ = values["revision"] if "revision" in values else _id_in_name(path)
        if "down_revision" not in values:
            raise BadMigrations(f"{path.name} declares no down_revision.")
        if not isinstance(id_, str):
            raise BadMigrations(f"{path.name} declares a revision that is no text.")
        return Revision(
            id=id_,
            down=_names(values, "down_revision", path),
            depends_on=_names(values, "depends_on", path),
            labels=_names(values, "branch_labels", path),
            message=" ".join(docstring.strip().partition("\n\n")[0].split()),
            created=_created(docstring),
            path=path,
            checksum=hashlib.sha256(content).hexdigest(),
        )
    except BadMigrations as problem:
        return problem.with_traceback(None)  # it would keep the file's text
    except OSError as error:
        return BadMigrations(f"{path.name} cannot be read: {error.strerror}.")


def _glanced(content: bytes) -> tuple[dict[str, Any], str] | None:
    """What a file declares and its docstring, where patterns can tell it for sure."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    beginning = _DOCSTRING.match(text)
    if beginning is None or "\r" in text:
        return None
    values: dict[str, Any] = {}
    for match in _DECLARATION.finditer(text, beginning.end()):
        if match["value"] is None or match["name"] in values:
            return None
        try:
            values[match["name"]] = _literal(match["value"])
        except (ValueError, SyntaxError):
            return None
    return values, beginning[2]


def _literal(text: str) -> Any:
    """The value of a literal. Most are one name or None, for which Python's parser would take most of the time."""
    plain = _PLAIN.fullmatch(text)
    return ast.literal_eval(text) if plain is None else plain[2]


def _parsed(content: bytes, path: Path) -> tuple[dict[str, Any], str]:
    """The same by Python's parser."""
    try:
        module = ast.parse(content)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise BadMigrations(f"{path.name}{line} is no Python that this Python understands.") from error
    values: dict[str, Any] = {}
    for name, value in _assignments(module):
        if name not in _VARIABLES:
            continue
        try:
            values[name] = None if value is None else ast.literal_eval(value)
        except ValueError as error:
            line = f", line {value.lineno}" if value is not None else ""
            raise BadMigrations(
                f"{path.name}{line}: {name} is no literal, and the console reads revisions without running them."
            ) from error
    return values, ast.get_docstring(module, clean=False) or ""


def _assignments(module: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    for statement in module.body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _id_in_name(path: Path) -> str:
    match = _NAME_IS_REVISION.fullmatch(path.name)
    if match is None:
        raise BadMigrations(f"{path.name} declares no revision.")
    return match[1]


def _names(values: Mapping[str, Any], variable: str, path: Path) -> tuple[str, ...]:
    value = values.get(variable)
    match value:
        case None | "":
            return ()
        case str():
            return (value,)
        case tuple() | list() if all(isinstance(name, str) for name in value):
            return tuple(value)
        case set() if all(isinstance(name, str) for name in value):
            return tuple(sorted(value))
    raise BadMigrations(f"{path.name} declares a {variable} that names no revisions.")


def _created(docstring: str) -> datetime | None:
    match = _CREATED.search(docstring)
    try:
        return datetime.fromisoformat(match[1].strip()).replace(tzinfo=None) if match else None
    except ValueError:
        return None
