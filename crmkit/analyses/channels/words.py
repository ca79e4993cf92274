"""The definition card and the findings of channels."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from crmkit import text
from crmkit.analyses.channels.measures import ALL
from crmkit.blocks import Definition
from crmkit.periods import period_start
from crmkit.result import Finding
from crmkit.stats import SMALL
from crmkit.text import money, number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.channels.result import Channels

_GOAL = 3.0
"""What a customer should bring for each unit spent to win it: the rule of thumb."""


def channel_name(key: object) -> str:
    """A channel as a reader sees it."""
    if key == ALL:
        return say("All channels")
    return str(key) if key else say("Not given")


def definition(result: "Channels") -> Definition:
    """Every decision taken."""
    told = result.span
    items = [
        (
            say("Period"),
            say(
                "{start} to {end}, {days} days in the time zone {zone}; compared with the {days} "
                "days before.",
                start=text.day(told.start),
                end=text.day(told.as_of),
                days=number(told.days),
                zone=told.timezone,
            ),
        ),
        (
            say("Channel"),
            say("The channel that brought the customer, as recorded when it was won."),
        ),
        (
            say("New customer"),
            say(
                "Won when created, or at the first purchase where that is earlier; {n} customers "
                "have neither date and count in no period.",
                n=number(result.undated),
            ),
        ),
        (
            say("Repeat and value"),
            say(
                "Of the customers won in the {days} days that end {age} days (or the age named) "
                "before {end}, the latest who were all watched so long. Bought again: two "
                "purchases or more up to that age. What cannot be known yet stays blank.",
                days=number(told.days),
                age=number(result.repeat_age),
                end=text.day(told.as_of),
            ),
        ),
        *(_money(result) if result.costed else ()),
        (
            say("Conversion"),
            say(
                "Share of new visitors, or leads, who became customers within {within} days, by "
                "channel of the first event, or by source of the lead; only those watched so long.",
                within=number(result.within),
            ),
        ),
        (
            say("Quadrant"),
            say(
                "Volume: customers won, parted at the mean channel. Quality: parted at that of all "
                "customers. Arrows come from the period before. Channels of fewer than 30 "
                "customers are faded and have no name and no corner."
            ),
        ),
        (
            say("Caution"),
            say(
                "Some customers of a channel would have come without it: moving budget may bring "
                "fewer than these costs promise. Only a test with a holdout tells."
            ),
        ),
        (
            say("Interval"),
            say(
                "95%: Wilson for rates, Student for means, exact Poisson for counts and cost per "
                "customer; CPA, ROAS and LTV:CAC by the delta method on the logarithm."
            ),
        ),
    ]
    if result.orphans:
        items.append(
            (
                say("Not in the table"),
                say(
                    "{n} purchases are of customers who are not in the table of customers; they "
                    "count for credit only.",
                    n=number(result.orphans),
                ),
            )
        )
    return Definition(tuple(items))


def _money(result: "Channels") -> tuple[tuple[str, str], ...]:
    late = result.spend_since > result.span.first
    since = (
        say(
            "Spend is known from {day} only, after the period began: costs per customer may be "
            "too low.",
            day=text.day(period_start(int(result.spend_since), "day")),
        )
        if late
        else ""
    )
    credit = (
        say(
            "The last touch that was not direct in the {days} days before a purchase; purchases "
            "count on the day of that touch, so those to come from late touches are missing yet.",
            days=number(result.lookback),
        )
        if result.credited
        else say("Without touches there are no CPA and no ROAS.")
    )
    return (
        (say("Spend"), f"{say('What was spent on the days of the period.')} {since}".rstrip()),
        (
            say("Cost per new customer (CAC)"),
            say("Spend of the period over customers won in it; none for channels without spend."),
        ),
        (say("CPA and ROAS"), credit),
        (
            say("LTV:CAC"),
            say(
                "Margin ({margin} of revenue) per customer within {days} days, the longest that is "
                "asked for and observed, over CAC. What comes later is not counted. Payback: the "
                "first month of 30 days by which margin covers CAC; blank where none seen does.",
                margin=percent(result.margin, 0),
                days=number(result.horizon),
            ),
        ),
    )


def findings(result: "Channels") -> tuple[Finding, ...]:
    """Where money earns least and most, who comes back less, what does not match."""
    found = (*_costs(result), *_worth(result), *_weak(result), *_unmatched(result))
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _judged(result: "Channels") -> pd.DataFrame:
    rows = result.channels
    return rows[(rows.customers >= SMALL) & rows.cac.notna()]


def _costs(result: "Channels") -> list[Finding]:
    """The channel whose customers cost most, against the one whose cost least."""
    rows = _judged(result)
    rows = rows[(rows.aged >= SMALL) & (rows.cost >= 0.05 * rows.cost.sum())]
    if len(rows) < 2:
        return []
    worst, best = rows.iloc[int(rows.cac.argmax())], rows.iloc[int(rows.cac.argmin())]
    if worst.cac_low <= best.cac_high:
        return []
    filled = {
        "worst": channel_name(worst.channel),
        "best": channel_name(best.channel),
        "cost": money(worst.cac, short=True),
        "less": money(best.cac, short=True),
        "times": number(worst.cac / best.cac, 1),
        "rate": percent(worst.again),
        "other": percent(best.again),
    }
    if worst.again_high < best.again_low:
        words = say(
            "A customer of {worst} costs {cost}, {times} times one of {best} ({less}), and fewer "
            "buy again: {rate} against {other}.",
            **filled,
        )
        action = say(
            "Move budget from {worst} to {best} step by step, and watch what the next customer "
            "costs.",
            **filled,
        )
    else:
        words = say(
            "A customer of {worst} costs {cost}, {times} times one of {best} ({less}); {rate} buy "
            "again, against {other}.",
            **filled,
        )
        action = say(
            "See whether the customers of {worst} are worth what they cost before moving its "
            "budget to {best}.",
            **filled,
        )
    share = float(worst.cost / result.channels.cost.sum())
    return [Finding(words=words, action=action, weight=share)]


def _worth(result: "Channels") -> list[Finding]:
    """Channels surely below, and surely above, three times their cost."""
    rows = _judged(result)
    rows = rows[rows.ltv_n >= SMALL]
    total = float(result.channels.cost.sum())
    found = []
    below = rows[rows.ltv_cac_high < _GOAL]
    if len(below):
        row = below.iloc[int(below.cost.argmax())]
        losing = row.ltv_cac_high < 1
        action = (
            say("Stop {channel} until a customer costs less than it brings.", **_named(row))
            if losing
            else say(
                "Make customers of {channel} cheaper, or win their next purchase.", **_named(row)
            )
        )
        found.append(
            Finding(words=_ratio_words(result, row), action=action, weight=row.cost / total)
        )
    above = rows[(rows.ltv_cac_low > _GOAL) & (rows.cost >= 0.05 * total)]
    if len(above):
        row = above.iloc[int(above.ltv_cac.argmax())]
        action = say(
            "Raise the budget of {channel} until the next customer costs a third of its margin.",
            **_named(row),
        )
        weight = 0.5 * row.cost / total
        found.append(Finding(words=_ratio_words(result, row), action=action, weight=weight))
    return found


def _named(row: Any) -> dict[str, str]:
    return {"channel": channel_name(row.channel)}


def _ratio_words(result: "Channels", row: Any) -> str:
    return say(
        "{channel}: margin within {days} days is {ratio} times what a customer costs ({span}); the "
        "rule of thumb is 3.",
        days=number(result.horizon),
        ratio=number(row.ltv_cac, 1),
        span=span(row.ltv_cac_low, row.ltv_cac_high, rate=False),
        **_named(row),
    )


def _weak(result: "Channels") -> list[Finding]:
    """The channel that loses most repeat buyers against the others."""
    rows = result.channels
    less = rows[(rows.again_p < 0.05) & (rows.again < rows.again_rest)]
    if less.empty:
        return []
    lost = (less.again_rest - less.again) * less.aged
    row = less.iloc[int(lost.argmax())]
    return [
        Finding(
            words=say(
                "{channel}: {rate} ({span}) of customers buy again within {days} days, {rest} of "
                "the others.",
                rate=percent(row.again),
                span=span(row.again_low, row.again_high),
                days=number(result.repeat_age),
                rest=percent(row.again_rest),
                **_named(row),
            ),
            action=say(
                "Give new customers of {channel} a reason for a second purchase in the first "
                "weeks, and do not buy more of them before that works.",
                **_named(row),
            ),
            weight=float(lost.max() / rows.aged.sum()) * 3,
        )
    ]


def _unmatched(result: "Channels") -> list[Finding]:
    rows = result.unmatched[result.unmatched.cost > 0]
    total = float(result.channels.cost.sum())
    if rows.empty:
        return []
    cost = float(rows.cost.sum())
    return [
        Finding(
            words=say(
                "{cost} ({share} of spend) went to channels that no customer names: {names}.",
                cost=money(cost, short=True),
                share=percent(cost / total),
                names=say(", ").join(rows.channel.map(channel_name)),
            ),
            action=say(
                "Check whether these names are those of other channels; if not, judge them by the "
                "purchases credited to them, not by new customers."
            ),
            weight=0.5 * cost / total,
        )
    ]
