"""The definition card, the tables and the findings of traffic."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Table
from crmkit.result import Finding
from crmkit.text import change, number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.traffic.result import Traffic

_UNKNOWN_WORTH_SAYING = 0.05


def source_name(key: object) -> str:
    """A source as a reader sees it."""
    return say("Not given") if key is None or pd.isna(key) else str(key)  # type: ignore[call-overload]


def definition(result: "Traffic") -> Definition:
    """Every decision taken."""
    rules = result.rules
    views = (
        say("page_view and events that begin with view_")
        if rules.views is None
        else say(", ").join(rules.views)
    )
    cut = say("The first period began before the data and is left out.") if result.cut else ""
    items = [
        (
            say("Visit"),
            say(
                "The events of one session id; without one, a visitor's events with pauses of up "
                "to {gap} minutes. It counts in the period it began in, with all its page views, "
                "and only where it saw a page.",
                gap=number(rules.gap),
            ),
        ),
        (say("Page view"), views),
        (say("Source"), say("{column} at the first event of the visit", column=result.by)),
        (
            say("Visitor"),
            say(
                "The browser or device, else the customer. New in the period of the first visit in "
                "the data, returning in later ones; blank where the data reach back less than "
                "{days} days.",
                days=number(result.memory),
            ),
        ),
        (
            say("Bounce"),
            say(
                "A visit of one page view and no other event than: {passive}.",
                passive=say(", ").join(rules.passive) or "–",
            ),
        ),
        (
            say("Time on the site"),
            say(
                "From the first event of a visit to the last, so without the time on the last "
                "page; unknown for visits of one event, which are left out."
            ),
        ),
        (
            say("Days to return"),
            say(
                "Local calendar days from a visit to the visitor's next one. Visits not followed "
                "by another yet count as lasting until {day} (Kaplan-Meier).",
                day=text.day(result.as_of),
            ),
        ),
        (
            say("Clock"),
            say("Calendar periods in the time zone {zone}.", zone=result.timezone),
        ),
        (say("Not over yet"), say("The running period is shown as so far.") + f" {cut}".rstrip()),
        (
            say("Interval"),
            say(
                "Wilson for shares, Student for means, Greenwood for days to return, 95%. Visits "
                "of one visitor are taken as independent. Bounce rates are compared with all other "
                "sources, adjusted for their number (Holm)."
            ),
        ),
    ]
    if result.unplaced:
        items.append(
            (
                say("In no visit"),
                say(
                    "{n} page views name neither a visit nor a visitor and are left out.",
                    n=number(result.unplaced),
                ),
            )
        )
    return Definition(tuple(items))


def tables(result: "Traffic") -> Mapping[str, Table]:
    """Periods, sources, search words, returns."""
    compared = text.period(result.latest, result.period) if result.latest is not None else "–"
    return {
        "sources": Table(
            "traffic-sources",
            say("Sources of visits in {period}", period=compared),
            result.sources.assign(name=[source_name(key) for key in result.sources.key]),
            (Column("name", say("Source")), *_compared()),
        ),
        "periods": _periods(result),
        "words": Table(
            "traffic-words",
            say("Search words in {period}", period=compared),
            result.words,
            (Column("key", say("Search word")), *_compared()),
            limit=20,
        ),
        "revisits": _revisits(result),
    }


def _compared() -> tuple[Column, ...]:
    return (
        Column("visits", say("Visits"), "count"),
        Column("change", say("Change on the period before"), "count"),
        Column("share", say("Share"), "rate", low="share_low", high="share_high"),
        Column("new_rate", say("New visitors, share"), "rate", n="visitors"),
        Column(
            "bounce", say("Bounce rate"), "rate", low="bounce_low", high="bounce_high", n="visits"
        ),
        Column("dwell_median", say("Time on the site, median (s)"), "count", n="timed"),
        Column("visitors", say("Visitors"), "count", folded=True),
        Column("depth", say("Pages per visit"), "number", 1, n="visits", folded=True),
        Column("p_adjusted", say("Bounce against the rest: p, adjusted"), "number", 3, folded=True),
    )


def _periods(result: "Traffic") -> Table:
    frame = result.periods.assign(
        name=[text.period(start, result.period) for start in result.periods.start]
    )
    return Table(
        "traffic-periods",
        say("Visits by period"),
        frame.sort_values("start", ascending=False),
        (
            Column("name", say("Period")),
            Column("visits", say("Visits"), "count", partial="partial"),
            Column("views", say("Page views"), "count", partial="partial"),
            Column("visitors", say("Visitors"), "count", partial="partial"),
            Column("new_rate", say("New visitors, share"), "rate", n="visitors"),
            Column(
                "bounce",
                say("Bounce rate"),
                "rate",
                low="bounce_low",
                high="bounce_high",
                n="visits",
            ),
            Column(
                "dwell",
                say("Time on the site, mean (s)"),
                "number",
                0,
                low="dwell_low",
                high="dwell_high",
                n="timed",
            ),
            Column("dwell_median", say("Time on the site, median (s)"), "count", folded=True),
            Column("new", say("New visitors"), "count", folded=True),
            Column("returning", say("Returning visitors"), "count", folded=True),
            Column("depth", say("Pages per visit"), "number", 1, folded=True),
        ),
    )


def _revisits(result: "Traffic") -> Table:
    frame = result.revisits.assign(
        name=[say("All")] * min(len(result.revisits), 1)
        + [source_name(key) for key in result.revisits.key.iloc[1:]]
    )
    back = [
        Column(
            f"back_{day}",
            say("Back within {days} days", days=number(day)),
            "rate",
            low=f"back_{day}_low",
            high=f"back_{day}_high",
            n="visits",
        )
        for day in (7, 30)
    ]
    return Table(
        "traffic-revisits",
        say("Days to the next visit, by source of the visit"),
        frame,
        (
            Column("name", say("Source")),
            Column("visits", say("Visits"), "count"),
            Column(
                "median",
                say("Days until half have returned"),
                "count",
                low="median_low",
                high="median_high",
                n="visits",
            ),
            *back,
            Column("returned", say("Returned so far"), "count", folded=True),
            Column("seen", say("Median of those returned (too short)"), "count", folded=True),
        ),
    )


def findings(result: "Traffic") -> tuple[Finding, ...]:
    """What changed and through which source, where visits bounce, what is untold, who returns."""
    found = (*_moved(result), *_bouncing(result), *_untold(result), *_returning(result))
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _moved(result: "Traffic") -> list[Finding]:
    now, before = result.now, result.before
    if before is None or before.visits in (0, now.visits):
        return []
    total = now.visits - before.visits
    changes = result.by_source[result.by_source.start.isin([now.start, before.start])]
    pivot = changes.pivot_table(
        index=changes.key.map(source_name), columns="start", values="visits", aggfunc="sum"
    ).reindex(columns=[now.start, before.start])
    moved = (pivot[now.start].fillna(0) - pivot[before.start].fillna(0)) * (1 if total > 0 else -1)
    most = str(moved.idxmax())
    filled = {
        "change": change(now.visits / before.visits - 1),
        "source": most,
        "n": number(abs(moved.max())),
        "all": number(abs(total)),
    }
    if total > 0:
        words = say("Visits {change} ({all} more): {source} alone brought {n} more.", **filled)
        action = say("See what {source} did differently, and whether its visits buy.", **filled)
    else:
        words = say("Visits {change} ({all} fewer): {source} alone brought {n} fewer.", **filled)
        action = say("Check {source} first: its budget, its links and its tracking.", **filled)
    return [Finding(words=words, action=action, weight=min(abs(total) / before.visits, 1.0))]


def _bouncing(result: "Traffic") -> list[Finding]:
    rows = result.sources
    worse = rows[(rows.p_adjusted < 0.05) & (rows.bounce > rows.bounce_rest)]
    if worse.empty:
        return []
    lost = (worse.bounce - worse.bounce_rest) * worse.visits
    row = worse.iloc[int(lost.argmax())]
    name = source_name(row.key)
    return [
        Finding(
            words=say(
                "{source}: {bounce} ({span}) of {n} visits leave after one page, {rest} elsewhere.",
                source=name,
                bounce=percent(row.bounce),
                span=span(row.bounce_low, row.bounce_high),
                n=number(row.visits),
                rest=percent(row.bounce_rest),
            ),
            action=say(
                "Send visits from {source} to a page that keeps what the advert promised.",
                source=name,
            ),
            weight=float(lost.max() / rows.visits.sum()),
        )
    ]


def _untold(result: "Traffic") -> list[Finding]:
    unknown = result.sources[result.sources.key.isna()]
    if unknown.empty or unknown.share.iloc[0] < _UNKNOWN_WORTH_SAYING:
        return []
    share = float(unknown.share.iloc[0])
    return [
        Finding(
            words=say("{share} of visits name no source.", share=percent(share)),
            action=say("Put UTM parameters on every link that the firm controls."),
            weight=share / 2,
        )
    ]


def _returning(result: "Traffic") -> list[Finding]:
    if result.revisits.empty or pd.isna(result.revisits["median"].iloc[0]):
        return []
    row = result.revisits.iloc[0]
    return [
        Finding(
            words=say(
                "Half of all visits are followed by another within {days} days.",
                days=number(row["median"]),
            ),
            action=say(
                "Remind visitors who have not come back after {days} days.",
                days=number(row["median"]),
            ),
            weight=0.02,
        )
    ]
