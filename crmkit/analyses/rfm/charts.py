"""The charts of an RFM analysis."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmkit.blocks import Figure
from crmkit.text import day, money, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.rfm.result import Rfm


def _most(frame: pd.DataFrame, measure: str) -> "pd.Series[Any]":
    """The row with the largest value, the first of equals."""
    return frame.sort_values(measure, ascending=False, kind="stable").iloc[0]


def segments(result: "Rfm") -> Figure:
    """Bars: the share of customers of each segment, with its share of revenue beside."""
    from crmkit import draw  # noqa: PLC0415

    table = result.segment_table
    frame = result.segments[result.segments.customers > 0]
    frame = frame.assign(
        name=[table.name(key) for key in frame.segment],
        few=frame.customers < 30,
        brings=[say("{share} of revenue", share=percent(share)) for share in frame.revenue_share],
    )
    best = _most(frame, "revenue_share")
    return draw.bars(
        frame,
        label="name",
        value="customers_share",
        low="customers_share_low",
        high="customers_share_high",
        note="brings",
        weak="few",
        accent=[table.name(key) for key in table.with_role("at_risk")] or [str(best["name"])],
        kind="rate",
        name="rfm_segments",
        title=say(
            "{segment} bring {share} of revenue",
            segment=best["name"],
            share=percent(best.revenue_share),
        ),
        subtitle=say(
            "Share of customers with 95% interval, and share of revenue, by segment, {day}",
            day=day(result.as_of),
        ),
        alt=say("; ").join(
            say(
                "{segment} {share} of customers, {revenue} of revenue",
                segment=name,
                share=percent(share),
                revenue=percent(revenue),
            )
            for name, share, revenue in zip(
                frame["name"], frame.customers_share, frame.revenue_share, strict=True
            )
        ),
    )


def grid(result: "Rfm") -> Figure:
    """A heat map of customers by recency and frequency score."""
    from crmkit import draw  # noqa: PLC0415

    cells = result.grid
    rows: Iterable[Any] = cells.itertuples()
    wide = cells.pivot_table(index="recency_score", columns="frequency_score", values="customers")
    wide = wide.sort_index(ascending=False)
    hovers = cells.assign(
        words=[
            say(
                "R{r} F{f}: {n} customers, {value} each",
                r=row.recency_score,
                f=row.frequency_score,
                n=number(row.customers),
                value=money(row.monetary) or "–",
            )
            for row in rows
        ]
    ).pivot_table(index="recency_score", columns="frequency_score", values="words", aggfunc="first")
    most = _most(cells, "customers")
    title = say(
        "Most customers, {n}, have recency score {r} and frequency score {f}",
        n=number(most.customers),
        r=int(most.recency_score),
        f=int(most.frequency_score),
    )
    return draw.triangle(
        wide.rename(index="R{}".format, columns="F{}".format),
        hovers=hovers.sort_index(ascending=False).rename(index="R{}".format, columns="F{}".format),
        kind="count",
        name="rfm_grid",
        title=title,
        subtitle=say(
            "Customers by score of recency (rows) and frequency (columns), {day}",
            day=day(result.as_of),
        ),
        alt=title,
        across=say("Frequency score"),
    )


def value(result: "Rfm") -> Figure:
    """Bars: the money spent by a customer of each segment, and how long ago they bought."""
    from crmkit import draw  # noqa: PLC0415

    table = result.segment_table
    frame = result.segments[result.segments.customers > 0]
    frame = frame.assign(
        name=[table.name(key) for key in frame.segment],
        few=frame.customers < 30,
        ago=[say("{n} days ago", n=number(days)) for days in frame.recency],
    )
    risky = frame[frame.segment.isin(table.with_role("at_risk"))]
    worst = _most(risky if len(risky) else frame, "revenue")
    title = say(
        "{segment} spent {value} each and last bought {days} days ago",
        segment=worst["name"],
        value=money(worst.monetary, short=True),
        days=number(worst.recency),
    )
    return draw.bars(
        frame.sort_values("monetary", ascending=False, kind="stable"),
        label="name",
        value="monetary",
        note="ago",
        weak="few",
        accent=[str(worst["name"])],
        kind="money",
        name="rfm_value",
        title=title,
        subtitle=say(
            "Money spent by a customer, mean, and mean days since the last purchase, by segment, "
            "{day}",
            day=day(result.as_of),
        ),
        alt=say("; ").join(
            say("{segment} {value}", segment=name, value=money(spent))
            for name, spent in zip(frame["name"], frame.monetary, strict=True)
        ),
    )


def concentration(result: "Rfm") -> Figure:
    """The share of revenue that the best customers bring."""
    from crmkit import draw  # noqa: PLC0415

    start = pd.DataFrame({"top": [0.0], "revenue_share": [0.0]})
    frame = pd.concat([start, result.concentration[["top", "revenue_share"]]], ignore_index=True)
    title = say(
        "The best 10% of customers bring {ten} of revenue, the best 20% bring {twenty}",
        ten=percent(result.share_of_top(0.1)),
        twenty=percent(result.share_of_top(0.2)),
    )
    return draw.curves(
        frame.assign(top=100 * frame.top),
        x="top",
        y="revenue_share",
        kind="rate",
        name="rfm_concentration",
        title=title,
        subtitle=say(
            "Share of revenue by share of customers, the most valuable first, up to {day}",
            day=day(result.as_of),
        ),
        alt=title,
        across=say("Best customers, %"),
        write_x=number,
    )
