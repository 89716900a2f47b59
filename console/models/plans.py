"""Plans of statements as `EXPLAIN` gives them, what stands out in them, the tables behind them, and indexes to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from console.models.operation import Operation


class PlanKind(Enum):
    """How a plan was come by; the value is what is shown."""

    GENERIC = "generic plan, not run"
    """For parameters of any value."""
    EXACT = "plan, not run"
    """For the values that stand in the text."""
    ANALYZED = "run and rolled back"
    """`EXPLAIN (ANALYZE, BUFFERS)`: the figures are what really happened."""


class Remark(Enum):
    """What stands out at a node."""

    BIG_SCAN = "big scan"
    MISESTIMATE = "misestimate"
    SPILL = "spill"
    """To disk: a sort, a hash."""
    FILTERED = "filtered"
    """Most rows that were read are thrown away."""
    LOSSY = "lossy"
    """A bitmap that had no room for single rows."""
    NEVER_RUN = "never run"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that stands out, with its figure."""

    remark: Remark
    text: str
    """Short, for a line of the tree: "41 M rows", "120 × more rows"."""


@dataclass(frozen=True, slots=True)
class Actual:
    """What really happened at a node. Rows and times are of all loops together."""

    rows: float
    loops: float
    time: float
    """Seconds, with the nodes below it; what several processes did at once counts once."""
    own_time: float
    """Seconds, without them."""
    rows_removed: float
    shared_hit: int
    shared_read: int
    temp_read: int
    temp_written: int


@dataclass(frozen=True, slots=True)
class PlanNode:
    """A node of a plan. Costs are in the planner's own units."""

    number: int
    """Its place in the plan, from 0 at the root, in the order of the drawing."""
    title: str
    """As EXPLAIN's text has it: "Index Scan using orders_pkey on orders o"."""
    branch: str
    """What is drawn before the title: `│  └─ `."""
    depth: int
    startup_cost: float
    total_cost: float
    own_cost: float
    """What of the root's cost is its own, without the nodes below it, with its repetitions in a nested loop."""
    share: float
    """Of the whole plan, 0 to 1: of its time where it was run, else of its cost."""
    rows: float
    """Estimated, a loop."""
    width: int
    """Bytes of a row, estimated."""
    schema: str | None
    relation: str | None
    alias: str | None
    index: str | None
    actual: Actual | None
    marks: tuple[Mark, ...]
    details: tuple[tuple[str, str], ...]
    """All else that EXPLAIN says of it, by EXPLAIN's own names: ("Filter", "(o.state = $1)")."""


@dataclass(frozen=True, slots=True)
class PlanTable:
    """A relation in a plan. Sizes are in bytes; None is what is not known, or not for this role."""

    schema: str
    name: str
    kind: str
    """"table", "partitioned table", "materialized view", "foreign table" …"""
    size: int | None
    """With its indexes and TOAST."""
    table_size: int | None
    rows: float | None
    """Estimated; None where it was never analyzed."""
    dead_rows: int | None
    sequential_scans: int | None
    index_scans: int | None
    last_vacuum: datetime | None
    """By hand or by autovacuum, whichever came last. Likewise `last_analyze`."""
    last_analyze: datetime | None
    modified_since_analyze: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with all that is said of it."""

    statement: str
    """What was explained, as it was handed to EXPLAIN."""
    kind: PlanKind
    nodes: tuple[PlanNode, ...]
    """In the order of the drawing; the first is the root."""
    tables: tuple[PlanTable, ...]
    json: str
    """As the server gave it, indented."""
    text: str
    """As EXPLAIN's text format has it."""
    database: str
    role: str
    """As whom it was planned."""
    search_path: str
    planning_time: float | None
    """Seconds."""
    execution_time: float | None
    settings: Mapping[str, str]
    """Planner settings that are not at their defaults."""
    notes: tuple[str, ...]
    """What a person should know of how the plan was come by, a sentence each: a word that was replaced, a role that could
    not be taken on."""
    parameters: tuple[str, ...] = ()
    """The types of the statement's parameters, $1 first, as the server names them: what running it needs values for."""

    @property
    def root(self) -> PlanNode:
        """The node above all others."""
        return self.nodes[0]

    @property
    def widest(self) -> PlanNode:
        """The node that costs the most by itself."""
        return max(self.nodes, key=lambda node: node.share)

    def walk(self) -> Iterator[PlanNode]:
        """Every node, in the order of the drawing."""
        return iter(self.nodes)


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A statement to be explained, and where it ran."""

    text: str
    database: str
    """Where its names are looked up; it may be another one than the console's."""
    user: str
    """Who ran it."""
    query_id: int | None = None
    rows_per_call: float | None = None
    """What it gives on average, as `pg_stat_statements` counts it, to hold against the estimate."""
    seconds_per_call: float | None = None
    """How long it takes on average, to be told before it is run."""
    is_cut: bool = False
    """Whether the text is known to end in the middle."""


@dataclass(frozen=True, slots=True)
class Explaining:
    """How a statement would be explained."""

    request: PlanRequest
    reads_only: bool
    """Whether planning it takes no lock stronger than AccessShare. Where it is not, a person has to be asked."""
    operation: Operation | None
    """What is to be confirmed first; None where nothing is."""


@dataclass(frozen=True, slots=True)
class IndexCandidate:
    """An index that might help, and what the planner says of it."""

    schema: str
    table: str
    columns: tuple[str, ...]
    """As `CREATE INDEX` has them: quoted names, or expressions in parentheses."""
    condition: str | None
    """Of a partial index."""
    reason: str
    """Which parts of the plan it is made of: "filter o.state, join o.customer_id"."""
    statement: str
    """`CREATE INDEX CONCURRENTLY …`, to copy; of a partitioned table one for each partition, and what attaches them."""
    is_tried: bool
    cost_before: float | None
    cost_after: float | None
    """Of the whole statement, with this index alone; None where it could not be tried."""
    is_used: bool | None
    """Whether the plan with it uses it."""
    size: int | None
    """Estimated by hypopg, bytes."""

    @property
    def gain(self) -> float | None:
        """Part of the cost that it saves, 0 to 1."""
        if self.cost_before is None or self.cost_after is None or self.cost_before <= 0:
            return None
        return max(0.0, 1 - self.cost_after / self.cost_before)


@dataclass(frozen=True, slots=True)
class IndexAdvice:
    """Whether an index would help a statement."""

    candidates: tuple[IndexCandidate, ...]
    """The greatest gain first."""
    sentence: str
    """What was done: tried with hypopg, or why not, with the statement that would allow it."""
