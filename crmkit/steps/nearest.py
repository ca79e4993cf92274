"""Steps in their order by nearest-time joins: the quick way where the engine has them.

Only for plain funnels: each row is one step, none may be left out, nothing is excluded. The result
is that of the passes in `chain`, which every engine can do.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit.steps.matching import Matching
from crmkit.steps.rows import Marked, span
from crmkit.steps.step import Step

__all__ = ["can_join", "joined"]

_UNKNOWN = "\ue000"  # a letter of nobody


def can_join(events: ir.Table, steps: Sequence[Step], how: Matching) -> bool:
    """Whether the funnel is plain and the events lie where nearest-time joins are quick."""
    names = [step.event for step in steps]
    plain = (
        how.order == "ordered"
        and how.reentry == "latest"
        and not how.exclusions
        and not any(step.optional for step in steps)
        and None not in names
        and len(set(names)) == len(names)
    )
    return plain and events._find_backend(use_default=True).name == "duckdb"


def joined(marked: Marked, steps: Sequence[Step], how: Matching) -> ir.Table:
    """The attempt that tells of each stream: `reached`, `at_1` to `at_k`.

    A row of a step takes the newest attempt that got to the step before at its instant or earlier;
    an attempt makes each step at its first time. No two attempts get to a level at one instant, so
    the newest of a level is one, and so is the first to finish.
    """
    keys, last = list(marked.keys), len(steps)
    flags = [f"has_{level}" for level in range(1, last + 1)]
    levels, rows = [], marked.rows.select(*keys, "at", *flags)
    if "value" in keys:  # joins find no nulls
        rows = rows.mutate(value=ibis.coalesce(rows["value"], _UNKNOWN))
    nothing = ibis.null(rows["at"].type())
    reached = rows.filter(rows.has_1).select(*keys, at_1="at", now="at").distinct()
    for level in range(1, last + 1):
        if level > 1:
            reached = _next(rows, keys, reached, level, how)
        made = [reached[f"at_{i}"] for i in range(1, level + 1)]
        order = reached.now
        best = reached.group_by(keys).aggregate(
            **{
                f"at_{i}": at.argmin(order) if level == last else at.argmax(order)
                for i, at in enumerate(made, 1)
            }
        )
        levels.append(
            best.select(
                *keys,
                reached=ibis.literal(level, type="int64"),
                **{
                    f"at_{i}": best[f"at_{i}"] if i <= level else nothing
                    for i in range(1, last + 1)
                },
            )
        )
    every = ibis.union(*levels) if last > 1 else levels[0]
    found = every.group_by(keys).aggregate(
        reached=every.reached.max(),
        **{f"at_{i}": every[f"at_{i}"].argmax(every.reached) for i in range(1, last + 1)},
    )
    return found.mutate(value=found["value"].nullif(_UNKNOWN)) if "value" in keys else found


def _next(
    rows: ir.Table, keys: list[str], reached: ir.Table, level: int, how: Matching
) -> ir.Table:
    """The attempts that make a step: each at its first time for it."""
    done = rows.filter(rows[f"has_{level}"])
    done = done.select(**{f"my_{key}": key for key in keys}, my_at="at")
    same = [done[f"my_{key}"] == reached[key] for key in keys]
    found = done.asof_join(reached, done.my_at >= reached.now, same)
    found = found.filter(~found.at_1.isnull(), found.my_at <= found.at_1 + span(how))
    times = {f"at_{i}": found[f"at_{i}"].min() for i in range(2, level)}
    made = found.group_by([*(f"my_{key}" for key in keys), "at_1"]).aggregate(
        now=found.my_at.min(), **times
    )
    return made.select(
        **{key: f"my_{key}" for key in keys},
        **{f"at_{i}": f"at_{i}" for i in range(1, level)},
        **{f"at_{level}": "now"},
        now="now",
    )
