"""crmkit.toml: where a firm's exports lie, and what their columns mean.

A wrong setting is refused before any work begins, with the file, the key, what was given, and the
nearest name that would do.
"""

import datetime as dt
import hashlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from crmkit import schema
from crmkit.errors import ParameterError, SettingsError, nearest
from crmkit.setting_leads import LeadSettings
from crmkit.setting_roles import RoleSettings
from crmkit.setting_schedule import MailSettings, ReportSchedule, ScheduleSettings
from crmkit.setting_types import (
    Country,
    Currency,
    Delimiter,
    Encoding,
    Labels,
    Listed,
    Part,
    Sql,
    Zone,
)
from crmkit.working_hours import WorkingHours, working_hours

__all__ = [
    "BookSettings",
    "CalendarSettings",
    "Constant",
    "DialerSettings",
    "Expression",
    "Format",
    "IdentitySettings",
    "LeadSettings",
    "Settings",
    "SiteSettings",
    "TableSettings",
    "read_settings",
]

Format = Literal["csv", "excel", "parquet", "duckdb", "database"]
_ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".duckdb": "duckdb",
    ".ddb": "duckdb",
}


class Expression(Part):
    """A canonical column computed from the source's columns by an SQL expression."""

    sql: Sql


class Constant(Part):
    """A canonical column that has one value in every row."""

    value: str | int | float | bool


def _column(value: object) -> object:
    if isinstance(value, str | Expression | Constant):
        return value
    if isinstance(value, Mapping) and set(value) == {"sql"}:
        return Expression.model_validate(value)
    if isinstance(value, Mapping) and set(value) == {"value"}:
        return Constant.model_validate(value)
    raise ValueError(
        f'{value!r} is not a column; give "source column", {{ sql = "..." }} or {{ value = ... }}'
    )


ColumnSource = Annotated[str | Expression | Constant, BeforeValidator(_column)]


class BookSettings(Part):
    """The section [book]: whose data it is, and how time and money are read."""

    name: str
    timezone: Zone
    currency: Currency
    language: Literal["en", "zh"] = "en"
    country: Country | None = None
    store: Path = Path("data/store")
    raw: Path | None = None
    stale_after_days: int | None = Field(default=None, ge=0)


class TableSettings(Part):
    """A section [tables.NAME]: where a canonical table comes from, and how its columns map.

    `latest` is the source's column of the last update, where a record may be delivered again: of
    rows with one key the latest stays, and the others are duplicates.
    """

    from_: Annotated[Listed, Field(alias="from", min_length=1)]
    columns: dict[str, ColumnSource]
    url: str | None = None
    format: Format | None = None
    encoding: Encoding = "utf-8"
    delimiter: Delimiter | None = None
    decimal: Literal[".", ","] = "."
    sheet: str | None = None
    header: int = Field(default=1, ge=1)
    dates: Listed = ()
    timezone: Zone | None = None
    values: dict[str, Labels] = Field(default_factory=dict)
    missing: Listed = ()
    one_row_per: str | None = None
    keep: Sql | None = None
    duplicates: Literal["drop", "keep"] = "drop"
    latest: str | None = None

    def format_of(self, name: str) -> Format:
        """The format of one source: as set, or told by the ending of its name.

        Raises: SettingsError where neither tells.
        """
        if self.format:
            return self.format
        if self.url:
            return "duckdb" if _is_duckdb(self.url) else "database"
        ending = Path(name.lower().removesuffix(".gz")).suffix
        if ending not in _ENDINGS:
            raise SettingsError(
                f"The ending of {name!r} does not tell its format. "
                'Set format = "csv", "excel", "parquet", "duckdb" or "database".'
            )
        return _ENDINGS[ending]


def _is_duckdb(url: str) -> bool:
    return url.startswith("duckdb:") or ("://" not in url and url.endswith((".duckdb", ".ddb")))


class DialerSettings(Part):
    """A section [[dialers]]: the logs of a dialler, from which calls and agents' states are made.

    `folder` holds its logs; `files` names a log's files where they are not called as usual;
    `prefix` stands before ids where several diallers number alike; `mode` is how it dials, which
    its logs do not tell; `incoming` are the contexts that calls come in by.
    """

    format: Literal["asterisk", "freeswitch", "vicidial"]
    folder: Path
    files: dict[str, str] = Field(default_factory=dict)
    prefix: str = ""
    timezone: Zone | None = None
    encoding: Encoding = "utf-8"
    mode: Literal["manual", "preview", "progressive", "power", "predictive", "voice"] | None = None
    incoming: Listed = ("from-trunk", "from-pstn", "from-external", "inbound", "incoming", "public")

    @property
    def zone(self) -> str:
        """The timezone of its clock."""
        return self.timezone or "UTC"

    def named(self, sql: str) -> str:
        """The SQL of an id with the prefix before it."""
        quoted = self.prefix.replace("'", "''")
        return f"('{quoted}' || {sql})" if self.prefix else f"({sql})"


