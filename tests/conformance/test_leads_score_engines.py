"""The score, the quality and the cost of leads: the same on DuckDB and on PySpark."""

import numpy as np
import pandas as pd
import pytest

import crmkit as ck
from crmkit.schema import LEAD_VERDICTS, TABLES

pytestmark = pytest.mark.spark

KINDS = ["dispatched", "interacted", "intent", "won", "lost", "released", "recycled"]
WHEN = {"as_of": "2025-06-30", "timezone": "Asia/Shanghai"}
START = pd.Timestamp("2025-03-01")
TEXT, TIME = "string", "timestamp"
SCHEMAS = {
    "leads": {"lead_id": TEXT, "customer_id": TEXT, "list_id": TEXT, "source": TEXT,
              "created_at": TIME},
    "steps": {"lead_id": TEXT, "occurred_at": TIME, "kind": TEXT, "agent_id": TEXT},
    "events": {"visitor_id": TEXT, "customer_id": TEXT, "event": TEXT, "occurred_at": TIME},
    "identities": {"source": TEXT, "source_id": TEXT, "customer_id": TEXT},
    "touches": {"customer_id": TEXT, "channel": TEXT, "kind": TEXT, "occurred_at": TIME},
    "spend": {"day": "date", "channel": TEXT, "cost": "float64"},
    "checks": dict(TABLES["lead_checks"].schema().items()),
}  # fmt: skip


@pytest.fixture(scope="module")
def frames():
    """Nulls, ties at one second, people without an id, channels without leads."""
    rng = np.random.default_rng(17)
    n, m, k = 400, 2_000, 1_500

    def at(size: int, days: int = 110) -> pd.Series:
        seconds = rng.integers(0, days * 86_400, size) // 900 * 900
        return (START + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us]")

    who = [f"c{i}" for i in range(60)]
    names = [f"L{i}" for i in range(n)]
    made = {"lead_id": names, "customer_id": rng.choice([*who, None], n),
            "list_id": rng.choice(["甲", None], n),
            "source": rng.choice(["官网留资", "转介绍", None], n), "created_at": at(n)}  # fmt: skip
    checks = pd.DataFrame(
        made | {"verdict": rng.choice(LEAD_VERDICTS, n), "stored": rng.random(n) < 0.7,
                "agent_id": rng.choice(["x", None], n),
                "given_to": rng.choice(["x", "y", None], n)},
        columns=list(SCHEMAS["checks"]),
    )  # fmt: skip
    return {
        "leads": pd.DataFrame(made),
        "steps": pd.DataFrame({
            "lead_id": rng.choice(names, m), "occurred_at": at(m), "kind": rng.choice(KINDS, m),
            "agent_id": rng.choice(["A1", "A2", "A3", None], m)}),
        "events": pd.DataFrame({
            "visitor_id": [f"v{i}" for i in rng.integers(0, 80, k)],
            "customer_id": rng.choice([*who, *[None] * 60], k),
            "event": rng.choice(["view_product", "add_to_cart", "checkout", "other"], k),
            "occurred_at": at(k)}),
        "identities": pd.DataFrame({"source": "cookie", "source_id": [f"v{i}" for i in range(40)],
                                    "customer_id": rng.choice(who, 40)}),
        "touches": pd.DataFrame({
            "customer_id": rng.choice([*who, None], k),
            "channel": rng.choice(["百度", "抖音", None], k),
            "kind": rng.choice(["paid", "owned"], k), "occurred_at": at(k)}),
        "spend": pd.DataFrame({
            "day": [d.date() for d in pd.date_range(START, periods=90)],
            "channel": rng.choice(["百度", "抖音", "短信"], 90),
            "cost": rng.integers(1, 500, 90).astype("float64")}),
        "checks": checks,
    }  # fmt: skip


@pytest.fixture
def both(on_both, frames):
    pairs = {name: on_both(frame, SCHEMAS[name]) for name, frame in frames.items()}
    return [{name: pair[engine] for name, pair in pairs.items()} for engine in (0, 1)]


def _same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    assert len(one)
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_score_and_those_that_wait(both):
    found = []
    for book in both:
        tables = [book[name] for name in ("leads", "steps", "events", "identities")]
        score = ck.lead_score(*tables, days=110, window=20, **WHEN)
        given = ck.lead_dispatch(*tables, score=score, days=110, window=20, **WHEN)
        found.append((score, given))
    (one, waits), (other, others) = found
    for name in ("rules", "terms", "trials", "tenths", "chances"):
        _same(getattr(one, name), getattr(other, name))
    assert one.rules.n[one.rules.rule == "put_in_cart"].item() > 20
    _same(waits.waiting, others.waiting)


def test_quality(both):
    one, other = (ck.lead_quality(book["checks"], **WHEN).lists for book in both)
    _same(one, other)


def test_cost(both):
    names = ("leads", "steps", "touches", "spend")
    one, other = (ck.lead_cost(*(book[n] for n in names), **WHEN).channels for book in both)
    _same(one, other)
    assert one.qualified.sum() > 20
