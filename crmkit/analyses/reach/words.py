"""How reasons, bands and weekdays are called, the card of definitions and the tables."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Table
from crmkit.text import message, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.reach.result import Reach

__all__ = [
    "attempts_table",
    "band_name",
    "bands_table",
    "definition_of",
    "due_columns",
    "readable",
    "weekday_name",
]

_WHY = {
    "callback": message("Callback agreed, not yet made"),
    "dropped": message("Dropped: answered and no agent came"),
    "unreached": message("Not reached yet, worth an attempt"),
}
_WEEKDAYS = (
    message("Mon"),
    message("Tue"),
    message("Wed"),
    message("Thu"),
    message("Fri"),
    message("Sat"),
    message("Sun"),
)


def weekday_name(weekday: int) -> str:
    """The name of a weekday, 0 for Monday."""
    return say(_WEEKDAYS[int(weekday)])


def band_name(starts: tuple[int, ...], band: int) -> str:
    """The hours of a band.

    >>> band_name((0, 10, 12), 1), band_name((0, 10, 12), 2)
    ('10:00–12:00', '12:00–24:00')
    """
    return f"{starts[band]}:00–{(*starts, 24)[band + 1]}:00"


def readable(due: pd.DataFrame, starts: tuple[int, ...]) -> pd.DataFrame:
    """The leads to call, in words."""
    when = [
        say("At the time agreed, else {hours}", hours=band_name(starts, int(band)))
        if why == "callback"
        else band_name(starts, int(band))
        for why, band in zip(due.why, due.band, strict=True)
    ]
    days = pd.to_datetime(due.last_day.astype("int64"), unit="D").dt.date
    return due.assign(why_words=[say(_WHY[str(why)]) for why in due.why], when=when, last=days)


def due_columns() -> tuple[Column, ...]:
    """The columns of the leads to call."""
    return (
        Column("lead_id", say("Lead")),
        Column("why_words", say("Why")),
        Column("when", say("When to call")),
        Column("chance", say("Chance of an answer"), "rate"),
        Column("failed", say("Attempts that failed"), "count"),
        Column("last", say("Last call"), "day"),
    )


def attempts_table(frame: pd.DataFrame) -> Table:
    """Who is reached by which attempt."""
    return Table(
        "reach-attempts",
        say("Leads reached by attempt, and the expected chance of that attempt."),
        frame,
        (
            Column("attempt", say("Attempt"), "count"),
            Column("at_risk", say("Leads called"), "count"),
            Column("reached", say("Reached"), "count"),
            Column(
                "rate", say("Share reached"), "rate", low="rate_low", high="rate_high", n="at_risk"
            ),
            Column("chance", say("Expected chance"), "rate"),
            Column(
                "cumulative",
                say("Reached by then"),
                "rate",
                low="cumulative_low",
                high="cumulative_high",
                n="at_risk",
            ),
            Column("cumulative_fitted", say("By then, fitted"), "rate", folded=True),
            Column("cumulative_naive", say("By then, if leads were alike"), "rate", folded=True),
        ),
        note=say("Leads no longer called are taken as unknown from then on, not as never reached."),
    )


def bands_table(name: str, caption: str, frame: pd.DataFrame) -> Table:
    """The fair and the bare rate of each band."""
    return Table(
        name,
        caption,
        frame[frame.n > 0],
        (
            Column("label", say("When")),
            Column("n", say("Attempts"), "count"),
            Column("naive", say("Bare rate"), "rate", low="naive_low", high="naive_high", n="n"),
            Column("fair", say("Same leads, fresh"), "rate", low="fair_low", high="fair_high"),
            Column("naive_factor", say("Bare, against the mean"), "number", 2, folded=True),
            Column(
                "factor",
                say("Against the mean"),
                "number",
                2,
                low="factor_low",
                high="factor_high",
            ),
        ),
        note=say(
            "The bare rate compares other leads at each time: those called again are harder to "
            "reach than fresh ones."
        ),
    )


def definition_of(found: "Reach") -> Definition:
    """Every decision taken."""
    since = () if found.start is None else ((say("First dialled since"), text.day(found.start)),)
    return Definition(
        (
            (
                say("Attempt"),
                say(
                    "An outbound dial of a lead that a person could have answered; {n} dials were "
                    "none (number empty or suspended, no line, cancelled) and {m} had no lead.",
                    n=number(found.no_try),
                    m=number(found.no_lead),
                ),
            ),
            (
                say("Reached"),
                say(
                    "By the first attempt that a person answers, also where no agent came; later "
                    "attempts do not count, nor do those beyond the first {n}.",
                    n=number(found.most),
                ),
            ),
            (
                say("Reachability"),
                say(
                    "The chance to answer is a lead's own, the same at every attempt, and beta "
                    "distributed over leads (beta-geometric): a = {a}, b = {b}; leads alike: "
                    "p = {p}.",
                    a=number(found.a, 2),
                    b=number(found.b, 2),
                    p=number(found.p_alike, 3),
                ),
            ),
            (
                say("Time"),
                say(
                    "An hour multiplies a lead's hazard to answer, alike for all leads; lists are "
                    "compared with themselves. Within a list, the hour of a dial must say nothing "
                    "of how easily the lead is reached. Where people like hours of their own, "
                    "those who missed one are likelier at another: then these chances are nearer "
                    "the truth than bare rates, not exact. Hours: p = {p}; weekdays: p = {q}.",
                    p=number(found.p_hours, 3),
                    q=number(found.p_weekdays, 3),
                ),
            ),
            (
                say("Best time"),
                say(
                    "Named only where times differ (likelihood ratio, p below 5%) and the interval "
                    "of the best lies above the mean."
                ),
            ),
            (
                say("Stop rule"),
                say(
                    "An attempt is worth making while its chance is at least {share} of a fresh "
                    "lead's.",
                    share=percent(found.worth, 0),
                ),
            ),
            (
                say("Left out"),
                say(
                    "{n} leads first dialled before the period or the log. Leads given up by their "
                    "results (such as refusals) may be harder than those still called.",
                    n=number(found.earlier),
                ),
            ),
            *since,
            (say("Data until"), say("{day}, included", day=text.day(found.as_of))),
        )
    )
