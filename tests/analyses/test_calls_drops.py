"""Dropped calls and the rule on them: exact small logs."""

import datetime as dt
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from crmkit.analyses.calls import DropRule, drops
from crmkit.errors import ParameterError
from crmkit.stats import wilson

_spec = importlib.util.spec_from_file_location(
    "call_rows", Path(__file__).with_name("call_rows.py")
)
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)
call, log, MONDAY = rows.call, rows.log, rows.MONDAY
CODES = rows.codes(**rows.CODES)
DAY = dt.timedelta(days=1)
OWN = DropRule(limit=0.25, days=1)


def taken(at=MONDAY, wait=0.5, **given):
    made = {"result": "human", "answered": 5, "queued": 5, "agent": 5 + wait, "ended": 66}
    return call(at, **{**made, "disposition": "NI", "campaign_id": "x", **given})


def dropped(at=MONDAY, wait=2.0, **given):
    made = {"result": "dropped", "answered": 5, "queued": 5, "ended": 5 + wait}
    return call(at, **{**made, "hangup_by": "system", "campaign_id": "x", **given})


def asked(*given, codes=CODES, **options):
    return drops(log(*given), codes, **{"as_of": "2025-03-03", "rule": OWN, **options})


TEN = (
    *(taken() for _ in range(5)),
    taken(wait=2.5),  # too late
    taken(disposition="AM"),  # a machine: offered, answered by nobody
    dropped(),
    dropped(wait=1.0, hangup_by="customer"),  # gone within the grace time
    dropped(wait=3.0, hangup_by="customer"),  # gone after it: nobody had come
    call(result="busy", ended=9, campaign_id="x"),
    call(result="human", mode="voice", answered=5, ended=30, campaign_id="x"),
    call(result="dropped", direction="inbound", queued=0, ended=30),
)


def test_every_variant_by_hand():
    total = asked(*TEN).total
    assert (total.dials, total.offered, total.answers, total.drops) == (11, 10, 9, 3)
    assert (total.hung_up, total.early, total.late) == (2, 1, 1)
    assert total.per_dials == pytest.approx(3 / 11)
    assert total.per_offered == pytest.approx(3 / 10)
    assert total.per_answers == pytest.approx(3 / 9)
    # by the rule: 3 drops, less the one gone early, and the one taken too late
    assert (total.abandoned, total.out_of) == (3, 9)
    assert total.rate == pytest.approx(3 / 9)
    assert (total.rate_low, total.rate_high) == tuple(wilson(3, 9))
    assert asked(*TEN, rule=DropRule(per="dials")).total.out_of == 11
    assert asked(*TEN, rule=DropRule(per="offered")).total.out_of == 10
    assert asked(*TEN, rule=DropRule(grace=3.0)).total.abandoned == 1  # one drop by the system
    assert asked(*TEN, rule=DropRule(grace=0.0)).total.abandoned == 3 + 6


def test_persons_whom_detection_turned_away():
    """Of persons a fifth are stopped: 8 let through stand for 2 more, abandoned."""
    given = [
        *(taken(amd_result="human") for _ in range(7)),
        dropped(amd_result="human"),
        *(call(result="machine", amd_result="machine", answered=5, ended=8) for _ in range(5)),
        taken(),  # dialled by hand, without detection
    ]
    rule = DropRule(counts_amd=True, amd_error=0.2)
    total = asked(*given, rule=rule).total
    assert total.turned_away == pytest.approx(2)
    assert (total.abandoned, total.out_of) == (pytest.approx(3), pytest.approx(11))
    assert asked(*given, rule="uk", amd_error=0.2).total.rate == pytest.approx(3 / 11)
    untold = asked(*given, rule="uk")
    assert untold.total.rate == pytest.approx(1 / 9)
    assert untold.unadjusted
    assert any("stopped 5 calls" in finding.words for finding in untold.findings())
    assert asked(*given, rule="us_tsr", amd_error=0.2).total.turned_away == 0


