"""Asterisk and FreeSWITCH: calls of several rows, the events of a queue, and what is missing."""

import importlib.util
from pathlib import Path

import pandas as pd

_spec = importlib.util.spec_from_file_location(
    "dialer_logs", Path(__file__).with_name("dialer_logs.py")
)
logs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(logs)
T, cdr, imported, queue, refused, states_of, write = (
    logs.T,
    logs.cdr,
    logs.imported,
    logs.queue,
    logs.refused,
    logs.states_of,
    logs.write,
)


def test_a_call_of_several_rows_is_one_call(tmp_path):
    day, end = "2025-03-03 ", "10:02:00"
    write(
        tmp_path,
        "asterisk",
        Master__csv=[
            cdr("9.1", day + "10:00:00", "", day + "10:00:20", "NO ANSWER", dst="SIP/201-1"),
            cdr(
                "9.1",
                day + "10:00:00",
                day + "10:00:05",
                day + "10:02:00",
                "ANSWERED",
                dst="Agent/A7",
            ),
            cdr(
                "9.2",
                day + "10:01:00",
                day + "10:01:00",
                day + "10:02:00",
                "ANSWERED",
                linked="9.1",
            ),
            cdr("9.3", "yesterday", "", day + end, "BUSY"),
            cdr("9.4", day + "10:00:00", "", day + "09:00:00", "BUSY"),
            '"C","4001"',
            cdr("9.5", day + "23:59:00", "", day + "23:59:30", "FAILED"),
        ],
    )
    report, read = imported(tmp_path, "asterisk")
    calls = read("calls").set_index("call_id")
    assert calls.index.tolist() == ["9.1", "9.2", "9.5"]
    one = calls.loc["9.1"]
    assert (one.agent_id, one.result, one.trunk_id) == ("A7", "human", "T1")
    assert one.answered_at == pd.Timestamp("2025-03-03 02:00:05")
    assert one.ended_at == pd.Timestamp("2025-03-03 02:02:00")
    assert calls.parent_call_id["9.2"] == "9.1"
    assert report.table("calls").quarantined == 3
    assert [line for line, _ in refused(tmp_path, "asterisk", "calls")] == [4, 5, 6]


def test_a_day_in_the_queue(tmp_path):
    write(
        tmp_path,
        "asterisk",
        queue_log=[
            *queue(
                (0, "NONE", "NONE", "Agent/A1", "ADDMEMBER", ""),
                (10, "7.1", "sales", "NONE", "ENTERQUEUE", "", '"Li" <138>', "1"),
                (14, "7.1", "sales", "Agent/A1", "RINGNOANSWER", "1000"),
                (15, "7.1", "sales", "Agent/A1", "CONNECT", "5", "7.1", "2"),
                (20, "NONE", "NONE", "Agent/A1", "PAUSE", "lunch"),  # asked for while talking
                (40, "7.1", "sales", "Agent/A1", "COMPLETECALLER", "5", "25", "1"),
                (90, "NONE", "NONE", "Agent/A1", "UNPAUSE", ""),
                (95, "7.2", "sales", "NONE", "ENTERQUEUE", "", "139", "1"),
                (99, "7.2", "sales", "NONE", "ABANDON", "1", "1", "4"),
            ),
            "garbage",
            "x|7.9|sales|NONE|ENTERQUEUE|",
            f"{T + 100}|7.9|sales|NONE|DANCE|",
            *queue((120, "NONE", "NONE", "Agent/A1", "REMOVEMEMBER", "")),
        ],
    )
    report, read = imported(tmp_path, "asterisk")
    assert states_of(read) == [
        ("A1", "ready", None, 0, 15),
        ("A1", "talk", None, 15, 25),
        ("A1", "pause", "lunch", 40, 50),
        ("A1", "ready", None, 90, 30),
    ]
    calls = read("calls").set_index("call_id")
    assert calls.result.tolist() == [None, "dropped"]  # without a record nobody knows what it was
    assert calls.hangup_by.tolist() == ["customer", "customer"]
    assert calls.direction.tolist() == ["inbound", "inbound"]
    assert report.table("agent_states").quarantined == 3
    assert refused(tmp_path, "asterisk", "agent_states") == [
        [10, "the line is damaged"], [11, "epoch is not a time"], [12, "the event is not known"],
    ]  # fmt: skip


