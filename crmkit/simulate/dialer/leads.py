"""Leads as a dialler meets them: who answers, when, and what the numbers are like."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmkit.errors import ParameterError
from crmkit.simulate.call_codes import RESULTS
from crmkit.simulate.floor import Floor, stream

__all__ = ["HOURS", "NUMBER_STATES", "LeadBatch", "Numbers"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NUMBER_STATES = ("valid", "machine_prone", "often_off", "suspended", "empty")
_OFTEN = 0.8  # how often a number that is often off, or prone to machines, is so
_PRONE = 0.6  # the part of these results that comes from such numbers
_MOST_LEADS = 1 << 22
_SPREAD = 2.2  # a + b of the beta distribution of reachability; small is very unequal


def _day(base: float, **peaks: float) -> tuple[float, ...]:
    """24 weights: the base, and other values over hours such as h12_14."""
    hours = [base] * 24
    for name, value in peaks.items():
        first, last = (int(part) for part in name[1:].split("_"))
        hours[first:last] = [value] * (last - first)
    return tuple(hours)


HOURS = (
    _day(1.0),
    _day(0.6, h12_14=1.3, h17_21=1.9),
    _day(0.7, h9_12=1.7, h14_16=1.3),
    _day(0.7, h11_13=1.9, h18_20=1.2),
)
"""Kinds of people by the hours they answer: any, evening, morning, noon (before scaling)."""
_HOUR_SHARES = (0.35, 0.30, 0.20, 0.15)


@dataclass(frozen=True)
class Numbers:
    """How numbers behave, so that first attempts have the floor's mix of causes.

    `shares` of the number states; `reach`, the factor of each on a person's reachability; `mean`,
    the mean reachability; `failures`, for each state the shares of causes where nobody answers.
    """

    shares: Floats
    reach: Floats
    mean: float
    failures: Floats

    @classmethod
    def of(cls, floor: Floor) -> "Numbers":
        """The behaviour that a floor's mix asks for."""
        mix = dict.fromkeys(RESULTS, 0.0) | dict(floor.mix)
        rest = 1 - mix["suspended"] - mix["empty_number"]
        prone = min(_PRONE * mix["machine"] / _OFTEN, 0.4 * rest)
        off = min(_PRONE * mix["powered_off"] / _OFTEN, 0.4 * rest)
        shares = np.array([rest - prone - off, prone, off, mix["suspended"], mix["empty_number"]])
        reach = np.array([1.0, 0.5, 0.3, 0.0, 0.0])
        mean = min(mix["human"] / max(float(shares @ reach), 1e-12), 1.0)
        return cls(shares, reach, mean, _failures(mix, shares, shares * (1 - mean * reach)))


def _failures(mix: dict[str, float], shares: Floats, mass: Floats) -> Floats:
    """Shares of causes by state, filling what the special states leave of the mix."""
    left = np.array([mix[name] for name in RESULTS])
    left[0] = 0.0
    causes = np.zeros((len(NUMBER_STATES), len(RESULTS)))
    for state, cause in enumerate(("", "machine", "powered_off", "suspended", "empty_number")):
        if cause:
            part = (
                1.0
                if state > 2
                else min(_OFTEN, left[RESULTS.index(cause)] / max(mass[state], 1e-12))
            )
            causes[state, RESULTS.index(cause)] = part
            left[RESULTS.index(cause)] -= part * mass[state]
    left = np.maximum(left, 0.0)
    if left.sum() <= 0:
        left[RESULTS.index("no_answer")] = 1.0
    causes += (1 - causes.sum(axis=1))[:, None] * (left / left.sum())
    return causes


