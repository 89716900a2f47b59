"""Which layers a database has."""

from __future__ import annotations

from console.data.spatial.context import SpatialContext
from console.models.health import Vitals
from console.models.layers import SpatialSnapshot


class Layers:
    """The columns with geometry of one database."""

    def __init__(self, context: SpatialContext) -> None:
        self._context = context

    async def sample(self, vitals: Vitals | None = None) -> SpatialSnapshot:
        """The layers as they are now.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        return SpatialSnapshot(self._context.clock.now(), (), None, None, (), vitals)
