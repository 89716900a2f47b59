"""Which file answers to a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.data.queries import OLDEST_MAJOR, OWN_MARK, query, variants


def test_the_newest_variant_that_the_server_understands() -> None:
    plain, newer = variants()["sessions"][OLDEST_MAJOR].read_text(), variants()["sessions"][14].read_text()
    assert plain != newer
    assert query("sessions", 13) == f"{plain.rstrip()}\n{OWN_MARK}"
    assert query("sessions", 14) == query("sessions", 18) == f"{newer.rstrip()}\n{OWN_MARK}"
    assert query("terminate_session", 13) == query("terminate_session", 19)


def test_every_query_has_a_file_for_the_oldest_server() -> None:
    assert [name for name, files in variants().items() if OLDEST_MAJOR not in files] == []


def test_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        query("session", 18)


@pytest.mark.parametrize("path", [path for files in variants().values() for path in files.values()])
def test_a_file_is_one_select_that_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("-- ")
    statement = re.sub(r"--.*", "", text).strip()
    assert statement.startswith(("SELECT", "WITH"))
    assert ";" not in statement


@pytest.mark.parametrize("name", sorted(name for name, files in variants().items() if len(files) > 1))
def test_variants_of_a_query_take_the_same_arguments(name: str) -> None:
    """A service asks by name, and cannot know which variant will answer."""
    texts = [path.read_text() for path in variants()[name].values()]
    assert len({tuple(sorted(set(re.findall(r"\$\d", text)))) for text in texts}) == 1
