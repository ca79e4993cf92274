"""Simulated floors, exported as each system writes them, come back."""

import importlib.util
import uuid
from pathlib import Path

import pandas as pd
import pytest

from crmkit.simulate.dialer import LeadBatch, dial
from crmkit.simulate.exports import write_exports
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Amd, Inbound

_spec = importlib.util.spec_from_file_location(
    "dialer_logs", Path(__file__).with_name("dialer_logs.py")
)
logs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(logs)
imported = logs.imported

FLOORS = {
    "mixed": Floor(agents=8, trunks=24, amd=Amd(), inbound=Inbound(30.0, agents=2)),
    "preview": Floor(agents=4, trunks=8, mode="preview", seed=5),
    "power": Floor(agents=5, trunks=12, mode="power", ratio=2.5, seed=9, timezone="Europe/Berlin"),
}


@pytest.fixture(scope="module", params=FLOORS)
def made(request, tmp_path_factory):
    floor = FLOORS[request.param]
    tables = dial(floor, LeadBatch.draw(floor, 900), engine="python").tables()
    out = tmp_path_factory.mktemp(request.param)
    write_exports(tables, out, timezone=floor.timezone)
    return floor, tables, out


def seconds(frame):
    """Times to the whole second, as all these systems write them."""
    return frame.assign(
        **{name: frame[name].dt.floor("s") for name in frame if str(name).endswith("_at")}
    )


def both(tables, read, key):
    """Simulated and imported calls, side by side in the order of the simulated ids."""
    before = seconds(tables["calls"].to_pandas()).sort_values("call_id", ignore_index=True)
    after = read("calls")
    after = after.assign(number=after.call_id.map(key)).sort_values("number", ignore_index=True)
    assert len(before) == len(after)
    return before, after


def number_of(call_id):
    return int(call_id.split(".")[1])


def same(before, after, columns):
    for column in columns:
        one, other = before[column], after[column]
        wrong = ~((one == other) | (one.isna() & other.isna()))
        assert not wrong.any(), (column, before[wrong].head(3), after[wrong].head(3))


def test_vicidial_comes_back(made):
    """Lost: mode, trunk, ringing, answer and queue of dials, machine detection, recordings."""
    floor, tables, out = made
    report, read = imported(out, "vicidial", zone=floor.timezone)
    before, after = both(tables, read, number_of)
    columns = ["lead_id", "attempt_no", "list_id", "campaign_id", "direction", "started_at"]
    columns += ["agent_at", "ended_at", "wrap_end_at", "result", "raw_status", "agent_id"]
    same(before, after, [*columns, "disposition"])
    told = after.hangup_by.notna()
    same(before[told], after[told], ["hangup_by"])
    assert report.table("calls").stored == len(before)
    assert report.table("calls").quarantined == 0
    states = read("agent_states")
    assert spent(states) == {
        **spent(tables["agent_states"].to_pandas(), ready=("ready", "preview", "ringing")),
    }
    codes = read("dispositions")
    pd.testing.assert_frame_equal(codes, tables["dispositions"].to_pandas(), check_dtype=False)


def spent(states, ready=("ready",)):
    """Whole seconds by state."""
    lasted = (states.ended_at.dt.floor("s") - states.started_at.dt.floor("s")).dt.total_seconds()
    named = states.state.where(~states.state.isin(ready), "ready")
    return {k: v for k, v in lasted.groupby(named).sum().to_dict().items() if v}


def test_asterisk_comes_back(made):
    """Lost: leads, attempts, mode, wrap-up, dispositions; a result is only answered or why not."""
    floor, tables, out = made
    _, read = imported(out, "asterisk", zone=floor.timezone)
    before, after = both(tables, read, number_of)
    columns = ["campaign_id", "direction", "trunk_id", "started_at", "answered_at", "ended_at"]
    same(before, after, [*columns, "queued_at", "agent_at", "agent_id", "recording_id"])
    told = after.hangup_by.notna()
    same(before[told], after[told], ["hangup_by"])
    unanswered = before.answered_at.isna() & before.result.isin(["busy", "no_answer"])
    same(before[unanswered], after[unanswered], ["result"])
    dropped = (before.result == "dropped") & before.queued_at.notna()
    assert (after.result[dropped] == "dropped").all()
    theirs = spent(tables["agent_states"].to_pandas())
    ours = spent(read("agent_states"))
    assert ours.get("talk") == theirs.get("talk") or floor.mode == "preview"
    assert ours.get("pause") == theirs.get("pause")
    assert sum(ours.values()) == sum(theirs.values())


def test_freeswitch_comes_back(made):
    """Lost: everything but the times, the direction, the campaign and the cause."""
    floor, tables, out = made
    _, read = imported(out, "freeswitch", zone=floor.timezone, mode='"power"')
    space = uuid.UUID("6f1c7a52-0b53-5c5e-9d0e-3a7d4f3f1a10")
    ids = {str(uuid.uuid5(space, c)): c for c in tables["calls"]["call_id"].to_pylist()}
    before, after = both(tables, read, ids.__getitem__)
    same(before, after, ["campaign_id", "direction", "started_at", "answered_at", "ended_at"])
    causes = ["busy", "rejected", "powered_off", "suspended", "empty_number", "no_answer"]
    plain = before.answered_at.isna() & before.result.isin(causes)
    same(before[plain], after[plain], ["result"])
    assert (after["mode"] == "power").all()