@dataclass(frozen=True, kw_only=True)
class LeadBatch:
    """Leads to dial, one element each, in the order they are dialled.

    `reach`, the chance that a person answers at an hour of factor 1; `hour_kind`, a row of
    `hour_factors`, which has 24 factors on it by local hour; `number_state`, a position in
    NUMBER_STATES; `interest`, the chance to buy from an agent of skill 1 once the offer is heard;
    `list_of` and `campaign_of`, positions in `lists` and `campaigns`; `do_not_call`, never dialled;
    `voice`, dialled by automatic voice instead of agents; `lead_ids` and `customer_ids`, how they
    are named, or None for L0000001 and nobody; `loaded`, the days of the floor from which they may
    be dialled, from 0, or None for leads that are all there on the first day.
    """

    reach: Floats
    hour_kind: Wholes
    hour_factors: Floats
    number_state: Wholes
    interest: Floats
    list_of: Wholes
    campaign_of: Wholes
    do_not_call: Flags
    voice: Flags
    lists: tuple[str, ...] = ("list-1",)
    campaigns: tuple[str, ...] = ("outbound",)
    lead_ids: tuple[str, ...] | None = None
    customer_ids: tuple[str | None, ...] | None = None
    loaded: Wholes | None = None

    def __post_init__(self) -> None:
        n = len(self.reach)
        for name in ("hour_kind", "number_state", "interest", "list_of", "campaign_of"):
            if len(getattr(self, name)) != n:
                raise ParameterError(f"leads: {name} has {len(getattr(self, name))} rows, not {n}.")
        if n > _MOST_LEADS:
            raise ParameterError(f"{n} leads are too many at once. Dial up to {_MOST_LEADS}.")
        if self.hour_factors.ndim != 2 or self.hour_factors.shape[1] != 24:
            raise ParameterError("leads: hour_factors needs 24 columns, one for each local hour.")

    def __len__(self) -> int:
        return len(self.reach)

    @property
    def first_day(self) -> Wholes:
        """The day of the floor from which each may be dialled."""
        return np.zeros(len(self), dtype=np.int64) if self.loaded is None else self.loaded

    @classmethod
    def draw(
        cls,
        floor: Floor,
        n: int,
        *,
        seed: int | None = None,
        lists: int = 3,
        interest: float = 0.06,
        do_not_call: float = 0.01,
        voice: float = 0.0,
    ) -> "LeadBatch":
        """So many leads with the floor's mix, an unequal reachability and hours of their own.

        Reachability is beta, the same person's at every attempt, so that the share answering falls
        with the attempts; the first n leads stay what they are when more are drawn. The first list
        is fresh; each later one answers a tenth less and buys a fifth less than the one before it.
        Parameters: `lists`, how many; `interest`, the mean; `do_not_call` and `voice`, shares.
        """
        root = floor.seed if seed is None else seed
        numbers = Numbers.of(floor)
        state = _labels(root, "number state", numbers.shares, n)
        list_of = _labels(root, "list", np.ones(lists), n)
        decay = 0.9**list_of
        reach = _beta(root, numbers.mean, n) * numbers.reach[state]
        heat = stream(root, "interest").gamma(2.0, 0.5, n)
        return cls(
            reach=reach * decay / (decay.mean() if n else 1.0),
            hour_kind=_labels(root, "hour kind", np.array(_HOUR_SHARES), n),
            hour_factors=_scaled(floor),
            number_state=state,
            interest=np.minimum(interest * heat * 0.8**list_of, 1.0),
            list_of=list_of,
            campaign_of=np.zeros(n, dtype=np.int64),
            do_not_call=stream(root, "do not call").random(n) < do_not_call,
            voice=stream(root, "voice").random(n) < voice,
            lists=tuple(f"list-{k + 1}" for k in range(lists)),
        )

    @classmethod
    def alike(cls, floor: Floor, n: int, *, reach: float | None = None) -> "LeadBatch":
        """Leads without differences: every attempt of everyone answers alike, at every hour.

        For oracles and placebos. `reach` defaults to the floor's share of humans; what else comes
        is the floor's mix without them.
        """
        mix = dict(floor.mix)
        one = cls.draw(floor, n, lists=1, do_not_call=0.0)
        return replace(
            one,
            reach=np.full(n, mix.get("human", 0.0) if reach is None else reach),
            hour_factors=np.ones_like(one.hour_factors),
            number_state=np.full(n, -1),
            interest=np.full(n, 0.05),
        )


def _labels(seed: int, name: str, shares: Floats, n: int) -> Wholes:
    edges = np.cumsum(shares) / np.sum(shares)
    edges[-1] = 1.0
    return np.searchsorted(edges, stream(seed, name).random(n), side="right").astype(np.int64)


def _beta(seed: int, mean: float, n: int) -> Floats:
    if not 0 < mean < 1:
        return np.full(n, mean)
    return stream(seed, "reachability").beta(mean * _SPREAD, (1 - mean) * _SPREAD, n)


def _scaled(floor: Floor) -> Floats:
    """The kinds of hours, each with mean 1 over the hours of the calling window."""
    hours = np.array(HOURS)
    first, last = int(floor.window.first[:2]), int(floor.window.last[:2])
    inside = hours[:, first : max(last, first + 1)]
    return np.asarray(hours / inside.mean(axis=1, keepdims=True))
