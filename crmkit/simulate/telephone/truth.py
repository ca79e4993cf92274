"""What is planted in the telephone and what it came to: for truth.json, and row by row."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.simulate.call_codes import RESULTS
from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.dialer.crew import LONG_AGO
from crmkit.simulate.dialer.leads import NUMBER_STATES
from crmkit.simulate.firm import named, order_ids
from crmkit.simulate.prospects import agent_ids
from crmkit.simulate.telephone.calls import call_ids, floor_lead_ids, numbers
from crmkit.simulate.telephone.crews import draw_agents
from crmkit.simulate.telephone.floors import Played
from crmkit.simulate.telephone.work import PhoneWork
from crmkit.simulate.touches import NONE

__all__ = ["floor_planted", "floor_truth", "phone_truth_tables"]

Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HOUR_KINDS = ("any", "evening", "morning", "noon")


def phone_truth_tables(work: PhoneWork) -> dict[str, pa.Table]:
    """What is hidden in the calls, by the name of the file.

    truth_floor_leads: of each lead of the floor `reach`, the chance of a person to answer at an
    hour of factor 1; `hour_kind`, a row of truth.json `floor.hour_factors`; `number_state`; `aged`,
    days; `interest`, the chance to buy from an agent of skill 0; `do_not_call`.
    truth_floor_sales: each sale of the floor, whether it was `meant` to be paid, and the `order_id`
    it became. truth_calls: the true cause of each of the floor's dials, where the switch may have
    reported another.
    """
    return {
        "truth_floor_leads": _leads(work),
        "truth_floor_sales": _sales(work),
        "truth_calls": _causes(work),
    }


def _leads(work: PhoneWork) -> pa.Table:
    floor = work.floor
    parts = []
    for number, one in zip(floor.lead_numbers, floor.played, strict=True):
        batch = one.log.leads
        parts.append(
            pa.table(
                {
                    "lead_id": floor_lead_ids(work.met, number),
                    "section": pa.array([one.name] * len(number), pa.string()),
                    "reach": np.round(batch.reach, 8),
                    "hour_kind": named(HOUR_KINDS, batch.hour_kind),
                    "number_state": named(NUMBER_STATES, batch.number_state),
                    "aged": np.round(one.aged, 3),
                    "interest": np.round(batch.interest, 8),
                    "do_not_call": batch.do_not_call,
                }
            )
        )
    return pa.concat_tables(parts) if parts else pa.table({"lead_id": pa.nulls(0, pa.string())})


def _sales(work: PhoneWork) -> pa.Table:
    met, sales = work.met, work.floor.sales
    number = _call_numbers(work)
    which = [number[s][c] for s, c in zip(sales.section, sales.call, strict=True)]
    lead = [work.floor.lead_numbers[s][x] for s, x in zip(sales.section, sales.lead, strict=True)]
    paid = sales.order != NONE
    ids = order_ids(met.purchases.where(sales.order[paid]), met.world.tag)
    place = np.where(paid, np.cumsum(paid) - 1, -1)
    return pa.table(
        {
            "call_id": call_ids(met, np.array(which, dtype=np.int64)),
            "lead_id": floor_lead_ids(met, np.array(lead, dtype=np.int64)),
            "meant": sales.meant,
            "order_id": ids.take(pa.array(place, mask=~paid)),
        }
    )


def _call_numbers(work: PhoneWork) -> list[Wholes]:
    """The numbers of the calls of each section."""
    ends = np.cumsum([len(one.log.calls) for one in work.floor.played])
    return np.split(numbers(work), ends)[: len(ends)]


def _causes(work: PhoneWork) -> pa.Table:
    number, cause = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for one, own in zip(work.floor.played, _call_numbers(work), strict=True):
        out = one.log.calls.kind != k.COMING_IN
        number.append(own[out])
        cause.append(one.log.calls.true[out])
    every, true = np.concatenate(number), np.concatenate(cause)
    order = np.argsort(every, kind="stable")
    return pa.table(
        {"call_id": call_ids(work.met, every[order]), "cause": named(RESULTS, true[order])}
    )


def floor_truth(work: PhoneWork) -> dict[str, Any]:
    """The section `floor` of truth.json: agents, sections with what they came to, handed on."""
    moved = work.transfers
    return {
        **floor_planted(work),
        "sections": [_section(work, n) for n in range(len(work.floor.played))],
        "desk": {
            "calls": len(work.desk),
            "by_message": int(work.desk.by_message.sum()),
        },
        "handed_on": {"calls": len(moved), "still_interested": int(moved.interested.sum())},
    }


def floor_planted(work: PhoneWork) -> dict[str, Any]:
    """What is planted in the agents: skill in log odds, speed, the day they began."""
    world = work.met.world
    agents = draw_agents(world)
    return {
        "agents": {
            name: {
                "skill": round(float(agents.skill[n]), 6),
                "speed": round(float(agents.speed[n]), 6),
                "joined": None if agents.joined[n] == LONG_AGO else int(agents.joined[n]),
            }
            for n, name in enumerate(agent_ids(world))
        },
        "about_agents": (
            "The factor on the chance to sell is exp(skill). An agent who joined on a day met has "
            "novice_skill of it at first, and half of what is missing is gained in learning_days."
        ),
    }


def _section(work: PhoneWork, number: int) -> dict[str, Any]:
    one = work.floor.played[number]
    section, floor = one.section, one.log.floor
    batch = one.log.leads
    kinds = batch.hour_kind
    return {
        "section": one.name,
        "group": section.group,
        "campaigns": [campaign.id for campaign in section.campaigns],
        "first": floor.start,
        "last": floor.last,
        "planted": {
            "mode": floor.mode,
            "pacing": floor.pacing if floor.mode == "predictive" else None,
            "ratio": floor.ratio if floor.mode == "power" else None,
            "drop_target": floor.drop_target,
            "grace_seconds": floor.grace,
            "mix_of_fresh_numbers": dict(floor.mix),
            "reported_otherwise": [list(row) for row in floor.confusion],
            "novice_skill": floor.novice_skill,
            "learning_days": floor.learning_days,
            "amd_lets_people_through": floor.amd.human if floor.amd else None,
            "amd_stops_machines": floor.amd.machine if floor.amd else None,
            "asks_not_to_be_called": floor.outcomes.do_not_call,
            "may_not_be_called": section.do_not_call,
            "paid": section.paid,
            "handed_on": section.transfer,
            "hold": section.hold,
        },
        "hour_factors": {
            name: np.round(row, 6).tolist()
            for name, row in zip(HOUR_KINDS, batch.hour_factors, strict=True)
        },
        "hour_kinds": {
            name: round(float((kinds == n).mean()), 6) if len(kinds) else None
            for n, name in enumerate(HOUR_KINDS)
        },
        "lists": _lists(one),
        "seen": _seen(work, number),
    }


def _lists(one: Played) -> list[dict[str, Any]]:
    plans = [each for campaign in one.section.campaigns for each in campaign.lists]
    batch, rows = one.log.leads, []
    for number, plan in enumerate(plans):
        own = batch.list_of == number
        n = int(own.sum())
        rows.append(
            {
                "list_id": plan.name,
                "planted": {
                    "reach": plan.reach,
                    "interest": plan.interest,
                    "age_days": plan.age,
                    "half_life_days": plan.half_life,
                    "falls_out_of_use_in_100_days": plan.dying,
                },
                "seen": {
                    "leads": n,
                    "mean_reach": round(float(batch.reach[own].mean()), 6) if n else None,
                    "out_of_use": round(float((batch.number_state[own] >= 3).mean()), 6)
                    if n
                    else None,
                    "may_not_be_called": int(batch.do_not_call[own].sum()),
                },
            }
        )
    return rows


def _seen(work: PhoneWork, number: int) -> dict[str, Any]:
    """The key figures of a section, and what its sales came to."""
    one, sales = work.floor.played[number], work.floor.sales
    summary, own = one.log.summary(), sales.section == number
    share, days = _drops(one)
    return {
        "dials": summary.dials,
        "contacts": summary.contacts,
        "drops": summary.drops,
        "drop_rate": _rounded(summary.drop_rate),
        "days_above_3_percent": int((share > 0.03).sum()),
        "days_with_answers": days,
        "occupancy": _rounded(summary.occupancy),
        "machines_stopped": summary.machines_stopped,
        "people_stopped": summary.people_stopped,
        "voice_dials": summary.voice_dials,
        "callers": summary.offered,
        "callers_abandoned": summary.abandoned,
        "service_level_20s": _rounded(summary.service_level),
        "sales": int(own.sum()),
        "sales_paid": int((own & (sales.order != NONE)).sum()),
        "asked_not_to_be_called": int((one.log.calls.disposition == k.ASKED_DNC).sum()),
    }


def _drops(one: Played) -> tuple[npt.NDArray[np.float64], int]:
    """The share of answered calls dropped on each day that has any."""
    calls = one.log.calls
    answered = (calls.kind < k.BY_VOICE) & (calls.queued >= 0)
    day = calls.started[answered] // 86_400_000
    of_all = np.bincount(day)
    dropped = np.bincount(day[calls.result[answered] == k.DROPPED], minlength=len(of_all))
    return dropped[of_all > 0] / of_all[of_all > 0], int((of_all > 0).sum())


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 6)
