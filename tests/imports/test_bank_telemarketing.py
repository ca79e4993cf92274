"""The bank telemarketing example gives the published numbers."""

import itertools
from pathlib import Path

import duckdb
import ibis
import pytest

from crmkit.dials import dials
from crmkit.imports import import_tables
from crmkit.settings import read_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "bank_telemarketing"


@pytest.fixture(scope="module")
def imported(shared_data, tmp_path_factory):
    if not (shared_data / "bank-additional-full.csv").exists():
        pytest.skip("the Bank Marketing data is not here")
    settings = read_settings(EXAMPLE)
    store = tmp_path_factory.mktemp("bank") / "store"
    book = settings.book.model_copy(update={"raw": shared_data, "store": store})
    return import_tables(settings.model_copy(update={"book": book}))


@pytest.fixture(scope="module")
def calls(imported):
    """The calls with their flags and local days, as every analysis of the telephone sees them."""
    con = ibis.duckdb.connect()
    table, codes = (
        con.read_parquet(imported.store / f"{name}.parquet") for name in ("calls", "dispositions")
    )
    return dials(table, codes, as_of="2010-12-31", timezone="Europe/Lisbon").execute()


def test_every_client_is_a_call_none_is_lost(imported):
    for name, stored in (("calls", 41_188), ("customers", 41_188), ("dispositions", 2)):
        table = imported.table(name)
        assert (table.rows, table.kept, table.quarantined) == (41_188, 41_188, 0), name
        assert table.stored == stored
    assert not imported.notes()


def test_published_numbers(calls):
    assert len(calls) == 41_188
    assert calls.sale.sum() == 4_640
    rate = (calls.groupby("attempt_no").sale.mean() * 100).round(2)
    assert rate.loc[[1, 2, 3]].tolist() == [13.04, 11.46, 10.75]


def test_recipe_keeps_what_the_file_says(calls, shared_data):
    """Each row's month, weekday, length and outcome, against the file read by itself."""
    given = duckdb.execute(
        "SELECT month, day_of_week, duration, campaign, y FROM read_csv(?, delim = ';',"
        " types = {'y': 'VARCHAR'})",
        [str(shared_data / "bank-additional-full.csv")],
    ).df()
    calls = calls.assign(number=calls.call_id.astype(int)).sort_values("number", ignore_index=True)
    local = calls.started_at.dt.tz_localize("UTC").dt.tz_convert("Europe/Lisbon")
    assert (local.dt.strftime("%b").str.lower() == given.month).all()
    assert (local.dt.strftime("%a").str.lower() == given.day_of_week).all()
    assert (calls.line_seconds == given.duration).all()
    assert (calls.attempt_no == given.campaign).all()
    assert (calls.sale == (given.y == "yes")).all()
    assert calls.answered.sum() == (given.duration > 0).sum() == 41_184
    years = local.dt.year
    assert years.is_monotonic_increasing
    assert years.value_counts().to_dict() == {2008: 27_690, 2009: 11_440, 2010: 2_058}
    assert local.dt.strftime("%Y-%m").nunique() == 26
    assert local.dt.strftime("%Y-%m").is_monotonic_increasing


def test_what_the_readme_says_of_length_and_of_numbers_of_calls(calls):
    bins = [0, 60, 120, 300, 600, float("inf")]
    seconds = calls.line_seconds.to_numpy()
    shares = [
        round(float(calls.sale[(seconds >= low) & (seconds < high)].mean()) * 100, 1)
        for low, high in itertools.pairwise(bins)
    ]
    words = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    assert all(f"{share:.1f} %" in words for share in shares), shares
    for number in (1, 2, 3):
        wins = int(calls.sale[calls.attempt_no == number].sum())
        ended, reached = int((calls.attempt_no == number).sum()), (calls.attempt_no >= number).sum()
        line = (
            f"| {number} | {ended:,} | {wins:,} | {wins / ended:.2%} | {wins / reached:.2%} |"
        ).replace("%", " %")
        assert line in words, line
