"""Times as they are given on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from console.commands.moments import end, length, moment_ago, required_length
from console.errors import BadInput

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30m", timedelta(minutes=30)),
        ("24H", timedelta(hours=24)),
        (" 7d ", timedelta(days=7)),
        ("2w", timedelta(days=14)),
        ("7", None),
        ("-7d", None),
        ("1y", None),
        ("9999999d", None),
        ("٧d", timedelta(days=7)),
    ],
)
def test_lengths(text: str, found: timedelta | None) -> None:
    assert length(text) == found


def test_no_length_is_one_sentence() -> None:
    assert required_length("0", "--grace") == timedelta()
    with pytest.raises(BadInput, match=r"^--grace: '24' is not a length such as 30m, 24h, 7d or 0\.$"):
        required_length("24", "--grace")


def test_a_moment_ago() -> None:
    assert moment_ago("7d", "--since", NOW) == NOW - timedelta(days=7)
    assert moment_ago("2026-02-01T10:00+02:00", "--since", NOW) == datetime(2026, 2, 1, 8, tzinfo=UTC)
    day = moment_ago("2026-02-01", "--since", NOW)
    assert day == datetime(2026, 2, 1).astimezone()
    assert day.tzinfo is not None


def test_an_end() -> None:
    assert end("90", "--expires", NOW) == NOW + timedelta(days=90)
    assert end("12h", "--expires", NOW) == NOW + timedelta(hours=12)
    assert end("Never", "--expires", NOW) is None
    assert end("2026-12-31", "--expires", NOW) == datetime(2026, 12, 31, 23, 59, 59, 999999).astimezone()
    there = datetime(2026, 12, 31, 18, tzinfo=timezone(timedelta(hours=5)))
    assert end("2026-12-31T18:00+05:00", "--expires", NOW) == there


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "999999w", "0001-01-01T00:00+14:00x", "\x1b[2J"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadInput, match=r"^--expires: [^\n\x1b]* is no end; "):
        end(text, "--expires", NOW)
    with pytest.raises(BadInput, match=r"^--since: [^\n\x1b]* is no time; "):
        moment_ago(text, "--since", NOW)
