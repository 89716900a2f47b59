"""A map from memory, as it is at three in the morning."""

from __future__ import annotations

from datetime import UTC, datetime

from console.models.health import Vitals
from console.models.layers import SpatialSnapshot
from tests.fake_map_edits import FakeEdits

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def spatial_snapshot(vitals: Vitals | None = None) -> SpatialSnapshot:
    """A database without a layer."""
    return SpatialSnapshot(NOW, (), None, None, (), vitals)


class FakeMapLine:
    """No connection."""

    async def close(self) -> None:
        pass


class FakeSpatial:
    """The service Spatial without a server."""

    def __init__(self) -> None:
        self.edits = FakeEdits()
