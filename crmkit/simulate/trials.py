"""Random trials on known customers: campaigns with a holdout, and remedies after a warning."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met, arms, buy_probability
from crmkit.simulate.signs import Signs
from crmkit.simulate.touches import NONE, Touches, made_touches

__all__ = ["Trials", "draw_drives", "draw_warnings", "drive_touches", "joined_trials"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_MORNING = 9 * 3600  # campaigns begin; warnings are written an hour before
_WAVE_DAYS = 30
_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Customers put into an arm, one element each.

    `customer`; `at`, seconds, and `end`, until when a purchase counts; `drive`, `remedy`,
    positions, one of them NONE; `treated`; `bought`, whether the customer did; `with_it` and
    `held_out`, the planted probabilities to buy; `needed`, treated and bought, and would not have.
    """

    customer: Wholes
    at: Wholes
    end: Wholes
    drive: Wholes
    remedy: Wholes
    treated: Flags
    bought: Flags
    with_it: Floats
    held_out: Floats
    needed: Flags

    def __len__(self) -> int:
        return len(self.customer)

    def where(self, rows: npt.NDArray[np.generic]) -> "Trials":
        """Some of them."""
        return Trials(**{name: values[rows] for name, values in vars(self).items()})


def joined_trials(parts: list[Trials]) -> Trials:
    """Trials put together."""
    return Trials(
        **{
            name: np.concatenate([vars(part)[name] for part in parts])
            for name in Trials.__dataclass_fields__
        }
    )


def draw_drives(met: Met) -> Trials:
    """The arms of every campaign that begins on the days met."""
    market = met.world.market
    parts = [_nobody()]
    for position, drive in enumerate(market.drives):
        first = met.world.met_from + dt.timedelta(days=drive.starts)
        if first > met.world.last:
            continue
        rng = met.world.stream(f"drive {drive.name}")
        at = min(met.span.second_of(first) + _MORNING, met.span.seconds - 1)
        known = met.people.arrived < met.business(np.array([at]))[0]
        who = np.flatnonzero(known & (rng.random(len(known)) < drive.reach))
        lift = np.full(len(who), drive.lift)
        end = at + drive.days * _DAY
        parts.append(_trial(met, rng, who, (at, end), lift, 1 - drive.holdout, drive=position))
    return joined_trials(parts)


def draw_warnings(met: Met, signs: Signs) -> Trials:
    """Every month, customers who have been quiet are warned of, and something is done for some.

    The reason is that of the last sign seen before, else that of the last remedy. Nobody is warned
    of twice.
    """
    market = met.world.market
    rng = met.world.stream("warnings")
    parts, warned = [_nobody()], np.zeros(len(met.people), dtype=bool)
    if not market.remedies:
        return parts[0]
    lifts = np.array([remedy.lift for remedy in market.remedies])
    for days in range(0, market.days, _WAVE_DAYS):
        day = met.world.met_from + dt.timedelta(days=days)
        if day > met.world.last:
            break
        at = min(met.span.second_of(day) + _MORNING - 3600, met.span.seconds - 1)
        since = (at - _last_purchase(met, at)) / _DAY
        quiet = (since >= market.quiet[0]) & (since < market.quiet[1]) & ~warned
        who = np.flatnonzero(quiet)
        warned[who] = True
        remedy = _reasons(met, signs, at)[who]
        window = at, at + market.watched * _DAY
        parts.append(_trial(met, rng, who, window, lifts[remedy], market.treated, remedy=remedy))
    return joined_trials(parts)


def drive_touches(met: Met, trials: Trials) -> Touches:
    """What was sent to the treated of campaigns."""
    media = [medium.name for medium in met.world.market.media]
    by = np.array(
        [media.index(d.medium) if d.medium in media else NONE for d in met.world.market.drives]
        or [0]
    )
    sent = trials.where(trials.treated & (trials.drive != NONE))
    sent = sent.where(by[sent.drive] != NONE)
    delay = met.world.stream("drive touches").integers(0, 600, len(sent))
    no = np.zeros(len(sent), dtype=bool)
    at = np.minimum(sent.at + delay, met.span.seconds - 1)
    return made_touches(sent.customer, at, by[sent.drive], no, drive=sent.drive)


def _last_purchase(met: Met, before: int) -> Floats:
    """When each customer last bought before that moment, in seconds; -infinite for nobody yet."""
    rows = met.bought[met.purchases.at[met.bought] < before]
    last = np.full(len(met.people), -np.inf)
    np.maximum.at(last, met.purchases.customer[rows], met.purchases.at[rows])
    return last


def _reasons(met: Met, signs: Signs, before: int) -> Wholes:
    """The remedy for each customer: of the last sign seen, else the last in the list."""
    market = met.world.market
    reasons = [remedy.reason for remedy in market.remedies]
    of_cause = np.array(
        [reasons.index(c.name) if c.name in reasons else len(reasons) - 1 for c in market.causes]
        or [0]
    )
    remedy = np.full(len(met.people), len(reasons) - 1)
    seen = np.flatnonzero(signs.at < before)
    seen = seen[np.argsort(signs.at[seen], kind="stable")]
    remedy[signs.customer[seen]] = of_cause[signs.cause[seen]]
    return remedy


def _trial(
    met: Met,
    rng: np.random.Generator,
    who: Wholes,
    window: tuple[int, int],
    lift: Floats,
    treated: float,
    drive: int = NONE,
    remedy: Wholes | None = None,
) -> Trials:
    n = len(who)
    at, end = np.full(n, window[0]), np.full(n, min(window[1], met.span.seconds))
    bought = met.bought_within(who, at, end)
    chance = buy_probability(met, who, at, end)
    taken, with_it, held_out = arms(rng, bought, chance, lift, treated)
    without = np.divide(held_out, with_it, out=np.ones(n), where=with_it > 0)
    return Trials(
        customer=who,
        at=at,
        end=end,
        drive=np.full(n, drive),
        remedy=np.full(n, NONE) if remedy is None else remedy,
        treated=taken,
        bought=bought,
        with_it=with_it,
        held_out=held_out,
        needed=taken & bought & (rng.random(n) >= without),
    )


def _nobody() -> Trials:
    no = np.zeros(0, dtype=np.int64)
    columns = dict.fromkeys(Trials.__dataclass_fields__, no)
    for name in ("treated", "bought", "needed"):
        columns[name] = no.astype(bool)
    return Trials(**columns)  # type: ignore[arg-type]