class IdentitySettings(Part):
    """The section [identity]: whose ids are whose, from ids that were seen together.

    `links` are files with source_a, id_a, source_b, id_b; `apart` files of pairs that are not one
    person's; `limits` by source, with how many CRM ids an id may be seen and still link them;
    `likeness`, where given, the probability from which customers who are alike are one person.
    """

    links: Annotated[Listed, Field(min_length=1)]
    apart: Listed = ()
    encoding: Encoding = "utf-8"
    limits: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=lambda: {"phone": 2, "email": 2, "wechat": 2, "cookie": 2, "device": 3}
    )
    likeness: Annotated[float, Field(gt=0, lt=1)] | None = None


class CalendarSettings(Part):
    """The section [calendar]: when the firm works, for waits in working time.

    `hours` as "Mon-Fri 09:00-12:00, 13:30-18:00; Sat 09:00-12:00"; `holidays`, days off;
    `workdays`, weekend days that are worked.
    """

    hours: str = "Mon-Fri 09:00-18:00"
    holidays: tuple[dt.date, ...] = ()
    workdays: tuple[dt.date, ...] = ()

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        try:
            self.working_hours()
        except ParameterError as error:
            raise ValueError(str(error)) from None
        return self

    def working_hours(self) -> WorkingHours:
        """The hours, as analyses take them."""
        return working_hours(self.hours, holidays=self.holidays, workdays=self.workdays)


class SiteSettings(Part):
    """The section [site]: `keep`, how many periods of each report stay; 0 keeps all."""

    keep: int = Field(default=60, ge=0)


class Settings(Part):
    """A whole crmkit.toml: the book, its tables and diallers, targets, schedule, site, roles.

    `file` is where it was read; `fingerprint` is the SHA-256 of its text.
    """

    book: BookSettings
    tables: dict[str, TableSettings] = Field(default_factory=dict)
    dialers: tuple[DialerSettings, ...] = ()
    targets: dict[str, float] = Field(default_factory=dict)
    schedule: ScheduleSettings = ScheduleSettings()
    site: SiteSettings = SiteSettings()
    calendar: CalendarSettings = CalendarSettings()
    identity: IdentitySettings | None = None
    leads: LeadSettings | None = None
    roles: dict[str, RoleSettings] = Field(default_factory=dict)
    file: Path = Field(default=Path("crmkit.toml"), exclude=True)
    fingerprint: str = Field(default="", exclude=True)

    @property
    def folder(self) -> Path:
        """The folder that paths in the settings start from."""
        return self.file.parent

    @property
    def raw(self) -> Path:
        """The folder that `from` starts from."""
        return self.book.raw or self.folder

    @model_validator(mode="before")
    @classmethod
    def _tables_are_known(cls, given: dict[str, Any]) -> dict[str, Any]:
        tables = given.get("tables", {})
        for name, table in tables.items() if isinstance(tables, dict) else ():
            _known_table(name)
            _vendors_are_of_results(name, table)
        return given

    @model_validator(mode="after")
    def _columns_are_known(self) -> Self:
        for name, table in self.tables.items():
            _known_columns(name, table)
        if self.identity is not None and "identities" in self.tables:
            raise ValueError(
                "identity: identities are made of links, so [tables.identities] cannot be given "
                "too. Keep one of the two."
            )
        if self.leads is not None and "leads" not in self.tables:
            raise ValueError("leads: there is no [tables.leads] whose rows could be checked.")
        if self.leads is not None and "lead_checks" in self.tables:
            raise ValueError(
                "leads: the checks are made of the leads, so [tables.lead_checks] cannot be given "
                "too. Keep one of the two."
            )
        return self


def _known_table(name: str) -> None:
    if name not in schema.TABLES:
        valid = list(schema.TABLES)
        _told(f"tables.{name}", f"there is no table {name!r}.", name, valid)


def _vendors_are_of_results(name: str, table: object) -> None:
    """Refuse a vendor's name where no results of calls are; its codes would match nothing."""
    values = table.get("values") if isinstance(table, Mapping) else None
    for column, labels in values.items() if isinstance(values, Mapping) else ():
        if isinstance(labels, str) and (name, column) != ("calls", "result"):
            raise ValueError(
                f"tables.{name}.values.{column} was given as {labels!r}: only calls.result can "
                'name a vendor. Give labels, { "given" = "shown" }.'
            )


