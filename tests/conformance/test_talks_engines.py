"""Conversations give equal results on DuckDB and on PySpark, the drawn sample too."""

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.talks import talks
from crmkit.schema import TABLES

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def tables():
    from crmkit.simulate.dialer import LeadBatch, dial
    from crmkit.simulate.floor import Floor

    floor = Floor(agents=8, trunks=24, timezone="Europe/London")
    return dial(floor, LeadBatch.draw(floor, 1500), engine="python").tables()


def test_talks_are_equal(on_both, tables):
    calls, codes = (
        on_both(tables[name], dict(TABLES[name].schema().items()))
        for name in ("calls", "dispositions")
    )
    found = [
        talks(rows, flags, as_of="2025-03-03", timezone="Europe/London")
        for rows, flags in zip(calls, codes, strict=True)
    ]
    for name in ("agents", "campaigns", "enders", "lengths", "sample", "outliers"):
        one, other = (getattr(result, name) for result in found)
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
    assert found[0].n == found[1].n > 100
    assert np.isclose(found[0].long, found[1].long)
