"""Segment tables: which scores of recency, frequency and monetary value make which segment.

A table is data that a firm edits in any spreadsheet: a CSV file, one row for each box of scores,
with names and what to do in every language. Two come with crmkit, under `templates/segments`: the
eight cells of classical practice (each score above or not above its mean) and eleven segments by
ranges of scores.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crmkit import places
from crmkit.errors import InputError, ParameterError, nearest
from crmkit.sheets import rows_of
from crmkit.text import reader, say

__all__ = ["MEASURES", "OTHER", "Box", "Check", "SegmentTable"]

MEASURES = ("recency", "frequency", "monetary")
OTHER = "other"
"""The segment of score cells that a table does not cover."""
ROLES = ("core", "loyal", "growing", "new", "at_risk", "fading", "lost", "")

Cell = tuple[int, int, int]
_NAMES = ("name_en", "name_zh", "action_en", "action_zh")
_MUST = ("segment", "name_en", *MEASURES)
_REST = ("role", *(name for name in _NAMES if name != "name_en"))


@dataclass(frozen=True)
class Box:
    """One row of a segment table: a box of scores and the segment it belongs to.

    `recency`, `frequency` and `monetary` are each a score ("5"), a range ("3..5"), "high" (above
    the mean score), "low" (not above it) or "any".
    """

    segment: str
    recency: str
    frequency: str
    monetary: str
    role: str = ""
    name_en: str = ""
    name_zh: str = ""
    action_en: str = ""
    action_zh: str = ""

    def holds(self, cell: Cell, means: Sequence[float]) -> bool:
        """Whether a cell of scores lies in the box."""
        wanted = (self.recency, self.frequency, self.monetary)
        return all(map(_fits, wanted, cell, means))

    def words(self, what: str) -> str:
        """The name or the action in the reader's language; English where that is empty."""
        here: str = getattr(self, f"{what}_{reader().language}", "")
        english: str = getattr(self, f"{what}_en")
        return here or english


@dataclass(frozen=True)
class Check:
    """What is wrong with a segment table: cells (R, F, M) in two segments, and in none."""

    doubled: Mapping[Cell, tuple[str, ...]]
    uncovered: tuple[Cell, ...]

    @property
    def clean(self) -> bool:
        """Whether every cell has exactly one segment."""
        return not self.doubled and not self.uncovered


@dataclass(frozen=True)
class SegmentTable:
    """Boxes of scores in the order of a report, the best customers first."""

    title: str
    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, source: "str | Path | SegmentTable") -> "SegmentTable":
        """A table from "eight", "eleven", the path of a CSV file, or a table itself.

        Raises: ParameterError for a name that is neither a table nor a file; InputError for a
        file that lacks a column or has a range that cannot be read.

        >>> SegmentTable.of("eight").segments[0]
        'key_core'
        """
        if isinstance(source, SegmentTable):
            return source
        shipped = places.templates() / "segments" / f"{source}.csv"
        path = shipped if shipped.is_file() else Path(source)
        if not path.is_file():
            known = sorted(file.stem for file in shipped.parent.glob("*.csv"))
            guess = nearest(str(source), known)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(
                f"There is no segment table {str(source)!r}.{hint} "
                f"Give one of {', '.join(known)} or the path of a CSV file."
            )
        rows = rows_of(path, _MUST, _REST)
        return cls(path.stem, tuple(_box(row, line) for line, row in rows))

    @property
    def segments(self) -> tuple[str, ...]:
        """The keys of the segments, each once, in the order of the table."""
        return tuple(dict.fromkeys(box.segment for box in self.boxes))

    @property
    def top(self) -> int | None:
        """The highest score named in a range; None for a table of "high" and "low" only."""
        tops = [
            high
            for box in self.boxes
            for measure in MEASURES
            if (high := _range(getattr(box, measure))[1]) is not None
        ]
        return max(tops, default=None)

    def made_for(self, bins: int) -> "SegmentTable":
        """The table itself, if its ranges are of scores from 1 to `bins`.

        Raises: ParameterError where they are not.
        """
        if self.top not in (None, bins):
            raise ParameterError(
                f"The segment table {self.title!r} is made for scores 1 to {self.top}, "
                f"but bins is {bins}. Give bins={self.top} or another table."
            )
        return self

    def name(self, segment: str) -> str:
        """The segment's name in the reader's language."""
        box = self._first(segment)
        return box.words("name") if box else say("Other")

    def action(self, segment: str) -> str:
        """What to do about the segment, in the reader's language."""
        box = self._first(segment)
        return box.words("action") if box else ""

    def with_role(self, role: str) -> tuple[str, ...]:
        """The segments of a role: core, loyal, growing, new, at_risk, fading or lost."""
        return tuple(dict.fromkeys(box.segment for box in self.boxes if box.role == role))

    def _first(self, segment: str) -> Box | None:
        return next((box for box in self.boxes if box.segment == segment), None)

    def assign(self, cell: Cell, means: Sequence[float]) -> str:
        """The segment of a cell of scores: that of the first box that holds it, else "other".

        Parameters: `cell`, scores of recency, frequency and monetary value; `means`, the mean
        scores that "high" and "low" compare with.

        >>> SegmentTable.of("eleven").assign((5, 5, 4), means=(3, 3, 3))
        'champions'
        """
        held = (box.segment for box in self.boxes if box.holds(cell, means))
        return next(held, OTHER)

    def check(self, bins: int = 5, means: Sequence[float] | None = None) -> Check:
        """Name the cells of scores that lie in two segments, and those that lie in none.

        Parameters: `bins`, scores run from 1 to it; `means`, the mean scores that "high" and
        "low" compare with, the middle by default.
        Returns: a Check, which is `clean` where every cell has exactly one segment.

        >>> SegmentTable.of("eleven").check().clean
        True
        """
        middle = means if means is not None else ((bins + 1) / 2,) * 3
        doubled: dict[Cell, tuple[str, ...]] = {}
        uncovered: list[Cell] = []
        scores = range(1, bins + 1)
        for cell in itertools.product(scores, scores, scores):
            held = dict.fromkeys(box.segment for box in self.boxes if box.holds(cell, middle))
            if not held:
                uncovered.append(cell)
            elif len(held) > 1:
                doubled[cell] = tuple(held)
        return Check(doubled, tuple(uncovered))


def _range(words: str) -> tuple[int | None, int | None]:
    """The ends of a range of scores; None and None where the words are no numbers."""
    low, _, high = words.replace("-", "..").partition("..")
    if low.strip().isdigit() and (not high or high.strip().isdigit()):
        return int(low), int(high or low)
    return None, None


def _fits(wanted: str, score: int, mean: float) -> bool:
    if wanted in ("any", "high", "low"):
        return {"any": True, "high": score > mean, "low": score <= mean}[wanted]
    low, high = _range(wanted)
    return low is not None and high is not None and low <= score <= high


def _box(row: dict[str, str], where: str) -> Box:
    if not row["segment"] or row["segment"] == OTHER:
        raise InputError(f"{where}: give the segment a key other than {row['segment']!r}.")
    for measure in MEASURES:
        low, high = _range(row[measure])
        words = row[measure] in ("any", "high", "low")
        if not words and (low is None or high is None or not 1 <= low <= high):
            raise InputError(
                f"{where}: {measure} is {row[measure]!r}. "
                "Give a score (5), a range (3..5), high, low or any."
            )
    if row.get("role", "") not in ROLES:
        guess = nearest(row["role"], ROLES)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise InputError(f"{where}: there is no role {row['role']!r}.{hint}")
    return Box(**row)
