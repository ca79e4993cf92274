"""What a cell of text means: SQL that reads it as a date, money, number, flag or list.

Each function takes the SQL of a trimmed text (NULL where missing) and gives the SQL of its value,
NULL where it cannot be read. The common form is tried first and costs little; the rarer ones are
tried only on what is left.
"""

from collections.abc import Iterable

from crmkit import periods
from crmkit.imports.readers import literal

__all__ = [
    "count",
    "day",
    "flag",
    "instant",
    "known",
    "label",
    "money",
    "number",
    "real",
    "texts",
    "trimmed",
    "wall",
]

_LATIN = ("", "NULL", "null", "Null", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "None", "\\N")
_CHINESE = ("未知", "无", "不详", "暂无", "空")
MISSING = (*_LATIN, "-", "--", "—", "——", *_CHINESE)
_BLANK = "' \t\r\n' || chr(160) || chr(8203) || chr(12288) || chr(65279)"
_TRUE = ("true", "t", "yes", "y", "1", "是", "真", "对", "√")
_FALSE = ("false", "f", "no", "n", "0", "否", "假", "错", "×")

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M")
_ISO = (*(f"%Y-%m-%d{gap}{clock}" for gap in " T" for clock in _CLOCKS), "%Y-%m-%d")
_OTHERS = (
    *(f"{day} {clock}" for day in _DAYS[1:] for clock in _CLOCKS),
    *_DAYS[1:],
    "%Y年%m月%d日%H:%M:%S",
    "%Y年%m月%d日%H:%M",
    "%Y年%m月%d日 %H时%M分%S秒",
    "%Y年%m月%d日%H时%M分%S秒",
    "%Y年%m月%d日%H时%M分",
    "%Y%m%d",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H:%M:%S",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
_OFFSET = r"'\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s?([Zz]|UTC|[+-]\d{2}(:?\d{2})?)'"
_SERIAL = r"'\d{5}(\.\d+)?'"  # Excel's days since 1899-12-30, from the year 1927 on
_FIRST, _LAST = "TIMESTAMP '1900-01-01'", "TIMESTAMP '2101-01-01'"


def _among(labels: Iterable[str]) -> str:
    return "(" + ", ".join(literal(words) for words in labels) + ")"


def trimmed(sql: str) -> str:
    """A cell without blanks around it, Chinese and invisible ones too."""
    plain = f"left({sql}, 1) BETWEEN '!' AND '~' AND right({sql}, 1) BETWEEN '!' AND '~'"
    return f"CASE WHEN {plain} THEN {sql} ELSE trim({sql}, {_BLANK}) END"


def known(sql: str, missing: Iterable[str] = ()) -> str:
    """A trimmed cell, NULL where it only says that nothing is known."""
    return f"CASE WHEN {sql} NOT IN {_among((*MISSING, *missing))} THEN {sql} END"


def _halfwidth(sql: str) -> str:
    return f"translate({sql}, '０１２３４５６７８９．，－＋（）', '0123456789.,-+()')"


def money(sql: str, decimal: str = ".") -> str:
    """An amount as decimal(18, 4): currency signs and codes, thousands, brackets, minus after."""
    text = f"translate({sql}, ',.', '.,')" if decimal == "," else sql
    bare = f"regexp_replace({_halfwidth(text)}, {_CURRENCY}, '', 'g')"
    signed = rf"regexp_replace(regexp_replace({bare}, '^\((.*)\)$', '-\1'), '^(.*)-$', '-\1')"
    # Nothing here is written twice: DuckDB would compute what is common for every row, before it
    # knows that the cheap cast was enough.
    plain = f"replace(regexp_extract({signed}, {_GROUPED}), ',', '')"
    return f"coalesce(TRY_CAST({text} AS DECIMAL(18, 4)), TRY_CAST({plain} AS DECIMAL(18, 4)))"


_GROUPED = r"'^[+-]?(\d+|\d{1,3}(,\d{2,3})*,\d{3})(\.\d*)?$'"
# currency signs, codes and the blanks or marks between thousands
_CURRENCY = (
    r"'[\s$¥￥€£₹₩元'' ’]|圆|人民币|RMB|rmb|CNY|USD|EUR|GBP|HKD|TWD|JPY|SGD|AUD|CAD|INR|CHF"
    r"|US|HK|NT'"
)


def number(sql: str) -> str:
    """A number of any size, for expressions."""
    return f"coalesce(TRY_CAST({sql} AS DOUBLE), CAST({money(sql)} AS DOUBLE))"


def real(sql: str, decimal: str = ".") -> str:
    """A finite number."""
    text = f"translate({sql}, ',.', '.,')" if decimal == "," else sql
    plain = f"TRY_CAST({text} AS DOUBLE)"
    return f"coalesce(CASE WHEN isfinite({plain}) THEN {plain} END, {money(sql, decimal)})::DOUBLE"


def count(sql: str, decimal: str = ".") -> str:
    """A whole number."""
    value = money(sql, decimal)
    return f"CASE WHEN {value} % 1 = 0 THEN CAST({value} AS BIGINT) END"


def flag(sql: str) -> str:
    """True or false."""
    low, yes, no = f"lower({sql})", _among(_TRUE), _among(_FALSE)
    return f"CASE WHEN {low} IN {yes} THEN true WHEN {low} IN {no} THEN false END"


def label(sql: str, values: Iterable[str]) -> str:
    """One of the names that a column may hold."""
    return f"CASE WHEN lower({sql}) IN {_among(values)} THEN lower({sql}) END"


def texts(sql: str) -> str:
    """A list of labels, separated by comma, semicolon, bar or their Chinese forms."""
    parts = rf"regexp_split_to_array(trim({sql}, '[]'), '[,;|，；、]')"
    return f"list_filter(list_transform({parts}, lambda x: trim(x, ' ''\"')), lambda x: x <> '')"


def _within(sql: str) -> str:
    return f"CASE WHEN {sql} >= {_FIRST} AND {sql} < {_LAST} THEN {sql} END"


def _written(sql: str, formats: tuple[str, ...], typed: bool) -> str:
    chosen = (formats + (_ISO if typed else ())) or (*_ISO, *_OTHERS)
    return f"try_strptime({sql}, {_array(chosen)})"


def _array(formats: Iterable[str]) -> str:
    return "[" + ", ".join(literal(f) for f in formats) + "]"


def _serial(sql: str) -> str:
    milliseconds = f"CAST(round(CAST({sql} AS DOUBLE) * 86400000) AS BIGINT)"
    moment = f"TIMESTAMP '1899-12-30' + to_milliseconds({milliseconds})"
    return f"CASE WHEN regexp_full_match({sql}, {_SERIAL}) THEN {moment} END"


def _exact(sql: str) -> str:
    cast = f"make_timestamp(epoch_us(TRY_CAST({sql} AS TIMESTAMPTZ)))"
    return f"CASE WHEN regexp_full_match({sql}, {_OFFSET}) THEN {cast} END"


def _fine(sql: str) -> str:
    shorter = rf"regexp_replace({sql}, '^(.*:\d\d\.\d{{6}})\d+$', '\1')"
    return f"try_strptime({shorter}, {_array(f for f in _ISO if '%f' in f)})"


def wall(sql: str, formats: tuple[str, ...], *, typed: bool) -> str:
    """A date as the clock on the wall showed it."""
    if any("%z" in f for f in formats):
        return "NULL::TIMESTAMP"
    found = _written(sql, formats, typed)
    if formats and not typed:
        return _within(found)
    return _within(f"coalesce({found}, {_serial(sql)}, {_fine(sql)})")


def instant(sql: str, local: str, formats: tuple[str, ...], timezone: str) -> str:
    """An instant in UTC: from the wall clock `local`, or from a text that tells its own offset."""
    zoned = [f for f in formats if "%z" in f]
    own = _exact(sql)
    if zoned:
        own = f"coalesce(make_timestamp(epoch_us(try_strptime({sql}, {_array(zoned)}))), {own})"
    return f"coalesce({_utc(local, timezone)}, {own})"


def day(sql: str, local: str) -> str:
    """A calendar day, without any zone."""
    dated = f"try_strptime(substr({sql}, 1, 10), '%Y-%m-%d')"
    own = f"CASE WHEN regexp_full_match({sql}, {_OFFSET}) THEN {dated} END"
    return f"CAST(coalesce({local}, {own}) AS DATE)"


def _utc(local: str, timezone: str) -> str:
    first, changes = periods.transitions(timezone)
    steps, before = [], first
    for at, offset in changes:
        # A skipped hour is read with the offset before it, which shifts it forward; of an hour
        # shown twice the first is taken: both are the offset before until the later reading.
        since_1970 = int((at - periods.day_start("1970-01-01", "UTC")).total_seconds())
        steps.append((since_1970 + max(before, offset), offset))
        before = offset
    offset_now = _tree(f"epoch({local})", first, steps)
    return f"make_timestamp(epoch_us({local}) - CAST(1000000 AS BIGINT) * {offset_now})"


def _tree(seconds: str, first: int, steps: list[tuple[int, int]]) -> str:
    if not steps:
        return f"({first})"
    middle = len(steps) // 2
    at, offset = steps[middle]
    low = _tree(seconds, first, steps[:middle])
    high = _tree(seconds, offset, steps[middle + 1 :])
    return f"CASE WHEN {seconds} < {at} THEN {low} ELSE {high} END"
