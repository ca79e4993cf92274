"""The tables of channels, and the list of what to do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.analyses.channels.conversion import KINDS
from crmkit.analyses.channels.corners import CORNERS, todo
from crmkit.analyses.channels.words import channel_name
from crmkit.blocks import Column, Table
from crmkit.text import money, number, say

if TYPE_CHECKING:
    from crmkit.analyses.channels.result import Channels

NAME = "name"


def tables(result: "Channels") -> Mapping[str, Table]:
    """Customers and cost, quality, corners, conversion, payback, names that do not match."""
    named = [result.channels, result.total]
    frame = pd.concat(named, ignore_index=True) if len(result.channels) else result.channels
    frame = frame.assign(name=[channel_name(key) for key in frame.channel])
    found = {"channels": _overview(result, frame)}
    if result.costed:
        found["money"] = _money(result, frame)
    found["quality"] = _quality(result, frame)
    found["quadrant"] = _corners(result)
    if len(result.conversion):
        found["conversion"] = _conversion(result)
    if len(result.unmatched):
        found["unmatched"] = _unmatched(result)
    return found


def _overview(result: "Channels", frame: pd.DataFrame) -> Table:
    last = text.day(result.span.as_of)
    blended = result.history.cac.iloc[-1]
    note = (
        say(
            "Cost of all channels: spend over all new customers. Over those of paid channels only, "
            "a customer cost {cac}.",
            cac=money(blended),
        )
        if pd.notna(blended)
        else ""
    )
    return Table(
        "channels",
        say("Channels in the {days} days to {day}", days=number(result.span.days), day=last),
        frame[(frame.customers > 0) | (frame.cost > 0)],
        (
            Column(NAME, say("Channel")),
            Column("customers", say("New customers"), "count"),
            Column("share", say("Share"), "rate", low="share_low", high="share_high"),
            _cac(),
            _repeat(result),
            _ratio(),
            _payback(),
            Column("customers_before", say("New customers, period before"), "count", folded=True),
            Column("cost", say("Spend"), "money", 0, folded=True),
        ),
        note=note,
        total=len(frame) > 0,
    )


def _cac() -> Column:
    return Column(
        "cac",
        say("Cost per new customer (CAC)"),
        "money",
        2,
        low="cac_low",
        high="cac_high",
        n="customers",
    )


def _repeat(result: "Channels") -> Column:
    label = say("Bought again within {days} days", days=number(result.repeat_age))
    return Column("again", label, "rate", low="again_low", high="again_high", n="aged")


def _ratio() -> Column:
    return Column(
        "ltv_cac", say("LTV:CAC"), "number", 1, low="ltv_cac_low", high="ltv_cac_high", n="ltv_n"
    )


def _payback() -> Column:
    return Column(
        "payback",
        say("Payback (months)"),
        "number",
        0,
        low="payback_low",
        high="payback_high",
        n="ltv_n",
    )


def _money(result: "Channels", frame: pd.DataFrame) -> Table:
    return Table(
        "channel-money",
        say("What channels cost and brought, by the date of spend and touch"),
        frame[(frame.cost > 0) | (frame.orders > 0)],
        (
            Column(NAME, say("Channel")),
            Column("cost", say("Spend"), "money", 0),
            *(_credited() if result.credited else ()),
            Column("cost_before", say("Spend, period before"), "money", 0, folded=True),
            Column("cac_before", say("CAC, period before"), "money", folded=True),
        ),
        total=len(frame) > 0,
    )


def _credited() -> tuple[Column, ...]:
    return (
        Column("orders", say("Purchases credited"), "count"),
        Column("revenue", say("Revenue credited"), "money", 0),
        Column(
            "cpa",
            say("Cost per purchase (CPA)"),
            "money",
            2,
            low="cpa_low",
            high="cpa_high",
            n="orders",
        ),
        Column(
            "roas",
            say("Revenue per unit spent (ROAS)"),
            "number",
            1,
            low="roas_low",
            high="roas_high",
            n="orders",
        ),
        Column("roas_before", say("ROAS, period before"), "number", 1, folded=True),
    )


def _quality(result: "Channels", frame: pd.DataFrame) -> Table:
    values = [
        Column(
            f"value_{age}",
            say("Revenue per customer, {days} days", days=number(age)),
            "money",
            0,
            low=f"value_low_{age}",
            high=f"value_high_{age}",
            n=f"n_{age}",
        )
        for age in result.ages
    ]
    return Table(
        "channel-quality",
        say("How good the customers of each channel are"),
        frame[frame.aged > 0],
        (
            Column(NAME, say("Channel")),
            Column("aged", say("Customers watched"), "count"),
            _repeat(result),
            *values,
            Column("again_before", say("Bought again, period before"), "rate", folded=True),
            Column("again_p", say("Against the rest: p, adjusted"), "number", 3, folded=True),
        ),
        total=len(frame) > 0,
    )


def _corners(result: "Channels") -> Table:
    rows = result.quadrant
    frame = rows.assign(
        name=[channel_name(key) for key in rows.channel],
        corner_name=[say(CORNERS[key]) if key else say("Too few to say") for key in rows.corner],
        todo=_todo(rows),
        certain=[say("Yes") if sure else say("No") for sure in rows.sure],
    )
    kind = "rate" if result.quality == "again" else "money"
    label = (
        say("Bought again within {days} days", days=number(result.repeat_age))
        if kind == "rate"
        else say("Revenue per customer, {days} days", days=number(result.repeat_age))
    )
    return Table(
        "channel-corners",
        say("Volume against quality"),
        frame,
        (
            Column(NAME, say("Channel")),
            Column("corner_name", say("Corner")),
            Column("volume", say("New customers"), "count"),
            Column(
                "quality",
                label,
                "rate" if kind == "rate" else "money",
                low="quality_low",
                high="quality_high",
                n="n",
            ),
            Column("certain", say("Quality differs beyond chance")),
            Column("todo", say("What to do")),
            Column("volume_before", say("New customers, period before"), "count", folded=True),
        ),
    )


def _todo(rows: pd.DataFrame) -> list[str]:
    found = [todo(key, sure) for key, sure in zip(rows.corner, rows.sure, strict=True)]
    return [say(words) if words else "" for words in found]


def _conversion(result: "Channels") -> Table:
    rows = result.conversion
    return Table(
        "channel-conversion",
        say(
            "Visitors and leads who became customers within {days} days",
            days=number(result.within),
        ),
        rows.assign(
            name=[channel_name(key) for key in rows.channel],
            kind_name=[say(KINDS[kind]) for kind in rows.kind],
        ),
        (
            Column("kind_name", say("Who")),
            Column(NAME, say("Channel or source")),
            Column("n", say("Count"), "count"),
            Column("won", say("Became customers"), "count"),
            Column("rate", say("Share"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("rate_before", say("Period before"), "rate"),
        ),
    )


def _unmatched(result: "Channels") -> Table:
    return Table(
        "channel-unmatched",
        say("Channels with spend that no customer names"),
        result.unmatched.assign(name=result.unmatched.channel.map(channel_name)),
        (
            Column(NAME, say("Channel")),
            Column("cost", say("Spend"), "money", 0),
            Column("like", say("Most similar name")),
        ),
    )


def actions(result: "Channels") -> ActionList:
    """What to do about each channel, the largest first."""
    rows = result.quadrant[result.quadrant.corner != ""]
    known = result.channels.set_index("channel").reindex(rows.channel)
    frame = pd.DataFrame(
        {
            "channel": [channel_name(key) for key in rows.channel],
            "corner": [say(CORNERS[key]) for key in rows.corner],
            "todo": _todo(rows),
            "customers": rows.volume.to_numpy(),
            "cac": known.cac.to_numpy(),
            "ltv_cac": known.ltv_cac.to_numpy(),
        }
    )
    return ActionList(
        "channels",
        say("What to do about each channel"),
        frame,
        (
            Column("channel", say("Channel")),
            Column("corner", say("Corner")),
            Column("todo", say("What to do")),
            Column("customers", say("New customers"), "count"),
            Column("cac", say("Cost per new customer (CAC)"), "money"),
            Column("ltv_cac", say("LTV:CAC"), "number", 1),
        ),
    )
