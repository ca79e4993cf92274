"""Key figures over time: the same figure of several runs as a small line."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from crmkit import text
from crmkit.reports.digest import Figure
from crmkit.reports.manifest import Manifest
from crmkit.reports.term import term_kind, term_words

__all__ = ["Sparkline", "same_kind", "sparkline"]

_WIDTH, _HEIGHT, _MARGIN = 96.0, 24.0, 2.0
_FEWEST, _MOST = 3, 26


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """The points of a line in a box of 96 by 24, its last point, and what it shows in words."""

    points: str
    end: tuple[str, str]
    words: str


def sparkline(figure: Figure, runs: Sequence[Manifest]) -> Sparkline | None:
    """A figure over the runs that know it.

    The horizontal is time, so a missed period is a longer step. At most the latest 26 runs are
    shown; fewer than three make no line.

    Parameters: `figure`, of the latest run; `runs`, of one notebook and one kind of period, the
    oldest first.
    """
    known = [(run, raw, value) for run in runs for raw, value in _values(run, figure)][-_MOST:]
    if not figure.name or len(known) < _FEWEST:
        return None
    days = [dt.date.fromisoformat(run.as_of).toordinal() for run, _, _ in known]
    rows = [raw for _, raw, _ in known]
    spots = list(zip(_spread(days, _WIDTH), _spread(rows, _HEIGHT, down=True), strict=True))
    (first, _, then), (last, _, now) = known[0], known[-1]
    return Sparkline(
        points=" ".join(f"{x},{y}" for x, y in spots),
        end=spots[-1],
        words=text.say(
            "{figure}: {then} in {first}, {now} in {last}",
            figure=figure.label,
            then=then,
            first=term_words(first.period),
            now=now,
            last=term_words(last.period),
        ),
    )


def same_kind(runs: Sequence[Manifest], latest: Manifest) -> list[Manifest]:
    """The runs whose period is of the latest one's kind: months are not compared with weeks."""
    kind = term_kind(latest.period)
    return [run for run in runs if term_kind(run.period) == kind]


def _values(run: Manifest, figure: Figure) -> list[tuple[float, str]]:
    return [
        (each.raw, each.value)
        for each in run.digest.figures
        if each.name == figure.name and each.raw is not None
    ]


def _spread(values: Sequence[float], size: float, *, down: bool = False) -> list[str]:
    """Values between the margins of a side; equal ones lie in its middle."""
    low, reach = min(values), max(values) - min(values)
    shares = [(value - low) / reach if reach else 0.5 for value in values]
    inner = size - 2 * _MARGIN
    return [f"{_MARGIN + inner * (1 - share if down else share):.1f}" for share in shares]
