"""Five maps of one page: reach by screen, link clicks, page clicks, view time, attention."""

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.attention.result import Attention
from crmkit.errors import ParameterError
from crmkit.stats import wilson

__all__ = ["attention"]

BANDS = 10
ACROSS = 10
_COLUMNS = {
    "part": "string",
    "name": "string",
    "band": "int64",
    "across": "int64",
    "n": "int64",
    "visits": "int64",
    "seconds": "float64",
}


def attention(
    events: ir.Table,
    *,
    page: str,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    screen: float = 800.0,
    click: str = "click",
) -> Attention:
    """How far a page is seen, where it is clicked, and where the time goes.

    Parameters: `events`, canonical; `page`, a value of the column `page`; `as_of`, `days`,
    `timezone`; `screen`, the height of a window in pixels; `click`, the event of a click.
    Returns: Attention with `reach` (band: tenth of the page from the top; n views with a scroll
    depth, reached, rate with _low and _high (Wilson), seconds, time and attention: shares of all
    seconds), `links` (element, clicks, visits, n visits of the page, rate), `clicks` (band of 200
    pixels, across: tenth of the width, n) and counts. Each map without a capture is empty and says
    so.
    Reach is of the deepest scroll of a view. Seconds are the `value` of scroll events; within a
    view they are spread evenly over the places of the window from the top to the depth reached,
    as the capture has one depth and one time a view. View time gives a place the seconds it was in
    the window; attention weighs them by where in the window it was: full in the middle, half at
    the edges.
    Raises: ParameterError for a screen of no height.

    >>> import datetime, ibis
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2"], "session_id": ["s", "s"], "page": ["/", "/"],
    ...         "occurred_at": [datetime.datetime(2025, 1, 1)] * 2,
    ...         "event": ["page_view", "scroll"], "element": [None, None],
    ...         "x": [None, None], "y": [None, None], "scroll": [None, 0.5], "value": [None, 8.0],
    ...     }
    ... )
    >>> attention(rows, page="/", as_of="2025-01-01").reach.rate.tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    if screen <= 0:
        raise ParameterError(f"screen={screen}: give the height of a window in pixels.")
    day = calendar.day(as_of)
    first = calendar.window_start(day, days)
    rows = events.filter(
        events.page == page,
        events.occurred_at >= calendar.day_start(first, timezone),
        events.occurred_at < calendar.day_end(day, timezone),
    )
    answer = _counted(rows, click).execute()
    visits = int(answer[answer.part == "visits"].n.sum())
    tallest = float(answer[answer.part == "visits"].seconds.max())
    height = max(tallest, screen) if not np.isnan(tallest) else np.nan
    window = screen / height if not np.isnan(height) else 0.25
    return Attention(
        reach=_reach(answer[answer.part == "scroll"], min(window, 1.0)),
        links=_links(answer[answer.part == "link"], visits),
        clicks=_clicks(answer[answer.part == "click"]),
        visits=visits,
        page=page,
        height=height,
        screen=screen,
        start=str(first),
        as_of=str(day),
    )


def _counted(rows: ir.Table, click: str) -> ir.Table:
    """Visits; views by the tenth of the page they reached; clicks by element and by place."""
    visits = rows.aggregate(
        n=rows.session_id.nunique(), seconds=rows.y.cast("float64").max()
    ).mutate(part=ibis.literal("visits"))
    seen = rows.filter(~rows.scroll.isnull())
    depth = (ibis.greatest(ibis.least(seen.scroll.cast("float64"), 1.0), 0.0) * BANDS).ceil()
    seen = seen.mutate(band=ibis.greatest(depth.cast("int64"), 1))
    scrolls = seen.group_by("band").aggregate(
        n=seen.count(), seconds=seen["value"].cast("float64").sum()
    )
    clicked = rows.filter(rows.event == click)
    named = clicked.filter(~clicked.element.isnull())
    links = named.group_by(name=named.element).aggregate(
        n=named.count(), visits=named.session_id.nunique()
    )
    placed = clicked.filter(~clicked.x.isnull(), ~clicked.y.isnull())
    placed = placed.mutate(
        band=(placed.y.cast("float64") / 200).floor().cast("int64"),
        across=ibis.least((placed.x.cast("float64") * ACROSS).floor().cast("int64"), ACROSS - 1),
    )
    places = placed.group_by(["band", "across"]).aggregate(n=placed.count())
    parts = (
        visits,
        scrolls.mutate(part=ibis.literal("scroll")),
        links.mutate(part=ibis.literal("link")),
        places.mutate(part=ibis.literal("click")),
    )
    return ibis.union(*(_fitted(part) for part in parts))


def _fitted(part: ir.Table) -> ir.Table:
    return part.select(
        **{
            name: part[name].cast(kind) if name in part.columns else ibis.null(kind)
            for name, kind in _COLUMNS.items()
        }
    )


def _reach(part: pd.DataFrame, window: float) -> pd.DataFrame:
    """Views that reached each tenth, and the seconds each tenth was in sight."""
    views = part.set_index("band").n.astype("float64").reindex(range(1, BANDS + 1), fill_value=0.0)
    seconds = part.set_index("band").seconds.reindex(range(1, BANDS + 1), fill_value=0.0).fillna(0)
    n = float(views.sum())
    reached = views[::-1].cumsum()[::-1].to_numpy()
    low, high = wilson(reached, np.full(BANDS, n))
    plain, weighed = _in_sight(seconds.to_numpy(dtype=float), window)
    total, weight = plain.sum(), weighed.sum()
    return pd.DataFrame(
        {
            "band": range(1, BANDS + 1),
            "n": int(n),
            "reached": reached.astype("int64"),
            "rate": reached / n if n else np.nan,
            "low": low,
            "high": high,
            "seconds": plain / n if n else np.nan,
            "time": plain / total if total else np.nan,
            "attention": weighed / weight if weight else np.nan,
        }
    )


def _in_sight(seconds: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each tenth in the window, plain and weighed by its place in the window.

    A view of depth d has its window's lower edge evenly between `window` and d.
    """
    middles = (np.arange(BANDS) + 0.5) / BANDS
    plain, weighed = np.zeros(BANDS), np.zeros(BANDS)
    for band, spent in enumerate(seconds):
        deepest = max((band + 0.5) / BANDS, window)
        edges = np.linspace(window, deepest, 21)[:, None]
        place = (middles[None, :] - (edges - window)) / window
        inside = (place >= 0) & (place <= 1)
        plain += spent * inside.mean(axis=0)
        weighed += spent * (inside * (1 - np.abs(place - 0.5))).mean(axis=0)
    return plain, weighed


def _links(part: pd.DataFrame, visits: int) -> pd.DataFrame:
    frame = part.sort_values(["n", "name"], ascending=[False, True], ignore_index=True)
    low, high = wilson(frame.visits.astype("float64"), np.full(len(frame), float(visits)))
    return pd.DataFrame(
        {
            "element": frame.name,
            "clicks": frame.n.astype("int64"),
            "visits": frame.visits.astype("int64"),
            "n": visits,
            "rate": frame.visits.astype("float64") / visits if visits else np.nan,
            "low": low,
            "high": high,
        }
    )


def _clicks(part: pd.DataFrame) -> pd.DataFrame:
    frame = part[["band", "across", "n"]].astype("int64")
    return frame.sort_values(["band", "across"], ignore_index=True)
