"""A form as a small funnel: who sees, starts and sends it, and at which field the others stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.activity import value_of
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.persons import with_unit
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.sessions import with_sessions
from crmkit.stats import wilson
from crmkit.text import number, percent, say, span

__all__ = ["FormEvents", "Forms", "forms"]


@dataclass(frozen=True, kw_only=True)
class FormEvents:
    """What the capture calls the deeds at a form.

    `view`, the form is shown; `focus`, a field is entered; `change`, something is put into a field
    (the column `element` names it, `value` is seconds spent on it); `submit`, the form is sent.
    """

    view: str = "checkout"
    focus: str = "form_focus"
    change: str = "form_change"
    submit: str = "submit_order"


def forms(
    events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    names: FormEvents | None = None,
    page: str | None = None,
    breakdown: str | None = None,
    gap_minutes: int = 30,
) -> "Forms":
    """Views, starts and sendings of a form, and where those who start it stop.

    A visit starts the form with its first change of any field; entering a field alone is no start.
    It sends it with the first submit after it saw it. Hesitation is from the view to the first
    focus or change; time spent from the first to the last of these.

    Parameters: `events`, canonical; `as_of`, `days`, `timezone`; `names`, the capture's names;
    `page`, to tell one form from others by its page; `breakdown`, a column whose value at the
    view is compared; `gap_minutes`, of the pause between visits.
    Returns: Forms with `groups` (value, "" for all: n viewed, started, sent, rates with _low and
    _high (Wilson), median hesitation and spent in seconds) and `fields` (name, n: visits that
    reached it, changed, refilled, blank of those who sent, last: visits that stopped there, their
    shares, median seconds).
    Raises: ParameterError for a breakdown that is no column.
    The terms are those of form analytics; see the reference, "Page engagement".

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2"], "customer_id": ["c", "c"], "session_id": ["s", "s"],
    ...         "occurred_at": [day, day + datetime.timedelta(seconds=4)],
    ...         "event": ["checkout", "form_focus"], "element": [None, "name"],
    ...         "value": [None, None], "page": ["/f", "/f"],
    ...     }
    ... )
    >>> forms(rows, as_of="2025-01-01").groups[["n", "started"]].to_numpy().tolist()
    [[1, 0]]
    """
    names = names or FormEvents()
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    first = calendar.window_start(day, days)
    rows = events.mutate(at=events.occurred_at)
    rows = rows.filter(rows["at"] >= calendar.day_start(first, timezone), rows["at"] < end)
    wanted = rows.event.isin([names.view, names.focus, names.change, names.submit])
    rows = with_sessions(with_unit(rows.filter(wanted)), gap_minutes=gap_minutes)
    if page is not None:
        rows = rows.filter((rows.page == page) | (rows.event == names.submit))
    group = ibis.literal("") if breakdown is None else value_of(rows, breakdown)
    rows = rows.mutate(group=ibis.coalesce(group, ""), value=rows["value"].cast("float64"))
    answer = _counted(_visits(rows, names), rows, names).execute()
    answer = answer.astype(dict.fromkeys(_NUMBERS, "float64"))
    return Forms(
        groups=_groups(answer[answer.part == "group"], breakdown),
        fields=_fields(answer),
        start=str(first),
        as_of=str(day),
        breakdown=breakdown,
        names=names,
    )


_COLUMNS = {
    "part": "string",
    "name": "string",
    "n": "int64",
    "started": "int64",
    "sent": "int64",
    "changed": "int64",
    "refilled": "int64",
    "blank": "int64",
    "stopped": "int64",
    "hesitation": "float64",
    "spent": "float64",
}

_WHOLE = ["n", "started", "sent", "changed", "refilled", "blank", "stopped"]
_NUMBERS = [*_WHOLE, "hesitation", "spent"]


def _visits(rows: ir.Table, names: FormEvents) -> ir.Table:
    """One row a visit that saw the form: what it did with it, and when."""
    nothing = ibis.null("timestamp")
    viewed = (rows.event == names.view).ifelse(rows["at"], nothing)
    rows = rows.mutate(viewed=viewed.min().over(group_by="session"))
    rows = rows.filter(~rows.viewed.isnull(), rows["at"] >= rows.viewed)
    touched = rows.event.isin([names.focus, names.change])
    changed = (rows.event == names.change).ifelse(rows["at"], nothing)
    visits = rows.group_by("session").aggregate(
        group=rows.group.min(where=rows.event == names.view),
        viewed=rows.viewed.min(),
        first=touched.ifelse(rows["at"], nothing).min(),
        last=touched.ifelse(rows["at"], nothing).max(),
        changed=changed.min(),
        sent=(rows.event == names.submit).ifelse(rows["at"], nothing).min(),
    )
    return visits.mutate(
        started=(~visits.changed.isnull()).ifelse(1, 0),
        is_sent=(~visits.sent.isnull()).ifelse(1, 0),
        hesitation=visits["first"].delta(visits.viewed, unit="microsecond") / 1e6,
        spent=visits["last"].delta(visits["first"], unit="microsecond") / 1e6,
    )


def _counted(visits: ir.Table, rows: ir.Table, names: FormEvents) -> ir.Table:
    parts = [_by(visits, ibis.literal("")), _by(visits, visits.group)]
    at_field = rows.filter(
        rows.event.isin([names.focus, names.change]), ~rows.element.isnull()
    ).inner_join(
        visits.select("session", "viewed", "is_sent", "started", visit_sent="sent"), "session"
    )
    at_field = at_field.filter(at_field["at"] >= at_field.viewed)
    is_change = (at_field.event == names.change).ifelse(1, 0)
    at_field = at_field.mutate(is_change=is_change)
    order = ibis.row_number().over(
        group_by="session", order_by=[ibis.desc("at"), ibis.desc("event_id")]
    )
    at_field = at_field.mutate(order=order)
    each = at_field.group_by(["session", "element"]).aggregate(
        changes=at_field.is_change.sum(),
        is_sent=at_field.is_sent.max(),
        stopped=((at_field.started == 1) & (at_field.order == 0) & (at_field.is_sent == 0))
        .ifelse(1, 0)
        .max(),
        took=at_field["value"].max(where=at_field.is_change == 1),
    )
    each = _median(each, "took", ["element"])
    fields = each.group_by("element").aggregate(
        n=each.count(),
        changed=(each.changes > 0).ifelse(1, 0).sum(),
        refilled=(each.changes > 1).ifelse(1, 0).sum(),
        sent=((each.changes > 0) & (each.is_sent == 1)).ifelse(1, 0).sum(),
        stopped=each.stopped.sum(),
        spent=each.took.mean(where=each.is_middle),
    )
    fields = fields.mutate(part=ibis.literal("field"), name=fields.element)
    return ibis.union(*(_fitted(part) for part in (*parts, fields)))


def _by(visits: ir.Table, group: ir.StringValue) -> ir.Table:
    """Counts by group with the medians; the group of all is named "*"."""
    whole = isinstance(group, ir.StringScalar)
    named = visits.mutate(name=ibis.literal("*") if whole else group)
    one = _median(named, "hesitation", ["name"]).rename(mid_hesitation="is_middle")
    two = _median(one, "spent", ["name"])
    counts = two.group_by("name").aggregate(
        n=two.count(),
        started=two.started.sum(),
        sent=two.is_sent.sum(),
        hesitation=two.hesitation.mean(where=two.mid_hesitation),
        spent=two.spent.mean(where=two.is_middle),
    )
    return counts.mutate(part=ibis.literal("group"))


def _median(rows: ir.Table, column: str, keys: list[str]) -> ir.Table:
    """Add `is_middle`: the rows whose mean is the median of a column in its group."""
    known = (~rows[column].isnull()).ifelse(1, 0)
    rows = rows.mutate(known=known)
    turn = ibis.row_number().over(group_by=[*keys, "known"], order_by=[column, "session"])
    rows = rows.mutate(turn=turn, many=rows.known.sum().over(group_by=keys))
    middle = (rows.turn == (rows.many - 1) // 2) | (rows.turn == rows.many // 2)
    return rows.mutate(is_middle=(rows.known == 1) & middle).drop("known", "turn", "many")


def _fitted(part: ir.Table) -> ir.Table:
    return part.select(
        **{
            name: part[name].cast(kind) if name in part.columns else ibis.null(kind)
            for name, kind in _COLUMNS.items()
        }
    )


def _groups(part: pd.DataFrame, breakdown: str | None) -> pd.DataFrame:
    part = part if breakdown is not None else part[part.name == "*"]
    frame = part.sort_values(["n", "name"], ascending=[False, True]).reset_index(drop=True)
    frame = frame[["name", "n", "started", "sent", "hesitation", "spent"]]
    frame = frame.astype({"n": "int64", "started": "int64", "sent": "int64"}).copy()
    for name, of, base in (
        ("start", frame.started, frame.n),
        ("finish", frame.sent, frame.started),
        ("send", frame.sent, frame.n),
    ):
        low, high = wilson(of, base)
        frame[f"{name}_rate"] = of / base.where(base > 0)
        frame[f"{name}_low"], frame[f"{name}_high"] = low, high
    return frame


def _fields(answer: pd.DataFrame) -> pd.DataFrame:
    """Shares of each field: stops of all who start and stop, blanks of all who send."""
    part = answer[answer.part == "field"].sort_values(["n", "name"], ascending=[False, True])
    part = part.astype(dict.fromkeys(("n", "changed", "refilled", "sent", "stopped"), "int64"))
    whole = answer[(answer.part == "group") & (answer.name == "*")]
    sent = int(whole.sent.sum())
    stopped = int(part.stopped.sum())
    frame = part[["name", "n", "changed", "refilled", "stopped", "spent"]].assign(
        blank=(sent - part.sent).clip(lower=0), sent=sent, stops=stopped
    )
    for name, of, base in (
        ("stop", frame.stopped, frame.stops),
        ("blank", frame.blank, frame.sent),
        ("refill", frame.refilled, frame.changed),
    ):
        low, high = wilson(of, base)
        frame[f"{name}_rate"] = of / base.where(base > 0)
        frame[f"{name}_low"], frame[f"{name}_high"] = low, high
    return frame.reset_index(drop=True)


@dataclass(frozen=True, kw_only=True)
class Forms(Result):
    """What becomes of a form; see `forms`."""

    groups: pd.DataFrame = field(repr=False)
    fields: pd.DataFrame = field(repr=False)
    start: str
    as_of: str
    breakdown: str | None
    names: FormEvents

    @property
    def empty(self) -> bool:
        """Whether nobody saw the form."""
        return self.groups.empty

    @property
    def whole(self) -> "pd.Series[float]":
        """The row of all visits."""
        return self.groups[self.groups.name == "*"].iloc[0]

    @property
    def headline(self) -> str:
        """The leak in two: never started, started and left."""
        if self.empty:
            return say(
                "The capture has no view of the form ({event}) from {start} to {end}.",
                event=self.names.view,
                start=text.day(self.start),
                end=text.day(self.as_of),
            )
        all_ = self.whole
        lost = all_.n - all_.sent
        words = {
            "rate": percent(all_.send_rate),
            "span": span(all_.send_low, all_.send_high),
            "n": number(all_.n),
            "lost": number(lost),
            "never": number(all_.n - all_.started),
            "left": number(all_.started - all_.sent),
        }
        return say(
            "{rate} ({span}) of {n} visits that see the form send it; of the {lost} others {never} "
            "never start and {left} start and leave.",
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (say("Seen"), say("The first {event} of the visit.", event=self.names.view)),
                (
                    say("Started"),
                    say(
                        "Anything put into a field ({event}); entering one is no start.",
                        event=self.names.change,
                    ),
                ),
                (say("Sent"), say("The first {event} after it.", event=self.names.submit)),
                (say("Hesitation"), say("From the view to the first field entered or changed.")),
                (say("Time spent"), say("From the first to the last field entered or changed.")),
                (
                    say("Left blank"),
                    say("Of the visits that sent the form, those without a change in it."),
                ),
                (
                    say("Stopped at"),
                    say(
                        "The last field entered or changed by a visit that started the form and "
                        "did not send it."
                    ),
                ),
                (
                    say("Days"),
                    say(
                        "From {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.as_of),
                    ),
                ),
                (say("Interval"), say("Wilson, 95%.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Fields; groups."""
        columns = (
            Column("name", say("Field")),
            Column("n", say("Visits that reach it"), "count"),
            Column(
                "stop_rate",
                say("Of those who stop, here"),
                "rate",
                low="stop_low",
                high="stop_high",
                n="stops",
            ),
            Column(
                "blank_rate",
                say("Left blank by those who send"),
                "rate",
                low="blank_low",
                high="blank_high",
                n="sent",
            ),
            Column(
                "refill_rate",
                say("Changed twice or more"),
                "rate",
                low="refill_low",
                high="refill_high",
                n="changed",
            ),
            Column("spent", say("Median seconds"), "number", 1),
        )
        named = self.groups.assign(
            label=[say("All") if n == "*" else n or say("Unknown") for n in self.groups.name]
        )
        groups = (
            Column("label", say("Visits")),
            Column("n", say("See the form"), "count"),
            Column(
                "start_rate", say("Start it"), "rate", low="start_low", high="start_high", n="n"
            ),
            Column(
                "finish_rate",
                say("Send it, of those who start"),
                "rate",
                low="finish_low",
                high="finish_high",
                n="started",
            ),
            Column(
                "send_rate", say("Send it, of all"), "rate", low="send_low", high="send_high", n="n"
            ),
            Column("hesitation", say("Median hesitation, s"), "number", 1),
            Column("spent", say("Median time spent, s"), "number", 1),
        )
        return {
            "fields": Table("form-fields", say("Field by field"), self.fields, columns),
            "groups": Table("form-groups", say("Seen, started, sent"), named, groups),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Where those who start stop."""
        return {"fields": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.fields.assign(
            note=[say("{n} visits", n=number(n)) for n in self.fields.stopped],
            weak=self.fields.stops < 30,
        )
        top = frame.sort_values("stop_rate", ascending=False, kind="stable")
        return draw.bars(
            frame,
            label="name",
            value="stop_rate",
            low="stop_low",
            high="stop_high",
            note="note",
            weak="weak",
            name="form-fields",
            title=say(
                "{field} is the last field of {rate} of those who start and leave.",
                field=top.name.iloc[0],
                rate=percent(top.stop_rate.iloc[0]),
            )
            if len(top)
            else self.headline,
            subtitle=say("Last field touched by visits that start the form and do not send it"),
            alt="; ".join(f"{r.name} {percent(r.stop_rate)}" for r in records(frame)),
            accent=[str(name) for name in top.name.head(1)],
            kind="rate",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share that sends the form."""
        if self.empty:
            return ()
        return (
            KeyFigure(
                name="form_sent",
                label=say("Send the form"),
                value=float(self.whole.send_rate),
                kind="rate",
                low=float(self.whole.send_low),
                high=float(self.whole.send_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The larger part of the leak, and the field to look at."""
        if self.empty:
            return ()
        all_ = self.whole
        never, left = all_.n - all_.started, all_.started - all_.sent
        found = [
            Finding(
                words=self.headline,
                action=say("Say before the form what it costs and how long it takes.")
                if never > left
                else say("Ask for less: see which field they stop at."),
                weight=float(max(never, left) / all_.n),
            )
        ]
        stops = self.fields.sort_values("stop_rate", ascending=False, kind="stable")
        if len(stops) and stops.stops.iloc[0] >= 30:
            top = stops.iloc[0]
            found.append(
                Finding(
                    words=say(
                        "{rate} ({span}) of those who start and leave stop at {field}.",
                        rate=percent(top.stop_rate),
                        span=span(top.stop_low, top.stop_high),
                        field=top["name"],
                    ),
                    action=say(
                        "Make {field} optional or say why it is needed, and test it.",
                        field=top["name"],
                    ),
                    weight=float(top.stopped / all_.n),
                )
            )
        return tuple(found)