def test_a_transfer_without_an_end_is_no_talk_of_an_hour(tmp_path):
    """The agent's next call ends it at the latest; the last state of a log has no end."""
    day = "2025-03-03 19:"
    write(
        tmp_path,
        "asterisk",
        Master__csv=[
            cdr("7.1", day + "06:50", day + "06:52", "2025-03-03 20:06:50", "ANSWERED"),
            cdr("7.2", day + "09:00", day + "09:00", day + "10:00", "ANSWERED"),
        ],
        queue_log=queue(
            (10, "7.1", "sales", "NONE", "ENTERQUEUE", "", "138", "1"),
            (12, "7.1", "sales", "Agent/A1", "CONNECT", "2", "7.1", "1"),
            (142, "7.2", "sales", "NONE", "ENTERQUEUE", "", "138", "1"),
            (145, "7.2", "sales", "Agent/A1", "CONNECT", "3", "7.2", "1"),
        ),
    )
    report, read = imported(tmp_path, "asterisk")
    calls = read("calls").set_index("call_id")
    assert (calls.ended_at["7.1"] - calls.agent_at["7.1"]).total_seconds() == 133
    assert calls.hangup_by["7.1"] is None
    assert states_of(read) == [
        ("A1", "talk", "no end", 12, 133),  # until the agent's next call
        ("A1", "talk", "no end", 145, 55),  # until the line was free
        ("A1", "ready", None, 200, None),
    ]  # fmt: skip
    assert any("Talks without an end in the log" in note for note in report.notes())


def test_a_clock_set_back_makes_no_negative_talk(tmp_path):
    write(
        tmp_path,
        "asterisk",
        queue_log=queue(
            (100, "7.1", "sales", "NONE", "ENTERQUEUE", "", "138", "1"),
            (105, "7.1", "sales", "Agent/A1", "CONNECT", "5", "7.1", "1"),
            (60, "7.1", "sales", "Agent/A1", "COMPLETEAGENT", "5", "20", "1"),
        ),
    )
    report, read = imported(tmp_path, "asterisk")
    calls = read("calls")
    assert calls.ended_at.isna().all()
    assert "agent_states: Times that the clock went back: 1." in report.notes()
    states = read("agent_states")
    assert (states.ended_at.isna() | (states.ended_at > states.started_at)).all()


def test_a_call_that_comes_back_into_a_queue(tmp_path):
    """Each entry is a part with its own agent; agents' names come in several forms."""
    day = "2025-03-03 19:"
    write(
        tmp_path,
        "asterisk",
        Master__csv=[cdr("7.1", day + "06:50", day + "06:50", day + "10:00", "ANSWERED")],
        queue_log=queue(
            (0, "NONE", "NONE", "Local/201@from-queue/n", "ADDMEMBER", ""),
            (0, "NONE", "NONE", "PJSIP/202", "ADDMEMBER", ""),
            (10, "7.1", "sales", "NONE", "ENTERQUEUE", "", "138", "1"),
            (12, "7.1", "sales", "Local/201@from-queue/n", "CONNECT", "2", "7.1", "1"),
            (72, "7.1", "sales", "Local/201@from-queue/n", "BLINDTRANSFER", "600", "q", "2", "60"),
            (73, "7.1", "vip", "NONE", "ENTERQUEUE", "", "138", "1"),
            (80, "7.1", "vip", "PJSIP/202", "CONNECT", "7", "7.1", "1"),
            (200, "7.1", "vip", "PJSIP/202", "COMPLETEAGENT", "7", "120", "1"),
            (210, "NONE", "NONE", "PJSIP/202", "REMOVEMEMBER", ""),
            (211, "NONE", "NONE", "Li Wei", "AGENTLOGIN", "x"),
        ),
    )
    _, read = imported(tmp_path, "asterisk")
    calls = read("calls").set_index("call_id")
    assert calls.parent_call_id.to_dict() == {"7.1": None, "7.1/2": "7.1"}
    assert calls.agent_id.tolist() == ["201", "202"]
    assert calls.campaign_id.tolist() == ["sales", "vip"]
    assert calls.direction.tolist() == ["outbound", "outbound"]  # as its record says
    talked = (calls.ended_at - calls.agent_at).dt.total_seconds()
    assert talked.tolist() == [60, 120]
    assert states_of(read) == [
        ("201", "ready", None, 0, 12),
        ("201", "talk", None, 12, 60),
        ("201", "ready", None, 72, None),
        ("202", "ready", None, 0, 80),
        ("202", "talk", None, 80, 120),
        ("202", "ready", None, 200, 10),
        ("Li Wei", "ready", None, 211, None),
    ]
    states = read("agent_states")
    assert states[states.state == "talk"].call_id.tolist() == ["7.1", "7.1/2"]
    assert read("agents").agent_id.tolist() == ["201", "202", "Li Wei"]
    assert read("campaigns").campaign_id.tolist() == ["C", "sales", "vip"]


