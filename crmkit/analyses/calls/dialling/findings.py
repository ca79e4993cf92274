"""What is found in dials, and what to do about it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmkit.analyses.calls.dialling.hours import hours_apart
from crmkit.analyses.calls.measures import change
from crmkit.analyses.calls.names import hour_ranges, named
from crmkit.result import Finding
from crmkit.stats import SMALL, holm, two_proportions
from crmkit.text import message, number, percent, points, say, span

if TYPE_CHECKING:
    from crmkit.analyses.calls.dialling.result import Calls

_CERTAIN = 0.05
_NOTED = 0.02
"""Contacts without an outcome are told from this share on."""

_CHANGES = (
    (
        "contact_rate",
        "contacts",
        "dials",
        message("The contact rate fell from {before} to {now} ({change}, {span})."),
        message("The contact rate rose from {before} to {now} ({change}, {span})."),
        message("Look which lists and hours fell: load fresh leads, and dial in the better hours."),
    ),
    (
        "conversion_contacts",
        "sales",
        "known_contacts",
        message("Conversion of contacts fell from {before} to {now} ({change}, {span})."),
        message("Conversion of contacts rose from {before} to {now} ({change}, {span})."),
        message("Compare offer, list and team with the days before, and listen to calls."),
    ),
)


def findings(result: "Calls") -> tuple[Finding, ...]:
    """What changed, which campaign and which hours stand out, what is not known."""
    found = [*_changes(result), *_campaigns(result), *_hours(result), *_uncoded(result)]
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _changes(result: "Calls") -> list[Finding]:
    found = []
    for name, part, whole, fell, rose, action in _CHANGES:
        difference, low, high = change(result.totals, name, part, whole)
        if not (low > 0 or high < 0):
            continue
        before, now = result.totals[name].iloc[1], result.totals[name].iloc[0]
        words = say(
            fell if difference < 0 else rose,
            before=percent(before),
            now=percent(now),
            change=points(difference),
            span=span(low, high),
        )
        lasting = say("Find out what helped, and keep it.")
        found.append(
            Finding(
                words=words,
                action=say(action) if difference < 0 else lasting,
                weight=min(1.0, abs(difference) / before) if before else 0.5,
            )
        )
    return found


def _standing_out(
    frame: pd.DataFrame, part: str, whole: str
) -> tuple["pd.Series[Any] | None", "pd.Series[Any] | None"]:
    """The rows with the lowest and the highest rate that surely differ from all others."""
    parts, wholes = frame[part].to_numpy(float), frame[whole].to_numpy(float)
    if len(frame) < 2 or np.isnan(parts).any():
        return None, None
    x, n = parts.sum(), wholes.sum()
    p = holm([two_proportions(a, b, x - a, n - b) for a, b in zip(parts, wholes, strict=True)])
    rates = frame.assign(rate=parts / np.where(wholes > 0, wholes, np.nan))
    sure = rates[(p < _CERTAIN) & (wholes >= SMALL)].sort_values("rate", kind="stable")
    low, high = sure[sure.rate < x / n], sure[sure.rate > x / n]
    return (low.iloc[0] if len(low) else None), (high.iloc[-1] if len(high) else None)


def _campaigns(result: "Calls") -> list[Finding]:
    frame = result.campaigns
    worst, _ = _standing_out(frame, "sales", "known_contacts")
    if worst is None:
        return []
    return [
        Finding(
            words=say(
                "Campaign {campaign} sells to {rate} ({span}) of its contacts, all campaigns to "
                "{all}.",
                campaign=named(worst.campaign_id),
                rate=percent(worst.conversion_contacts),
                span=span(worst.conversion_contacts_low, worst.conversion_contacts_high),
                all=percent(result.total.conversion_contacts),
            ),
            action=say(
                "Check list and offer of {campaign} before it is given more hours.",
                campaign=named(worst.campaign_id),
            ),
            weight=float(worst.dials / result.total.dials) / 2,
        )
    ]


def _hours(result: "Calls") -> list[Finding]:
    """The best and the worst hour, where both surely differ from those expected."""
    apart = hours_apart(result.hours, "contacts" if result.known.contacts else "answered")
    if apart.empty or apart.above.all() or not apart.above.any():
        return []
    worst, best = apart.iloc[0], apart.iloc[-1]
    return [
        Finding(
            words=say(
                "At {best}, {high} of dials reach a person, at {worst} {low}, the mix of campaigns "
                "and modes taken out.",
                best=hour_ranges([best.hour]),
                high=percent(best.adjusted),
                worst=hour_ranges([worst.hour]),
                low=percent(worst.adjusted),
            ),
            action=say(
                "Move dials towards {best} if the best time to call, within the same lists, "
                "confirms it.",
                best=hour_ranges([best.hour]),
            ),
            weight=float(worst.dials / result.total.dials) / 2,
        )
    ]


def _uncoded(result: "Calls") -> list[Finding]:
    total = result.total
    base = total.contacts if result.known.contacts else total.answered - total.dropped
    if not base or total.uncoded / base < _NOTED:
        return []
    return [
        Finding(
            words=say(
                "{n} of {all} contacts ({share}) have no known outcome.",
                n=number(total.uncoded),
                all=number(base),
                share=percent(total.uncoded / base),
            ),
            action=say("Let every call end in an outcome, and give each code its meaning."),
            weight=float(min(total.uncoded / base, 1.0)),
        )
    ]
