"""What a map says of itself."""

from __future__ import annotations

import pytest

from console.models.map_view import MapView
from console.widgets.map_scale import metres_per_degree, place_in_words, scale_bar, zoom_in_words


def test_degrees_are_as_long_as_on_the_spheroid() -> None:
    # PostGIS: ST_Distance of geographies a degree apart, halved around the latitude.
    assert metres_per_degree(0) == pytest.approx((111_319.49, 110_574.28), abs=0.1)
    assert metres_per_degree(60) == pytest.approx((55_799.98, 111_412.28), abs=1)
    assert metres_per_degree(-60) == metres_per_degree(60)


@pytest.mark.parametrize(
    ("view", "bar", "place", "zoom"),
    [
        (MapView(10.75, 59.91, 1e-5, 4326, True), (9, "10 m"), "10.75000, 59.91000", "z 17"),
        (MapView(0, 0, 1.5, 4326, True), (15, "5,000 km"), "0, 0", "z 0"),
        (MapView(0, 0, 1e-9, 4326, True), (9, "2 mm"), "0.000000000, 0.000000000", "z 30"),
        (MapView(-0.04, 90, 0.5, 4326, True), (10, "2 km"), "0.0, 90.0", "z 1"),
        (MapView(1_234_567.8, -3, 30, None), (8, "500 units"), "1234568, -3", "30 a dot"),
        (MapView(0.25, 0, 0.03125, None), (16, "1 unit"), "0.25, 0.00", "0.0312 a dot"),
        (MapView(0, 0, 1234.5, 25833), (8, "20,000 units"), "0, 0", "1,234 a dot"),
        (MapView(0, 0, 0.59716, 3857), (8, "10 units"), "0.0, 0.0", "z 18"),
    ],
)
def test_scale_place_and_zoom(view: MapView, bar: tuple[int, str], place: str, zoom: str) -> None:
    found = scale_bar(view)
    assert (tuple(found), place_in_words(view, view.x, view.y), zoom_in_words(view)) == (bar, place, zoom)
    assert len(found.text) == found.cells + 1 + len(found.words)