def _known_columns(name: str, table: TableSettings) -> None:
    canonical = schema.TABLES[name]
    valid = list(canonical.names)
    for given in table.columns:
        if given not in valid:
            key = f"tables.{name}.columns.{given}"
            _told(key, f"{name} has no column {given!r}.", given, valid)
    for given in table.values:
        if given not in table.columns:
            key, there = f"tables.{name}.values.{given}", list(table.columns)
            _told(key, f"no column {given!r} is mapped.", given, there)
    if table.one_row_per is not None and table.one_row_per not in table.columns:
        key, there = f"tables.{name}.one_row_per", list(table.columns)
        _told(key, f"no column {table.one_row_per!r} is mapped.", table.one_row_per, there)
    for needed in canonical.required:
        if needed not in table.columns:
            meaning = canonical.column(needed).meaning
            raise ValueError(f"tables.{name}.columns: {needed!r} ({meaning}) is required")


def _told(key: str, what: str, given: str, valid: list[str]) -> None:
    guess = nearest(given, valid)
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise ValueError(f"{key}: {what}{hint} There are: {', '.join(valid)}.")


def read_settings(path: Path | str) -> Settings:
    r"""Read a crmkit.toml.

    Parameters: `path`, the file, or the folder that holds a crmkit.toml. Folders inside it are
    relative to where it lies; `${NAME}` in a url is taken from the environment.
    Returns: `Settings`, its folders absolute.
    Raises: SettingsError naming the file, the key, what was given and what would do.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "crmkit.toml"
    ...     book = '[book]\nname = "Shop"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"'
    ...     _ = file.write_text(book, encoding="utf-8")
    ...     read_settings(file).book.currency
    'CNY'
    """
    file = Path(path)
    file = (file / "crmkit.toml" if file.is_dir() else file).resolve()
    given, fingerprint = _parsed(file)
    for own in ("file", "fingerprint"):
        if own in given:
            raise SettingsError(_extra(file, (own,), Settings))
    try:
        settings = Settings.model_validate({**given, "file": file, "fingerprint": fingerprint})
    except ValidationError as error:
        raise SettingsError(_explained(file, error)) from None
    return _placed(settings)


def _parsed(file: Path) -> tuple[dict[str, Any], str]:
    try:
        content = file.read_bytes()
        return tomllib.loads(content.decode("utf-8")), hashlib.sha256(content).hexdigest()
    except FileNotFoundError:
        raise SettingsError(f"There is no settings file {file}. Write one there.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8 (byte {error.start}); save it so.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}.") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.") from None


def _placed(settings: Settings) -> Settings:
    folder, book = settings.folder, settings.book
    raw = (folder / book.raw).resolve() if book.raw else None
    placed = book.model_copy(update={"store": (folder / book.store).resolve(), "raw": raw})
    tables = {
        name: table.model_copy(update={"url": os.path.expandvars(table.url)})
        if table.url
        else table
        for name, table in settings.tables.items()
    }
    return settings.model_copy(update={"book": placed, "tables": tables})


def _explained(file: Path, error: ValidationError) -> str:
    faults = error.errors()  # an unknown name tells more than what it leaves missing
    first = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    place = tuple(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return _extra(file, place, _part(place))
    key = ".".join(place)
    if first["type"] == "missing":
        return f"{file}: {key} is missing. Write it into the file."
    if not key:
        return f"{file}: {_message(first['msg'])}"
    return f"{file}: {key} was given as {first['input']!r}: {_message(first['msg'])}"


def _part(place: tuple[str, ...]) -> type[BaseModel]:
    if len(place) == 1:
        return Settings
    if place[0] == "schedule" and len(place) > 2:
        return MailSettings if place[1] == "mail" else ReportSchedule
    parts: dict[str, type[BaseModel]] = {
        "book": BookSettings,
        "calendar": CalendarSettings,
        "dialers": DialerSettings,
        "identity": IdentitySettings,
        "leads": LeadSettings,
        "roles": RoleSettings,
        "schedule": ScheduleSettings,
        "site": SiteSettings,
    }
    return parts.get(place[0], TableSettings)


def _message(words: str) -> str:
    plain = words.removeprefix("Value error, ")
    return plain if plain.endswith((".", "?")) else f"{plain}."


def _extra(file: Path, place: tuple[str, ...], model: type[BaseModel]) -> str:
    own = {"file", "fingerprint"}
    valid = [f.alias or name for name, f in model.model_fields.items() if name not in own]
    guess = nearest(place[-1], valid)
    hint = f" Did you mean {guess!r}?" if guess else ""
    return f"{file}: there is no setting {'.'.join(place)}.{hint} There are: {', '.join(valid)}."
