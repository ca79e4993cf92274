"""Whom to contact: the rows of an action list, from customers and the scores they earned."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods, schema
from crmkit.actions import ActionList
from crmkit.blocks import Column
from crmkit.errors import ParameterError, nearest
from crmkit.scoring import UNIT, scores
from crmkit.segmentation import MEASURES, OTHER, Cell, SegmentTable
from crmkit.text import money, number, say

__all__ = [
    "LIMIT",
    "action_list",
    "among",
    "cell",
    "cell_code",
    "chosen",
    "code",
    "described",
    "listed",
]

LIMIT = 1000
"""Customers in an action list, where no other limit is given."""
_BASE = 11  # scores run to 10 at most
_SHOWN = ("channel", "region", "city", "industry")


def code(cell: Sequence[int]) -> int:
    """A cell of scores as one number."""
    recency, frequency, monetary = cell
    return (recency * _BASE + frequency) * _BASE + monetary


def cell(code: int) -> Cell:
    """The cell of scores that a number stands for; the inverse of `code`.

    >>> cell(code((5, 1, 10)))
    (5, 1, 10)
    """
    return code // _BASE**2, code // _BASE % _BASE, code % _BASE


def cell_code(
    people: ir.Table, given: Mapping[str, Sequence[object]], suffix: str = ""
) -> ir.Value:
    """The cell that a customer's scores make, as one number, by the limits of each score."""
    found = scores(people, given, suffix)
    recency, frequency, monetary = (found[f"{measure}_score{suffix}"] for measure in MEASURES)
    return (recency * _BASE + frequency) * _BASE + monetary


def chosen(table: SegmentTable, segment: str | Iterable[str]) -> tuple[str, ...]:
    """The keys of segments asked for, by key or by name in any language.

    Raises: ParameterError for one that is not there, naming the ones that are.
    """
    names = {box.segment: box.segment for box in table.boxes}
    names |= {name: box.segment for box in table.boxes for name in (box.name_en, box.name_zh)}
    names[OTHER] = OTHER
    asked = [segment] if isinstance(segment, str) else list(segment)
    for name in asked:
        if name not in names:
            guess = nearest(name, names)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(
                f"There is no segment {name!r}.{hint} There are: {', '.join(table.segments)}."
            )
    return tuple(names[name] for name in asked)


def among(people: ir.Table, column: str, codes: Iterable[int]) -> ir.Table:
    """The customers whose cell's number in a column is one of those given."""
    wanted = sorted(codes)
    return people.filter(people[column].isin(wanted)) if wanted else people.limit(0)


def listed(people: ir.Table, codes: Iterable[int], limit: int | None) -> ir.Table:
    """Customers whose `cell` is one of the numbers given, the most valuable first."""
    found = among(people, "cell", codes)
    ordered = found.order_by(found.monetary.desc(), found.customer_id)
    return ordered if limit is None else ordered.limit(limit)


def described(
    people: ir.Table, customers: ir.Table | None, as_of: dt.date, timezone: str
) -> ir.Table:
    """The columns of an action list: days as numbers, and what is known of the customer."""
    until = periods.day_end(as_of, timezone)
    names = ["customer_id", "cell", "recency", "frequency", "monetary"]
    names += ["cell_before"] if "cell_before" in people.columns else []
    first = periods.day_number(people.first_at, timezone, until=until)
    rows = people.select(*names, first_day=first)
    if customers is not None:
        personal = schema.table("customers").personal
        known = [name for name in _SHOWN if name in customers.columns and name not in personal]
        rows = rows.left_join(customers.select("customer_id", *known), "customer_id")
        rows = rows.drop("customer_id_right")
    return rows.order_by(rows.monetary.desc(), rows.customer_id)


def action_list(
    found: pd.DataFrame,
    table: SegmentTable,
    cells: Mapping[int, str],
    *,
    name: str,
    title: str,
    as_of: dt.date,
    whole: int,
) -> ActionList:
    """An action list in the reader's words, from rows as `described` gives them.

    Parameters: `cells`, the segment of each cell's number; `whole`, how many customers there are
    without a limit.
    """
    epoch = dt.date(1970, 1, 1)
    keys = [cells.get(int(cell), OTHER) for cell in found.cell]
    frame = found.drop(columns=["cell", "first_day"]).assign(
        monetary=found.monetary / UNIT,
        average_order=found.monetary / UNIT / found.frequency,
        first_day=[epoch + dt.timedelta(days=int(day)) for day in found.first_day],
        last_day=[as_of - dt.timedelta(days=int(days)) for days in found.recency],
        segment=keys,
        segment_name=[table.name(key) for key in keys],
        action=[table.action(key) for key in keys],
    )
    frame["why"] = [
        _why(*row) for row in zip(frame.frequency, frame.monetary, frame.recency, strict=True)
    ]
    if "cell_before" in frame:
        were = [table.name(cells.get(int(cell), OTHER)) for cell in frame.cell_before]
        frame = frame.assign(was_name=were).drop(columns="cell_before")
    note = ""
    if len(frame) < whole:
        note = say(
            "The {shown} most valuable of {all}.", shown=number(len(frame)), all=number(whole)
        )
    return ActionList(name, title, frame, _columns(frame), note)


def _why(orders: int, value: float, days: int) -> str:
    return say(
        "{orders} purchases for {value}; the last {days} days ago",
        orders=number(orders),
        value=money(value),
        days=number(days),
    )


def _columns(frame: pd.DataFrame) -> tuple[Column, ...]:
    labels = {
        "channel": say("Channel"),
        "region": say("Region"),
        "city": say("City"),
        "industry": say("Industry"),
    }
    return (
        Column("customer_id", say("Customer")),
        *(Column(name, label) for name, label in labels.items() if name in frame),
        *([Column("was_name", say("Was"))] if "was_name" in frame else []),
        Column("segment_name", say("Segment")),
        Column("monetary", say("Spent in total"), "money"),
        Column("frequency", say("Purchases"), "count"),
        Column("last_day", say("Last purchase"), "day"),
        Column("why", say("Why"), folded=True),
        Column("action", say("What to do"), folded=True),
        Column("average_order", say("Average order"), "money", folded=True),
        Column("first_day", say("First purchase"), "day", folded=True),
    )
