"""Did the campaign work? Customers treated against those held out at random."""

import datetime as dt
import json
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy.special import stdtrit

from crmkit import periods
from crmkit.analyses.campaigns.arms import arms
from crmkit.analyses.campaigns.trial_result import Campaigns
from crmkit.errors import ParameterError
from crmkit.stats import difference_interval, holm, ratio_interval, two_proportions, wilson

__all__ = ["campaigns"]

_POWER = 0.84 + 1.96  # normal quantiles of 80 % power and a two-sided 5 % test


def campaigns(
    interventions: ir.Table,
    purchases: ir.Table,
    plans: ir.Table | None = None,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    days: int = 14,
    margin: float = 1.0,
) -> Campaigns:
    """Lift of campaigns over a random holdout: who bought in their time, and what it brought.

    The rate of a group is its customers who bought between the campaign's start and end, over all
    its customers. Lift is the rate of the treated over that of the holdout, its interval by scores
    (Koopman 1984); the difference has Newcombe's interval (1998); revenue per customer Welch's.
    As both groups were chosen by chance, what lies between them is the campaign. The placebo is
    the same comparison in the equally long time before the campaign, where there can be no effect.

    Parameters:
        interventions: the canonical table; a campaign's rows have the reason "campaign" and its
            campaign_id as action; arm is treated or holdout. A customer counts once for each
            campaign, from the first assignment; who was put into both arms is left out.
        purchases: orders that count, of known customers.
        plans: the canonical table campaigns, for names and ends; None where there is none.
        as_of: the last local calendar day that counts, included.
        timezone: IANA zone of days.
        days: how long a purchase counts where the campaign has no end.
        margin: share of revenue that is left after the cost of goods, 0 to 1.

    Returns: `Campaigns` with the frame `effects`, one row a campaign in order of time.
    Raises: ParameterError for a margin outside 0 to 1 or less than a day.

    >>> import datetime as dt, ibis
    >>> day = dt.datetime(2025, 5, 1)
    >>> people = [{"customer_id": str(n), "assigned_at": day, "reason": "campaign", "action": "A",
    ...     "arm": "holdout" if n % 2 else "treated", "cost": 0.0} for n in range(200)]
    >>> bought = [{"customer_id": str(n), "ordered_at": day, "amount": 9.0} for n in (0, 2, 4, 1)]
    >>> found = campaigns(ibis.memtable(people), ibis.memtable(bought), as_of="2025-06-01")
    >>> float(found.effects.lift[0]), int(found.effects.treated[0])
    (3.0, 100)
    """
    if not 0 <= margin <= 1:
        raise ParameterError(f"margin is {margin!r}. Give a share of revenue from 0 to 1.")
    if days < 1:
        raise ParameterError(f"days is {days!r}. Give 1 or more.")
    end = periods.day_end(as_of, timezone)
    raw = arms(interventions, purchases, plans, end=end, days=days).execute()
    return Campaigns(
        effects=_effects(raw, pd.Timestamp(end), timezone, margin),
        both=int(raw.n[raw.arm == "both"].sum()),
        as_of=str(periods.day(as_of)),
        timezone=timezone,
        days=days,
        margin=margin,
    )


def _effects(raw: pd.DataFrame, end: pd.Timestamp, timezone: str, margin: float) -> pd.DataFrame:
    rows = [
        _effect(str(key), part.set_index("arm"), end, timezone, margin)
        for key, part in raw[raw.arm != "both"].groupby("campaign")
    ]
    frame = pd.DataFrame(rows, columns=_NAMES if not rows else None)
    if rows:
        frame = frame.sort_values(["begins", "campaign"], ignore_index=True)
    chance = frame.p.astype("float64").where(frame.over.astype(bool))
    frame["p_adjusted"] = holm(chance)
    frame["verdict"] = pd.Series([_verdict(row) for row in frame.itertuples()], dtype="object")
    return frame


def _effect(
    campaign: str, arm: pd.DataFrame, end: pd.Timestamp, timezone: str, margin: float
) -> dict[str, object]:
    sums = arm.drop(columns=["campaign", "begins", "ends", "settings"]).astype("float64")
    treated, held = (_group(sums, name) for name in ("treated", "holdout"))
    begins, ends = arm.begins.min(), arm.ends.max()
    zone = periods.zone(timezone)
    return {
        "campaign": campaign,
        "name": _name(arm.settings, campaign),
        "begins": _local_day(begins, zone),
        "ends": _local_day(ends - pd.Timedelta(1, "us"), zone),
        "over": ends <= end,
        **_rates(treated, held),
        **_revenue(treated, held, margin),
        **_placebo(treated, held),
    }


def _local_day(at: pd.Timestamp, zone: dt.tzinfo) -> pd.Timestamp:
    return pd.Timestamp(at).tz_localize("UTC").tz_convert(zone).tz_localize(None).normalize()


def _group(sums: pd.DataFrame, name: str) -> "pd.Series[float]":
    if name not in sums.index:
        return pd.Series(0.0, index=sums.columns)
    return pd.Series(sums.loc[[name]].to_numpy()[0], index=sums.columns)


