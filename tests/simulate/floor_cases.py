"""One outbound floor for both: the package's dialler and the SimPy one."""

import datetime as dt

from simpy_floor import SimpyFloor

from crmkit.simulate.dialer.build import _RING_SHARES
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import Outcomes, Retry, Shift, Window

EVERY_DAY = tuple(range(7))


def case(*, agents, days, seed, ratio=2.2, retries=True, **others):
    """A floor without what the SimPy one leaves out: breaks, skill, callbacks, confusion."""
    rules = (
        ("no_answer", Retry(6, 180)),
        ("busy", Retry(6, 20)),
        ("rejected", Retry(3, 1440)),
        ("powered_off", Retry(4, 720)),
        ("dropped", Retry(6, 1440)),
        ("human", Retry(4, 2880)),
    )
    return Floor(
        **dict(  # noqa: C408
            agents=agents,
            trunks=int(agents * 2.5),
            mode="power",
            ratio=ratio,
            shifts=(Shift("09:00", "19:00", breaks=(), weekdays=EVERY_DAY),),
            window=Window("09:00", "19:00"),
            absence=0.0,
            skill_sd=0.0,
            speed_sd=0.0,
            novices=0.0,
            mix=(
                ("human", 0.24),
                ("no_answer", 0.40),
                ("powered_off", 0.11),
                ("empty_number", 0.08),
                ("rejected", 0.08),
                ("busy", 0.05),
                ("suspended", 0.04),
            ),
            confusion=(),
            retries=rules if retries else (),
            outcomes=Outcomes(callback=0.0, interested=0.0, wrong_party=0.0, do_not_call=0.0),
            start=dt.date(2025, 3, 3),
            days=days,
            timezone="UTC",
            seed=seed,
        )
        | others
    )


def by_crmkit(floor, leads, engine):
    return dial(floor, leads, engine=engine)


def by_simpy(floor, leads, seed):
    return SimpyFloor(
        seed=seed,
        agents=floor.agents,
        trunks=floor.trunks,
        ratio=floor.ratio,
        grace=floor.grace,
        days=floor.days,
        day=86_400.0,
        hours=36_000.0,
        leads=len(leads),
        answer=leads.reach,
        failures=[
            (name, share, _RING_SHARES[name]) for name, share in floor.mix if name != "human"
        ],
        retries={
            {"human": "hung_up"}.get(name, name): (rule.attempts, rule.after * 60)
            for name, rule in floor.retries
        },
        most=floor.max_attempts,
        setup=floor.setup,
        ring=floor.ring,
        ring_timeout=floor.ring_timeout,
        talk=floor.talk,
        wrap=floor.wrap,
        pitch=floor.outcomes.pitch,
        sale=0.05,
    ).run()


def leads_of(floor, n):
    return LeadBatch.alike(floor, n)
