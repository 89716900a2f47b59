from __future__ import annotations

import base64
import re

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from console.errors import DbconsoleError
from console.terminal.clipboard import LIMIT, copy, sequence

TEXT = "SELECT 'naïve 漢字 🚀';"
ENCODED = base64.b64encode(TEXT.encode()).decode()


def test_plain_terminal() -> None:
    assert sequence(TEXT, {}) == f"\x1b]52;c;{ENCODED}\x07"


def test_tmux_gets_it_bare_and_passed_through() -> None:
    bare = f"\x1b]52;c;{ENCODED}\x07"
    assert sequence(TEXT, {"TMUX": "/tmp/tmux-0/default,1,0"}) == f"{bare}\x1bPtmux;\x1b{bare}\x1b\\"


def test_screen_gets_short_strings() -> None:
    wrapped = sequence(TEXT * 40, {"STY": "1234.pts-0.host"})
    strings = re.findall("\x1bP(.*?)\x1b\\\\", wrapped, re.DOTALL)
    assert len(strings) > 1
    assert max(map(len, strings)) <= 256
    assert "".join(strings) == sequence(TEXT * 40, {})


def test_a_long_text_is_refused_in_words() -> None:
    sequence("x" * LIMIT, {})
    with pytest.raises(DbconsoleError, match="100,001 bytes") as refusal:
        sequence("x" * (LIMIT + 1), {})
    assert "Export" in refusal.value.sentence


async def test_copying_keeps_nothing_in_the_app() -> None:
    class Terminal(HeadlessDriver):
        written = ""

        @property
        def is_headless(self) -> bool:
            return False

        def write(self, data: str) -> None:
            Terminal.written += data

    app: App[None] = App(driver_class=Terminal)

    async def act(_: object) -> None:
        copy(app, TEXT, {})
        app.exit()

    await app.run_async(size=(40, 10), auto_pilot=act)
    assert ENCODED in Terminal.written
    assert TEXT not in app.clipboard
