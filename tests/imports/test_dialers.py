"""What the logs of all diallers have in common: names, sources, encodings, clocks."""

import gzip
import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from crmkit import places, schema
from crmkit.errors import InputError, SettingsError
from crmkit.imports import import_tables
from crmkit.settings import read_settings

_spec = importlib.util.spec_from_file_location(
    "dialer_logs", Path(__file__).with_name("dialer_logs.py")
)
logs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(logs)
LOG, T, imported, refused, write = logs.LOG, logs.T, logs.imported, logs.refused, logs.write


def test_bytes_that_are_no_text(tmp_path):
    """A few cost their lines; a file in another encoding is refused with the right one named."""
    (tmp_path / "vicidial").mkdir()
    path = tmp_path / "vicidial" / "vicidial_log.csv"
    lines = [
        f"1.{n},L{n},A,春茶,2025-03-03 19:06:40,{T},{T + 6},6,NA,VDAD,NONE,1" for n in range(50)
    ]
    whole = "\n".join([LOG, *lines]).encode()
    path.write_bytes(whole.replace(b"1.7,L7", b"1.7,\xffL7").replace(b"1.9,L9", b"1.9,L\x009"))
    report, read = imported(tmp_path, "vicidial")
    assert report.table("calls").rows == 50
    assert refused(tmp_path, "vicidial", "calls") == [
        [9, "it holds bytes that are no text in this encoding"]
    ]
    raw = pd.read_parquet(tmp_path / "of_vicidial" / "quarantine" / "calls.parquet").raw[0]
    assert "xffL7" in raw
    assert read("calls").set_index("call_id").lead_id["1.9"] == "L\x009"  # a null byte is a letter
    path.write_bytes(whole.decode().encode("gb18030"))
    with pytest.raises(InputError, match='It can be read as gb18030: set encoding = "gb18030"'):
        imported(tmp_path, "vicidial")
    assert imported(tmp_path, "vicidial", encoding='"gb18030"')[0].table("calls").stored == 50


def test_files_may_be_compressed_and_have_other_names(tmp_path):
    (tmp_path / "vicidial").mkdir()
    lines = f"{LOG}\n1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 60},60,SALE,A1,AGENT,1\n"
    (tmp_path / "vicidial" / "dials.gz").write_bytes(gzip.compress(lines.encode()))
    report, _ = imported(tmp_path, "vicidial", files='{vicidial_log = "dials.gz"}')
    assert report.table("calls").stored == 1


def test_several_diallers_make_one_table(tmp_path):
    for kind in ("north", "south"):
        write(
            tmp_path,
            kind,
            vicidial_log__csv=[LOG, f"1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 6},6,NA,VDAD,NONE,1"],
        )
    toml = tmp_path / "crmkit.toml"
    sections = "".join(
        f'[[dialers]]\nformat = "vicidial"\nfolder = "{kind}"\nprefix = "{kind}-"\n'
        for kind in ("north", "south")
    )
    toml.write_text(f'[book]\nname="F"\ntimezone="UTC"\ncurrency="EUR"\nstore="s"\n{sections}')
    import_tables(read_settings(toml))
    ids = pd.read_parquet(tmp_path / "s" / "calls.parquet").call_id.tolist()
    assert sorted(ids) == ["north-1.1", "south-1.1"]


def test_equal_logs_give_equal_bytes(tmp_path):
    lines = [LOG] + [
        f"1.{n},L{n},A,C,2025-03-03 19:06:40,{T + n},{T + n + 60},60,SALE,A{n % 3},AGENT,1"
        for n in range(500)
    ]
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "vicidial", vicidial_log__csv=lines)
        imported(tmp_path / folder, "vicidial")
        found.append((tmp_path / folder / "of_vicidial" / "calls.parquet").read_bytes())
    assert found[0] == found[1]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        imported(tmp_path, "vicidial")
    (tmp_path / "vicidial").mkdir()
    (tmp_path / "vicidial" / "vicidial-log.csv").write_text("x")
    with pytest.raises(InputError, match=r"Did you mean 'vicidial-log\.csv'"):
        imported(tmp_path, "vicidial")
    with pytest.raises(InputError, match="has no column"):
        imported(tmp_path, "vicidial", files='{vicidial_log = "vicidial-log.csv"}')
    with pytest.raises(InputError, match="no file matches"):
        imported(tmp_path, "vicidial", files='{vicidial_log = "nothing.csv"}')
    with pytest.raises(InputError, match=r"no log 'vicidial_logs'.*Did you mean 'vicidial_log'"):
        imported(tmp_path, "vicidial", files='{vicidial_logs = "vicidial-log.csv"}')
    with pytest.raises(SettingsError, match="format"):
        imported(tmp_path, "avaya")


