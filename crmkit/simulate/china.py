"""What a Chinese firm looks like: places, trades, names, and the calendar of the year.

Shares are round numbers of a plausible shop, not statistics. Telephone numbers begin with 154,
which no operator was ever given, and mail addresses end in domains reserved for examples
(RFC 2606): nobody can be called or written to by mistake.
"""

import datetime as dt

from crmkit.simulate.parts import Category, Channel, Place, Season

__all__ = [
    "CATEGORIES",
    "CHANNELS",
    "GIVEN",
    "HOURS",
    "INDUSTRIES",
    "MAIL_DOMAINS",
    "OFFICIAL",
    "PHONE_PREFIX",
    "PLACES",
    "SEASONS",
    "SURNAMES",
    "TAGS",
    "WEEKDAYS",
]

CHANNELS = (
    Channel("电话销售", 0.26),
    Channel("抖音直播", 0.22, rate=0.75, once=0.45),
    Channel("微信小程序", 0.20, rate=1.10),
    Channel("天猫旗舰店", 0.16, rate=0.95, once=0.05),
    Channel("百度搜索", 0.10, rate=0.90, once=0.08),
    Channel("老客户推荐", 0.06, rate=1.80),
)

CATEGORIES = (
    Category("绿茶", 0.26, refund=0.015),
    Category("红茶", 0.20, refund=0.015),
    Category("普洱", 0.18, refund=0.020),
    Category("白茶", 0.12, refund=0.015),
    Category("茶具", 0.10, refund=0.090),
    Category("礼盒", 0.14, refund=0.025),
)

PLACES = (
    Place("广东", "广州", 0.070),
    Place("广东", "深圳", 0.065),
    Place("广东", "佛山", 0.020),
    Place("浙江", "杭州", 0.060),
    Place("浙江", "宁波", 0.030),
    Place("江苏", "南京", 0.045),
    Place("江苏", "苏州", 0.050),
    Place("上海", "上海", 0.085),
    Place("北京", "北京", 0.085),
    Place("山东", "济南", 0.035),
    Place("山东", "青岛", 0.035),
    Place("四川", "成都", 0.060),
    Place("重庆", "重庆", 0.035),
    Place("湖北", "武汉", 0.045),
    Place("湖南", "长沙", 0.035),
    Place("河南", "郑州", 0.040),
    Place("河北", "石家庄", 0.025),
    Place("福建", "福州", 0.025),
    Place("福建", "厦门", 0.025),
    Place("陕西", "西安", 0.030),
    Place("安徽", "合肥", 0.025),
    Place("辽宁", "沈阳", 0.020),
    Place("辽宁", "大连", 0.015),
    Place("云南", "昆明", 0.020),
    Place("天津", "天津", 0.020),
)

INDUSTRIES = (
    ("制造业", 0.18),
    ("批发零售", 0.16),
    ("信息技术", 0.14),
    ("教育", 0.11),
    ("金融", 0.09),
    ("餐饮住宿", 0.09),
    ("建筑房产", 0.08),
    ("医疗健康", 0.08),
    ("公共服务", 0.07),
)

TAGS = (("企业客户", 0.12), ("送礼需求", 0.22), ("口粮茶", 0.35), ("收藏爱好", 0.06))

SURNAMES = (
    *(("王", 7.2), ("李", 7.1), ("张", 6.8), ("刘", 5.4), ("陈", 4.5), ("杨", 3.1)),
    *(("黄", 2.2), ("赵", 2.1), ("吴", 2.0), ("周", 2.0), ("徐", 1.5), ("孙", 1.5)),
    *(("马", 1.3), ("朱", 1.3), ("胡", 1.2), ("郭", 1.2), ("何", 1.2), ("林", 1.2)),
    *(("高", 1.0), ("罗", 1.0), ("梁", 0.9), ("宋", 0.8), ("郑", 0.8), ("谢", 0.8)),
    *(("韩", 0.7), ("唐", 0.7), ("冯", 0.6), ("于", 0.6), ("董", 0.6), ("欧阳", 0.1)),
)

GIVEN = (
    *("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明"),
    *("超", "秀英", "志强", "建华", "晓燕", "文静", "子涵", "浩然", "雨桐", "梓萱", "欣怡"),
    *("国庆", "春梅", "海燕", "立新", "佳琪", "思远", "俊杰", "婷婷", "雪梅", "德华", "一鸣"),
    *("可馨", "宇航", "嘉怡", "振宇", "玉兰", "永康", "晨曦", "若曦", "云飞", "天佑", "慧敏"),
)

PHONE_PREFIX = "154"
MAIL_DOMAINS = ("example.com", "example.net", "example.org")

WEEKDAYS = (1.10, 1.08, 1.05, 1.05, 1.04, 0.90, 0.78)

HOURS = (
    *(0.05, 0.02, 0.01, 0.01, 0.01, 0.02, 0.10, 0.35, 0.90, 1.70, 2.20, 2.10),
    *(1.20, 1.30, 2.00, 2.20, 2.10, 1.80, 1.20, 1.30, 1.50, 1.20, 0.60, 0.20),
)

_SPRING_FESTIVAL = ("2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06")
_MID_AUTUMN = ("2023-09-29", "2024-09-17", "2025-10-06", "2026-09-25", "2027-09-15")


def _around(name: str, day: str, before: int, after: int, factor: float) -> Season:
    feast = dt.date.fromisoformat(day)
    one = dt.timedelta(days=1)
    return Season(name, feast + before * one, feast + after * one, factor)


def _year(spring_festival: str, mid_autumn: str) -> tuple[Season, ...]:
    year = spring_festival[:4]
    return (
        _around("春节备礼", spring_festival, -24, -4, 1.45),
        _around("春节假期", spring_festival, -2, 6, 0.30),
        _around("618", f"{year}-06-18", -17, 0, 1.25),
        _around("中秋备礼", mid_autumn, -14, -1, 1.35),
        _around("国庆假期", f"{year}-10-01", 0, 6, 0.70),
        _around("双十一", f"{year}-11-11", -10, 0, 1.60),
    )


SEASONS = tuple(
    season
    for spring, autumn in zip(_SPRING_FESTIVAL, _MID_AUTUMN, strict=True)
    for season in _year(spring, autumn)
)
"""Feasts and sales of 2023 to 2027; the lunar ones by the published calendar."""

OFFICIAL = {
    **{name: f"{name}市" for name in ("北京", "上海", "天津", "重庆")},
    **{
        name: f"{name}省"
        for name in (
            *("广东", "浙江", "江苏", "山东", "四川", "湖北", "湖南", "河南"),
            *("河北", "福建", "陕西", "安徽", "辽宁", "云南"),
        )
    },
}
"""Regions as a firm's system writes them."""