def test_the_cdr_of_a_database_names_its_columns(tmp_path):
    """It has when a call came and how long it lasted, but neither answer nor end."""
    write(
        tmp_path,
        "asterisk",
        Master__csv=[
            "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,"
            "disposition,amaflags,accountcode,uniqueid,userfield,recordingfile,linkedid",
            "2025-03-03 10:00:00,x,4001,138,from-trunk,SIP/T1-0a,SIP/201-0b,Dial,d,70,60,ANSWERED,"
            "3,,9.1,,r1.wav,9.1",
            "2025-03-03 10:00:00,x,4001,138,out,SIP/T1-0a,SIP/201-0b,Dial,d,20,0,NO ANSWER,3,,9.2,"
            ",,9.1",
            "broken",
        ],
    )
    report, read = imported(tmp_path, "asterisk")
    calls = read("calls").set_index("call_id")
    one = calls.loc["9.1"]
    assert one.started_at == pd.Timestamp("2025-03-03 02:00:00")
    assert (one.answered_at - one.started_at).total_seconds() == 10
    assert (one.ended_at - one.started_at).total_seconds() == 70
    assert (one.direction, one.recording_id) == ("inbound", "r1.wav")
    assert pd.isna(calls.answered_at["9.2"]) and calls.parent_call_id["9.2"] == "9.1"
    assert refused(tmp_path, "asterisk", "calls") == [[4, "fewer columns than the header"]]
    assert "agent_states" not in {table.table for table in report.tables}  # not computable


def test_a_damaged_first_line_does_not_cost_the_file(tmp_path):
    day = "2025-03-03 "
    line = cdr("9.2", day + "10:01:00", "", day + "10:02:00", "BUSY")
    write(tmp_path, "asterisk", Master__csv=['"C","40', line, line.replace("9.2", "9.3")])
    report, read = imported(tmp_path, "asterisk")
    assert read("calls").call_id.tolist() == ["9.2", "9.3"]
    assert report.table("calls").quarantined == 1


def test_freeswitch_legs_of_one_call(tmp_path):
    """Where B-legs are written too, they are parts of their calls and no dials."""
    rows = [
        ("2025-03-03 23:59:50", "2025-03-03 23:59:55", "2025-03-04 00:01:00", "NORMAL_CLEARING",
         "aa", "bb"),
        ("2025-03-03 23:59:51", "2025-03-03 23:59:55", "2025-03-04 00:01:00", "NORMAL_CLEARING",
         "bb", ""),
        ("2025-03-03 23:59:50", "", "2025-03-04 00:00:20", "USER_BUSY", "cc", ""),
        ("2025-03-03 23:59:50", "", "2025-03-04 00:00:21", "NO_ANSWER", "cc", ""),  # sent again
        ("2025-03-03 23:59:50", "", "2025-03-04 00:00:20", "SOMETHING_NEW", "dd", ""),
    ]  # fmt: skip
    lines = []
    for start, answer, end, cause, own, other in rows:
        talked = "9" if answer else "0"
        cells = ("a", "4001", "138", "default", start, answer, end, "9", talked, cause, own, other)
        lines.append(",".join(f'"{cell}"' for cell in (*cells, "C")))
    write(tmp_path, "freeswitch", cdr__csv=lines)
    report, read = imported(tmp_path, "freeswitch")
    calls = read("calls").set_index("call_id").sort_index()
    assert calls.parent_call_id.to_dict() == {"aa": None, "bb": "aa", "cc": None, "dd": None}
    assert calls.result.to_dict() == {"aa": "human", "bb": "human", "cc": "no_answer", "dd": None}
    assert (calls.ended_at["aa"] - calls.started_at["aa"]).total_seconds() == 70  # over midnight
    assert report.table("calls").duplicates == 1