def test_days_on_which_a_campaign_broke_the_rule():
    """Limit a quarter. x: 1 of 4 keeps it, 2 of 4 breaks it, 1 of 2 breaks it. y keeps it."""
    given = [
        *[taken(MONDAY)] * 3, dropped(MONDAY),
        *[taken(MONDAY + DAY)] * 2, *[dropped(MONDAY + DAY)] * 2,
        taken(MONDAY + 2 * DAY), dropped(MONDAY + 2 * DAY),
        *[taken(MONDAY + DAY, campaign_id="y")] * 9,
    ]  # fmt: skip
    found = asked(*given, as_of="2025-03-05", days=3)
    ruled = found.ruled
    assert ruled[ruled.broken][["campaign_id", "rate"]].values.tolist() == [["x", 0.5], ["x", 0.5]]
    assert found.broken["first"].dt.day.tolist() == [4, 5]
    assert found.campaigns[["campaign_id", "judged", "broken_times"]].values.tolist() == [
        ["x", 3, 2],
        ["y", 1, 0],
    ]
    assert found.campaigns.excess.tolist() == [4 - 0.25 * 10, 0]
    assert "x on 4 Mar, 5 Mar (2 of 3 days)" in found.headline
    (finding,) = found.findings()
    assert "10:00–11:00" in finding.action and "x" in finding.action
    assert [figure.value for figure in found.key_figures()] == [4 / 19, 2]


def test_thirty_days_are_counted_from_the_first_dial_of_each_campaign():
    given = [
        dropped(MONDAY - 40 * DAY), taken(MONDAY - 11 * DAY),  # the first thirty days of x
        taken(MONDAY - 10 * DAY), *[taken(MONDAY)] * 2,  # the second
        *[taken(MONDAY, campaign_id=None)] * 2, dropped(MONDAY, campaign_id=None),
    ]  # fmt: skip
    found = asked(*given, rule=DropRule(limit=0.25, days=30))
    frame = found.ruled
    assert frame["first"].dt.strftime("%m-%d").tolist() == ["02-21", "03-03"]
    assert frame[["abandoned", "out_of", "partial", "broken"]].values.tolist() == [
        [0, 3, True, False],
        [1, 3, True, True],
    ]
    long = asked(*given, rule=DropRule(limit=0.25, days=30), days=14)
    assert long.ruled["first"].dt.strftime("%m-%d").tolist() == ["01-22", "02-21", "03-03"]
    assert long.ruled.broken.tolist() == [True, False, True]
    assert "Not given in the 30 days from 3 Mar" in found.headline


def test_the_limit_itself_is_kept():
    found = asked(*[taken()] * 3, dropped())
    assert found.total.rate == 0.25 and found.broken.empty
    assert "kept the limit" in found.headline


def test_a_call_over_midnight_is_the_day_it_began():
    late = dt.datetime(2025, 3, 2, 23, 59, 58)
    assert asked(dropped(late), taken(), days=1).total.drops == 0
    assert asked(dropped(late), taken(), as_of="2025-03-02", days=1).total.drops == 1


def test_without_agents_times_drops_are_not_computable():
    found = asked(call(result="human", answered=5, ended=60), codes=None)
    assert found.empty and "not computable" in found.headline
    assert np.isnan(found.total.rate)
    assert found.key_figures() == ()


def test_nobody_answered_and_nothing_at_all():
    assert asked(call(result="busy", ended=3)).headline.startswith("Nobody answered")
    found = asked()
    assert found.empty and found.findings() == ()
    assert all(len(table.frame) >= 0 and table.json() for table in found.tables().values())


def test_rules_that_cannot_be():
    with pytest.raises(ParameterError, match="Did you mean 'us_tsr'"):
        asked(rule="us_tsa")
    for wrong in ({"limit": 0}, {"limit": 3}, {"per": "answer"}, {"days": 0}, {"grace": -1}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            DropRule(**wrong)
    with pytest.raises(ParameterError, match="amd_error"):
        asked(amd_error=1.5)


def test_charts_are_drawn_with_the_limit():
    found = asked(*TEN, dropped(MONDAY, campaign_id="y"))
    for kind in found.plots():
        assert "<svg" in found.plot(kind).narrow
    assert "25.0%" in found.plot("hourly").title
