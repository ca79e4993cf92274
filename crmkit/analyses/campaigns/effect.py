"""Did a campaign without a holdout work? Its days against what they would have been."""

import datetime as dt

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.campaigns.counterfactual import (
    Effect,
    against_control,
    by_model,
    by_weekday,
)
from crmkit.analyses.campaigns.effect_result import CampaignEffect
from crmkit.analyses.campaigns.series import daily
from crmkit.errors import ParameterError, nearest

__all__ = ["campaign_effect"]

_MEASURES = ("orders", "revenue")
_LEAST_DAYS = 42  # six weeks tell weekdays from a level that wanders
_PLACEBOS = 4
_LEAST_A_DAY = 1.0


def campaign_effect(
    purchases: ir.Table,
    *,
    start: periods.Day,
    end: periods.Day,
    as_of: periods.Day,
    control: object = None,
    measure: str = "orders",
    before: int = 112,
    after: int = 28,
    timezone: str = "UTC",
    seed: int = 1,
) -> CampaignEffect:
    """What a campaign without a holdout brought: before, during and after it.

    Three answers side by side, each with what it takes for granted: the mean of the same weekdays
    before; difference in differences against untouched customers; and a structural time series of
    the ratio to them. The placebo repeats the last method on earlier days, as if the campaign had
    been then, where there is nothing to find.

    Parameters:
        purchases: orders that count, of known customers.
        start, end: the first and last local day of the campaign.
        as_of: the last local calendar day that counts, included.
        control: a condition on orders that tells those the campaign left alone, such as
            `ibis._.channel == "shop"`; None where it reached everybody.
        measure: orders, or revenue.
        before: days to learn from, 42 or more.
        after: days to watch after the campaign, 0 or more; only those until as_of count.
        timezone: IANA zone of days.
        seed: of the simulated paths.

    Returns: `CampaignEffect` with the frames `effects` (method, window, actual, expected, extra
        with limits, ratio), `days` (actual and expected by day) and `placebos`.
    Raises: ParameterError for days out of order or an unknown measure.
    Sources: Brodersen et al. 2015; Angrist and Pischke 2009 for difference in differences.

    >>> import datetime as dt, ibis
    >>> begin = dt.datetime(2025, 1, 6)
    >>> sold = [begin + dt.timedelta(days=d, hours=h) for d in range(70)
    ...     for h in range(6 if d >= 63 else 4)]
    >>> orders = ibis.memtable({"order_id": range(len(sold)), "ordered_at": sold,
    ...     "amount": [9.0] * len(sold)})
    >>> found = campaign_effect(orders, start="2025-03-10", end="2025-03-16", as_of="2025-03-16")
    >>> found.effects.set_index("method").extra["weekdays"].round(6).tolist()
    14.0
    """
    first, last, until = (periods.day(value) for value in (start, end, as_of))
    _check(first, last, measure, before, after)
    if first > until:
        return _nothing(first, last, until, measure, timezone)
    stop = min(last + dt.timedelta(days=after), until)
    begin = first - dt.timedelta(days=before)
    days = daily(purchases, control=control, first=begin, last=stop, timezone=timezone)
    frame = _since_data(days, measure, controlled=control is not None)
    known = frame[frame.index < pd.Timestamp(first)]
    if len(known) < _LEAST_DAYS or known.value.mean() < _LEAST_A_DAY:
        return _nothing(first, last, until, measure, timezone, days_known=len(known))
    during = frame.loc[str(first) : str(min(last, until))]
    later = frame.loc[str(last + dt.timedelta(days=1)) :]
    effects, by_day = _effects(known, during, later, seed)
    return CampaignEffect(
        effects=effects,
        days=frame.join(by_day),
        placebos=_placebos(known, len(during), seed),
        start=str(first),
        end=str(last),
        as_of=str(until),
        measure=measure,
        timezone=timezone,
        controlled="control" in frame,
        days_known=len(known),
    )


def _check(first: dt.date, last: dt.date, measure: str, before: int, after: int) -> None:
    if last < first:
        raise ParameterError(f"The campaign ends on {last}, before it starts on {first}.")
    if measure not in _MEASURES:
        guess = nearest(measure, _MEASURES)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise ParameterError(f"measure is {measure!r}.{hint} There are: {', '.join(_MEASURES)}.")
    if before < _LEAST_DAYS or after < 0:
        raise ParameterError(
            f"before is {before!r} and after {after!r}. Give {_LEAST_DAYS} or more, and 0 or more."
        )


def _since_data(days: pd.DataFrame, measure: str, *, controlled: bool) -> pd.DataFrame:
    """The measure as `value` and `control`, from the first day with an order on."""
    frame = pd.DataFrame({"value": days[measure]})
    if controlled:
        frame["control"] = days[f"control_{measure}"]
    sold = frame.index[frame.gt(0).all(axis=1)]
    return frame.loc[sold[0] :] if len(sold) else frame.iloc[:0]


def _effects(
    known: pd.DataFrame, during: pd.DataFrame, later: pd.DataFrame, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects by method and window, and what the model expected of each day."""
    rows = []
    watched = pd.concat([during, later])
    for window, part in (("during", during), ("after", later)):
        if part.empty:
            continue
        rows.append(("weekdays", window, by_weekday(known.value, part.value)))
        if "control" in known:
            rows.append(("control", window, against_control(known, part)))
    model, by_day = by_model(known, during, seed=seed)
    rows.append(("model", "during", model))
    if len(later):
        _, by_day = by_model(known, watched, seed=seed)
    return pd.DataFrame([_row(*row) for row in rows]), by_day


def _row(method: str, window: str, effect: Effect) -> dict[str, object]:
    return {
        "method": method,
        "window": window,
        "actual": effect.actual,
        "expected": effect.expected,
        "extra": effect.extra,
        "extra_low": effect.low,
        "extra_high": effect.high,
        "change": effect.extra / effect.expected if effect.expected else float("nan"),
        "change_low": effect.low / effect.expected if effect.expected else float("nan"),
        "change_high": effect.high / effect.expected if effect.expected else float("nan"),
        "shown": effect.outside,
    }


def _placebos(known: pd.DataFrame, length: int, seed: int) -> pd.DataFrame:
    """The model on windows right before the campaign, as if it had been then."""
    rows = []
    for number in range(1, _PLACEBOS + 1):
        edge = len(known) - number * length
        if edge < _LEAST_DAYS:
            break
        pretended = known.iloc[edge : edge + length]
        effect, _ = by_model(known.iloc[:edge], pretended, seed=seed)
        row = _row("model", "placebo", effect)
        rows.append({"from": pretended.index[0], "to": pretended.index[-1]} | row)
    names = ["from", "to", *_row("", "", Effect(actual=0, expected=0, extra=0, low=0, high=0))]
    return pd.DataFrame(rows, columns=None if rows else names)


def _nothing(
    first: dt.date,
    last: dt.date,
    until: dt.date,
    measure: str,
    timezone: str,
    days_known: int = 0,
) -> CampaignEffect:
    names = list(_row("", "", Effect(actual=0, expected=0, extra=0, low=0, high=0)))
    return CampaignEffect(
        effects=pd.DataFrame(columns=names),
        days=pd.DataFrame(columns=["value", "expected", "low", "high"]),
        placebos=pd.DataFrame(columns=["from", "to", *names]),
        start=str(first),
        end=str(last),
        as_of=str(until),
        measure=measure,
        timezone=timezone,
        controlled=False,
        days_known=days_known,
    )
