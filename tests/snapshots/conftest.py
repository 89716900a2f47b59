from __future__ import annotations

import re
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


def tested_textual() -> str:
    """The version of Textual that the pictures were drawn with."""
    found = re.search(r"^textual==(\S+)", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, "constraints.txt pins Textual"
    return found[1]


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Pictures drawn by another Textual differ in ways that are nobody's fault: they are not to be recorded."""
    if config.getoption("update_snapshots", default=False) and version("textual") != tested_textual():
        pytest.exit(
            f"Pictures are recorded with Textual {tested_textual()}, here is {version('textual')}.",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC."""
    with monkeypatch.context() as environment:
        environment.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
