"""What the screen Spatial and its commands ask. Imports NumPy: it is made when it is first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from console.data.spatial.checks import Checks
from console.data.spatial.constraints import Constraints
from console.data.spatial.context import SpatialContext
from console.data.spatial.detail import Details
from console.data.spatial.exports import Exports
from console.data.spatial.layers import Layers
from console.data.spatial.measuring import Measuring
from console.data.spatial.objects import Objects
from console.data.spatial.pictures import Pictures
from console.data.spatial.pyramids import Pyramids
from console.data.vitals import VitalsReader
from console.models.layers import SpatialSnapshot

if TYPE_CHECKING:
    from console.data.spatial.edits import Edits
    from console.data.spatial.imports import Imports


class SpatialService:
    """Layers, pictures and objects of one server, a part for each."""

    def __init__(self, context: SpatialContext, vitals: VitalsReader | None = None) -> None:
        """Without `vitals` its snapshots raise no alerts."""
        self.context = context
        self.layers = Layers(context)
        self.pyramids = Pyramids(context)
        self.constraints = Constraints(context)
        self.objects = Objects(context, Details(context, self.constraints))
        self.pictures = Pictures(context, self.layers, self.objects, self.pyramids)
        self.measuring = Measuring(context)
        self.checks = Checks(context)
        self.exports = Exports(context)
        self._vitals = vitals

    @cached_property
    def edits(self) -> Edits:
        """Changes of objects. Imports SQLAlchemy: ask for it in a thread."""
        from console.data.spatial.edits import Edits

        return Edits(self.context)

    @cached_property
    def imports(self) -> Imports:
        """Files for a layer. Imports SQLAlchemy: ask for it in a thread."""
        from console.data.spatial.imports import Imports

        return Imports(self.context, self.layers.extent)

    async def sample(self) -> SpatialSnapshot:
        """Which layers there are. Pictures are asked for by themselves.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        vitals = await self._vitals.now() if self._vitals is not None else None
        return await self.layers.sample(vitals)
