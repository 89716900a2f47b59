"""What a command does not need it does not import: `--help` answers in the time that Python takes to start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "alembic",
    "asyncio",
    "asyncpg",
    "keyring",
    "plotext",
    "pydantic",
    "pydantic_settings",
    "pygments",
    "rich",
    "sqlalchemy",
    "sqlglot",
    "sqlparse",
    "textual",
}

PROGRAM = """
import json, sys
from console.cli import run
try:
    code = run(sys.argv[1:])
except SystemExit as exit:
    code = exit.code
print()
print(json.dumps([code or 0, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def imported(*arguments: str, environ: dict[str, str] | None = None) -> tuple[int, set[str]]:
    """The exit code of `dbconsole` with these arguments, and the packages that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", **(environ or {})},
    )
    code, names = json.loads(done.stdout.splitlines()[-1])
    return code, set(names)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["completion", "zsh"],
        ["pools", "--help"],
        ["demo", "up", "--help"],
        ["env", "test", "--help"],
        ["explain", "--help"],
        ["audit", "list", "--help"],
        ["keys", "create", "--help"],
        ["users", "show", "--help"],
        ["spatial", "export", "--help"],
    ],
    ids=" ".join,
)
def test_what_only_prints_imports_nothing_heavy(arguments: list[str]) -> None:
    code, names = imported(*arguments)
    assert code == 0
    assert "click" in names
    assert not names & HEAVY


def test_completing_a_word_imports_nothing_heavy() -> None:
    words = {"_DBCONSOLE_COMPLETE": "bash_complete", "COMP_WORDS": "dbconsole pools --", "COMP_CWORD": "2"}
    code, names = imported(environ=words)
    assert code == 0
    assert not names & HEAVY


def test_settings_and_target_import_no_driver_and_nothing_that_draws() -> None:
    code, names = imported("pools", "postgresql://db1:x")
    assert code == 2
    assert not names & {"alembic", "keyring", "plotext", "sqlalchemy", "textual"}


FIRST_FRAME = """
import json, sys
from console.app import ConsoleApp
from console.commands import launch
from console.errors import BadSetting

def services(complain):
    # Called when the first frame has been painted; the console then leaves again.
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
    raise BadSetting("enough")

app = ConsoleApp(services, screen=sys.argv[1])
app.run(headless=True, size=(120, 40))
assert app.refusal is not None
"""


@pytest.mark.parametrize("screen", ["pools", "activity", "migrations"])
def test_the_first_frame_waits_for_textual_alone(screen: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_FRAME, screen],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "TERM": "xterm-256color"},
    )
    names = set(json.loads(done.stdout.splitlines()[0]))
    assert "textual" in names
    assert names & HEAVY == {"textual", "rich", "asyncio"}


def test_watching_does_not_pay_for_migrations() -> None:
    """The first row comes after the services: two dozen more models would cost it 10 ms."""
    program = (
        "import sys, console.data.services; print(*(name for name in sys.modules if 'migrations' in name))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == []
