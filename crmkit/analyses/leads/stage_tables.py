"""The tables of the life of leads: stages, cohorts, sources, owners."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Table
from crmkit.text import message, say

if TYPE_CHECKING:
    from crmkit.analyses.leads.stages import Leads

__all__ = ["NAMES", "all_tables"]

NAMES = {
    "listed": message("In a list"),
    "dispatched": message("Given out"),
    "interacted": message("Interacted"),
    "intent": message("Showed intent"),
    "won": message("Won"),
    "again": message("Bought again"),
}


def all_tables(result: "Leads") -> Mapping[str, Table]:
    """The stages, and leads by cohort, source and owner."""
    stages = result.stages if not result.empty else pd.DataFrame({"stage": []})
    named = stages.assign(name=[say(NAMES[stage]) for stage in stages.stage])
    counts = (
        Column("n", say("Leads"), "count", partial="partial"),
        Column("dispatched", say("Given out"), "count"),
        Column("met", say("Interacted"), "rate", low="met_low", high="met_high", n="n"),
        Column("won", say("Won"), "count"),
        Column("rate", say("Share won"), "rate", 2, low="rate_low", high="rate_high", n="n"),
    )
    cohorts = result.by("cohort")
    cohorts = cohorts[cohorts.n > 0]
    cohorts = cohorts.assign(name=[text.period(each, result.period) for each in cohorts.cohort])
    sources = result.by("source").sort_values("n", ascending=False, ignore_index=True)
    owners = result.by("owner").sort_values(["rate", "n"], ascending=False, ignore_index=True)
    return {
        "stages": Table(
            "leads-stages",
            say("Leads by stage."),
            named,
            (
                Column("name", say("Stage")),
                Column("ordered", say("In order"), "count"),
                Column("any", say("At all"), "count"),
                Column("status", say("By status"), "count"),
                Column(
                    "rate", say("Of all leads"), "rate", low="rate_low", high="rate_high", n="n"
                ),
                Column(
                    "step",
                    say("Of the stage before"),
                    "rate",
                    low="step_low",
                    high="step_high",
                    n="before",
                ),
                Column("hours", say("Median hours from the stage before"), "number", 1),
            ),
            note=result.hidden if not result.empty else "",
        ),
        "cohorts": Table(
            "leads-cohorts",
            say("Leads by when they were made."),
            cohorts,
            (Column("name", say("Made in")), *counts),
        ),
        "sources": Table(
            "leads-sources",
            say("Leads by source."),
            sources,
            (Column("source", say("Source")), *counts),
        ),
        "owners": Table(
            "leads-owners",
            say("Leads by first owner."),
            owners,
            (Column("owner", say("Owner")), *counts),
        ),
    }
