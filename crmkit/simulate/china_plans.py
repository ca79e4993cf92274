"""How a Chinese tea firm sells: its media, site, campaigns, reasons of leaving and sales desk.

Round numbers of a plausible firm, not statistics.
"""

from crmkit.simulate.plans import (
    Cause,
    Desk,
    Drive,
    Element,
    Field,
    Leak,
    Market,
    Medium,
    Remedy,
    Source,
)

__all__ = ["DESK", "MARKET", "STEPS"]

MEDIA = (
    Medium(
        "百度搜索",
        "paid",
        "cpc",
        rate=0.8,
        effect=0.10,
        wins=0.45,
        harvest=0.06,
        cost=3.2,
        campaigns=("品类词", "礼盒词"),
        keywords=("普洱茶", "绿茶 送礼", "白茶 价格", "茶具套装", "茶叶礼盒"),
    ),
    Medium(
        "百度品牌词",
        "paid",
        "cpc",
        rate=0.3,
        effect=0.0,
        harvest=0.20,
        cost=1.1,
        campaigns=("品牌词",),
        keywords=("云岭茶业", "云岭茶业官网", "云岭普洱"),
    ),
    Medium(
        "抖音直播",
        "paid",
        "live",
        rate=1.4,
        effect=0.04,
        wins=0.60,
        harvest=0.08,
        cost=2.4,
        campaigns=("日播", "达人专场"),
    ),
    Medium(
        "微信小程序",
        "owned",
        "push",
        rate=2.0,
        effect=0.05,
        wins=0.25,
        harvest=0.12,
        cost=0.02,
        campaigns=("会员日", "新品推送"),
        pushed=True,
    ),
    Medium(
        "天猫旗舰店",
        "paid",
        "display",
        rate=1.2,
        effect=0.03,
        wins=0.30,
        harvest=0.10,
        cost=1.8,
        campaigns=("直通车", "钻展"),
    ),
    Medium(
        "短信",
        "owned",
        "sms",
        rate=1.5,
        effect=0.01,
        harvest=0.02,
        cost=0.05,
        click=0.08,
        campaigns=("到期提醒", "节日问候"),
        pushed=True,
    ),
    Medium(
        "老客户推荐",
        "owned",
        "referral",
        rate=0.2,
        effect=0.20,
        wins=0.80,
        harvest=0.02,
        campaigns=("推荐有礼",),
    ),
    Medium("直接访问", "direct", "none", rate=1.5, click=1.0, campaigns=()),
)

STEPS = (
    ("page_view", 1.0),
    ("view_product", 0.75),
    ("add_to_cart", 0.55),
    ("checkout", 0.66),
    ("submit_order", 0.74),
    ("purchase", 0.88),
)

LEAKS = (
    Leak("add_to_cart", 0.70, medium="抖音直播"),
    Leak("submit_order", 0.75, device="mobile"),
    Leak("view_product", 0.80, medium="天猫旗舰店"),
)

FIELDS = (
    Field("收货人", 4.0, 0.10),
    Field("手机号", 7.0, 0.35),
    Field("收货地址", 22.0, 0.25),
    Field("发票抬头", 11.0, 0.22, blank=0.60),
    Field("备注", 6.0, 0.08, blank=0.80),
)

ELEMENTS = (
    Element("/", "首页横幅", 0.50, 260, 0.34),
    Element("/", "爆款推荐", 0.30, 820, 0.24),
    Element("/", "搜索框", 0.50, 60, 0.18),
    Element("/", "新人礼包", 0.75, 1350, 0.08),
    Element("/", None, 0.50, 1100, 0.16),
    Element("/product", "加入购物车", 0.72, 640, 0.30),
    Element("/product", "看评价", 0.35, 980, 0.28),
    Element("/product", "规格选择", 0.65, 480, 0.22),
    Element("/product", None, 0.50, 1500, 0.20),
)

CAUSES = (
    Cause("价格", 0.30, "search_discount", 0.60, 0.16),
    Cause("品质", 0.15, "bad_review", 0.55, 0.08),
    Cause("服务", 0.15, "complaint", 0.65, 0.10),
    Cause("竞品", 0.15, None, 0.0, 0.0),
    Cause("没有需求", 0.25, None, 0.0, 0.0),
)

REMEDIES = (
    Remedy("价格", "优惠券", 1.60, 8.0),
    Remedy("品质", "换新补寄", 1.45, 30.0),
    Remedy("服务", "专属客服回访", 1.75, 15.0),
    Remedy("长期未购", "关怀短信", 1.0, 0.05),
)

MARKET = Market(
    media=MEDIA,
    steps=STEPS,
    leaks=LEAKS,
    devices=(("mobile", 0.72), ("desktop", 0.22), ("tablet", 0.06)),
    offline=("电话销售",),
    fields=FIELDS,
    elements=ELEMENTS,
    scrolls=(("mobile", 0.42), ("desktop", 0.58), ("tablet", 0.50)),
    drives=(
        Drive("春茶上新", "短信", 20, 14, 0.60, 0.25, 1.50, 0.05, coupon=15.0),
        Drive("会员日双倍积分", "微信小程序", 80, 10, 0.60, 0.25, 1.30, 0.02),
        Drive("无效试投", "短信", 125, 14, 0.40, 0.30, 1.00, 0.05, coupon=10.0),
    ),
    causes=CAUSES,
    remedies=REMEDIES,
)

DESK = Desk(
    agents=24,
    teams=3,
    sources=(
        Source("官网留资", 0.40, ("官网表单", "小程序表单"), 0.4, visits=True),
        Source("展会名单", 0.20, ("春季茶博会", "秋季茶博会"), 0.0),
        Source("外购名单", 0.28, ("企业名录A", "企业名录B"), -0.9),
        Source("转介绍", 0.12, ("老客户转介绍",), 0.8),
    ),
)
