"""Dials, results, contacts, right parties and sales: exact small logs."""

import datetime as dt
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit import text
from crmkit.analyses.calls import calls
from crmkit.errors import InputError, ParameterError
from crmkit.stats import wilson

_spec = importlib.util.spec_from_file_location(
    "call_rows", Path(__file__).with_name("call_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
call, log, MONDAY = rows.call, rows.log, rows.MONDAY
CODES = rows.codes(**rows.CODES)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def spoke(disposition="NI", at=MONDAY, **given):
    made = {"result": "human", "answered": 5, "queued": 5, "agent": 6, "ended": 66, "wrap_end": 80}
    return call(at, **{**made, "disposition": disposition, **given})


def missed(result="no_answer", at=MONDAY, **given):
    return call(at, **{"result": result, "ended": 30, **given})


def asked(*given, codes=CODES, **options):
    return calls(log(*given), codes, **{"as_of": "2025-03-03", **options})


TEN = (
    spoke("SALE", lead_id="a", campaign_id="x", list_id="1", mode="power"),
    spoke("NI", lead_id="b", campaign_id="x", list_id="1", mode="power"),
    spoke("WRONG", lead_id="c", campaign_id="x", list_id="2", mode="power"),
    spoke("AM", lead_id="d", campaign_id="x", list_id="2", mode="power"),  # a machine got through
    call(result="dropped", answered=5, queued=5, ended=7, lead_id="e", campaign_id="x"),
    missed("machine", lead_id="f", campaign_id="y", amd_result="machine"),
    missed("no_answer", lead_id="a", campaign_id="y", mode="manual"),
    missed("blocked", lead_id="g", mode="manual"),
    missed(None, lead_id="h"),
    spoke("NI", lead_id="a", campaign_id="y", mode="voice", agent=6),
    call(direction="inbound", result="human", queued=0, agent=3, ended=50, disposition="NI"),
)


def test_every_rate_by_hand():
    """Nine dials: the automatic call and the caller are no dials."""
    total = asked(*TEN).total
    assert (total.dials, total.answered, total.contacts) == (9, 4, 3)
    assert (total.right_party, total.sales, total.dropped) == (2, 1, 1)
    assert total.contact_rate == pytest.approx(3 / 9)
    assert total.answer_rate == pytest.approx(4 / 9)
    assert total.right_party_rate == pytest.approx(2 / 3)
    assert total.conversion_right_party == pytest.approx(1 / 2)
    assert total.conversion_contacts == pytest.approx(1 / 3)
    assert total.conversion_dials == pytest.approx(1 / 9)
    assert (total.leads, total.reached) == (8, 3)  # lead a twice
    assert total.reach_rate == pytest.approx(3 / 8)
    low, high = wilson(3, 9)
    assert (total.contact_rate_low, total.contact_rate_high) == (low, high)


def test_groups_add_up_and_the_nameless_are_a_group():
    found = asked(*TEN)
    campaigns = found.campaigns.set_index("campaign_id")
    assert campaigns.dials.to_dict() == pytest.approx({"x": 5, "y": 2, np.nan: 2}, nan_ok=True)
    assert campaigns.loc["x", ["contacts", "sales", "leads"]].tolist() == [3, 1, 5]
    assert campaigns.loc["y", "contact_rate"] == 0
    assert pd.isna(campaigns.loc["y", "conversion_contacts"])  # of nobody: not known, not 0
    assert found.modes.set_index("mode").dials.loc[["power", "manual"]].tolist() == [4, 2]
    assert found.lists.set_index("list_id").dials.loc[["1", "2"]].tolist() == [2, 2]
    assert found.campaigns.campaign_id.isna().sum() == 1
    for name in ("campaigns", "lists", "modes", "results", "hours"):
        assert getattr(found, name).dials.sum() == 9
    assert "Not given" in str(found.table("campaigns").json()["rows"])


def test_results_sum_to_dials_with_the_unknown():
    results = asked(*TEN).results
    assert results.dials.sum() == 9
    assert results.set_index("result").dials.loc["human"] == 4
    assert results[results.result.isna()].dials.tolist() == [1]
    assert results.share.sum() == pytest.approx(1)
    assert results.share_before.isna().all()  # the log begins on this day


def test_callbacks_by_hand_make_no_hour_look_good():
    """At noon callbacks reach 80 of 100; the dialler reaches a fifth at every hour."""
    noon = MONDAY + 2 * HOUR
    given = [
        *(spoke(at=noon, mode="manual") for _ in range(80)),
        *(missed(at=noon, mode="manual") for _ in range(20)),
        *(spoke(at=MONDAY + k * HOUR, mode="predictive") for k in range(4) for _ in range(50)),
        *(missed(at=MONDAY + k * HOUR, mode="predictive") for k in range(4) for _ in range(200)),
    ]
    found = asked(*given)
    hours = found.hours.set_index("hour")
    assert hours.contact_rate.tolist() == pytest.approx([0.2, 0.2, 130 / 350, 0.2])
    assert hours.expected.tolist() == pytest.approx([50, 50, 130, 50])
    assert hours.adjusted.tolist() == pytest.approx([280 / 1100] * 4)
    assert found.findings() == ()
    better = [spoke(at=MONDAY + 5 * HOUR, mode="predictive") for _ in range(100)]
    (finding,) = asked(*given, *better).findings()
    assert "At 15:00–16:00" in finding.words


def test_days_are_compared_with_as_many_before():
    found = asked(
        *(spoke(at=MONDAY + DAY * k, campaign_id="x") for k in (0, 0, 1)),
        *(missed(at=MONDAY + DAY * k, campaign_id="x") for k in (1, 2, 2, 3)),
        missed(at=MONDAY + DAY * 4),  # after the last day
        as_of="2025-03-06",
        days=2,
    )
    assert found.totals.stretch.tolist() == [0, 1]
    assert found.totals.dials.tolist() == [3, 4]
    assert found.totals.contact_rate.tolist() == [0, 3 / 4]
    assert found.campaigns[["dials", "dials_before", "contact_rate_before"]].values.tolist() == [
        [3, 4, 0.75]
    ]
    figure = found.key_figures()[1]
    assert (figure.name, figure.value, figure.previous) == ("contact_rate", 0, 0.75)
    shares = found.results.set_index("result").share_before
    assert shares.loc["no_answer"] == pytest.approx(1 / 4)


def test_a_short_stretch_is_not_compared():
    """The log begins on the second of the three days before: no comparison."""
    found = asked(
        missed(at=MONDAY), missed(at=MONDAY + DAY), missed(at=MONDAY + 2 * DAY),
        as_of="2025-03-07", days=3,
    )  # fmt: skip
    assert len(found.totals) == 1
    assert found.campaigns.dials_before.isna().all()
    assert found.key_figures()[0].previous is None


def test_the_trend_has_no_gaps_and_marks_cut_periods():
    found = asked(
        missed(at=MONDAY),
        missed(at=MONDAY + 17 * DAY),
        as_of="2025-03-20",
        days=14,
        period="week",
    )
    trend = found.trend
    assert trend.period.dt.strftime("%m-%d").tolist() == ["03-03", "03-10", "03-17"]
    assert trend.dials.tolist() == [1, 0, 1]
    assert trend.partial.tolist() == [False, False, True]
    assert np.isnan(trend.contact_rate[1])
    by_day = asked(missed(at=MONDAY), missed(at=MONDAY + 2 * DAY), as_of="2025-03-05", period="day")
    assert by_day.trend.dials.tolist() == [1, 0, 1]
    assert not by_day.trend.partial.any()


def test_hours_and_days_are_local():
    """Ten o'clock UTC is six in the evening in Shanghai; a dial at 23:30 local is that day's."""
    late = dt.datetime(2025, 3, 3, 15, 59, 59)
    found = asked(
        missed(at=MONDAY),
        missed(at=late),
        missed(at=late + dt.timedelta(seconds=1)),
        timezone="Asia/Shanghai",
        days=1,
    )
    assert found.hours[["weekday", "hour", "dials"]].values.tolist() == [[0, 18, 1], [0, 23, 1]]


def test_the_hour_that_comes_twice():
    """London, 26 October 2025: 00:30 and 01:30 UTC are both half past one."""
    at = dt.datetime(2025, 10, 26, 0, 30)
    found = asked(missed(at=at), missed(at=at + HOUR), as_of="2025-10-26", timezone="Europe/London")
    assert found.hours[["weekday", "hour", "dials"]].values.tolist() == [[6, 1, 2]]


def test_without_agents_times_contacts_are_not_computable():
    """A CDR tells who answered, not whether an agent spoke."""
    found = asked(
        call(result="human", answered=5, ended=60, disposition="SALE"),
        call(result="human", answered=5, ended=60, disposition="NI"),
        missed(),
    )
    total = found.total
    assert total.answer_rate == pytest.approx(2 / 3)
    assert np.isnan([total.contacts, total.contact_rate, total.conversion_contacts]).all()
    assert (total.sales, total.right_party) == (1, 2)
    assert total.conversion_dials == pytest.approx(1 / 3)
    assert "not computable" in found.headline
    assert "agents' times" in str(found.definition)
    assert found.plot("hours").title.startswith("Mon")


def test_without_outcomes_sales_are_not_computable():
    found = asked(spoke(), spoke(), missed(), codes=None)
    total = found.total
    assert total.contact_rate == pytest.approx(2 / 3)
    assert np.isnan([total.sales, total.conversion_contacts, total.conversion_dials]).all()
    assert "not computable" in found.headline
    assert [f.name for f in found.key_figures() if f.value is None] == [
        "conversion_contacts", "right_party_rate", "sales",
    ]  # fmt: skip


def test_contacts_of_unknown_outcome_are_left_out_of_both_sides_and_told():
    found = asked(spoke("SALE"), spoke("NI"), spoke("??"), spoke(None), missed())
    total = found.total
    assert (total.contacts, total.uncoded) == (4, 2)
    assert total.conversion_contacts == pytest.approx(1 / 2)
    assert total.conversion_dials == pytest.approx(1 / 3)
    assert any("2 of 4 contacts" in finding.words for finding in found.findings())


def test_nobody_answered_is_a_known_nothing():
    total = asked(missed(), missed("busy")).total
    assert (total.contacts, total.contact_rate, total.conversion_dials) == (0, 0, 0)
    assert np.isnan(total.conversion_contacts)


def test_no_call_and_one_call():
    found = asked()
    assert found.empty
    assert found.headline == "No dials from 25 Feb 2025 to 3 Mar 2025."
    assert found.key_figures() == () and found.findings() == ()
    assert {name: table.json()["rows"] for name, table in found.tables().items()}["lists"] == []
    assert found.plot("hours").words == found.headline
    one = asked(spoke("SALE"))
    assert one.total.contact_rate == 1 and one.total.conversion_contacts == 1
    for kind in one.plots():
        assert "<svg" in one.plot(kind).wide


def test_only_callers_are_no_dials():
    assert asked(call(direction="inbound", result="human", queued=0, agent=3)).empty


def test_findings_tell_real_changes_only():
    """Of 1,000 dials a day, 300 contacts become 200: a change; 300 and 290 are none."""

    def two_days(before, now):
        given = [
            *(spoke(at=MONDAY) for _ in range(before)),
            *(missed(at=MONDAY) for _ in range(1000 - before)),
            *(spoke(at=MONDAY + DAY) for _ in range(now)),
            *(missed(at=MONDAY + DAY) for _ in range(1000 - now)),
        ]
        return asked(*given, as_of="2025-03-04", days=1)

    (fell,) = two_days(300, 200).findings()
    assert "fell from 30.0% to 20.0%" in fell.words and fell.action
    assert two_days(300, 290).findings() == ()


def test_a_campaign_that_sells_less_is_named():
    given = [
        *(spoke("SALE" if k < 60 else "NI", campaign_id="good") for k in range(600)),
        *(spoke("SALE" if k < 10 else "NI", campaign_id="续保") for k in range(600)),
    ]
    found = [finding for finding in asked(*given).findings() if "续保" in finding.words]
    assert len(found) == 1 and "1.7%" in found[0].words


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"days": True}, {"history": -1}, {"period": "fortnight"}]
)
def test_impossible_questions(wrong):
    with pytest.raises(ParameterError, match=str(next(iter(wrong.values())))):
        asked(missed(), **wrong)
    with pytest.raises(ParameterError, match="time zone"):
        asked(missed(), timezone="Asia/Peking")


def test_a_table_that_is_no_log():
    with pytest.raises(InputError, match="call_id"):
        calls(rows.table("agents", []), as_of="2025-03-03")


def test_everything_reads_in_chinese():
    with text.reading(language="zh", currency="CNY"):
        found = asked(*TEN)
        shown = [found.headline, str(found.definition)]
        shown += [str(table.json()) for table in found.tables().values()]
        shown += [found.plot(kind).title for kind in found.plots()]
    for words in shown:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in words), words
