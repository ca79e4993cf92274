"""The parts a call floor is made of: lengths of time, shifts, windows, retries, queues."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.errors import ParameterError
from crmkit.simulate.parts import positive, share

__all__ = [
    "Amd",
    "Break",
    "Duration",
    "Inbound",
    "Outcomes",
    "Retry",
    "Shift",
    "Voice",
    "Window",
    "minutes",
]

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
WORKING_DAYS = (0, 1, 2, 3, 4)


def minutes(what: str, clock: str) -> int:
    """Minutes after midnight of a time of day such as "09:30"; "24:00" is the end of the day.

    >>> minutes("first", "09:30")
    570
    """
    hours, colon, rest = str(clock).partition(":")
    if colon and hours.isdigit() and rest.isdigit() and int(rest) < 60:
        found = int(hours) * 60 + int(rest)
        if found <= 24 * 60:
            return found
    raise ParameterError(f"{what} is {clock!r}. Give a time of day such as '09:30'.")


def _weekdays(what: str, days: tuple[int, ...]) -> None:
    if not days or not set(days) <= set(EVERY_DAY):
        raise ParameterError(
            f"{what}: weekdays are {days!r}. Give at least one day from 0 (Monday) to 6 (Sunday)."
        )


@dataclass(frozen=True)
class Duration:
    """A length of time in seconds: exponential, lognormal, constant, or a mixture of these.

    `kind` says which; `a` and `b` are its parameters: the mean; the median and the sigma of the
    logarithm; the constant. A mixture has `parts`, each with its weight.

    >>> Duration.exponential(12.0).mean
    12.0
    """

    kind: str
    a: float = 0.0
    b: float = 0.0
    parts: tuple[tuple[float, "Duration"], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("exponential", "lognormal", "constant", "mixture"):
            raise ParameterError(
                f"There is no duration named {self.kind!r}. "
                "There are: constant, exponential, lognormal, mixture."
            )
        if self.kind in ("exponential", "lognormal"):
            positive(f"the mean or median of an {self.kind} duration", self.a)
        if not 0 <= self.a < float("inf") or not 0 <= self.b < float("inf"):
            raise ParameterError(f"A {self.kind} duration has {self.a!r}, {self.b!r}. Give 0 up.")
        if self.kind == "mixture" and not sum(weight for weight, _ in self.parts) > 0:
            raise ParameterError("A mixture needs parts, at least one with a weight above 0.")

    @classmethod
    def exponential(cls, mean: float) -> "Duration":
        """Exponential with that mean, in seconds."""
        return cls("exponential", mean)

    @classmethod
    def lognormal(cls, median: float, sigma: float) -> "Duration":
        """Lognormal with that median, in seconds, and that sigma of the logarithm."""
        return cls("lognormal", median, sigma)

    @classmethod
    def constant(cls, seconds: float) -> "Duration":
        """Always the same."""
        return cls("constant", seconds)

    @classmethod
    def mixture(cls, *parts: tuple[float, "Duration"]) -> "Duration":
        """One of several, by weight."""
        return cls("mixture", parts=parts)

    @property
    def mean(self) -> float:
        """The mean in seconds."""
        if self.kind == "mixture":
            total = sum(weight for weight, _ in self.parts)
            return sum(weight * part.mean for weight, part in self.parts) / total
        return self.a * float(np.exp(self.b**2 / 2)) if self.kind == "lognormal" else self.a

    def draw(self, rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
        """So many of them, in seconds."""
        if self.kind == "exponential":
            return rng.standard_exponential(n) * self.a
        if self.kind == "lognormal":
            return np.exp(rng.standard_normal(n) * self.b) * self.a
        if self.kind == "constant":
            return np.full(n, self.a)
        edges = np.cumsum([weight for weight, _ in self.parts])
        which = np.searchsorted(edges / edges[-1], rng.random(n), side="right")
        drawn = [part.draw(rng, n) for _, part in self.parts]
        return np.choose(np.minimum(which, len(drawn) - 1), drawn)


@dataclass(frozen=True)
class Break:
    """A pause in a shift: its `reason`, when it is due (local time) and how many `minutes`."""

    reason: str
    start: str
    minutes: int

    def __post_init__(self) -> None:
        minutes(f"break {self.reason!r}", self.start)
        positive(f"break {self.reason!r}: minutes", self.minutes)


@dataclass(frozen=True)
class Shift:
    """A working day: `start` and `end` in local time, its `breaks`, on which `weekdays` (0 Monday).

    `share` is the weight with which agents are given this shift. A shift ends on the day it begins.
    """

    start: str = "09:00"
    end: str = "18:00"
    breaks: tuple[Break, ...] = (Break("lunch", "12:00", 60), Break("rest", "15:30", 15))
    weekdays: tuple[int, ...] = WORKING_DAYS
    share: float = 1.0

    def __post_init__(self) -> None:
        if minutes("shift start", self.start) >= minutes("shift end", self.end):
            raise ParameterError(
                f"A shift runs from {self.start} to {self.end}. Let it end later on the same day, "
                "and make two shifts of a night."
            )
        _weekdays(f"the shift from {self.start}", self.weekdays)
        positive(f"the shift from {self.start}: share", self.share)


@dataclass(frozen=True)
class Window:
    """When customers may be called: local times, weekdays (0 Monday), never on `holidays`."""

    first: str = "09:00"
    last: str = "20:00"
    weekdays: tuple[int, ...] = EVERY_DAY
    holidays: tuple[dt.date, ...] = ()

    def __post_init__(self) -> None:
        if minutes("the window's first", self.first) >= minutes("the window's last", self.last):
            raise ParameterError(
                f"The calling window from {self.first} to {self.last} never opens. "
                "Let it close later than it opens."
            )
        _weekdays("the calling window", self.weekdays)


@dataclass(frozen=True)
class Retry:
    """When to call again after a result.

    `after` minutes later, while the lead has had fewer than `attempts` attempts in all.
    """

    attempts: int
    after: float

    def __post_init__(self) -> None:
        if self.attempts < 0 or not 0 <= self.after < float("inf"):
            raise ParameterError(f"{self!r}: give attempts and minutes of 0 or more.")


@dataclass(frozen=True)
class Amd:
    """Answering-machine detection: how long it listens (seconds), and how often it is right.

    `human` is the share of persons it lets through; `machine` the share of machines it stops.
    """

    seconds: float = 1.2
    human: float = 0.95
    machine: float = 0.90

    def __post_init__(self) -> None:
        share("amd.human", self.human)
        share("amd.machine", self.machine)
        if not 0 <= self.seconds < 60:
            raise ParameterError(f"amd.seconds is {self.seconds!r}. Give 0 to 60.")


@dataclass(frozen=True)
class Outcomes:
    """What comes of a conversation, as shares; the rest is not interested.

    A talk shorter than `pitch` seconds ends before the offer is made: it is a hang-up, a wrong
    person or a request not to call. A longer one sells with the lead's interest times the agent's
    skill, and else is a callback, interest, a wrong person, or a request not to call.
    """

    pitch: float = 20.0
    callback: float = 0.12
    interested: float = 0.08
    wrong_party: float = 0.05
    do_not_call: float = 0.03

    def __post_init__(self) -> None:
        for name in ("callback", "interested", "wrong_party", "do_not_call"):
            share(f"outcomes.{name}", getattr(self, name))
        if self.callback + self.interested + self.wrong_party + self.do_not_call > 1:
            raise ParameterError(f"{self!r} shares out more than 1. Lower one of them.")


@dataclass(frozen=True)
class Inbound:
    """Calls that come in: `hourly`, calls an hour, one rate or 24 by local hour; Poisson.

    `weekdays`, seven factors on it from Monday.

    `patience`, how long a caller waits, or None for ever; `talk` and `wrap`, of such calls;
    `agents`, how many (the first ones) take only these calls, or None when every agent takes both,
    callers first.
    """

    hourly: float | tuple[float, ...]
    patience: Duration | None = Duration.exponential(120.0)  # noqa: RUF009 (frozen)
    talk: Duration = Duration.lognormal(150.0, 0.7)  # noqa: RUF009 (frozen)
    wrap: Duration = Duration.lognormal(12.0, 0.6)  # noqa: RUF009 (frozen)
    agents: int | None = None
    weekdays: tuple[float, ...] = (1.0,) * 7

    def __post_init__(self) -> None:
        if len(self.weekdays) != 7 or any(not 0 <= w < float("inf") for w in self.weekdays):
            raise ParameterError(
                f"inbound.weekdays is {self.weekdays!r}. Give seven factors of 0 or more."
            )
        if len(self.rates) != 24 or any(not 0 <= rate < float("inf") for rate in self.rates):
            raise ParameterError(
                f"inbound.hourly is {self.hourly!r}. Give one rate, or 24 rates of 0 or more."
            )
        if self.patience is not None and self.patience.mean == 0:
            raise ParameterError(
                "inbound.patience is 0: every caller would leave before being heard. "
                "Give seconds above 0, or None for callers who wait for ever."
            )

    @property
    def rates(self) -> tuple[float, ...]:
        """Calls an hour, for each of the 24 local hours."""
        if isinstance(self.hourly, tuple):
            return self.hourly
        return (float(self.hourly),) * 24


@dataclass(frozen=True)
class Voice:
    """Automatic voice calls: how many at once (`lines`), and how long a person listens."""

    lines: int
    talk: Duration = Duration.lognormal(18.0, 0.5)  # noqa: RUF009 (frozen)

    def __post_init__(self) -> None:
        if self.lines < 1:
            raise ParameterError(f"voice.lines is {self.lines!r}. Give 1 or more, or voice=None.")
