from __future__ import annotations

import io
import subprocess
import sys

import pytest

from console.errors import TerminalUnfit
from console.terminal.fitness import check_terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_fits() -> None:
    check_terminal({"TERM": "xterm-256color"}, Terminal(), Terminal())


@pytest.mark.parametrize(
    ("environment", "word"),
    [({"TERM": "dumb"}, "TERM=dumb"), ({"TERM": ""}, "TERM is not set"), ({}, "TERM")],
)
def test_a_terminal_that_cannot_be_painted_on(environment: dict[str, str], word: str) -> None:
    with pytest.raises(TerminalUnfit, match=word) as refusal:
        check_terminal(environment, Terminal(), Terminal())
    assert refusal.value.exit_code == 2
    assert "dbconsole pools --json" in refusal.value.sentence


def test_no_terminal_names_the_headless_commands() -> None:
    closed = io.StringIO()
    closed.close()
    for stdin, stdout, name in (
        (io.StringIO(), Terminal(), "input"),
        (Terminal(), io.StringIO(), "output"),
        (Terminal(), closed, "output"),
    ):
        with pytest.raises(TerminalUnfit, match=f"standard {name}.*dbconsole activity --json"):
            check_terminal({"TERM": "xterm"}, stdin, stdout)


def test_the_check_does_not_import_textual() -> None:
    program = (
        "import sys, console.terminal.fitness, console.terminal.safe_text\n"
        "sys.exit(any(name.split('.')[0] in ('textual', 'rich') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 0
