"""How clean leads are, and what they cost: by hand."""

import importlib.util
from pathlib import Path

import ibis
import pandas as pd
import pytest

import crmkit as ck
from crmkit.errors import ParameterError
from crmkit.schema import TABLES
from crmkit.stats import poisson_interval, wilson

_spec = importlib.util.spec_from_file_location(
    "lead_rows", Path(__file__).with_name("lead_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
lead_table, step_table = rows.lead_table, rows.step_table

WHEN = {"as_of": "2025-06-30", "timezone": "Asia/Shanghai"}


def checks(*given):
    """Checks from (source, verdict, stored, at, owner, given to)."""
    frame = pd.DataFrame(
        [
            {"lead_id": f"L{n}", "source": source, "verdict": verdict, "stored": stored,
             "created_at": pd.Timestamp(at), "agent_id": more[0] if more else None,
             "given_to": more[1] if more else None}
            for n, (source, verdict, stored, at, *more) in enumerate(given)
        ],
        columns=list(TABLES["lead_checks"].names),
    )  # fmt: skip
    return ibis.memtable(frame, schema=TABLES["lead_checks"].schema())


class TestQuality:
    CHECKS = checks(
        *(("web", "sound", True, "2025-06-01 09:00") for _ in range(6)),
        ("web", "merged", False, "2025-06-01 09:00", "x", "y"),
        ("web", "merged", False, "2025-06-01 09:00", "x", "x"),
        ("list", "unreachable", False, "2025-06-01 09:00"),
        ("list", "do_not_call", True, "2025-06-01 09:00"),
        (None, "sound", True, "2025-06-30 15:59"),  # the last minute of the day in Shanghai
        ("web", "sound", True, "2025-06-30 16:00"),  # the next day
        ("web", "sound", True, "2024-06-01 09:00"),  # long before
    )

    def test_shares_by_source(self):
        found = ck.lead_quality(self.CHECKS, **WHEN)
        sources = found.by("source").set_index("source")
        assert sources.n.to_dict() == {"web": 8, "list": 2, "": 1}
        assert sources.sound_share["web"] == 0.75
        low, high = wilson(6, 8)
        assert (sources.sound_low["web"], sources.sound_high["web"]) == (low, high)
        assert (sources.unreachable["list"], sources.do_not_call["list"]) == (1, 1)
        assert found.headline.startswith("63.6%")
        assert "Known already (2)" in found.headline

    def test_what_to_do(self):
        words = " ".join(each.words for each in ck.lead_quality(self.CHECKS, **WHEN).findings())
        assert "1 leads were worked although a rule" in words
        assert "1 leads were given to a second owner" in words

    def test_a_source_that_is_certainly_worse(self):
        found = ck.lead_quality(
            checks(
                *(("good", "sound", True, "2025-06-01 09:00") for _ in range(200)),
                *(("bad", "merged", False, "2025-06-01 09:00") for _ in range(40)),
            ),
            **WHEN,
        )
        assert found.findings()[0].words.startswith("bad is the least clean: 0.0%")
        assert found.plot().alt
        assert len(found.tables()["lists"].frame) == 2

    def test_nothing_was_checked(self):
        found = ck.lead_quality(checks(), **WHEN)
        assert found.empty
        assert "[leads]" in found.headline
        assert found.findings() == ()
        with pytest.raises(ParameterError, match="days=0"):
            ck.lead_quality(checks(), days=0, **WHEN)

    def test_all_are_sound(self):
        found = ck.lead_quality(checks(("web", "sound", True, "2025-06-01")), **WHEN)
        assert found.headline == "All of 1 leads that came in are sound."


def touches(*given):
    frame = pd.DataFrame(given, columns=["customer_id", "channel", "kind", "occurred_at"])
    frame["occurred_at"] = pd.to_datetime(frame.occurred_at).astype("datetime64[us]")
    kinds = dict.fromkeys(("customer_id", "channel", "kind"), "string")
    return ibis.memtable(frame, schema=kinds | {"occurred_at": "timestamp"})


def spent(*given):
    frame = pd.DataFrame(given, columns=["day", "channel", "cost"])
    frame["day"] = pd.to_datetime(frame.day).dt.date
    return ibis.memtable(frame, schema={"day": "date", "channel": "string", "cost": "float64"})


class TestCost:
    LEADS = lead_table(
        ("a", "web", "2025-05-10 09:00", "c1"),
        ("b", "web", "2025-05-10 09:00", "c2"),
        ("c", "web", "2025-05-10 09:00", "c3"),
        ("d", "web", "2025-05-10 09:00"),
        ("young", "web", "2025-06-15 09:00", "c1"),
    )
    STEPS = step_table(
        ("a", "interacted", "2025-05-11 09:00", "x"),
        ("a", "won", "2025-05-12 09:00", "x"),
        ("b", "interacted", "2025-06-09 09:00", "x"),  # at the end of the window: too late
        ("c", "interacted", "2025-05-11 09:00", "x"),
    )
    TOUCHES = touches(
        ("c1", "ads", "paid", "2025-05-01 09:00"),
        ("c1", "video", "paid", "2025-05-10 09:00"),  # the last, with the lead
        ("c1", "ads", "paid", "2025-05-10 09:01"),  # after it
        ("c2", "video", "paid", "2025-05-09 09:00"),
        ("c2", "mail", "owned", "2025-05-10 08:00"),
        ("c3", "ads", "paid", "2025-04-10 08:59"),  # more than 30 days before
    )
    SPEND = spent(("2025-05-01", "video", 100.0), ("2025-05-02", "ads", 50.0),
                  ("2025-06-15", "ads", 9.0))  # fmt: skip

    def cost(self, **given):
        return ck.lead_cost(self.LEADS, self.STEPS, self.TOUCHES, self.SPEND, days=90, **given,
                            **WHEN)  # fmt: skip

    def test_by_hand(self):
        frame = self.cost().channels.set_index("channel")
        assert frame.leads.to_dict() == {"video": 2, "ads": 0, "": 2}
        assert frame.qualified.to_dict() == {"video": 1, "ads": 0, "": 1}
        assert frame.won["video"] == 1
        assert frame.cost.to_dict() == {"video": 100.0, "ads": 50.0, "": 0.0}
        video = frame.loc["video"]
        assert (video.per_lead, video.per_qualified, video.per_won) == (50, 100, 100)
        low, high = poisson_interval(1)
        assert video.per_qualified_low == pytest.approx(100 / high)
        assert video.per_qualified_high == pytest.approx(100 / low)
        assert pd.isna(frame.per_qualified["ads"])  # nobody knows yet what one costs
        assert frame.per_qualified_low["ads"] == pytest.approx(50 / poisson_interval(0)[1])
        assert pd.isna(frame.per_qualified[""])

    def test_words(self):
        found = self.cost()
        assert found.headline.startswith("A qualified lead from video costs")
        assert found.key_figures()[0].value == 150
        assert found.plot().alt
        assert "2 leads of channels without spend" in " ".join(
            words for _, words in found.definition.items
        )
        assert found.findings() == ()
        assert self.cost(qualified="won").channels.qualified.sum() == 1

    def test_nothing_was_spent_or_nobody_came(self):
        found = ck.lead_cost(self.LEADS, self.STEPS, self.TOUCHES, spent(), **WHEN)
        assert found.empty
        assert "No channel with spend" in found.headline
        none = ck.lead_cost(lead_table(), step_table(), touches(), self.SPEND, **WHEN)
        assert none.empty
        assert none.channels.leads.sum() == 0
        assert none.findings() == none.key_figures() == ()

    def test_what_cannot_be_asked(self):
        with pytest.raises(ParameterError, match="qualified='sold'"):
            self.cost(qualified="sold")
        with pytest.raises(ParameterError, match="more days than the window"):
            ck.lead_cost(self.LEADS, self.STEPS, self.TOUCHES, self.SPEND, days=30, **WHEN)
