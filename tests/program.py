"""`dbconsole` as a script calls it, in a process of its own, without paying for the imports each time.

A process that has imported everything, and done nothing else, forks one for each call. What a call imports, and how
long that takes, is for tests that start Python anew.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_SECONDS = 100
_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
"""Nothing of ours is in a call's environment but what the call is given."""

_FORKING = """
import json, os, signal, sys
import alembic.command, argon2, asyncpg, sqlparse, pygments.lexers.sql, sqlalchemy.ext.asyncio
import sqlalchemy.dialects.postgresql.asyncpg
import console.cli, console.settings
from importlib import import_module
for name in console.cli._COMMANDS:
    import_module(f"console.commands.{name}")
for name in ("accounts", "migrations", "plans", "roles", "spatial", "statements"):
    import_module(f"console.data.{name}.service")
import console.data.services

def call(arguments, environment, cwd, files, seconds):
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(files):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY
        os.dup2(os.open(path, flags), number)
    sys.argv[1:] = arguments
    signal.alarm(seconds)
    code = 1
    try:
        console.cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        os._exit(code)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        call(**json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def _forking() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _FORKING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**_ENVIRONMENT, "HOME": "/nonexistent", "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    atexit.register(process.communicate)
    return process


def dbconsole(
    *arguments: str | Path, environment: Mapping[str, str], cwd: Path | str = "/", given: str = ""
) -> subprocess.CompletedProcess[str]:
    """The program run to its end; `given` is its standard input. Bytes that are no text are surrogates, both ways."""
    process = _forking()
    assert process.stdin is not None
    assert process.stdout is not None
    with tempfile.TemporaryDirectory(prefix="dbconsole-test-") as directory:
        files = [Path(directory, name) for name in ("stdin", "stdout", "stderr")]
        for file, text in zip(files, (given, "", ""), strict=True):
            file.write_text(text, errors="surrogateescape")
        order = {
            "arguments": [str(argument) for argument in arguments],
            "environment": {**_ENVIRONMENT, **environment},
            "cwd": str(cwd),
            "files": [str(file) for file in files],
            "seconds": _SECONDS,
        }
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        said = [file.read_text(errors="surrogateescape") for file in files[1:]]
    return subprocess.CompletedProcess(list(arguments), code, *said)
