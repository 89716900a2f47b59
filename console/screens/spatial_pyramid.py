"""The screen of the map as far as counts are made ahead: building pyramids while the map is looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import work

from console.dialogs.choose import Choice, ChooseDialog
from console.errors import DbconsoleError
from console.models.layers import Layer
from console.screens.busy import is_busy
from console.screens.frame import Unfinished
from console.screens.spatial_findings import SpatialFindings
from console.units import bytes_binary, count

if TYPE_CHECKING:
    from console.data.spatial.pyramids import Pyramids
    from console.models.pyramids import Pyramid, PyramidProgress, PyramidState

_Way = Callable[["Pyramids", Layer], Awaitable[str | None]]
"""Does something with a layer's pyramid and says what was done; None when the person went back."""


class SpatialPyramid(SpatialFindings):
    """A pyramid is built behind the map, which goes on; the line above says how far it is."""

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_pyramid(self) -> None:
        """Say what pyramid the active layer has, and ask what is to be done with it. What cannot be done is said."""
        active, services = self.active, self.services
        if active is None or services is None:
            return
        layer, pyramids = active.layer, services.spatial.pyramids
        try:
            state = await pyramids.state(layer)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        title = f"{layer.name.table}: {pyramid_in_words(state.pyramid)}"
        chosen = await self.app.push_screen_wait(
            ChooseDialog[_Way | None](title, self._ways_to_build(state, is_building=is_busy(self, "pyramid")))
        )
        if chosen is None:
            return
        if chosen.value is None:
            self.workers.cancel_group(self, "pyramid")
        else:
            self._build(pyramids, layer, chosen.value)

    def _ways_to_build(self, state: PyramidState, *, is_building: bool) -> list[Choice[_Way | None]]:
        from console.models.pyramids import PyramidPlace

        if is_building:
            return [Choice(None, "stop building", "everything stays as it was")]
        is_stored = state.pyramid is not None and state.pyramid.place is PyramidPlace.DATABASE
        verb = "build it anew" if is_stored else "build it in the database"
        ways: list[Choice[_Way | None]] = [
            Choice(self._build_stored, verb, "reads the table once; everybody has it"),
            Choice(self._build_here, "count here", "in the console's memory, until it ends"),
        ]
        return [*ways, Choice(self._drop, "drop it")] if is_stored else ways

    @work(group="pyramid", exclusive=False, exit_on_error=False)
    async def _build(self, pyramids: Pyramids, layer: Layer, way: _Way) -> None:
        """Builds or drops a pyramid, and shows the map with what came of it. What cannot be done is said."""
        try:
            done = await way(pyramids, layer)
        except DbconsoleError as problem:
            self._say(problem.sentence)
            return
        finally:
            self._tell("")
        if done is not None:
            self._say(done, done=True)
            if self.map is not None:
                self.map.forget(layer.name)

    async def _build_stored(self, pyramids: Pyramids, layer: Layer) -> str | None:
        plan = await pyramids.building(layer)
        return (
            await pyramids.build(plan, self._tell_progress) if await self._confirms(plan.operation) else None
        )

    async def _build_here(self, pyramids: Pyramids, layer: Layer) -> str:
        return await pyramids.build_here(layer, self._tell_progress)

    async def _drop(self, pyramids: Pyramids, layer: Layer) -> str | None:
        plan = await pyramids.dropping(layer)
        return await pyramids.drop(plan) if await self._confirms(plan.operation) else None

    def _tell_progress(self, progress: PyramidProgress) -> None:
        self._tell(f"pyramid {progress.share:.0%}: {progress.doing}")

    def _tell(self, words: str) -> None:
        is_other = bool(words) != bool(self.building)
        self.building = words
        if is_other:
            self.post_message(
                Unfinished("A pyramid is being built, which leaving would end." if words else None)
            )
        self._show_lines()


def pyramid_in_words(pyramid: Pyramid | None) -> str:
    """What there is, how old it is and how far from the truth it may be."""
    if pyramid is None:
        return "no pyramid, so large extents are sampled"
    parts = [
        f"pyramid {pyramid.place.value} of {pyramid.built_at.astimezone():%Y-%m-%d %H:%M}",
        f"{count(pyramid.rows)} objects",
        bytes_binary(pyramid.size),
    ]
    if pyramid.changes:
        parts.append(f"{count(pyramid.changes)} rows changed since")
    return " · ".join(parts)
