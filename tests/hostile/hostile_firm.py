"""A firm whose exports are full of hostile words, in every column that takes words."""

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

from corpus import CORPUS

__all__ = ["LAST", "LONG", "TOO_LONG", "write_firm"]

LAST = dt.date(2025, 6, 30)
LONG = "x98x" + "长 long " * 100_000 + "x98x"
"""A word of nearly one megabyte, which a line may hold."""
TOO_LONG = LONG.replace("x98x", "x99x") * 2
"""A word that makes its line longer than lines may be."""
_WHEN = dt.datetime(2025, 1, 6, 10)
_MENACE = "x'; DROP TABLE orders; --"

SETTINGS = """
[book]
name = "Fake <b>firm</b> & #read(1) \\\\input{{x}} =1+1 <script>document.title='PWNED'</script>"
timezone = "Asia/Shanghai"
currency = "CNY"
language = "en"

[tables.orders]
from = "orders.csv"
duplicates = "keep"
columns = {{ order_id = "id", customer_id = "who", ordered_at = "at", amount = "{menace}", \
category = "<img src=x onerror=alert(1)>", channel = "=cmd" }}

[tables.customers]
from = "customers.csv"
columns = {{ customer_id = "id", created_at = "at", channel = "a", region = "b", city = "c", \
industry = "d", name = "e", phone = "f", email = "g" }}

[tables.touches]
from = "touches.csv"
columns = {{ customer_id = "who", occurred_at = "at", channel = "a", campaign = "b", medium = "c", \
content = "d", keyword = "e", kind = "kind" }}

[tables.events]
from = "events.csv"
columns = {{ event_id = "id", visitor_id = "v", customer_id = "who", session_id = "s", \
occurred_at = "at", event = "a", channel = "b", page = "c", element = "d" }}

[tables.leads]
from = "leads.csv"
columns = {{ lead_id = "id", customer_id = "who", source = "a", created_at = "at" }}

[tables.lead_events]
from = "lead_events.csv"
columns = {{ lead_id = "id", occurred_at = "at", kind = "kind", agent_id = "a", note = "b" }}
"""


def write_firm(folder: Path) -> Path:
    """Write the exports and the settings; gives the settings' path."""
    words = [each.words for each in CORPUS]
    days = [_WHEN + dt.timedelta(days=i % 170, hours=i % 9) for i in range(4 * len(words))]
    _csv(
        folder / "orders.csv",
        ("id", "who", "at", _MENACE, "<img src=x onerror=alert(1)>", "=cmd"),
        (
            (
                f"O{i}",
                words[i % len(words)],
                when,
                10 + i % 90,
                words[i % len(words)],
                _few(words, i),
            )
            for i, when in enumerate(days)
        ),
    )
    _csv(
        folder / "customers.csv",
        ("id", "at", *"abcdefg"),
        [(w, _WHEN, _few(words, i), w, w, w, w, w, w) for i, w in enumerate(words)]
        + [("long", _WHEN, "c", "r", LONG, "i", "n", "p", "e")]
        + [("too long", _WHEN, "c", "r", TOO_LONG, "i", "n", "p", "e")],
    )
    _csv(
        folder / "touches.csv",
        ("who", "at", *"abcde", "kind"),
        (
            (words[i % len(words)], when - dt.timedelta(hours=2), _few(words, i), *[w] * 4, "paid")
            for i, (when, w) in enumerate(zip(days, words * 4, strict=True))
        ),
    )
    _csv(
        folder / "events.csv",
        ("id", "v", "who", "s", "at", *"abcd"),
        (
            (f"E{i}", w, w, f"S{i // 3}", when, _few(words, i), _few(words, i), w, w)
            for i, (when, w) in enumerate(zip(days, words * 4, strict=True))
        ),
    )
    _csv(
        folder / "leads.csv",
        ("id", "who", "at", "a"),
        ((f"L{i}", w, _WHEN, _few(words, i)) for i, w in enumerate(words)),
    )
    _csv(
        folder / "lead_events.csv",
        ("id", "at", "kind", "a", "b"),
        ((f"L{i}", _WHEN, "dispatched", w, w) for i, w in enumerate(words)),
    )
    settings = folder / "crmkit.toml"
    settings.write_text(SETTINGS.format(menace=_MENACE), encoding="utf-8")
    return settings


def _few(words: Sequence[str], place: int) -> str:
    """One of twelve words, so that reports which show the largest groups show hostile ones."""
    return words[(place % 12) * 16]


def _csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(head)
        writer.writerows(rows)
