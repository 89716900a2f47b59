"""What went wrong in a revision, in the server's words or in Python's, without a traceback."""

from __future__ import annotations

import traceback
from pathlib import Path

import asyncpg

from console.errors import MigrationFailed


def failure(error: BaseException, statement: str | None, project: Path) -> MigrationFailed:
    """What a person is told. `statement` is what ran when it failed, `project` the folder whose files are named."""
    if isinstance(error, MigrationFailed):
        return error
    server = _cause(error, asyncpg.PostgresError)
    if isinstance(server, asyncpg.PostgresError):
        return MigrationFailed(server_words(server), statement=statement, sqlstate=server.sqlstate)
    driver = _cause(error, asyncpg.InterfaceError, OSError)
    if statement is not None and driver is not None:
        return MigrationFailed(f"The connection was lost: {_one_line(str(driver))}.", statement=statement)
    return MigrationFailed(f"{python_words(error, project)}.")


def server_words(error: asyncpg.PostgresError) -> str:
    """The server's message, detail and hint on one line, as a sentence."""
    said = _one_line(error.message or str(error))
    if error.detail:
        said += f"; {_one_line(error.detail)}"
    if error.hint:
        said += f"; hint: {_one_line(error.hint)}"
    return f"The server says: {said}."


def python_words(error: BaseException, project: Path) -> str:
    """`TypeName: words (file.py:12)`; the place is the innermost one in the project's own files, where there is one."""
    said = _one_line(str(error))
    if isinstance(error, ModuleNotFoundError):
        said += "; it has to be installed next to dbconsole"
    if isinstance(error, SyntaxError) and error.filename:
        said, place = _one_line(error.msg), f"{Path(error.filename).name}:{error.lineno}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if _is_own(frame.filename, project)]
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    name = type(error).__name__
    return (f"{name}: {said}" if said else name) + (f" ({place})" if place else "")


def _is_own(file: str, project: Path) -> bool:
    """Whether somebody wrote it for the project; its virtual environment may lie in its folder."""
    path = Path(file)
    return path.is_relative_to(project) and "site-packages" not in path.relative_to(project).parts


def _cause(error: BaseException | None, *kinds: type[BaseException]) -> BaseException | None:
    """What SQLAlchemy wrapped, if it is of one of these kinds."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__
    return error


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
