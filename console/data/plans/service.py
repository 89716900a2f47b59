"""Plans of statements: what EXPLAIN says without running them, what it says after running one, which index would help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from console.data.audit import AuditFile
from console.data.plans import operations
from console.data.plans.advice import advice_on
from console.data.plans.assembly import Answer, plan_of
from console.data.plans.calls import HARMLESS, called_in
from console.data.plans.explain import Explainer
from console.data.plans.statement_text import cut_off, read
from console.data.plans.waiting import watched
from console.data.queries import query
from console.data.server import Server
from console.errors import DbconsoleError, OperationRefused
from console.models.operation import Operation, Outcome
from console.models.plans import Explaining, IndexAdvice, Plan, PlanKind, PlanRequest
from console.settings import Settings
from console.units import latency

LONGEST_ANALYSIS = 30.0
"""Seconds that a statement may run for its plan, unless the console's own limit is higher."""


class PlansService:
    """What the screen of a plan asks. Everything runs on a connection of its own, made for one errand."""

    def __init__(self, server: Server, settings: Settings, audit: AuditFile) -> None:
        self._server = server
        self._settings = settings
        self._audit = audit

    # Without running it -----------------------------------------------------------------------------------------

    def explaining(self, request: PlanRequest) -> Explaining:
        """How a statement would be explained; asks the server nothing.

        Raises `OperationRefused` for what EXPLAIN cannot take, and says why.
        """
        if request.is_cut:
            raise OperationRefused(cut_off())
        statement = read(request.text)
        if statement.effect.reads_only:
            return Explaining(request, True, None)
        capabilities = self._server.capabilities
        if statement.effect.lock and capabilities is not None and capabilities.in_recovery:
            raise OperationRefused(
                "A standby cannot plan what writes or locks rows, which needs a lock there; ask the primary."
            )
        return Explaining(request, False, operations.planning(request, statement, self._settings.timeouts))

    async def looked_at(self, explaining: Explaining) -> Explaining:
        """The same with what will really run, for a person to confirm: as whom, and under which settings.

        It takes no lock on what the statement names. Raises `OperationRefused`, `CannotConnect` or `QueryFailed`.
        """
        if explaining.operation is None:
            return explaining
        request = explaining.request
        statement = await asyncio.to_thread(read, request.text)
        async with self._explainer(request) as explainer:
            operation = operations.planning(request, statement, self._settings.timeouts, explainer)
        return replace(explaining, operation=operation)

    async def plan(self, explaining: Explaining) -> Plan:
        """The plan of a statement, which is not run.

        Where `explaining` has an operation, a person has confirmed it by now, and it is written down.

        Raises `OperationRefused`, `CannotConnect` or `QueryFailed`.
        """
        if explaining.operation is None:
            return await self._plan(explaining.request)
        return await self._recorded(explaining.operation, lambda: self._plan(explaining.request))

    async def _plan(self, request: PlanRequest) -> Plan:
        statement = await asyncio.to_thread(read, request.text)
        async with self._explainer(request) as explainer:
            prepared = await explainer.prepare(statement.query)
            answer = Answer(
                request=request,
                prepared=prepared,
                kind=PlanKind.GENERIC if prepared.parameters else PlanKind.EXACT,
                json=await explainer.explain(prepared),
                notes=tuple(filter(None, (explainer.role_note, *statement.notes, *prepared.notes))),
            )
            return await plan_of(explainer, answer)

    # Running it -------------------------------------------------------------------------------------------------

    @property
    def longest_analysis(self) -> float:
        """Seconds that a statement may run for its plan."""
        return max(LONGEST_ANALYSIS, self._settings.timeouts.statement)

    def refuse_running(self, request: PlanRequest) -> None:
        """Raises `OperationRefused` for a statement whose text tells that it must not be run for its plan."""
        operations.refuse_analysis(read(request.text).effect)

    async def check_running(self, plan: Plan, request: PlanRequest) -> None:
        """Raises `OperationRefused` where the statement of a plan must not be run for it, whatever its values are.

        Raises `CannotConnect` or `QueryFailed`, too.
        """
        await self._check_text(plan, request)
        async with self._explainer(request) as explainer:
            await self._check_calls(plan, explainer)

    async def analyze_operation(
        self, plan: Plan, request: PlanRequest, values: Sequence[str | None] = ()
    ) -> Operation:
        """What running the statement of a plan means, with these values for its parameters, for a person to confirm.

        A value is what stands between the quotes of a constant: `2024-01-01`, `{1,2}`; None is NULL.

        Raises `OperationRefused` where it must not be run, or not with these values, and says why; `CannotConnect` or
        `QueryFailed`.
        """
        await self._check_text(plan, request)
        operations.refuse_number(plan, values)
        async with self._explainer(request) as explainer:
            await self._check_calls(plan, explainer)
            await explainer.check_values(plan.parameters, values)
            script = explainer.script
        return operations.analysis(plan, request, values, self.longest_analysis, script)

    async def _check_text(self, plan: Plan, request: PlanRequest) -> None:
        statement = await asyncio.to_thread(read, request.text)
        operations.refuse_analysis(statement.effect, plan)

    async def _check_calls(self, plan: Plan, explainer: Explainer) -> None:
        calls = await asyncio.to_thread(called_in, plan)
        rows = await explainer.connection.fetch(
            query("plan_volatile", explainer.major),
            [schema for schema, _ in calls],
            [name for _, name in calls],
        )
        risky = [row for row in rows if row["schema"] != "pg_catalog" or row["name"] not in HARMLESS]
        if risky:
            names = ", ".join(f"{row['schema']}.{row['name']}()" for row in risky)
            raise OperationRefused(
                f"It is not run for its plan, because it calls {names}, which may do something each time."
            )

    async def analyze(
        self, operation: Operation, plan: Plan, request: PlanRequest, values: Sequence[str | None] = ()
    ) -> Plan:
        """Runs the statement of a plan, rolls back, and gives the plan with what happened; writes it down.

        Raises `OperationRefused` before anything is done when it cannot be recorded; `CannotConnect` or `QueryFailed`.
        """
        return await self._recorded(operation, lambda: self._analyze(plan, request, values))

    async def _analyze(self, plan: Plan, request: PlanRequest, values: Sequence[str | None]) -> Plan:
        async with self._explainer(request) as explainer:
            prepared = await explainer.prepare(plan.statement)
            answer = Answer(
                request=request,
                prepared=prepared,
                kind=PlanKind.ANALYZED,
                json=await explainer.analyze(prepared, values, self.longest_analysis),
                notes=plan.notes,
            )
            return await plan_of(explainer, answer)

    # Indexes ----------------------------------------------------------------------------------------------------

    async def advise(self, plan: Plan, request: PlanRequest) -> IndexAdvice:
        """Which indexes might help the statement of a plan. None is made, on the server or anywhere.

        Raises `OperationRefused`, `CannotConnect` or `QueryFailed`.
        """
        async with self._explainer(request) as explainer:
            return await advice_on(plan, explainer)

    # ------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _explainer(self, request: PlanRequest) -> AsyncIterator[Explainer]:
        async with (
            self._server.visit(request.database) as connection,
            Explainer.on(connection, request.user) as explainer,
            watched(self._server, explainer.pid, request.database, self._settings.timeouts.lock),
        ):
            yield explainer

    async def _recorded(self, operation: Operation, work: Callable[[], Awaitable[Plan]]) -> Plan:
        """Does it and writes down what became of it, also where it failed or was cancelled."""
        statement, name = ";\n".join(operation.statements), operation.object_name
        with self._audit.recording(operation, self._server) as record:
            try:
                plan = await work()
            except DbconsoleError as problem:
                record(statement, Outcome(name, False, problem.sentence))
                raise
            except asyncio.CancelledError:
                record(statement, Outcome(name, False, "Cancelled before its end."))
                raise
            took = f" in {latency(plan.execution_time)}" if plan.execution_time is not None else ""
            record(statement, Outcome(name, True, f"{plan.kind.value.capitalize()}{took}."))
        return plan
