"""The charts of the churn warning."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmkit.analyses.churn.features import name
from crmkit.analyses.churn.sheets import reason_name
from crmkit.analyses.churn.tables import rule_names
from crmkit.analyses.churn.words import grade_name
from crmkit.blocks import Figure
from crmkit.records import records
from crmkit.text import money, number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.churn.result import Churn

__all__ = ["calibration", "features", "gains", "grades", "reasons", "rules", "when"]


def grades(result: "Churn") -> Figure:
    """Dots: how many of each grade left in the last trial."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.grades[result.grades.grade != "gone"]
    frame = frame.assign(name=[grade_name(g) for g in frame.grade], weak=frame.n < 30)
    return draw.dots(
        frame,
        label="name",
        value="rate",
        low="rate_low",
        high="rate_high",
        weak="weak",
        name="churn-grades",
        title=result.headline,
        subtitle=say(
            "Share of each grade that left in the last trial, with 95% intervals; "
            "the line is the share of all"
        ),
        alt="; ".join(
            f"{row.name} {percent(row.rate)} ({span(row.rate_low, row.rate_high)})"
            for row in records(frame)
        ),
        reference=None if result.tried is None else float(result.tried.base),
        accent=[grade_name("high")],
    )


def reasons(result: "Churn") -> Figure:
    """Bars: the money at risk by reason."""
    from crmkit import draw  # noqa: PLC0415

    causes = result.causes
    frame = causes.assign(
        name=[reason_name(r, result.reasons) for r in causes.reason],
        note=[say("{n} customers", n=number(n)) for n in causes.customers],
    )
    by_value = not result.trained
    value = "value" if by_value else "at_risk"
    title = (
        say(
            "{reason} is the first reason: {money} at risk.",
            reason=frame.name.iloc[0],
            money=money(float(frame[value].iloc[0])),
        )
        if len(frame)
        else say("Nobody is at risk.")
    )
    return draw.bars(
        frame,
        label="name",
        value=value,
        note="note",
        name="churn-reasons",
        title=title,
        subtitle=say("Money at risk of customers with high and medium risk, by reason"),
        alt="; ".join(f"{row.name} {money(float(getattr(row, value)))}" for row in records(frame)),
        accent=list(frame.name[:1]),
        kind="money",
    )


def gains(result: "Churn") -> Figure:
    """The curve of leavers found against customers contacted."""
    from crmkit import draw  # noqa: PLC0415

    curve, chance, tried = say("The warning"), say("By chance"), result.tried
    frame = pd.concat(
        [
            result.gains.assign(line=curve),
            pd.DataFrame({"contacted": [0.0, 1.0], "found": [0.0, 1.0], "line": chance}),
        ],
        ignore_index=True,
    )
    title = say("No past month is complete yet to try the warning on.")
    if tried is not None and len(result.gains):
        share = tried.contacted / tried.n
        title = say(
            "With {n} contacts ({share} of all) {rate} of those who left would have been met.",
            n=number(tried.contacted),
            share=percent(share),
            rate=percent(float(np.interp(share, result.gains.contacted, result.gains.found))),
        )
    return draw.curves(
        frame,
        x="contacted",
        y="found",
        by="line",
        name="churn-gains",
        title=title,
        subtitle=say("Share of leavers met, by share of customers contacted, the likeliest first"),
        alt=title,
        accent=[curve],
        dashed=[chance],
        across=say("Customers contacted"),
        write_x=percent,
    )


def calibration(result: "Churn") -> Figure:
    """Dots: what came true in each tenth, beside what was said."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.calibration
    inside = int(((frame.predicted >= frame.rate_low) & (frame.predicted <= frame.rate_high)).sum())
    frame = frame.assign(name=[say("{said} said", said=percent(p)) for p in frame.predicted])
    title = (
        say(
            "In {n} of {all} tenths the chance said lies in the interval of what came true.",
            n=number(inside),
            all=number(len(frame)),
        )
        if len(frame)
        else say("No past month is complete yet to try the warning on.")
    )
    return draw.dots(
        frame.iloc[::-1],
        label="name",
        value="rate",
        low="rate_low",
        high="rate_high",
        weak="weak",
        previous="predicted",
        name="churn-calibration",
        title=title,
        subtitle=say(
            "What came true in each tenth, with 95% intervals; the light mark is what was said"
        ),
        alt="; ".join(f"{row.name}: {percent(row.rate)}" for row in records(frame)),
    )


def rules(result: "Churn") -> Figure:
    """Dots: the precision of each rule."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.rules.assign(name=rule_names(result), weak=result.rules.n < 30)
    frame = frame[frame.n > 0].sort_values("precision", ascending=False, kind="stable")
    tried = result.tried
    title = say("No rule warned of anybody.")
    if len(frame):
        top = frame.iloc[0]
        title = say(
            "{rule}: {rate} of those warned of left, {recall} of all leavers.",
            rule=top["name"],
            rate=percent(top.precision),
            recall=percent(top.recall),
        )
    return draw.dots(
        frame,
        label="name",
        value="precision",
        low="precision_low",
        high="precision_high",
        weak="weak",
        name="churn-rules",
        title=title,
        subtitle=say(
            "Share of those a rule warned of that left, with 95% intervals; "
            "the line is the share of all"
        ),
        alt="; ".join(f"{row.name} {percent(row.precision)}" for row in records(frame)),
        reference=None if tried is None else float(tried.base),
    )


def features(result: "Churn") -> Figure:
    """Dots: the odds ratio of each feature."""
    from crmkit import draw  # noqa: PLC0415

    assert result.coefficients is not None
    frame = result.coefficients.assign(name=[name(f) for f in result.coefficients.feature])
    top = frame.iloc[0]
    title = say(
        "{feature} tells most: a standard deviation more changes the odds {odds} times.",
        feature=top["name"],
        odds=number(top.odds, 2),
    )
    return draw.dots(
        frame,
        label="name",
        value="odds",
        low="odds_low",
        high="odds_high",
        name="churn-features",
        title=title,
        subtitle=say("Odds ratio of a standard deviation, with 95% intervals; the line is one"),
        alt="; ".join(f"{row.name} {number(row.odds, 2)}" for row in records(frame)),
        reference=1.0,
        kind="number",
    )


def when(result: "Churn") -> Figure:
    """The chance of another order by days of silence."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.when
    title = say("No customer was watched for long enough.")
    if len(frame):
        first, last = frame.iloc[0], frame.iloc[-1]
        title = say(
            "After an order {now} buy again within 30 days; after {n} days of silence {later}.",
            now=percent(first.returns),
            n=number(last.silent),
            later=percent(last.returns),
        )
    return draw.curves(
        frame,
        x="silent",
        y="returns",
        low="returns_low",
        high="returns_high",
        name="churn-when",
        title=title,
        subtitle=say("Share that orders again within 30 days, by days of silence, 95% interval"),
        alt="; ".join(f"{number(r.silent)}: {percent(r.returns)}" for r in records(frame)),
        across=say("Days silent so far"),
        write_x=number,
    )
