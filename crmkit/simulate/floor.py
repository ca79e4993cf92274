"""The configuration of a call floor: who works when, how numbers are dialled, what comes back."""

import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np

from crmkit import periods
from crmkit.errors import ParameterError, nearest
from crmkit.simulate.call_codes import CONFUSION, MODES, RESULTS
from crmkit.simulate.floor_parts import (
    Amd,
    Duration,
    Inbound,
    Outcomes,
    Retry,
    Shift,
    Voice,
    Window,
    minutes,
)
from crmkit.simulate.parts import positive, share

__all__ = ["PACINGS", "Floor", "stream"]

PACINGS = ("adapt_average", "adapt_hard", "adapt_tapered", "erlang")

_MIX = (
    ("human", 0.22),
    ("no_answer", 0.38),
    ("powered_off", 0.10),
    ("empty_number", 0.08),
    ("rejected", 0.08),
    ("busy", 0.05),
    ("machine", 0.05),
    ("suspended", 0.04),
)
_RETRIES = (
    ("no_answer", Retry(6, 180)),
    ("machine", Retry(5, 180)),
    ("busy", Retry(6, 20)),
    ("rejected", Retry(3, 1440)),
    ("powered_off", Retry(4, 720)),
    ("unreachable", Retry(4, 720)),
    ("failed", Retry(6, 10)),
    ("dropped", Retry(6, 1440)),
    ("human", Retry(4, 2880)),
)
_TALK = Duration.mixture((0.45, Duration.exponential(12.0)), (0.55, Duration.lognormal(75.0, 0.95)))
_MOST_TRUNKS = 65_535
_MOST_DAYS = 390  # an engine instant has 35 bits of milliseconds, 397 days


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A call floor to simulate. Defaults are assumptions of a plausible floor, not measurements.

    People. `agents`, how many; `shifts`, dealt to them by weight; `break_spread`, minutes over
    which the beginnings of a break are spread; `absence`, the share of days an agent is away;
    `skill_sd`, the spread (SD of the logarithm) of the factor on the chance to sell, and
    `speed_sd` of the factor on talk and wrap; `novices`, the share of agents hired on the first
    day, who begin with `novice_skill` of their skill and gain half of what is missing every
    `learning_days` days.
    Dialling. `mode`: manual or preview (an agent sees a lead for `preview`, then dials),
    progressive (one line for each free agent, reserved), power (`ratio` lines for each agent free
    or talking), or predictive (the ratio follows `pacing`: adapt_average, adapt_hard or
    adapt_tapered, which steer the ratio by waiting agents and by drops, or erlang, which dials at
    the rate whose drops are `drop_target` by the queue with constant patience M/M/n+D).
    `max_level`, the highest ratio; `target_diff`, agents wanted waiting; `intensity`, the factor
    on each change; `latest`, the local time to which adapt_tapered tapers: over the limit of drops
    the ratio is multiplied by (latest - now) / 1000, both read as HHMM. That is the rule of the
    dialler it follows: with more than ten hours left the factor is above 1, so that drops then
    raise the ratio, up to `max_level`. `planned_answer` and `planned_handle` (seconds), what erlang
    takes for granted; None lets it learn from the day.
    `trunks`, lines in all; `grace`, seconds an answered person waits before the call is dropped;
    `patience`, how long that person would wait; None is longer than any grace; `setup`, seconds
    from dialling to ringing; `ring`, seconds to an answer; `ring_timeout`, seconds until given up;
    `amd`, answering-machine detection of progressive, power and predictive dialling, or None.
    Results. `mix`, shares of true causes at a first attempt; `confusion`, true and reported cause
    and share, where the switch reports another; `retries` by reported result; "human" is for those
    who hung up; `max_attempts`; `callbacks`, "own" for the agent who agreed them or "any";
    `callback_delay`; `talk` and `wrap`, before the agent's speed; `outcomes`, of conversations.
    Beside it. `inbound`, a queue of callers, and `voice`, automatic calls; None is none.
    Time. `start`, the first day, and `days`, how many; `timezone`, an IANA name; `window`, when
    customers may be called. `seed`, a whole number that every random stream comes from.

    Raises: ParameterError for a floor that cannot be, saying what to change.

    >>> Floor(agents=5, trunks=10).mode
    'predictive'
    """

    agents: int = 20
    shifts: tuple[Shift, ...] = (Shift(),)
    break_spread: int = 20
    absence: float = 0.04
    skill_sd: float = 0.25
    speed_sd: float = 0.15
    novices: float = 0.1
    novice_skill: float = 0.5
    learning_days: float = 20.0
    mode: str = "predictive"
    pacing: str = "adapt_average"
    ratio: float = 2.0
    max_level: float = 3.0
    target_diff: float = 0.0
    intensity: float = 1.0
    drop_target: float = 0.03
    latest: str = "21:00"
    planned_answer: float | None = None
    planned_handle: float | None = None
    trunks: int = 40
    grace: float = 2.0
    patience: Duration | None = None
    preview: Duration = Duration.lognormal(15.0, 0.5)  # noqa: RUF009 (frozen)
    setup: float = 2.0
    ring: Duration = Duration.lognormal(10.0, 0.55)  # noqa: RUF009 (frozen)
    ring_timeout: float = 30.0
    amd: Amd | None = None
    mix: tuple[tuple[str, float], ...] = _MIX
    confusion: tuple[tuple[str, str, float], ...] = CONFUSION
    retries: tuple[tuple[str, Retry], ...] = _RETRIES
    max_attempts: int = 6
    callbacks: str = "own"
    callback_delay: Duration = Duration.lognormal(86_400.0, 0.8)  # noqa: RUF009 (frozen)
    talk: Duration = _TALK
    wrap: Duration = Duration.lognormal(12.0, 0.6)  # noqa: RUF009 (frozen)
    outcomes: Outcomes = Outcomes()  # noqa: RUF009 (frozen)
    inbound: Inbound | None = None
    voice: Voice | None = None
    start: dt.date = dt.date(2025, 3, 3)
    days: int = 1
    timezone: str = "Asia/Shanghai"
    window: Window = Window()  # noqa: RUF009 (frozen)
    seed: int = 20250303

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", periods.day(self.start))
        periods.zone(self.timezone)
        _check_sizes(self)
        _check_dialling(self)
        _check_results(self)
        _check_time(self)

    @property
    def last(self) -> dt.date:
        """The last day, included."""
        return self.start + dt.timedelta(days=self.days - 1)

    @property
    def dates(self) -> list[dt.date]:
        """All days."""
        return [self.start + dt.timedelta(days=n) for n in range(self.days)]

    def may_call(self, day: dt.date) -> bool:
        """Whether the calling window opens on a day."""
        return day.weekday() in self.window.weekdays and day not in self.window.holidays


def stream(seed: int, name: str) -> np.random.Generator:
    """The random stream of that name: a child of the seed, keyed by its name.

    >>> bool(stream(1, "a").random() == stream(1, "a").random())
    True
    """
    digest = hashlib.sha256(name.encode()).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def _whole(what: str, value: object, least: int, most: int | None = None) -> None:
    wrong = isinstance(value, bool) or not isinstance(value, int) or value < least
    if wrong or (most is not None and isinstance(value, int) and value > most):
        upto = "or more" if most is None else f"to {most}"
        raise ParameterError(f"{what} is {value!r}. Give a whole number of {least} {upto}.")


def _one_of(what: str, value: str, names: tuple[str, ...]) -> None:
    if value not in names:
        guess = nearest(value, names)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"{what} is {value!r}.{hint} There are: {', '.join(names)}.")


def _check_sizes(floor: Floor) -> None:
    _whole("seed", floor.seed, 0)
    _whole("agents", floor.agents, 0, 30_000)
    _whole("trunks", floor.trunks, 1, _MOST_TRUNKS)
    _whole("days", floor.days, 1, _MOST_DAYS)
    _whole("max_attempts", floor.max_attempts, 1, 60)
    _whole("break_spread", floor.break_spread, 0, 240)
    for what in ("absence", "novices", "novice_skill"):
        share(what, getattr(floor, what))
    positive("learning_days", floor.learning_days)
    for what in ("skill_sd", "speed_sd"):
        if not 0 <= getattr(floor, what) <= 3:
            raise ParameterError(f"{what} is {getattr(floor, what)!r}. Give 0 to 3.")
    if floor.agents == 0 and (floor.voice is None or floor.inbound is not None):
        raise ParameterError(
            "The floor has no agents: nobody can talk to those who answer. Give agents=1 or more, "
            "or voice=Voice(lines=...) without inbound for automatic calls only."
        )
    if floor.inbound is not None and floor.inbound.agents is not None:
        _whole("inbound.agents", floor.inbound.agents, 1, floor.agents)


def _check_dialling(floor: Floor) -> None:
    _one_of("mode", floor.mode, MODES)
    _one_of("pacing", floor.pacing, PACINGS)
    _one_of("callbacks", floor.callbacks, ("own", "any"))
    if floor.mode in ("power", "predictive") and floor.trunks < floor.agents:
        raise ParameterError(
            f"{floor.trunks} trunks are fewer than {floor.agents} agents, so {floor.mode} dialling "
            f"could never keep them busy. Give trunks={floor.agents} or more, fewer agents, or "
            "mode='progressive'."
        )
    if floor.ratio < 1 or floor.max_level < 1:
        raise ParameterError(
            f"ratio is {floor.ratio!r} and max_level {floor.max_level!r}. Give 1 or more: below 1 "
            "a free agent would have no line."
        )
    if not 0 < floor.drop_target < 1:
        raise ParameterError(f"drop_target is {floor.drop_target!r}. Give a share such as 0.03.")
    for what in ("grace", "setup"):
        if not 0 <= getattr(floor, what) < 3600:
            raise ParameterError(f"{what} is {getattr(floor, what)!r}. Give seconds of 0 or more.")
    for what in ("ring_timeout", "intensity"):
        positive(what, getattr(floor, what))
    for what in ("planned_answer", "planned_handle"):
        if getattr(floor, what) is not None:
            positive(what, getattr(floor, what))
    if floor.patience is not None and floor.patience.mean == 0:
        raise ParameterError(
            "patience is 0: everyone who answers would hang up at once. "
            "Give seconds above 0, or None for people who wait out the grace time."
        )


def _check_results(floor: Floor) -> None:
    causes = tuple(name for name in RESULTS if name not in ("dropped", "blocked"))
    for name, part in floor.mix:
        _one_of("a cause of mix", name, causes)
        share(f"mix: {name}", part)
    total = sum(part for _, part in floor.mix)
    if abs(total - 1) > 1e-9 or len({name for name, _ in floor.mix}) < len(floor.mix):
        raise ParameterError(
            f"mix has shares that add to {total:g}. Let each cause be once, sum 1."
        )
    for true, reported, part in floor.confusion:
        _one_of("a true cause of confusion", true, causes[2:])
        _one_of("a reported cause of confusion", reported, causes[2:])
        share(f"confusion of {true} and {reported}", part)
    for cause in causes:
        if sum(part for true, _, part in floor.confusion if true == cause) > 1:
            raise ParameterError(
                f"confusion reports {cause} in more than all cases. Lower a share."
            )
    for name, _ in floor.retries:
        _one_of("a result of retries", name, RESULTS)


def _check_time(floor: Floor) -> None:
    minutes("latest", floor.latest)
    if not any(floor.may_call(day) for day in floor.dates):
        raise ParameterError(
            f"The calling window never opens from {floor.start} to {floor.last}: every day is a "
            "holiday or a weekday left out. Give more days, weekdays, or fewer holidays."
        )
    if floor.agents and not floor.shifts:
        raise ParameterError("Agents have no shifts. Give at least one Shift.")
    if floor.agents and not any(
        minutes("", s.start) < minutes("", floor.window.last)
        and minutes("", s.end) > minutes("", floor.window.first)
        and any(d.weekday() in s.weekdays for d in floor.dates)
        for s in floor.shifts
    ):
        raise ParameterError(
            f"No shift works while the calling window is open ({floor.window.first} to "
            f"{floor.window.last}) from {floor.start} to {floor.last}. Move shifts, weekdays or "
            "the window."
        )
