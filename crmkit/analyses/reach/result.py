"""What `reach` gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.analyses.reach import words
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["Reach"]

_SURE = 0.05


@dataclass(frozen=True, kw_only=True)
class Reach(Result):
    """Attempts to reach a lead and the times to do it; see `reach` for the frames.

    `n` leads, `reached` of them in `tries` attempts; `earlier` leads left out, `no_lead` and
    `no_try` dials; `a` and `b` of the reachability with limits, `p_alike` that leads are alike;
    `stop`, the attempt from which on none is worth making (inf for never, nan if not known), with
    limits; `p_hours` and `p_weekdays`, that all times are alike; `starts`, the hours of the bands.
    """

    attempts: pd.DataFrame = field(repr=False)
    bands: pd.DataFrame = field(repr=False)
    weekdays: pd.DataFrame = field(repr=False)
    due: pd.DataFrame = field(repr=False)
    starts: tuple[int, ...]
    n: int
    reached: int
    tries: int
    earlier: int
    no_lead: int
    no_try: int
    a: float
    a_low: float
    a_high: float
    b: float
    b_low: float
    b_high: float
    p_alike: float
    stop: float
    stop_low: float
    stop_high: float
    p_hours: float
    p_weekdays: float
    as_of: str
    start: str | None
    most: int
    worth: float

    @property
    def empty(self) -> bool:
        """Whether no lead was tried."""
        return self.n == 0

    @property
    def differ(self) -> bool:
        """Whether leads differ in how easily they are reached."""
        return bool(self.p_alike < _SURE)

    def expected(self, failed: int) -> float:
        """The chance that the next attempt reaches a lead that so many attempts failed to reach."""
        if not self.differ:
            return self.reached / self.tries if self.reached else float("nan")
        return self.a / (self.a + self.b + failed)

    @property
    def best(self) -> int | None:
        """The position of the best band of hours, or None where no band is surely better."""
        return _best(self.bands, self.p_hours)

    @property
    def best_weekday(self) -> int | None:
        """The best weekday, 0 for Monday, or None where none is surely better."""
        return _best(self.weekdays, self.p_weekdays)

    def named(self, kind: str) -> pd.DataFrame:
        """The frame of hours or weekdays with a `label`."""
        if kind == "hours":
            names = [words.band_name(self.starts, int(k)) for k in self.bands.band]
            return self.bands.assign(label=names)
        return self.weekdays.assign(label=[words.weekday_name(k) for k in self.weekdays.band])

    @property
    def headline(self) -> str:
        """How many are reached, and what another attempt brings."""
        if self.empty:
            return say("No lead was called by {day}.", day=text.day(self.as_of))
        if not self.reached:
            return say(
                "None of {n} leads was reached in {tries} attempts.",
                n=number(self.n),
                tries=number(self.tries),
            )
        last = self.attempts[self.attempts.at_risk >= min(30, self.n)].iloc[-1]
        seen = {
            "k": number(last.attempt),
            "share": percent(last.cumulative),
            "span": span(last.cumulative_low, last.cumulative_high),
        }
        if not self.differ:
            return say(
                "After {k} attempts {share} ({span}) of leads are reached; nothing says that those "
                "left are harder to reach.",
                **seen,
            )
        return say(
            "After {k} attempts {share} ({span}) of leads are reached; the next attempt reaches "
            "{next} of those left, against {first} of fresh leads.",
            **seen,
            next=percent(self.expected(int(last.attempt))),
            first=percent(self.expected(0)),
        )

    @property
    def best_words(self) -> str:
        """Which hours are best, in a sentence."""
        return self._best_words(self.best, "hours")

    @property
    def weekday_words(self) -> str:
        """Which weekday is best, in a sentence."""
        return self._best_words(self.best_weekday, "weekdays")

    def _best_words(self, best: int | None, kind: str) -> str:
        if best is None:
            return say("No time of calling is surely better than the others.")
        row = self.named(kind).iloc[best]
        return say(
            "{when} is the best time: {times} ({span}) times the mean chance of an answer, "
            "within the same lists.",
            when=row.label,
            times=number(row.factor, 2),
            span=span(row.factor_low, row.factor_high, digits=2, rate=False),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition_of(self)

    def tables(self) -> Mapping[str, Table]:
        """Leads by attempt; hours; weekdays; the leads to call."""
        return {
            "attempts": words.attempts_table(self.attempts),
            "hours": words.bands_table(
                "reach-hours", say("Chance of an answer by hour."), self.named("hours")
            ),
            "weekdays": words.bands_table(
                "reach-weekdays", say("Chance of an answer by weekday."), self.named("weekdays")
            ),
            "due": self.actions().table(10),
        }

    def actions(self) -> ActionList:
        """Leads to call back and when; nobody who bought or must not be called."""
        note = say(
            "Agreed callbacks first, then dropped calls, then leads by their chance of an answer. "
            "Hours are local."
        )
        open_calls = int(self.due.of.max()) if len(self.due) else 0
        if open_calls > len(self.due):
            more = say("{n} more are open beyond this list.", n=number(open_calls - len(self.due)))
            note = f"{note} {more}"
        return ActionList(
            "leads_to_call",
            say("Leads to call back, and when"),
            words.readable(self.due, self.starts),
            words.due_columns(),
            note,
        )

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share reached by attempt; hours; weekdays."""
        return {
            "attempts": lambda: self._chart(""),
            "hours": lambda: self._chart("hours"),
            "weekdays": lambda: self._chart("weekdays"),
        }

    def _chart(self, kind: str) -> Figure:
        from crmkit.analyses.reach import charts  # noqa: PLC0415

        return charts.times(self, kind) if kind else charts.cumulative(self)

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share reached by the first attempt, and in all."""
        if self.empty:
            return ()
        first = self.attempts.iloc[0]
        last = self.attempts[self.attempts.at_risk >= min(30, self.n)].iloc[-1]
        return (
            KeyFigure(
                name="first_attempt_reach",
                label=say("Reached by the first attempt"),
                value=float(first.rate),
                kind="rate",
                low=float(first.rate_low),
                high=float(first.rate_high),
            ),
            KeyFigure(
                name="reach_in_all",
                label=say("Reached by attempt {k}", k=number(last.attempt)),
                value=float(last.cumulative),
                kind="rate",
                low=_known(last.cumulative_low),
                high=_known(last.cumulative_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """When to stop, when to call, and who is owed a call."""
        return tuple(one for one in (self._stopping(), self._timing(), self._owed()) if one)

    def _stopping(self) -> Finding | None:
        if not self.differ or not np.isfinite(self.stop):
            return None
        late = self.attempts[self.attempts.attempt >= self.stop]
        after = int(late.at_risk.sum())
        if not after:  # beyond what was tried it is only a guess
            return None
        return Finding(
            words=say(
                "From attempt {stop} on ({low}–{high}), an attempt has less than {share} of the "
                "chance of a fresh lead ({first}); {n} attempts were made there.",
                stop=number(self.stop),
                low=number(self.stop_low),
                high=number(self.stop_high),
                share=percent(self.worth, 0),
                first=percent(self.expected(0)),
                n=number(after),
            ),
            action=say("Stop there while there are fresh leads; keep later attempts for slack."),
            weight=after / max(self.tries, 1),
        )

    def _timing(self) -> Finding | None:
        if self.best is None:
            return None
        row = self.bands.iloc[self.best]
        return Finding(
            words=self.best_words,
            action=say(
                "Move attempts to {when}; only {share} are made then.",
                when=words.band_name(self.starts, self.best),
                share=percent(row.n / self.tries),
            ),
            weight=float(row.factor - 1) * float(1 - row.n / self.tries),
        )

    def _owed(self) -> Finding | None:
        if self.due.empty:
            return None
        callbacks, drops = int(self.due.callbacks.max()), int(self.due.drops.max())
        if callbacks + drops == 0:
            return None
        return Finding(
            words=say(
                "{callbacks} agreed callbacks are not made yet, and {dropped} people whose call "
                "was dropped were not called again.",
                callbacks=number(callbacks),
                dropped=number(drops),
            ),
            action=say("Call these first: the list says whom and when."),
            weight=min((callbacks + drops) / max(self.n, 1), 1.0),
        )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _best(frame: pd.DataFrame, p: float) -> int | None:
    if not p < _SURE or frame.factor.isna().all():
        return None
    best = int(np.nanargmax(frame.factor.to_numpy()))
    return best if frame.factor_low[best] > 1 else None
