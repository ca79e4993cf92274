"""One visit replayed: what happened, when, and how long until the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.persons import with_unit
from crmkit.result import Result
from crmkit.sessions import with_sessions
from crmkit.text import number, say

__all__ = ["Timeline", "example_visit", "timeline"]

_MOST = 500


def timeline(
    events: ir.Table,
    *,
    session: str,
    timezone: str = "UTC",
    gap_minutes: int = 30,
    identities: ir.Table | None = None,
) -> "Timeline":
    """The events of one visit in their order, in the book's time.

    Parameters: `events`, canonical; `session`, a session_id of the capture, or a made one such as
    "c:C000017#3" (see `crmkit.sessions`); `timezone`, of the clock shown; `gap_minutes`, of the
    pause between made visits.
    Returns: Timeline with `rows`: at (local), after (seconds since the first), took (seconds until
    the next; unknown for the last), event, page, element, channel, device, scroll, value; up to
    500 events, `total` counts all. No customer's or visitor's id is shown.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2"], "session_id": ["s", "s"], "customer_id": ["c", "c"],
    ...         "occurred_at": [day, day + datetime.timedelta(seconds=4)],
    ...         "event": ["view", "buy"],
    ...     }
    ... )
    >>> timeline(rows, session="s").rows[["event", "took"]].to_numpy().tolist()
    [['view', 4.0], ['buy', nan]]
    """
    rows = events.mutate(at=events.occurred_at).filter(~ibis._["at"].isnull())
    if "session_id" in events.columns and "#" not in session:
        found = rows.filter(rows.session_id == session).mutate(session=ibis.literal(session))
    else:
        rows = with_sessions(with_unit(rows, identities=identities), gap_minutes=gap_minutes)
        found = rows.filter(rows.session == session)
    order = ["at", "event_id"]
    found = found.mutate(
        many=found.count().over(ibis.window()),
        following=found["at"].lead().over(group_by="session", order_by=order),
    )
    told = ["event", "page", "element", "channel", "device", "scroll", "value"]
    kept = [name for name in told if name in events.columns]
    frame = found.order_by(order).limit(_MOST).select("at", "following", "many", *kept).execute()
    utc = pd.to_datetime(frame["at"], utc=True)
    second = pd.Timedelta(seconds=1)
    return Timeline(
        rows=pd.DataFrame(
            {
                "at": utc.dt.tz_convert(calendar.zone(timezone)),
                "after": (utc - utc.min()) / second,
                "took": (pd.to_datetime(frame.following, utc=True) - utc) / second,
                **{name: frame[name] for name in kept},
            }
        ),
        total=int(frame.many.iloc[0]) if len(frame) else 0,
        session=session,
        timezone=timezone,
    )


def example_visit(
    events: ir.Table,
    *,
    has: str,
    lacks: str,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
) -> str:
    """The session_id of a typical visit that did one thing and not another.

    Of the visits with the event `has` and without `lacks`, the one in the middle by its number of
    events, ties by id; only visits that the capture gave an id.

    Returns: the id; "" where there is none.

    >>> import datetime, ibis
    >>> rows = ibis.memtable(
    ...     {
    ...         "session_id": ["s", "t", "t"],
    ...         "occurred_at": [datetime.datetime(2025, 1, 1)] * 3,
    ...         "event": ["view", "view", "buy"],
    ...     }
    ... )
    >>> example_visit(rows, has="view", lacks="buy", as_of="2025-01-01")
    's'
    """
    day = calendar.day(as_of)
    first = calendar.window_start(day, days)
    rows = events.filter(
        events.occurred_at >= calendar.day_start(first, timezone),
        events.occurred_at < calendar.day_end(day, timezone),
        ~events.session_id.isnull(),
    )
    visits = rows.group_by("session_id").aggregate(
        many=rows.count(),
        has=(rows.event == has).ifelse(1, 0).max(),
        lacks=(rows.event == lacks).ifelse(1, 0).max(),
    )
    visits = visits.filter(visits.has == 1, visits.lacks == 0)
    turn = ibis.row_number().over(order_by=["many", "session_id"])
    visits = visits.mutate(turn=turn, n=visits.count().over(ibis.window()))
    found = visits.filter(visits.turn == (visits.n - 1) // 2).session_id.execute()
    return str(found.iloc[0]) if len(found) else ""


@dataclass(frozen=True, kw_only=True)
class Timeline(Result):
    """One visit; see `timeline`."""

    rows: pd.DataFrame = field(repr=False)
    total: int
    session: str
    timezone: str

    @property
    def empty(self) -> bool:
        """Whether there is no such visit."""
        return self.rows.empty

    @property
    def headline(self) -> str:
        """When it began, how long it took, where it ended."""
        if self.empty and not self.session:
            return say("No visit is like this.")
        if self.empty:
            return say("There is no visit {session}.", session=self.session)
        last = self.rows.iloc[-1]
        return say(
            "A visit on {day} at {time}: {n} events in {minutes} minutes, the last is {event}.",
            day=text.day(self.rows["at"].iloc[0].date()),
            time=f"{self.rows['at'].iloc[0]:%H:%M:%S}",
            n=number(self.total),
            minutes=number(float(last.after) / 60, 1),
            event=last.event,
        )

    @property
    def definition(self) -> Definition:
        """What is shown."""
        return Definition(
            (
                (say("Clock"), say("Time zone {zone}.", zone=self.timezone)),
                (say("Until the next"), say("Unknown for the last event of a visit.")),
                (say("Who"), say("No id of a customer or a visitor is shown.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """One row an event."""
        frame = self.rows.assign(
            time=[f"{at:%H:%M:%S}" for at in self.rows["at"]],
            depth=self.rows["scroll"] if "scroll" in self.rows else float("nan"),
        )
        columns = [
            Column("time", say("Time")),
            Column("event", say("Event")),
            *(
                Column(name, words)
                for name, words in (("page", say("Page")), ("element", say("Element")))
                if name in frame
            ),
            Column("took", say("Seconds until the next"), "number"),
            Column("depth", say("Depth seen"), "rate", 0),
        ]
        caption = say("The visit, event by event")
        return {"rows": Table("timeline", caption, frame, tuple(columns), limit=100)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Bars of how long each event held the visitor."""
        return {"rows": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        shown = self.rows.head(30)
        where = shown["page"].fillna("") if "page" in shown else ""
        frame = shown.assign(
            label=[f"{at:%H:%M:%S}" for at in shown["at"]],
            note=(shown.event + " " + where).str.strip(),
            took=shown.took.fillna(0),
        )
        return draw.bars(
            frame,
            label="label",
            value="took",
            note="note",
            name="timeline",
            title=self.headline,
            subtitle=say("Seconds until the next event, from the first to the last"),
            alt=" → ".join(shown.event),
            kind="number",
        )
