"""Why a customer may leave: what is said goes before what is seen."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmkit.analyses.churn.sheets import OTHER, Reason

__all__ = ["why"]


def why(rows: pd.DataFrame, contributions: pd.DataFrame, reasons: Sequence[Reason]) -> pd.Series:
    """The reason of each row.

    A sign (a complaint, say) of the last 90 days tells the reason, the most frequent first and
    among equals the first of the table. Without any, that behaviour whose features add most to the
    log odds; where nothing adds, "other". It depends on the row and the model alone, so a reason
    stays as it was written.
    """
    told = pd.DataFrame(
        {
            r.reason: rows[[c for c in r.pointers if c in rows]].sum(axis=1)
            for r in reasons
            if r.kind == "sign"
        },
        index=rows.index,
    )
    seen = pd.DataFrame(
        {
            r.reason: contributions[[c for c in r.pointers if c in contributions]].sum(axis=1)
            for r in reasons
            if r.kind == "behaviour"
        },
        index=rows.index,
    )
    found = np.full(len(rows), OTHER, dtype=object)
    for frame in (seen, told):
        if len(frame.columns) and len(rows):
            values = frame.to_numpy(dtype=float)
            best = np.asarray(frame.columns, dtype=object)[values.argmax(axis=1)]
            found = np.where(values.max(axis=1) > 0, best, found)
    return pd.Series(found, index=rows.index, dtype=object)
