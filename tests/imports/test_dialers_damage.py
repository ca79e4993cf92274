"""Damaged logs: only clean errors, and every row accounted for."""

import importlib.util
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.errors import CrmkitError

_spec = importlib.util.spec_from_file_location(
    "dialer_logs", Path(__file__).with_name("dialer_logs.py")
)
logs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(logs)
AGENT, LOG, T, cdr, imported, queue, write = (
    logs.AGENT,
    logs.LOG,
    logs.T,
    logs.cdr,
    logs.imported,
    logs.queue,
    logs.write,
)

CELLS = st.sampled_from(["", "1.1", "x", "-5", "99999999999999", '"', "\x00", "；", "2025-03-03"])
LINES = st.lists(st.lists(CELLS, min_size=0, max_size=14).map(",".join), max_size=12)
PIPES = st.lists(st.lists(CELLS, min_size=0, max_size=8).map("|".join), max_size=12)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=LINES, pipes=PIPES)
def test_whatever_comes_the_ledger_adds_up(lines, pipes, tmp_path_factory):
    """FileRows refuses to be made where rows in are not rows kept, repeated and refused."""
    folder = tmp_path_factory.mktemp("fuzz")
    write(
        folder, "vicidial", vicidial_log__csv=[LOG, *lines], vicidial_agent_log__csv=[AGENT, *lines]
    )
    write(folder, "asterisk", Master__csv=lines, queue_log=pipes)
    write(folder, "freeswitch", cdr__csv=lines)
    for kind in ("vicidial", "asterisk", "freeswitch"):
        try:
            report, _ = imported(folder, kind)
        except CrmkitError:
            continue
        for table in report.tables:
            assert table.rows == table.kept + table.duplicates + table.quarantined


SOUND = {
    "vicidial": {
        "vicidial_log.csv": [
            LOG,
            *(
                f"1.{n},L{n % 5},A,C,2025-03-03 19:06:40,{T + 90 * n},{T + 90 * n + 60},60,"
                f"{('SALE', 'NA', 'DROP', 'ODD')[n % 4]},A{n % 3},AGENT,{n}"
                for n in range(12)
            ),
        ],
        "vicidial_agent_log.csv": [
            AGENT,
            *(
                f"A{n % 3},2025-03-03,C,{T + 90 * n},5,{T + 90 * n + 5},9,{T + 90 * n + 14},40,"
                f"{T + 90 * n + 54},6,0,3,SALE,,1.{n}"
                for n in range(12)
            ),
        ],
    },
    "asterisk": {
        "Master.csv": [
            cdr(f"7.{n}", f"2025-03-03 19:{n:02}:40", "", f"2025-03-03 19:{n:02}:59", "BUSY")
            for n in range(8)
        ],
        "queue_log": queue(
            *(
                event
                for n in range(6)
                for event in (
                    (90 * n, "NONE", "NONE", f"SIP/{n % 2}", "ADDMEMBER", ""),
                    (90 * n + 1, f"7.{n}", "q", "NONE", "ENTERQUEUE", "", "138", "1"),
                    (90 * n + 5, f"7.{n}", "q", f"SIP/{n % 2}", "CONNECT", "4", f"7.{n}", "2"),
                    (90 * n + 50, f"7.{n}", "q", f"SIP/{n % 2}", "COMPLETEAGENT", "4", "45", "1"),
                    (90 * n + 51, "NONE", "NONE", f"SIP/{n % 2}", "PAUSE", "tea"),
                    (90 * n + 80, "NONE", "NONE", f"SIP/{n % 2}", "UNPAUSE", ""),
                )
            )
        ),
    },
    "freeswitch": {
        "cdr.csv": [
            f'"a","4001","138","default","2025-03-03 19:{n:02}:00","","2025-03-03 19:{n:02}:30",'
            f'"30","0","USER_BUSY","u{n}","","C"'
            for n in range(10)
        ]
    },
}
HARM = st.lists(
    st.tuples(
        st.sampled_from(["cut", "put", "drop", "twice", "swap", "lose"]),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
        st.sampled_from([b"\x00", b"\xff", b'"', b",", b"|", b"-", b"9", b"\xe4\xb9", b"x", b" "]),
    ),
    max_size=8,
)


def harmed(lines, harm, first):
    """Lines with damage done to them; the first ones stay."""
    lines = [line.encode() for line in lines]
    for how, where, place, piece in harm:
        at = first + where % (len(lines) - first)
        line, cut = lines[at], place % (len(lines[at]) + 1)
        other = first + place % (len(lines) - first)
        if how == "cut":
            lines[at] = line[:cut] or b"x"
        elif how == "put":
            lines[at] = line[:cut] + piece + line[cut:]
        elif how == "drop":
            lines[at] = line[:cut] + line[cut + 1 :] or b"x"
        elif how == "twice":
            lines.insert(other, line)
        elif how == "swap":
            lines[at], lines[other] = lines[other], line
        elif len(lines) > first + 1:
            del lines[at]
    return lines


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(list(SOUND)), harm=HARM)
def test_damage_costs_the_damaged_lines_only(kind, harm, tmp_path_factory):
    """Only clean errors; rows add up; no state lasts less than nothing or lies over another."""
    folder = tmp_path_factory.mktemp("harm")
    (folder / kind).mkdir()
    given_lines = {}
    for name, lines in SOUND[kind].items():
        found = harmed(lines, harm, 1 if kind == "vicidial" else 0)
        (folder / kind / name).write_bytes(b"\n".join(found) + b"\n")
        given_lines[name] = len(found) - (kind == "vicidial")
    try:
        report, read = imported(folder, kind)
    except CrmkitError:
        return
    rows = {Path(f.file).name: f.rows for table in report.tables for f in table.files}
    quotes = sum(how == "put" and piece == b'"' for how, _, _, piece in harm)
    drops = sum(how in ("drop", "cut") for how, *_ in harm)
    if not (quotes or drops):  # else a quote that stands open may swallow the next line
        assert rows == given_lines
    if kind == "asterisk":
        assert rows["queue_log"] == given_lines["queue_log"]
    calls = read("calls")
    assert calls.call_id.is_unique and calls.call_id.notna().all()
    assert (calls.ended_at.isna() | (calls.ended_at >= calls.started_at)).all()
    if kind == "vicidial":
        assert len(calls) == report.table("calls").kept
    if kind != "freeswitch":
        states = read("agent_states").sort_values(["agent_id", "started_at"])
        assert (states.ended_at.isna() | (states.ended_at > states.started_at)).all()
        following = states.groupby("agent_id").started_at.shift(-1)
        assert not (states.ended_at > following).any()
        assert not (states.ended_at.isna() & following.notna()).any()
