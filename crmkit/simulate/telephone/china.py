"""The floors of the demo firm. Every figure is an assumption, none was measured."""

from dataclasses import replace

from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import (
    WORKING_DAYS,
    Amd,
    Break,
    Duration,
    Inbound,
    Outcomes,
    Shift,
    Voice,
    Window,
)
from crmkit.simulate.telephone.plans import CallList, Group, PhoneCampaign, Section, Telephone

__all__ = ["DEMO", "SMALL"]

_MIX = (
    ("human", 0.27),
    ("no_answer", 0.33),
    ("rejected", 0.10),
    ("powered_off", 0.08),
    ("empty_number", 0.07),
    ("busy", 0.06),
    ("machine", 0.05),
    ("suspended", 0.03),
    ("unreachable", 0.01),
)
_KNOWN_MIX = (
    ("human", 0.42),
    ("no_answer", 0.28),
    ("rejected", 0.10),
    ("powered_off", 0.06),
    ("busy", 0.06),
    ("machine", 0.04),
    ("suspended", 0.02),
    ("empty_number", 0.015),
    ("unreachable", 0.005),
)
_TALK = Duration.mixture(
    (0.40, Duration.exponential(14.0)), (0.60, Duration.lognormal(110.0, 0.85))
)
_WRAP = Duration.lognormal(20.0, 0.6)
_SESSIONS = (
    Shift("10:00", "11:30", breaks=()),
    Shift("14:30", "16:00", breaks=()),
    Shift("18:00", "19:30", breaks=()),
)
_HOURS = Window("09:00", "20:00", weekdays=WORKING_DAYS)

_COLD = Floor(
    agents=24,
    mode="predictive",
    pacing="erlang",
    drop_target=0.012,
    shifts=_SESSIONS,
    trunks=40,
    amd=Amd(),
    mix=_MIX,
    talk=_TALK,
    wrap=_WRAP,
    voice=Voice(2),
    window=_HOURS,
    callbacks="any",
)
_WARM = Floor(
    agents=6,
    mode="preview",
    shifts=(Shift("09:30", "11:30", breaks=()), Shift("15:30", "18:00", breaks=())),
    trunks=8,
    mix=_KNOWN_MIX,
    talk=_TALK,
    wrap=_WRAP,
    window=_HOURS,
    outcomes=Outcomes(callback=0.10, interested=0.10, wrong_party=0.02, do_not_call=0.02),
)
_CALLS_AN_HOUR = (
    *(0.0,) * 9,
    *(22.0, 30.0, 27.0, 16.0, 19.0, 27.0, 25.0, 22.0, 17.0, 9.0),
    *(0.0,) * 5,
)
_LUNCH = (Break("午餐", "11:30", 60), Break("休息", "15:30", 15))
_LATE = (Break("午餐", "13:00", 60), Break("休息", "16:30", 15))
_WEEK = (0, 1, 2, 3, 4, 5, 6)
_HOTLINE = Floor(
    mode="manual",
    shifts=(
        Shift("09:00", "18:00", breaks=_LUNCH, weekdays=_WEEK),
        Shift("10:00", "19:00", breaks=_LATE, weekdays=_WEEK),
    ),
    absence=0.25,  # days off, in turn
    agents=6,
    trunks=12,
    inbound=Inbound(
        _CALLS_AN_HOUR,
        patience=Duration.exponential(110.0),
        talk=Duration.lognormal(150.0, 0.7),
        wrap=Duration.lognormal(25.0, 0.6),
        weekdays=(1.20, 1.08, 1.0, 1.0, 1.02, 0.80, 0.60),
        agents=6,
    ),
    window=Window("09:00", "19:00"),
)

_FIRST = Section(
    group="外呼",
    first=0,
    days=90,
    daily=34.0,
    floor=_COLD,
    paid=0.55,
    transfer=0.25,
    hold=0.03,
    interest=0.04,
    campaigns=(
        PhoneCampaign(
            "O001",
            "春季拓客",
            (
                CallList("展会扫码2025春", 0.20, reach=1.15, interest=1.6, half_life=120.0),
                CallList("企业名录2024", 0.45, reach=0.95, age=240.0, dying=0.05),
                CallList("外购名录华东", 0.35, interest=0.7, age=30.0, half_life=250.0, dying=0.08),
            ),
        ),
        PhoneCampaign("V001", "语音通知", (CallList("会员语音名单", 0.12, voice=True),)),
    ),
)
_SECOND = replace(
    _FIRST,
    first=90,
    days=None,
    floor=replace(_COLD, mode="power", ratio=1.45, drop_target=0.03),
    campaigns=(
        PhoneCampaign(
            "O002",
            "夏季拓客",
            (
                CallList("招商会名单", 0.25, reach=1.10, interest=1.5, half_life=120.0),
                CallList("企业名录2025", 0.45, age=20.0, dying=0.05),
                CallList("外购名录华南", 0.30, reach=0.85, interest=0.6, age=60.0, dying=0.10),
            ),
        ),
        PhoneCampaign("V002", "中秋语音通知", (CallList("中秋语音名单", 0.12, voice=True),)),
    ),
)
_CARE = Section(
    group="回访",
    daily=6.0,
    floor=_WARM,
    known=True,
    interest=0.10,
    paid=0.85,
    hold=0.05,
    campaigns=(
        PhoneCampaign("O003", "老客户回访", (CallList("老客户名单", half_life=1e6, dying=0.0),)),
    ),
)
_SERVICE = Section(
    group="客服",
    floor=_HOTLINE,
    hold=0.12,
    campaigns=(PhoneCampaign("I001", "客服热线"),),
)

DEMO = Telephone(
    groups=(Group("外呼", 24, new=5, team=8), Group("回访", 6, new=1), Group("客服", 6, new=1)),
    sections=(_FIRST, _SECOND, _CARE, _SERVICE),
)
"""24 agents on cold lists, first paced by Erlang, then by a ratio; 6 on customers, 6 are called."""

_FEW_COLD = replace(_COLD, agents=3, trunks=12, voice=Voice(1))

SMALL = Telephone(
    groups=(Group("外呼", 3, new=1, team=6), Group("回访", 2), Group("客服", 2)),
    sections=(
        replace(_FIRST, daily=40.0, floor=_FEW_COLD),
        replace(
            _SECOND,
            daily=40.0,
            floor=replace(_FEW_COLD, mode="power", ratio=1.45, drop_target=0.03),
        ),
        replace(_CARE, daily=20.0),
        replace(
            _SERVICE,
            floor=replace(
                _HOTLINE,
                agents=2,
                trunks=4,
                inbound=replace(
                    _HOTLINE.inbound or Inbound(0.0),
                    hourly=tuple(rate / 10 for rate in _CALLS_AN_HOUR),
                    agents=2,
                ),
            ),
        ),
    ),
)
"""The same with few agents and calls, for tests."""