def _name(settings: "pd.Series[str]", campaign: str) -> str:
    """The name in the settings of a campaign, or its id."""
    for words in settings.dropna():
        try:
            found = json.loads(words)
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("name"):
            return str(found["name"])
    return campaign


def _rates(treated: "pd.Series[float]", held: "pd.Series[float]") -> dict[str, object]:
    """Shares of buyers, their ratio and difference, and what the trial could have shown."""
    counts = treated.buyers, treated.n, held.buyers, held.n
    low, high = wilson([treated.buyers, held.buyers], [treated.n, held.n])
    rate, base = _ratio(treated.buyers, treated.n), _ratio(held.buyers, held.n)
    lift_low, lift_high = ratio_interval(*counts)
    gain_low, gain_high = difference_interval(*counts)
    pooled = _ratio(treated.buyers + held.buyers, treated.n + held.n)
    error = np.sqrt(pooled * (1 - pooled) * (_ratio(1, treated.n) + _ratio(1, held.n)))
    return {
        "treated": int(treated.n),
        "holdout": int(held.n),
        "treated_buyers": int(treated.buyers),
        "holdout_buyers": int(held.buyers),
        "rate": rate,
        "rate_low": low[0],
        "rate_high": high[0],
        "base": base,
        "base_low": low[1],
        "base_high": high[1],
        "lift": _ratio(rate, base),
        "lift_low": lift_low,
        "lift_high": lift_high,
        "gain": rate - base,
        "gain_low": gain_low,
        "gain_high": gain_high,
        "extra": (rate - base) * treated.n,
        "extra_low": gain_low * treated.n,
        "extra_high": gain_high * treated.n,
        "shows": _POWER * error,
        "p": two_proportions(*counts),
    }


def _revenue(
    treated: "pd.Series[float]", held: "pd.Series[float]", margin: float
) -> dict[str, object]:
    """What the treated spent beyond the holdout, what it cost, and what is left."""
    means = [_ratio(g.revenue, g.n) for g in (treated, held)]
    errors = [_squared_error(g) for g in (treated, held)]
    half = _welch(errors, [treated.n, held.n])
    per_customer = means[0] - means[1]
    limits = per_customer, per_customer - half, per_customer + half
    extra = [value * treated.n for value in limits]
    profit = [margin * value - treated.cost for value in extra]
    names = ("", "_low", "_high")
    return {
        "spent": means[0],
        "spent_base": means[1],
        **{f"revenue{at}": value for at, value in zip(names, extra, strict=True)},
        "cost": treated.cost,
        **{f"profit{at}": value for at, value in zip(names, profit, strict=True)},
        **{
            f"roi{at}": _ratio(value, treated.cost) for at, value in zip(names, profit, strict=True)
        },
    }


def _squared_error(group: "pd.Series[float]") -> float:
    """The squared standard error of revenue per customer."""
    if group.n < 2:
        return float("nan")
    mean = group.revenue / group.n
    return max(group.squares - group.n * mean**2, 0.0) / (group.n - 1) / group.n


def _welch(errors: list[float], n: list[float]) -> float:
    """Half the 95 % interval of a difference of two means (Welch 1947)."""
    total = sum(errors)
    if not total > 0:
        return float("nan")
    freedom = total**2 / sum(e**2 / (m - 1) for e, m in zip(errors, n, strict=True))
    return float(stdtrit(freedom, 0.975) * np.sqrt(total))


def _placebo(treated: "pd.Series[float]", held: "pd.Series[float]") -> dict[str, object]:
    counts = treated.buyers_before, treated.n, held.buyers_before, held.n
    low, high = difference_interval(*counts)
    return {
        "placebo": _ratio(treated.buyers_before, treated.n) - _ratio(held.buyers_before, held.n),
        "placebo_low": low,
        "placebo_high": high,
        "placebo_p": two_proportions(*counts),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _verdict(row: Any) -> str:
    """Whether it worked, harmed, was too small to say or has no effect; else why nobody can say."""
    get = row._asdict().get
    if get("holdout") == 0 or get("treated") == 0:
        return "no_holdout"
    if not get("over"):
        return "running"
    if get("placebo_p") < 0.001:
        return "unlike"
    if not get("p_adjusted") < 0.05:
        return "too_small" if get("gain_high") >= get("shows") else "not_shown"
    return "worked" if get("gain") > 0 else "harmed"


_NAMES = [
    *("campaign", "name", "begins", "ends", "over", "treated", "holdout", "treated_buyers"),
    *("holdout_buyers", "rate", "rate_low", "rate_high", "base", "base_low", "base_high", "lift"),
    *("lift_low", "lift_high", "gain", "gain_low", "gain_high", "extra", "extra_low"),
    *("extra_high", "shows", "p", "spent", "spent_base", "revenue", "revenue_low", "revenue_high"),
    *("cost", "profit", "profit_low", "profit_high", "roi", "roi_low", "roi_high", "placebo"),
    *("placebo_low", "placebo_high", "placebo_p"),
]
"""The columns of `effects`, for a book without campaigns."""
