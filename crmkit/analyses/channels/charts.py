"""The charts of channels."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.channels.corners import CORNERS
from crmkit.analyses.channels.words import channel_name
from crmkit.blocks import Figure
from crmkit.stats import SMALL
from crmkit.text import money, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.channels.result import Channels


_LEAST_SPEND = 0.02


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(label=[channel_name(key) for key in rows.channel])


def _listed(frame: pd.DataFrame, words: list[str]) -> str:
    return say("; ").join(
        f"{label} {value}" for label, value in zip(frame.label, words, strict=True)
    )


def _spending(result: "Channels") -> pd.DataFrame:
    """Channels with customers and a cost that can be seen beside the others."""
    rows = result.channels
    return rows[rows.cac.notna() & (rows.cost >= _LEAST_SPEND * rows.cost.sum())]


def quadrant(result: "Channels") -> Figure:
    """Volume against quality, in four corners."""
    from crmkit import draw  # noqa: PLC0415

    frame = _named(result.quadrant)
    rate = result.quality == "again"
    names = {key: say(words) for key, words in CORNERS.items()}
    told = frame[frame.corner != ""]
    days = number(result.repeat_age)
    up = (
        say("Bought again within {days} days", days=days)
        if rate
        else say("Revenue per customer, {days} days", days=days)
    )
    return draw.quadrant(
        frame,
        across=draw.Measure(
            value="volume",
            low="volume_low",
            high="volume_high",
            before="volume_before",
            line=float(frame.volume_line.iloc[0]) if len(frame) else float("nan"),
            name=say("New customers"),
            kind="count",
        ),
        up=draw.Measure(
            value="quality",
            low="quality_low",
            high="quality_high",
            before="quality_before",
            line=float(frame.quality_line.iloc[0]) if len(frame) else float("nan"),
            name=up,
            kind="rate" if rate else "money",
        ),
        label="label",
        weak="weak",
        corners=[names[key] for key in ("discover", "grow", "cut", "repair")],
        name="channel-quadrant",
        title=_quadrant_title(result, told),
        subtitle=say(
            "Volume against quality of new customers, {days} days; crosses are 95% intervals, "
            "arrows come from the {days} days before, dashed: the mean channel, all customers.",
            days=number(result.span.days),
        ),
        alt=_listed(told, [names[key] for key in told.corner]) or result.headline,
    )


def _quadrant_title(result: "Channels", told: pd.DataFrame) -> str:
    """The largest channel whose customers are worse than the rest, else better, beyond chance."""
    sure = told[told.sure]
    weak = sure[sure.quality < sure.quality_line]
    row = weak.iloc[0] if len(weak) else sure.iloc[0] if len(sure) else None
    if row is None:
        return say("No channel's customers are better or worse beyond chance")
    filled = {"channel": row.label, "n": number(row.volume)}
    if result.quality == "again":
        filled |= {"value": percent(row.quality), "line": percent(row.quality_line)}
        return say(
            "{channel} brought {n} customers, of whom {value} buy again; {line} of all do",
            **filled,
        )
    filled |= {
        "value": money(row.quality, short=True),
        "line": money(row.quality_line, short=True),
    }
    return say(
        "{channel} brought {n} customers, worth {value} each; all are worth {line}", **filled
    )


def cost(result: "Channels") -> Figure:
    """What a new customer of each paid channel costs."""
    from crmkit import draw  # noqa: PLC0415

    rows = result.channels[result.channels.cac.notna()].sort_values("cac", ascending=False)
    frame = _named(rows).assign(
        weak=rows.customers < SMALL,
        note=[say("{n} customers", n=number(n)) for n in rows.customers],
    )
    words = [money(value, short=True) for value in frame.cac]
    title = (
        say("A customer of {channel} costs {cost}", channel=frame.label.iloc[0], cost=words[0])
        if len(frame)
        else result.headline
    )
    return draw.bars(
        frame,
        label="label",
        value="cac",
        low="cac_low",
        high="cac_high",
        note="note",
        weak="weak",
        accent=list(frame.label.head(1)),
        kind="money",
        name="channel-cac",
        title=title,
        subtitle=say(
            "Spend over new customers of the {days} days, with 95% interval.",
            days=number(result.span.days),
        ),
        alt=_listed(frame, words) or result.headline,
    )


def worth(result: "Channels") -> Figure:
    """Margin per customer over what it costs, against 3."""
    from crmkit import draw  # noqa: PLC0415

    rows = _spending(result)
    rows = rows[rows.ltv_cac.notna()].sort_values("ltv_cac", ascending=False)
    frame = _named(rows).assign(weak=(rows.customers < SMALL) | (rows.ltv_n < SMALL))
    words = [number(value, 1) for value in frame.ltv_cac]
    below = frame[frame.ltv_cac_high < 3]
    title = result.headline
    if len(frame) > 1:
        title = say(
            "Customers of {best} bring {high} times their cost, those of {worst} {low}",
            best=frame.label.iloc[0],
            high=words[0],
            worst=frame.label.iloc[-1],
            low=words[-1],
        )
    return draw.dots(
        frame,
        label="label",
        value="ltv_cac",
        low="ltv_cac_low",
        high="ltv_cac_high",
        weak="weak",
        accent=list(below.label) or [""],
        reference=3.0,
        kind="number",
        name="channel-ltv-cac",
        title=title,
        subtitle=say(
            "Margin per customer within {days} days over cost per new customer, 95% interval; the "
            "line is 3. Channels with at least {least} of spend.",
            days=number(result.horizon),
            least=percent(_LEAST_SPEND, 0),
        ),
        alt=_listed(frame, words) or result.headline,
    )


def payback(result: "Channels") -> Figure:
    """Margin over cost by months since the customer was won."""
    from crmkit import draw  # noqa: PLC0415

    known = result.curve[result.curve.over.notna() & (result.curve.n >= SMALL)]
    rows = _named(_spending(result))
    frame = _named(known[known.channel.isin(rows.channel)])
    slowest = rows.sort_values("payback", na_position="last", kind="stable").tail(1)
    title = result.headline
    if len(slowest) and pd.notna(slowest.payback.iloc[0]):
        title = say(
            "Customers of {channel} pay back in month {months}",
            channel=slowest.label.iloc[0],
            months=number(slowest.payback.iloc[0]),
        )
    elif len(slowest):
        title = say(
            "Customers of {channel} have not paid back within what was observed",
            channel=slowest.label.iloc[0],
        )
    return draw.curves(
        frame,
        x="months",
        y="over",
        by="label",
        low="over_low",
        high="over_high",
        accent=list(slowest.label),
        kind="number",
        name="channel-payback",
        title=title,
        subtitle=say("Margin per customer over its cost, by months since won; paid back at 1."),
        alt=title,
        across=say("Months since won"),
        write_x=number,
    )


def repeat(result: "Channels") -> Figure:
    """Who buys again, by channel."""
    from crmkit import draw  # noqa: PLC0415

    rows = result.channels[result.channels.again.notna()]
    rows = rows.sort_values("again", ascending=False, kind="stable")
    frame = _named(rows).assign(weak=rows.aged < SMALL)
    words = [percent(value) for value in frame.again]
    unlike = frame.label[(frame.again_p < 0.05) & (frame.again < frame.again_rest)]
    title = (
        say(
            "{rate} of the customers of {channel} buy again, {other} of those of {best}",
            rate=words[-1],
            channel=frame.label.iloc[-1],
            other=words[0],
            best=frame.label.iloc[0],
        )
        if len(frame) > 1
        else result.headline
    )
    return draw.dots(
        frame,
        label="label",
        value="again",
        low="again_low",
        high="again_high",
        previous="again_before",
        weak="weak",
        accent=list(unlike) or [""],
        reference=float(result.total.again.max()),
        name="channel-repeat",
        title=title,
        subtitle=say(
            "Share who bought again within {days} days, 95% interval; hollow: the period before; "
            "the line is all customers.",
            days=number(result.repeat_age),
        ),
        alt=_listed(frame, words) or result.headline,
    )
