"""The screen of the map as far as it says what is wrong: constraints that do not hold, and flaws of a layer."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work

from console.errors import DbconsoleError
from console.models.layers import Layer
from console.models.map_objects import Constraint, Finding, MapObject
from console.screens.spatial_objects import MOST_OBJECTS, SpatialObjects
from console.screens.spatial_text import constraint_sections, finding_sections
from console.units import count
from console.widgets.detail import DetailPane
from console.widgets.live_table import LiveTable

MOST_SELECTED = 20
"""Objects of a constraint that are marked on the map."""


class SpatialFindings(SpatialObjects):
    """Lists whose rows lead to the objects that they are about."""

    def close_side(self) -> None:
        self.workers.cancel_group(self, "findings")
        super().close_side()

    # Constraints --------------------------------------------------------------------------------------------------

    @work(group="findings", exclusive=True, exit_on_error=False)
    async def action_constraints(self) -> None:
        """List the constraints, and what does not hold of them. What cannot be asked is said."""
        at, services, layer = self.map_and_srid, self.services, self._cad_layer
        if at is None or services is None:
            return
        if layer is None:
            self._say("There are no constraints here: they are those of arxos_cad.objects.")
            return
        table = self.query_one("#constraints", LiveTable)
        self.show_side("constraints", "constraints …")
        try:
            found = await services.spatial.constraints.page(layer, at[1], limit=MOST_OBJECTS)
        except DbconsoleError as problem:
            self.side.say("constraints", problem.sentence)
            table.update_rows(())
            return
        table.update_rows(found)
        wrong = sum(bool(one.problems) for one in found)
        self.side.say("constraints", f"{count(len(found))} constraints, {count(wrong)} with problems")

    @on(LiveTable.RowHighlighted, "#constraints")
    def _show_constraint(self, event: LiveTable.RowHighlighted) -> None:
        one: Constraint | None = event.row
        pane = self.query_one("#constraint", DetailPane)
        pane.show(one.constraint_id if one else "", constraint_sections(one, self.unit) if one else ())

    @on(LiveTable.RowSelected, "#constraints")
    def _go_to_constraint(self, event: LiveTable.RowSelected) -> None:
        one: Constraint = event.row
        if self.map is None or one.extent is None:
            self._say("None of its objects is on the map.")
            return
        if (layer := self._cad_layer) is not None:
            self.stack.show(layer.name)
        self.map.fit(one.extent.grown(0.2))
        self._select_ids([each for each in one.object_ids if each not in one.missing])

    @property
    def _cad_layer(self) -> Layer | None:
        return next((one.layer for one in self.stack.layers if one.layer.is_cad), None)

    @work(group="choose", exclusive=True, exit_on_error=False)
    async def _select_ids(self, ids: Sequence[str]) -> None:
        """Selects the objects of a constraint. What cannot be asked is said."""
        at, services = self.map_and_srid, self.services
        layer = self._cad_layer
        if at is None or services is None or layer is None:
            return
        found: list[MapObject] = []
        try:
            for one in ids[:MOST_SELECTED]:
                found += await services.spatial.objects.find(layer, one, at[1], limit=1)
        except DbconsoleError as problem:
            self._say(problem.sentence)
        at[0].select(found)

    # Checks -------------------------------------------------------------------------------------------------------

    @work(group="findings", exclusive=True, exit_on_error=False)
    async def action_checks(self) -> None:
        """Look for what is wrong with the active layer. A check that cannot be made is said."""
        at, active, services = self.map_and_srid, self.active, self.services
        if at is None or active is None or services is None:
            return
        table = self.query_one("#findings", LiveTable)
        table.update_rows(())
        self.show_side("findings", f"checking {active.name.table} …")
        found: list[Finding] = []
        try:
            async for finding in services.spatial.checks.run(active.layer, at[1]):
                found.append(finding)
                table.update_rows(tuple(found))
        except DbconsoleError as problem:
            self.side.say("findings", problem.sentence)
            return
        wrong = sum(bool(one.count) for one in found)
        said = f"{count(wrong)} of {count(len(found))} checks of {active.name.table} found something"
        self.side.say("findings", said)

    @on(LiveTable.RowHighlighted, "#findings")
    def _show_finding(self, event: LiveTable.RowHighlighted) -> None:
        one: Finding | None = event.row
        pane = self.query_one("#finding", DetailPane)
        pane.show(one.flaw.value if one else "", finding_sections(one) if one else ())

    @on(LiveTable.RowSelected, "#findings")
    def _list_examples(self, event: LiveTable.RowSelected) -> None:
        if event.row.examples:
            self.list_objects(event.row.examples, event.row.flaw.value)
