"""Attempts, hours and the leads to call are equal on DuckDB and on PySpark."""

import pandas as pd
import pytest

from crmkit.analyses.reach import reach
from crmkit.schema import TABLES

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def tables():
    from crmkit.simulate.dialer import LeadBatch, dial
    from crmkit.simulate.floor import Floor

    floor = Floor(agents=8, trunks=24, days=3, timezone="Europe/London")
    return dial(floor, LeadBatch.draw(floor, 2500), engine="python").tables()


def test_reach_is_equal(on_both, tables):
    calls, codes = (
        on_both(tables[name], dict(TABLES[name].schema().items()))
        for name in ("calls", "dispositions")
    )
    one, other = (
        reach(rows, flags, as_of="2025-03-05", start="2025-03-03", timezone="Europe/London")
        for rows, flags in zip(calls, codes, strict=True)
    )
    for name in ("attempts", "bands", "weekdays", "due"):
        pd.testing.assert_frame_equal(
            getattr(one, name), getattr(other, name), check_dtype=False, rtol=1e-4
        )
    assert (one.n, one.reached, one.no_try) == (other.n, other.reached, other.no_try)
    assert one.n > 1000 and len(one.due) > 10
