"""How often the intervals of the analyses of leads hold what is planted, over several firms.

    python benchmarks/coverage_leads.py 6

Writes benchmarks/results/coverage_leads.md.
"""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import ibis
import pandas as pd

import crmkit as ck
from crmkit.simulate.events import events_table
from crmkit.simulate.firm import firm
from crmkit.simulate.identities import draw_identities
from crmkit.simulate.journeys import draw_journeys
from crmkit.simulate.journeys_truth import truth_tables
from crmkit.simulate.met import Met
from crmkit.simulate.prospects import lead_events_table, leads_table
from crmkit.simulate.world import World


def tried(seed: int) -> dict[str, list[bool]]:
    """For each effect, whether each of its intervals holds what is planted."""
    world = replace(World.preset("demo"), seed=seed)
    shop = firm(world)
    met = Met(world, shop.people, shop.purchases)
    journeys = draw_journeys(met)
    ids = draw_identities(journeys, shop.tables["customers"])
    made = leads_table(met, journeys.leads)
    leads, steps = ibis.memtable(made), ibis.memtable(lead_events_table(met, journeys.leads))
    last = pd.Timestamp(made["created_at"].to_pandas().max()).date()
    when = {"as_of": str(last), "timezone": world.timezone}
    truth = truth_tables(journeys, ids)["truth_assignments"].to_pandas()
    truth = truth.merge(made.to_pandas()[["lead_id", "source"]], on="lead_id")
    truth = truth.assign(again=truth["round"] > 0)

    owners = ck.lead_owners(leads, steps, **when).owners.set_index("agent")
    usual = truth.groupby(["source", "again"]).chance.transform("mean")
    sums = truth.assign(usual=usual).groupby("agent_id")[["chance", "usual"]].sum()
    index = (sums.chance / sums.usual).reindex(owners.index)

    plan = world.desk
    weight = {each.name: each.weight for each in plan.sources}
    planted = {
        "referral": weight["转介绍"], "web_form": weight["官网留资"],
        "bought_list": weight["外购名单"], "seen_product": plan.stage, "put_in_cart": plan.stage,
        "began_checkout": plan.stage, "given_again": -plan.again, "given_thrice": -plan.again,
    }  # fmt: skip
    events, identities = ibis.memtable(events_table(journeys)), ibis.memtable(ids.table)
    rules = ck.lead_score(leads, steps, events, identities, **when).rules.set_index("rule")

    hours = ck.working_hours(f"Mon-Sat {plan.opens:02d}:00-{plan.closes:02d}:00")
    speed = ck.first_response(leads, steps, hours=hours, **when).speed

    given = ck.lead_dispatch(leads, steps, **when)
    shares = given.shares[given.shares.active]
    chance = truth.groupby("agent_id").chance.mean().reindex(shares.agent).to_numpy()
    gain = given.judged * float((chance * (shares.share - 1 / len(shares))).sum())
    return {
        "close rates of owners": list((owners.index_low <= index) & (index <= owners.index_high)),
        "weights of the score": [
            bool(rules.slope_low[rule] <= value <= rules.slope_high[rule])
            for rule, value in planted.items()
        ],
        "effect of the response": [bool(speed.low <= -plan.speed <= speed.high)],
        "gain of the policy": [bool(given.gain[1] <= gain <= given.gain[2])],
    }


def main(firms: int) -> None:
    """Try so many firms and write the table."""
    held: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    for seed in range(1, firms + 1):
        for effect, found in tried(seed).items():
            held[effect] += sum(found)
            all_[effect] += len(found)
    lines = [f"{firms} simulated firms (preset demo, the desk alone), intervals of 95 %.", "",
             "| planted | intervals | hold it | share |", "|---|---:|---:|---:|"]  # fmt: skip
    lines += [
        f"| {effect} | {all_[effect]} | {held[effect]} | {held[effect] / all_[effect]:.1%} |"
        for effect in all_
    ]
    page = Path(__file__).parent / "results" / "coverage_leads.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
