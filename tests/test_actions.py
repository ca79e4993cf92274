import stat

import openpyxl
import pandas as pd
import pytest

from crmkit import text
from crmkit.actions import ActionList, write_actions
from crmkit.blocks import Column
from crmkit.errors import ParameterError

COLUMNS = (
    Column("customer_id", "Customer"),
    Column("value", "Value", "money"),
    Column("last", "Last purchase", "day"),
    Column("orders", "Purchases", "count"),
)


def people(*ids: str | None) -> pd.DataFrame:
    n = len(ids)
    return pd.DataFrame(
        {
            "customer_id": list(ids),
            "value": [100.5 - i for i in range(n)],
            "last": ["2024-03-01"] * n,
            "orders": pd.Series([3] * n, dtype="int64"),
        }
    )


def listed(*ids: str | None) -> ActionList:
    return ActionList("calls", "To call", people(*ids), COLUMNS)


def test_both_files_hold_the_same_rows(tmp_path):
    csv, excel = write_actions(listed("张三", "b"), tmp_path)

    assert csv.read_bytes().startswith(b"\xef\xbb\xbf")
    assert csv.read_text("utf-8-sig").splitlines() == [
        "Customer,Value,Last purchase,Purchases",
        "张三,100.5,2024-03-01,3",
        "b,99.5,2024-03-01,3",
    ]
    sheet = openpyxl.load_workbook(excel).active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[0] == ["Customer", "Value", "Last purchase", "Purchases"]
    assert cells[1][0] == "张三"
    assert cells[1][1] == 100.5
    assert str(cells[1][2])[:10] == "2024-03-01"
    assert sheet.freeze_panes == "B2"
    assert sheet["A1"].font.bold
    assert sheet.column_dimensions["A"].width >= 10


def test_the_same_list_gives_the_same_bytes_at_another_time(tmp_path, monkeypatch):
    first = [path.read_bytes() for path in write_actions(listed("a", "b"), tmp_path / "1")]

    class Later(openpyxl.writer.excel.datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2031, 5, 6, 7, 8, 9)

    monkeypatch.setattr(openpyxl.writer.excel.datetime, "datetime", Later)
    second = [path.read_bytes() for path in write_actions(listed("a", "b"), tmp_path / "2")]
    assert first == second


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_begins_like_a_formula_stays_text(tmp_path, start):
    csv, excel = write_actions(listed(f"{start}cmd()"), tmp_path)

    line = csv.read_bytes().decode("utf-8-sig").split("\r\n", 1)[1]
    assert line.lstrip('"').startswith(f"'{start}")
    cell = openpyxl.load_workbook(excel).active["A2"]
    assert cell.data_type == "s"
    assert cell.quotePrefix


def test_negative_numbers_are_numbers(tmp_path):
    frame = people("a").assign(value=-5.0)
    csv, _ = write_actions(ActionList("calls", "To call", frame, COLUMNS), tmp_path)
    assert csv.read_text("utf-8-sig").splitlines()[1] == "a,-5.0,2024-03-01,3"


def test_an_empty_list_writes_headings(tmp_path):
    csv, excel = write_actions(listed(), tmp_path)
    assert csv.read_text("utf-8-sig") == "Customer,Value,Last purchase,Purchases\n"
    assert openpyxl.load_workbook(excel).active.max_row == 1


def test_unknown_values_are_blank(tmp_path):
    csv, _ = write_actions(listed(None), tmp_path)
    assert csv.read_text("utf-8-sig").splitlines()[1] == ",100.5,2024-03-01,3"


def test_only_the_owner_may_read_them_even_where_they_were_open_before(tmp_path):
    (tmp_path / "calls.csv").write_text("old")
    (tmp_path / "calls.csv").chmod(0o644)
    for path in write_actions(listed("a"), tmp_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.csv", "calls.xlsx"]


def test_a_relative_folder_lies_in_the_folder_of_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRMKIT_OUTPUT", raising=False)
    assert write_actions(listed("a"), "lists")[0].resolve() == tmp_path / "lists" / "calls.csv"
    monkeypatch.setenv("CRMKIT_OUTPUT", str(tmp_path / "report"))
    assert write_actions(listed("a"), "lists")[0] == tmp_path / "report" / "lists" / "calls.csv"
    assert write_actions(listed("a"), tmp_path / "own")[0] == tmp_path / "own" / "calls.csv"


@pytest.mark.parametrize("name", ["../calls", "a/b", "", ".hidden"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(ParameterError, match="cannot name files"):
        write_actions(ActionList(name, "x", people("a"), COLUMNS), tmp_path)


def test_it_shows_its_first_ten_rows():
    shown = listed(*[f"c{i}" for i in range(12)])
    data = shown._repr_mimebundle_()["application/vnd.crmkit+json"]["blocks"][0]
    assert len(data["rows"]) == 10
    assert data["notes"] == ["The first 10 of 12 customers; the files hold them all."]
    with text.reading(language="zh"):
        assert "12" in shown.table().note
        assert "customers" not in shown.table().note
