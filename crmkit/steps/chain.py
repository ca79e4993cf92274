"""Steps in their order: one pass a step over the stream, each carrying the newest attempt.

An attempt begins at a row of the first step. At every level (the number of the last step made) the
newest attempt that got there replaces the older ones, which could do no better: it began later,
so its window ends later. A row of step j takes the newest attempt of the level before to level j,
if its window is still open and nothing excluded happened since. All that a pass must remember of
a level is when its newest attempt began, and at which instants it made its steps.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit.steps.matching import Matching
from crmkit.steps.rows import NEVER, Marked, span, with_exclusions
from crmkit.steps.step import Step

__all__ = ["chained"]


def chained(marked: Marked, steps: Sequence[Step], how: Matching) -> ir.Table:
    """The rows at which an attempt got to a level: `level`, `at_1` to `at_k`, and the stream."""
    chain = _Chain(marked, steps, how)
    for level in range(1, len(steps) + 1):
        chain.arrive(level)
        chain.remember(level)
    return chain.arrivals()


class _Chain:
    def __init__(self, marked: Marked, steps: Sequence[Step], how: Matching) -> None:
        self.steps, self.how = steps, how
        self.keys, self.earlier = list(marked.keys), marked.earlier()
        self.rows = with_exclusions(marked, len(how.exclusions))
        if how.reentry == "first":
            first = ibis.ifelse(self.rows.has_1, self.rows.at, ibis.null("timestamp")).min()
            self.rows = self.rows.mutate(first=first.over(group_by=self.keys))
            only = self.rows.has_1 & (self.rows.at == self.rows["first"])
            self.rows = self.rows.mutate(has_1=only).drop("first")

    def arrive(self, level: int) -> None:
        """Add `start_<level>`, the beginning of the attempt that gets to the level at the row."""
        rows, has = self.rows, self.rows[f"has_{level}"]
        if level == 1:
            self.rows = rows.mutate(start_1=has.ifelse(rows.at, ibis.null("timestamp")))
            return
        before = self._levels_before(level)
        newest = (
            ibis.greatest(*(rows[f"newest_{p}"] for p in before))
            if len(before) > 1
            else rows[f"newest_{before[0]}"]
        )
        rows = rows.mutate(newest=newest)
        came = ibis.cases(
            *((rows[f"newest_{p}"] == rows.newest, p) for p in before), else_=before[-1]
        )
        rows = rows.mutate(came=came.cast("int64"))
        free = [(rows.came != p) | self._unspoiled(rows, p) for p in before]
        made = has & (rows.newest > ibis.literal(NEVER)) & ibis.and_(*free)
        made &= rows.at <= rows.newest + span(self.how)
        start = made.ifelse(rows.newest, ibis.null("timestamp"))
        rows = rows.mutate(**{f"start_{level}": start})
        times = {
            f"at_{level}_{i}": ibis.cases(
                *((rows.came == p, rows[f"newest_{p}_{i}"]) for p in before if i <= p),
                else_=ibis.literal(NEVER),
            )
            for i in range(2, level)
        }
        self.rows = rows.mutate(**times).drop("newest", "came")

    def remember(self, level: int) -> None:
        """Add `newest_<level>`, as of the rows before, and when its steps were made."""
        rows, never = self.rows, ibis.literal(NEVER)
        start = rows[f"start_{level}"]
        if level == len(self.steps) and not self._drops_users():
            # Of those that finish only the first is told, and it needs no memory.
            self.rows = rows.mutate(**{f"new_{level}": ~start.isnull()})
            return
        newest = ibis.coalesce(start.max().over(self.earlier), never)
        rows = rows.mutate(**{f"newest_{level}": newest})
        new = (start > rows[f"newest_{level}"]).fill_null(False)
        rows = self.rows = rows.mutate(**{f"new_{level}": new})
        carried = {
            f"newest_{level}_{i}": ibis.coalesce(self._last(level, i).over(self.earlier), never)
            for i in range(2 if level > 1 or not self._needs_instants() else 1, level + 1)
        }
        self.rows = rows.mutate(**carried) if carried else rows

    def _last(self, level: int, step: int) -> ir.TimestampValue:
        """When the newest attempt at a level made a step.

        A newer attempt makes no step earlier than an older one, so the latest instant is that of
        the newest; but an optional step it may have left out.
        """
        rows, nothing = self.rows, ibis.null("timestamp")
        at, new = rows.at if step == level else rows[f"at_{level}_{step}"], rows[f"new_{level}"]
        if self.steps[step - 1].optional:
            return at.argmax(new.ifelse(rows[f"start_{level}"], nothing))
        return new.ifelse(at, nothing).max()

    def arrivals(self) -> ir.Table:
        rows = self._without_spoiled_units()
        last = len(self.steps)
        credited = {m: rows[f"new_{m}"] & self._uncancelled(rows, m) for m in range(1, last + 1)}
        level = ibis.cases(*((credited[m], m) for m in reversed(credited)), else_=0)
        rows = rows.mutate(level=level.cast("int64")).filter(ibis._.level > 0)
        nothing, never = ibis.null("timestamp"), ibis.literal(NEVER)
        times = {
            "at_1": ibis.cases(
                *((rows.level == m, rows[f"start_{m}"]) for m in credited), else_=nothing
            )
        }
        for i in range(2, last + 1):
            made = [(rows.level == i, rows.at)]
            made += [
                (rows.level == m, rows[f"at_{m}_{i}"].nullif(never)) for m in range(i + 1, last + 1)
            ]
            times[f"at_{i}"] = ibis.cases(*made, else_=nothing)
        kept = [*self.keys, "at", "place", "event_id", "level"]
        return rows.select(*kept, **times)

    def _needs_instants(self) -> bool:
        return self.how.order == "strict" or bool(self.how.exclusions)

    def _drops_users(self) -> bool:
        return any(exclusion.mode == "drop_user" for exclusion in self.how.exclusions)

    def _levels_before(self, level: int) -> list[int]:
        """The levels from which a step may be made: optional ones between may be left out."""
        found = [level - 1]
        while self.steps[found[-1] - 1].optional:
            found.append(found[-1] - 1)
        return found

    def _unspoiled(self, rows: ir.Table, level: int) -> ir.BooleanValue:
        """Whether nothing excluded happened since the newest attempt got to a level."""
        free: list[ir.BooleanValue] = []
        if self._needs_instants():
            since = self._since(rows, level)
        if self.how.order == "strict":
            free.append(rows.before <= since)
        for e, exclusion in enumerate(self.how.exclusions, 1):
            if exclusion.after <= level < exclusion.until(len(self.steps)):
                free.append(rows[f"last_out_{e}"] <= since)
        return ibis.and_(*free) if free else ibis.literal(value=True)

    @staticmethod
    def _since(rows: ir.Table, level: int) -> ir.TimestampValue:
        return rows[f"newest_{level}_{level}"]

    def _uncancelled(self, rows: ir.Table, level: int) -> ir.BooleanValue:
        """Whether no later exclusion of the window takes the attempt's steps away."""
        over = rows[f"start_{level}"] + span(self.how)
        free: list[ir.BooleanValue] = [
            (rows[f"next_out_{e}"].isnull()) | (rows[f"next_out_{e}"] > over)
            for e, exclusion in enumerate(self.how.exclusions, 1)
            if exclusion.mode == "drop_attempt"
            and exclusion.after <= level < exclusion.until(len(self.steps))
        ]
        return ibis.and_(*free) if free else ibis.literal(value=True)

    def _without_spoiled_units(self) -> ir.Table:
        rows = self.rows
        hits = [
            rows[f"out_{e}"] & self._hit(rows, exclusion.after, exclusion.until(len(self.steps)))
            for e, exclusion in enumerate(self.how.exclusions, 1)
            if exclusion.mode == "drop_user"
        ]
        if not hits:
            return rows
        rows = rows.mutate(hit=ibis.or_(*hits).ifelse(1, 0))
        rows = rows.mutate(hit=rows.hit.max().over(group_by=self.keys))
        return rows.filter(rows.hit == 0).drop("hit")

    def _hit(self, rows: ir.Table, after: int, until: int) -> ir.BooleanValue:
        """Whether an attempt is under way between two levels at the row."""
        last, never = len(self.steps), ibis.literal(NEVER)
        inside = []
        for level in range(after, until):
            newest = rows[f"newest_{level}"]
            at = (newest > never) & (rows.at <= newest + span(self.how))
            at &= self._since(rows, level) < rows.at
            at &= ibis.and_(*(rows[f"newest_{q}"] < newest for q in range(level + 1, last + 1)))
            inside.append(at)
        return ibis.or_(*inside) & (rows[f"newest_{last}"] == never)
