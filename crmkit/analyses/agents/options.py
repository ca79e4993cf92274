"""What a scorecard of agents may be asked for."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

from crmkit import periods
from crmkit.errors import ParameterError, nearest

__all__ = ["Options", "Outcome", "Per"]

Outcome = Literal["sale", "interest", "right_party"]
Per = Literal["contact", "right_party", "call"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The question: which days, which outcome, of which calls, and how sure one must be."""

    as_of: dt.date
    start: dt.date | None
    timezone: str
    outcome: Outcome
    per: Per
    short: float
    settled: int
    certainty: float
    draws: int
    seed: int

    def __post_init__(self) -> None:
        _one_of("outcome", self.outcome, get_args(Outcome))
        _one_of("per", self.per, get_args(Per))
        if self.outcome == "right_party" and self.per == "right_party":
            raise ParameterError(
                "outcome='right_party' cannot be per='right_party': it would always be all. "
                "Give per='contact'."
            )
        if self.start is not None and self.start > self.as_of:
            raise ParameterError(f"start is {self.start}, after as_of, {self.as_of}.")
        periods.zone(self.timezone)
        if not 0.5 < self.certainty < 1:
            raise ParameterError(
                f"certainty is {self.certainty!r}. Give a probability above 0.5, such as 0.95."
            )
        if self.short < 0:
            raise ParameterError(f"short is {self.short!r}. Give seconds of 0 or more.")
        for what, least in (("settled", 1), ("draws", 100)):
            if getattr(self, what) < least:
                raise ParameterError(f"{what} is {getattr(self, what)!r}. Give {least} or more.")


def _one_of(what: str, given: str, valid: tuple[str, ...]) -> None:
    if given not in valid:
        guess = nearest(given, valid)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"{what} is {given!r}.{hint} Give one of: {', '.join(valid)}.")
