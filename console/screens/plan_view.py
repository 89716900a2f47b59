"""The tree of a plan, and with it one of what can be known about it: a node, the tables, indexes to try, the statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from console.models.plans import IndexCandidate, Plan, PlanNode, PlanTable
from console.screens.plan_columns import node_columns, node_tone, table_columns, table_tone
from console.screens.plan_indexes import IndexesPane
from console.screens.plan_text import node_sections, statement_parts
from console.widgets.detail import DetailPane
from console.widgets.live_table import LiveTable
from console.widgets.sql_view import SqlView

Pane: TypeAlias = Literal["node", "tables", "indexes", "statement"]
PANES: tuple[Pane, ...] = ("node", "tables", "indexes", "statement")


class PlanView(Container):
    """Two panes: nodes, and one of `PANES` below or beside them."""

    def __init__(self, now: Callable[[], datetime], *, id: str | None = None) -> None:
        """Ages are counted from `now`."""
        super().__init__(id=id)
        self._now = now

    def compose(self) -> ComposeResult:
        yield LiveTable[PlanNode](
            (), lambda node: node.number, row_style=node_tone, sortable=False, id="plan-nodes"
        )
        with ContentSwitcher(initial="plan-node", id="plan-pane"):
            yield DetailPane(id="plan-node")
            yield LiveTable[PlanTable](
                table_columns(self._now),
                lambda table: (table.schema, table.name),
                row_style=table_tone,
                empty=Content("It reads no table."),
                id="plan-tables",
            )
            yield IndexesPane(id="plan-indexes")
            yield SqlView(id="plan-statement")

    def on_mount(self) -> None:
        self._name_panes()

    @property
    def nodes(self) -> LiveTable[PlanNode]:
        """The tree."""
        return self.query_one("#plan-nodes", LiveTable)

    @property
    def indexes(self) -> IndexesPane:
        """The candidates."""
        return self.query_one(IndexesPane)

    @property
    def pane(self) -> Pane:
        """What is shown with the tree."""
        shown = self.query_one("#plan-pane", ContentSwitcher).current
        return next(pane for pane in PANES if shown == f"plan-{pane}")

    def show(self, plan: Plan) -> None:
        """Shows a plan, the cursor on the node that costs the most by itself."""
        self.nodes.replace_columns(node_columns(plan))
        self.nodes.update_rows(plan.nodes)
        self.query_one("#plan-tables", LiveTable).update_rows(plan.tables)
        self.nodes.move_to(plan.widest.number)
        self._show_node()

    def show_statement(self, statement: str, plan: Plan) -> None:
        """Shows the statement of the plan."""
        view = self.query_one("#plan-statement", SqlView)
        view.show(f"search_path = {plan.search_path}", statement_parts(statement, plan))

    def show_pane(self, pane: Pane) -> None:
        """Shows something else with the tree, and goes there; for a node, which follows the cursor, to the tree."""
        self.query_one("#plan-pane", ContentSwitcher).current = f"plan-{pane}"
        self._name_panes()
        places: dict[Pane, Widget] = {
            "node": self.nodes,
            "tables": self.query_one("#plan-tables"),
            "indexes": self.indexes.table,
            "statement": self.query_one("#plan-statement"),
        }
        places[pane].focus()

    def _name_panes(self) -> None:
        names = [
            Content.styled(f" {pane} ", "bold reverse") if pane == self.pane else Content(f" {pane} ")
            for pane in PANES
        ]
        self.query_one("#plan-pane").border_title = Content("").join(names)

    @on(LiveTable.RowHighlighted, "#plan-nodes")
    def _show_node(self) -> None:
        node = self.nodes.cursor_row
        if node is not None:
            self.query_one("#plan-node", DetailPane).show(node.title, node_sections(node))

    @on(LiveTable.RowSelected)
    def _go_to(self, event: LiveTable.RowSelected) -> None:
        """From a node to all that is known of it, from a table to the first node that reads it."""
        row = event.row
        if isinstance(row, PlanNode):
            self.show_pane("node")
            return
        assert isinstance(row, PlanTable | IndexCandidate), "there are no other tables"
        relation = (row.schema, row.name if isinstance(row, PlanTable) else row.table)
        found = (node for node in self.nodes.rows if (node.schema or row.schema, node.relation) == relation)
        if (node := next(found, None)) is not None:
            self.nodes.move_to(node.number)
