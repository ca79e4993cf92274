"""Lengths of conversations: short ones, outliers, and the sample of recordings to review."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.talks import talks
from crmkit.errors import ParameterError
from crmkit.text import reading

AT = dt.datetime(2025, 3, 3, 2)
CALLS = {
    "call_id": "string",
    "agent_id": "string",
    "campaign_id": "string",
    "hangup_by": "string",
    "recording_id": "string",
    "result": "string",
    "disposition": "string",
    "started_at": "timestamp",
    "agent_at": "timestamp",
    "ended_at": "timestamp",
}
CODES = ibis.memtable(
    [
        {"code": "SALE", "human_answered": True, "sale": True, "right_party": True},
        {"code": "NI", "human_answered": True, "sale": False, "right_party": True},
        {"code": "AM", "human_answered": False, "sale": False, "right_party": False},
    ]
)


def table(*rows):
    """(seconds, agent, disposition, recorded) as calls."""
    filled = []
    for n, row in enumerate(rows):
        seconds, agent, code, recorded = (*row, *("A1", "NI", True)[len(row) - 1 :])
        filled.append(
            {
                "call_id": f"K{n:05d}",
                "agent_id": agent,
                "campaign_id": "C",
                "hangup_by": "customer",
                "recording_id": f"R{n}" if recorded else None,
                "result": "human",
                "disposition": code,
                "started_at": AT + dt.timedelta(seconds=n),
                "agent_at": AT,
                "ended_at": None if seconds is None else AT + dt.timedelta(seconds=seconds),
            }
        )
    return ibis.memtable(filled, schema=CALLS)


def found(*rows, **options):
    return talks(table(*rows), CODES, **({"as_of": "2025-03-03"} | options))


def test_short_is_below_the_limit_and_only_persons_count():
    result = found((9.999,), (10,), (11,), (None,), (5, "A1", "AM"), (3, "A2"), (0.2, None, "SALE"))
    assert (result.n, result.short) == (5, 3)  # no end, and a machine, are no conversations
    agents = result.agents.set_index(result.agents.name.fillna("nobody"))
    assert agents.short.to_dict() == {"A1": 1, "A2": 1, "nobody": 1}
    assert agents.n.sum() == result.lengths.n.sum() == 5
    assert result.lengths.n.tolist()[:3] == [2, 1, 2]


def test_the_median_is_within_a_bin():
    rng = np.random.default_rng(1)
    seconds = rng.lognormal(4, 0.9, 999)
    result = found(*((float(s),) for s in seconds))
    assert result.median == pytest.approx(np.median(seconds), rel=0.03)
    usual = np.log(seconds[seconds >= 10])
    middle, high = np.quantile(usual, [0.5, 0.9])
    exact = np.exp(middle + 3.5 * (high - middle) / 1.2815515655446004)
    assert result.long == pytest.approx(exact, rel=0.12)


def test_a_transfer_without_an_end_is_listed():
    """Beside the short calls of a real floor too, where half are over in seconds."""
    rng = np.random.default_rng(2)
    short = rng.exponential(12, 1800)
    usual = rng.lognormal(np.log(75), 0.95, 2200)
    rows = [(float(s),) for s in (*short, *usual)]
    result = found(*rows, *((3600.0 + n, "A9") for n in range(20)))
    assert set(result.outliers.call_id) >= {f"K{4000 + n:05d}" for n in range(20)}
    assert len(result.outliers) == result.beyond < 40
    assert any("transfers" in f.action for f in result.findings())


def test_an_agent_with_many_short_calls_stands_out():
    rng = np.random.default_rng(3)
    rows = [
        (5.0 if rng.random() < (0.5 if agent == 7 else 0.2) else 60.0, f"A{agent}")
        for agent in range(20)
        for _ in range(150)
    ]
    result = found(*rows)
    assert result.standing_out.name.tolist() == ["A7"]
    assert "1 agents" in result.headline and "A7" in result.findings()[0].words


def test_who_dials_cold_numbers_does_not_stand_out_for_it():
    """Campaigns differ in how many hang up; agents are compared within them."""
    rng = np.random.default_rng(7)
    rows, campaigns = [], []
    for agent in range(20):
        cold = agent < 10
        for _ in range(150):
            rows.append((5.0 if rng.random() < (0.35 if cold else 0.05) else 60.0, f"A{agent}"))
            campaigns.append("cold" if cold else "warm")
    calls = table(*rows).execute().assign(campaign_id=campaigns)
    result = talks(ibis.memtable(calls, schema=CALLS), CODES, as_of="2025-03-03")
    assert result.standing_out.empty
    assert result.campaigns.p_adjusted.max() < 0.001


def test_agents_alike_do_not_stand_out():
    """Of floors of 15 agents who are alike, about one of twenty has somebody who stands out."""
    rng = np.random.default_rng(4)
    wrong = 0
    for _ in range(12):
        short = rng.binomial(80, 0.25, 15)
        rows = [(5.0 if k < s else 60.0, f"A{a}") for a, s in enumerate(short) for k in range(80)]
        wrong += len(found(*rows).standing_out) > 0
    assert wrong <= 3


def test_the_sample_is_stratified_and_spread_over_agents():
    rows = [(60.0, f"A{n % 10}", "SALE" if n % 40 == 0 else "NI", n % 3 > 0) for n in range(2000)]
    rows += [(5.0, f"A{n % 10}", "NI", True) for n in range(100)]
    result = found(*rows, sample=20)
    sample = result.sample
    assert len(sample) == 20 and sample.call_id.is_unique
    assert sample.recording_id.notna().all()
    strata = sample.groupby(["outcome", "length"]).size()
    assert set(strata) <= {6, 7} and len(strata) == 3
    usual = sample[(sample.outcome == "refused") & (sample.length == "usual")]
    assert usual.agent_id.is_unique
    pd.testing.assert_frame_equal(sample, found(*rows, sample=20).sample)
    assert set(sample.call_id) != set(found(*rows, sample=20, seed=5).sample.call_id)


def test_few_recordings_are_all_there_is():
    result = found((60.0, "A1", "NI", True), (70.0, "A1", "NI", False), sample=30)
    assert result.sample.call_id.tolist() == ["K00000"] and result.recorded == 1


def test_nobody_spoke():
    result = found((None,))
    assert result.empty and "No conversation" in result.headline
    result._repr_html_()
    assert len(result.actions()) == 0 and not result.findings() and not result.key_figures()


def test_without_dispositions_the_outcome_is_not_known():
    result = talks(table((60.0,)), as_of="2025-03-03")
    assert result.sample.outcome.tolist() == ["no_outcome"]


def test_impossible_requests_are_refused():
    with pytest.raises(ParameterError, match="sample"):
        found((60.0,), sample=0)


def test_it_is_read_in_both_languages():
    rng = np.random.default_rng(6)
    result = found(*((float(s), f"A{n % 7}") for n, s in enumerate(rng.lognormal(3, 1, 400))))
    for language in ("en", "zh"):
        with reading(language=language, currency="CNY"):
            assert ("通话" in result.headline) == (language == "zh")
            assert all(t.json()["rows"] for k, t in result.tables().items() if k != "outliers")
            assert result.plot("lengths").alt and result.plot("agents").alt
            assert result.actions().json()
