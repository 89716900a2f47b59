from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import pytest

from console import units
from console.units import DAY, HOUR, MINUTE, YEAR


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (-0.4, "0.0 s"),
        (0.2, "0.2 s"),
        (4.1, "4.1 s"),
        (9.99, "9.9 s"),
        (10, "10 s"),
        (59.99, "59 s"),
        (MINUTE, "1m00s"),
        (131, "2m11s"),
        (HOUR - 0.001, "59m59s"),
        (HOUR, "1h00m"),
        (HOUR + 5 * MINUTE + 59, "1h05m"),
        (DAY, "1d00h"),
        (3 * DAY + 4 * HOUR, "3d04h"),
        (10 * DAY, "10 d"),
        (2 * YEAR - 1, "729 d"),
        (2 * YEAR, "2 y"),
    ],
)
def test_a_duration_is_said_in_its_own_units_and_rounded_down(seconds: float, said: str) -> None:
    assert units.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (1e-9, "<1 µs"),
        (0.00005, "50 µs"),
        (0.0009996, "1.0 ms"),
        (0.0031, "3.1 ms"),
        (0.00996, "10 ms"),
        (0.212, "212 ms"),
        (0.9996, "1.0 s"),
        (1.9, "1.9 s"),
        (14.2, "14 s"),
        (131, "2m11s"),
    ],
)
def test_a_latency_keeps_its_small_units(seconds: float, said: str) -> None:
    assert units.latency(seconds) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1023.6 * 1024, "1.0 MiB"),
        (512 * 1024**2, "512 MiB"),
        (41.2 * 1024**3, "41.2 GiB"),
        (-8192, "-8.0 KiB"),
        (2000 * 1024**6, "2,000 EiB"),
    ],
)
def test_bytes_are_binary(amount: float, said: str) -> None:
    assert units.bytes_binary(amount) == said


@pytest.mark.parametrize(
    ("say", "number", "said"),
    [
        (units.count, 1204, "1,204"),
        (units.compact, 999, "999"),
        (units.compact, 999.6, "1.0 k"),
        (units.compact, 48_100, "48.1 k"),
        (units.compact, 481_000, "481 k"),
        (units.compact, 999_600, "1.0 M"),
        (units.compact, 1_100_000_000, "1.1 G"),
        (units.rate, 0, "0"),
        (units.rate, 0.01, "<0.1"),
        (units.rate, 8.13, "8.1"),
        (units.rate, 9.96, "10"),
        (units.rate, 1204, "1,204"),
        (units.rate, 48_100, "48.1 k"),
        (units.percent, 0, "0.0 %"),
        (units.percent, 0.992, "99.2 %"),
        (units.percent, 1, "100.0 %"),
        (units.percent, 0.00001, "<0.1 %"),
        (units.percent, 0.99999, ">99.9 %"),
    ],
)
def test_numbers(say: Callable[[float], str], number: float, said: str) -> None:
    assert say(number) == said


def test_per_cent_without_digits() -> None:
    assert units.percent(0.83, digits=0) == "83 %"
    assert units.percent(0.999, digits=0) == ">99 %"


@pytest.mark.parametrize(
    "say",
    [
        units.duration,
        units.latency,
        units.bytes_binary,
        units.count,
        units.compact,
        units.rate,
        units.percent,
    ],
)
@pytest.mark.parametrize("unknown", [None, nan, inf])
def test_what_is_not_known_is_a_dash(say: Callable[[float | None], str], unknown: float | None) -> None:
    assert say(unknown) == "–"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (0.00123456, "0.001235"),
        (12.3456, "12.35"),
        (9999.4, "9,999"),
        (9999.7, "10,000"),
        (16_128.3, "16,128"),
        (6_640_123.4, "6,640,123"),
        (1e18, "1e+18"),
    ],
)
def test_a_measure_is_said_without_an_exponent_where_that_can_be_read(number: float, said: str) -> None:
    assert units.in_figures(number, 4) == said
