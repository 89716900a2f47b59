"""Keys that a person has given to commands, and what is said of those that cannot be used."""

from __future__ import annotations

import pytest

from console.app import ConsoleApp
from console.screens.keymap import keymap


@pytest.mark.parametrize(
    ("keys", "used", "complaints"),
    [
        ({"activity.terminate": "K", "spatial.measure": "f9"}, {"activity.terminate", "spatial.measure"}, []),
        (
            {"activity.terminat": "K"},
            set(),
            ["[keys] names activity.terminat, which is no command; did you mean activity.terminate?"],
        ),
        (
            {"activity.terminate": "q"},
            {"activity.terminate"},
            ["[keys] gives q to both quit and activity.terminate: only one can have it."],
        ),
        (
            {"activity.terminate": "f9", "migrations.verify": "f9"},
            {"activity.terminate", "migrations.verify"},
            [],
        ),
    ],
)
def test_keys_of_commands(keys: dict[str, str], used: set[str], complaints: list[str]) -> None:
    said: list[str] = []
    assert set(keymap(keys, ConsoleApp, said.append)) == used
    assert said == complaints
