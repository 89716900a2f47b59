"""What is explained where a person wants the plan of what a session runs."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from console.errors import BadInput, OperationRefused, QueryFailed
from console.models.activity import ActivitySnapshot, Session
from console.models.plans import PlanRequest

if TYPE_CHECKING:
    from console.data.services import Services


async def plan_request(services: Services, session: Session, snapshot: ActivitySnapshot) -> PlanRequest:
    """The whole statement that the session runs, or ran last, with where and as whom.

    Raises `OperationRefused` where there is no statement to be seen; `ConnectionLost` or `QueryFailed`.
    """
    if not session.is_client:
        raise OperationRefused(
            f"pid {session.pid} is a process of the server itself: it runs no statement with a plan."
        )
    if session.is_hidden:
        raise OperationRefused(
            f"What pid {session.pid} runs is hidden from this role. {services.server.missing_right}"
        )
    detail = await services.activity.detail(session, snapshot)
    if detail is None:
        raise OperationRefused(f"pid {session.pid} has gone.")
    if not detail.query.strip():
        raise OperationRefused(f"pid {session.pid} has run nothing yet.")
    if detail.is_cut and detail.query_id is not None:
        # pg_stat_statements has the whole text, if with parameters for the values.
        with suppress(BadInput, QueryFailed):
            found = await services.statements.find(detail.query_id)
            mine = [one for one in found if (one.user, one.database) == (session.user, session.database)]
            return (mine or found)[0]
    return PlanRequest(
        detail.query, session.database or "", session.user or "", detail.query_id, is_cut=detail.is_cut
    )
