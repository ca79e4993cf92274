"""The campaigns of the telephone, and what their outcomes mean."""

import json
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from crmkit.simulate.call_codes import DISPOSITIONS, STATUSES, Disposition
from crmkit.simulate.firm import canonical
from crmkit.simulate.floor import Floor
from crmkit.simulate.telephone.calls import DESK_CAMPAIGN, HANDED_ON
from crmkit.simulate.telephone.floors import Played
from crmkit.simulate.telephone.plans import PhoneCampaign
from crmkit.simulate.telephone.work import FloorWork

__all__ = ["dispositions_table", "phone_campaigns"]

Row = tuple[str, str, np.datetime64, np.datetime64 | None, str]


def phone_campaigns(floor: FloorWork) -> list[Row]:
    """Id, kind, beginning, end and settings of every campaign of calls.

    The end is None for those that go on at the end of the world.
    """
    met = floor.met
    rows = [
        (campaign.id, *_when(floor, one), _settings(one, campaign))
        for one in floor.played
        for campaign in one.section.campaigns
    ]
    started = met.span.instants(np.array([met.start]))[0]
    desk = {"name": "销售跟进", "mode": "manual"}
    return [
        (id_, "inbound" if mode == "inbound" else "outbound", first, last, words)
        for id_, first, last, (mode, words) in rows
    ] + [(DESK_CAMPAIGN, "outbound", started, None, json.dumps(desk, ensure_ascii=False))]


def _when(floor: FloorWork, one: Played) -> tuple[np.datetime64, np.datetime64 | None]:
    """Between the first midnight and the last one."""
    span = floor.met.span
    end = one.start + one.log.times.end // 1000
    first, last = span.instants(np.array([one.start, end]))
    return first, last if end < span.seconds else None


def _settings(one: Played, campaign: PhoneCampaign) -> tuple[str, str]:
    """The mode of a campaign, and the settings that rules depend on, as JSON."""
    floor = one.log.floor
    voice = bool(campaign.lists) and all(each.voice for each in campaign.lists)
    mode = "voice" if voice else floor.mode if campaign.lists else "inbound"
    found = {"name": campaign.name, "mode": mode} | (_dialling(floor) if mode == floor.mode else {})
    known = {name: value for name, value in found.items() if value is not None}
    return mode, json.dumps(known, ensure_ascii=False)


def _dialling(floor: Floor) -> dict[str, object]:
    paced = floor.mode in ("power", "predictive")
    return {
        "pacing": floor.pacing if floor.mode == "predictive" else None,
        "ratio": floor.ratio if floor.mode == "power" else None,
        "drop_target": floor.drop_target if paced else None,
        "grace_seconds": floor.grace,
        "ring_timeout_seconds": floor.ring_timeout,
        "trunks": floor.trunks,
        "max_attempts": floor.max_attempts,
    }


def dispositions_table() -> pa.Table:
    """The canonical outcomes: what agents choose, what the dialler writes, and calls handed on."""
    handed_on = Disposition(HANDED_ON, human_answered=True, right_party=True, interest=True)
    rows = [asdict(d) for d in (*DISPOSITIONS, *STATUSES, handed_on)]
    return canonical(
        "dispositions", {name: pa.array([row[name] for row in rows]) for name in rows[0]}
    )
