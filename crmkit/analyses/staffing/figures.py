"""The numbers of a staffing plan that a manager watches."""

from typing import TYPE_CHECKING

from crmkit.result import KeyFigure
from crmkit.text import say

if TYPE_CHECKING:
    from crmkit.analyses.staffing.result import Staffing

__all__ = ["key_figures"]


def key_figures(result: "Staffing") -> tuple[KeyFigure, ...]:
    """Calls, seats, paid hours, service level, lines, dial level."""
    figures = _inbound(result) if result.planned_in else []
    if result.outbound.known:
        figures.append(
            KeyFigure(
                name="dial_level",
                label=say("Lines dialled for each free agent"),
                value=float(result.outbound.own.level),
                kind="number",
                better="neither",
            )
        )
    if result.trunks:
        figures.append(
            KeyFigure(name="trunks", label=say("Lines"), value=result.trunks, better="neither")
        )
    return tuple(figures)


def _inbound(result: "Staffing") -> list[KeyFigure]:
    calls, low, high = result.calls
    history = tuple(float(week.sum()) for week in result.past_weeks.calls)
    levels = result.last_level
    return [
        KeyFigure(
            name="calls_expected",
            label=say("Calls expected next week"),
            value=calls,
            previous=history[-1],
            better="neither",
            history=history,
            low=low,
            high=high,
        ),
        KeyFigure(
            name="seats",
            label=say("Seats at the busiest time"),
            value=result.seats,
            better="neither",
        ),
        KeyFigure(
            name="paid_hours",
            label=say("Paid hours next week"),
            value=result.paid_hours,
            better="neither",
        ),
        KeyFigure(
            name="service_level_week",
            label=say("Service level last week"),
            value=levels[-1],
            previous=levels[-2] if len(levels) > 1 else None,
            kind="rate",
            history=levels[:-1],
        ),
    ]