def test_a_table_of_mapped_exports_and_diallers(tmp_path):
    """What is mapped counts first; a dialler's row of the same agent is left out, and told."""
    write(tmp_path, "vicidial", vicidial_log__csv=[
        LOG,
        f"1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 6},6,SALE,A1,AGENT,1",
        f"1.2,L1,A,C,2025-03-03 19:06:40,{T},{T + 6},6,SALE,A2,AGENT,1",
        "1.3,L1,A,C,never,,,6,SALE,A2,AGENT,1",
    ])  # fmt: skip
    (tmp_path / "calls.csv").write_text("id,at\n7,2025-03-03 10:00\n8,never\n")
    (tmp_path / "agents.csv").write_text("id,team\nA1,north\n")
    (tmp_path / "codes.csv").write_text("code,sale\nSALE,no\n")
    toml = tmp_path / "crmkit.toml"
    toml.write_text(
        '[book]\nname="F"\ntimezone="UTC"\ncurrency="EUR"\nstore="s"\n'
        '[tables.calls]\nfrom="calls.csv"\ncolumns={call_id="id",started_at="at"}\n'
        '[tables.agents]\nfrom="agents.csv"\ncolumns={agent_id="id",team="team"}\n'
        '[tables.dispositions]\nfrom="codes.csv"\ncolumns={code="code",sale="sale"}\n'
        '[[dialers]]\nformat="vicidial"\nfolder="vicidial"\n'
    )
    report = import_tables(read_settings(toml))
    read = lambda name: pd.read_parquet(tmp_path / "s" / f"{name}.parquet")  # noqa: E731
    assert sorted(read("calls").call_id) == ["1.1", "1.2", "7"]
    calls = report.table("calls")
    assert (calls.rows, calls.kept, calls.quarantined, calls.stored) == (5, 3, 2, 3)
    assert [file.file for file in calls.files] == ["calls.csv", "vicidial/vicidial_log.csv"]
    listed = pd.read_csv(tmp_path / "s" / "quarantine" / "calls.csv")
    assert listed[["file", "line"]].to_numpy().tolist() == [
        ["calls.csv", 3], ["vicidial/vicidial_log.csv", 4],
    ]  # fmt: skip
    assert len(pd.read_parquet(tmp_path / "s" / "quarantine" / "calls.parquet")) == 2
    agents = read("agents").set_index("agent_id").team
    assert agents["A1"] == "north" and pd.isna(agents["A2"])
    # the dialler knows no team, so it says nothing else; but of outcomes it does
    assert not any(note.startswith("agents:") for note in report.notes())
    assert any(note.startswith("dispositions: Rows left out") for note in report.notes())
    assert not read("dispositions").set_index("code").sale["SALE"]
    alone = import_tables(read_settings(toml), tables=["calls"])
    assert [table.table for table in alone.tables] == ["calls"]
    assert import_tables(read_settings(toml), tables=["dispositions"]).table("dispositions").stored


def test_ids_that_two_sources_share_are_refused(tmp_path):
    """Else one call would be lost without a word."""
    line = f"1.1,L1,A,C,2025-03-03 19:06:40,{T},{T + 6},6,NA,VDAD,NONE,1"
    for kind in ("north", "south"):
        write(tmp_path, kind, vicidial_log__csv=[LOG, line])
    toml = tmp_path / "crmkit.toml"
    sections = "".join(
        f'[[dialers]]\nformat = "vicidial"\nfolder = "{kind}"\n' for kind in ("north", "south")
    )
    toml.write_text(f'[book]\nname="F"\ntimezone="UTC"\ncurrency="EUR"\nstore="s"\n{sections}')
    with pytest.raises(InputError, match=r"1 rows of calls .* such as '1\.1'\. Set a prefix"):
        import_tables(read_settings(toml))
    assert not (tmp_path / "s").exists()


def test_an_empty_log_is_no_fault(tmp_path):
    write(tmp_path, "vicidial", vicidial_log__csv=[LOG])
    (tmp_path / "vicidial" / "vicidial_agent_log.csv").write_bytes(b"")
    report, read = imported(tmp_path, "vicidial")
    assert read("calls").empty and report.table("calls").rows == 0


def test_a_night_of_daylight_saving_lasts_as_long_as_it_does(tmp_path):
    """By epoch, and not by the clock, which shows two o'clock twice that night."""
    begin = 1_761_435_000  # 2025-10-26 01:30 in Berlin, an hour before clocks go back
    write(
        tmp_path,
        "vicidial",
        vicidial_log__csv=[
            LOG,
            f"1.1,L1,A,C,2025-10-26 01:30:00,{begin},{begin + 7200},7200,SALE,A1,AGENT,1",
        ],
    )
    _, read = imported(tmp_path, "vicidial", zone="Europe/Berlin")
    call = read("calls").iloc[0]
    assert (call.ended_at - call.started_at).total_seconds() == 7200


def test_a_call_over_the_hour_that_comes_twice(tmp_path):
    """It ends before it begins by the clock; its length tells that it does not."""
    lines = [
        f'"a","4001","138","default","2025-10-26 02:59:{begin}","2025-10-26 02:{answer}",'
        f'"2025-10-26 02:{end}","{length}","9","NORMAL_CLEARING","{own}","","C"'
        for own, begin, answer, end, length in (
            ("over", 50, "59:55", "00:20", 30),  # begun in the first hour, ended in the second
            ("both", 50, "00:05", "00:20", 30),
            ("wrong", 50, "59:55", "00:20", 9),
        )
    ]
    write(tmp_path, "freeswitch", cdr__csv=lines)
    report, read = imported(tmp_path, "freeswitch", zone="Europe/Berlin")
    calls = read("calls").set_index("call_id")
    assert (calls.ended_at - calls.started_at).dt.total_seconds().to_dict() == {
        "over": 30, "both": 30,
    }  # fmt: skip
    waited = (calls.answered_at - calls.started_at).dt.total_seconds()
    assert waited.to_dict() == {"over": 5, "both": 15}
    assert report.table("calls").quarantined == 1


def test_the_tables_of_codes_hold_canonical_results_only():
    results = schema.table("calls").column("result").values
    for name, column in (("codes.csv", "result"), ("vicidial.csv", "result")):
        frame = pd.read_csv(places.templates() / "dialers" / name, dtype=str)
        assert set(frame[column].dropna()) <= set(results)
        keys = frame.columns[:2] if name == "codes.csv" else frame.columns[:1]
        assert not frame.duplicated(list(keys)).any()
