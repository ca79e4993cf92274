"""The call floor's questions give equal results on every engine."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.calls import calls, drops, service, trunks, voice
from crmkit.schema import TABLES
from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Amd, Duration, Inbound, Shift, Voice

pytestmark = pytest.mark.spark

OPTIONS = {"as_of": "2025-03-31", "days": 2, "history": 2, "timezone": "Europe/London"}
FRAMES = {
    "calls": ("totals", "results", "campaigns", "lists", "modes", "hours", "trend"),
    "drops": ("totals", "campaigns", "daily", "hourly", "ruled"),
    "service": ("totals", "queues", "hours", "trend", "handle_times", "states"),
    "trunks": ("totals", "slots", "profile", "levels"),
    "voice": ("kinds", "before", "trend"),
}


@pytest.fixture(scope="module")
def tables():
    """Four days over a change to summer time, with callers, automatic voice and detection."""
    floor = Floor(
        agents=6,
        trunks=12,
        days=4,
        start="2025-03-28",
        shifts=(Shift("10:00", "16:00", weekdays=(0, 1, 2, 3, 4, 5, 6)),),
        timezone="Europe/London",
        amd=Amd(),
        patience=Duration.exponential(3.0),
        inbound=Inbound(20.0),
        voice=Voice(3),
        seed=3,
    )
    made = dial(floor, LeadBatch.draw(floor, 3000, voice=0.3)).tables()
    frame = made["calls"].to_pandas()
    frame.loc[frame.index % 17 == 0, "campaign_id"] = None
    frame.loc[frame.index % 19 == 0, "disposition"] = "???"
    return made | {"calls": frame}


def asked(name, question, tables, on_both, *others, **options):
    given = [on_both(tables[table], TABLES[table].schema()) for table in ("calls", *others)]
    here, there = (question(*(pair[k] for pair in given), **OPTIONS, **options) for k in (0, 1))
    assert not here.empty
    assert here.headline == there.headline
    for frame in FRAMES[name]:
        pd.testing.assert_frame_equal(
            getattr(here, frame), getattr(there, frame), check_dtype=False, rtol=1e-9
        )
    assert [f.words for f in here.findings()] == [f.words for f in there.findings()]
    return here


def test_calls(tables, on_both):
    found = asked("calls", calls, tables, on_both, "dispositions")
    assert found.campaigns.campaign_id.isna().any()
    assert len(found.totals) == 2


def test_drops(tables, on_both):
    asked("drops", drops, tables, on_both, "dispositions")
    asked("drops", drops, tables, on_both, "dispositions", rule="uk", amd_error=0.05)


def test_service(tables, on_both):
    found = asked("service", service, tables, on_both, "agent_states")
    assert np.isfinite(found.total.occupancy)


def test_trunks(tables, on_both):
    found = asked("trunks", trunks, tables, on_both, interval=15)
    assert found.lines == 12


def test_voice(tables, on_both):
    asked("voice", voice, tables, on_both, "dispositions", "agent_states", agent_hour=30,
        line_minute=0.1)  # fmt: skip


def test_an_empty_log(tables, on_both):
    here, there = on_both(tables["calls"].iloc[:0], TABLES["calls"].schema())
    for question in (calls, drops, service, trunks, voice):
        one, other = (question(table, **OPTIONS) for table in (here, there))
        assert one.empty and other.empty and one.headline == other.headline
