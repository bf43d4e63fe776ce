"""The situation's row, on which its decider, pruning and configuration wait for each other."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from monitor.errors import StoreBusy
from monitor.store.schema import situations
from monitor.store.statements import insert_new

_HOLD = select(situations.c.decisions).where(situations.c.id == bindparam("of")).with_for_update()
_COUNT_ON = (
    update(situations)
    .where(situations.c.id == bindparam("of"), situations.c.decisions == bindparam("seen"))
    .values(decisions=situations.c.decisions + 1)
)


def hold(connection: Connection, situation: str) -> int:
    """Return how often the situation was decided; on PostgreSQL this locks its row until the transaction ends."""
    decisions = connection.execute(_HOLD, {"of": situation}).scalar()
    if decisions is None:
        row = {"id": situation, "decisions": 0, "watches_synced": False}
        connection.execute(insert_new(situations, connection.dialect.name), row)
        decisions = connection.execute(_HOLD, {"of": situation}).scalar_one()
    return int(decisions)


def count_on(connection: Connection, situation: str, seen: int) -> None:
    """Raise the number, or raise `StoreBusy` when somebody else did since it was `seen`."""
    if connection.execute(_COUNT_ON, {"of": situation, "seen": seen}).rowcount != 1:
        raise StoreBusy(
            f"another process changed the reports of {situation} at the same time; this batch is decided again"
        )
