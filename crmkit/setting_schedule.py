"""The section [schedule] of crmkit.toml: which reports come when, for whom, and what if not."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from crmkit.setting_types import Listed

__all__ = ["MailSettings", "ReportSchedule", "ScheduleSettings"]

PERIODS = ("day", "week", "month", "quarter")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _regular(every: str) -> str:
    """A period's name, or the five fields of cron."""
    if every in PERIODS:
        return every
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 (only where it is used)

    try:
        CronSim(every, dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
    except CronSimError as error:
        raise ValueError(
            f"it is neither {', '.join(PERIODS)} nor cron's five fields, such as "
            f'"0 7 * * MON" ({error})'
        ) from None
    return every


def _address(words: str) -> str:
    name, at, host = words.partition("@")
    if not (name and at and host) or any(c.isspace() for c in words):
        raise ValueError(f"{words!r} is no mail address")
    return words


Address = Annotated[str, AfterValidator(_address)]


class ReportSchedule(_Part):
    """One [[schedule.reports]]: notebooks that come regularly.

    `every` is day, week (ISO, Monday to Sunday), month, quarter, or cron's five fields in the
    book's timezone; `at` is the time of day from which a period that is over may run; `fresh_days`,
    by how many days the data may end before the period does.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    notebooks: Annotated[Listed, Field(min_length=1)]
    every: Annotated[str, AfterValidator(_regular)] = "week"
    at: dt.time = dt.time(7)
    languages: tuple[Literal["en", "zh"], ...] = ()
    formats: tuple[Literal["html", "pdf"], ...] = ("html", "pdf")
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    fresh_days: Annotated[int, Field(ge=0)] = 0
    audience: tuple[Address, ...] = ()


class MailSettings(_Part):
    """[schedule.mail]: the server that sends mail; the password comes from the environment."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: Address
    operators: tuple[Address, ...] = ()
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_variable: str = "CRMKIT_MAIL_PASSWORD"
    link: str = ""


class ScheduleSettings(_Part):
    """[schedule]: the reports, and what happens where one fails.

    `retries` tries more, after `backoff_minutes`, then twice as long, and so on; `catch_up_days`,
    how long a missed period is still made; `time_limit` (seconds) and `memory_limit` (megabytes)
    are what each notebook may take; `alert` is a command that gets what failed on its standard
    input.
    """

    reports: tuple[ReportSchedule, ...] = ()
    retries: Annotated[int, Field(ge=0)] = 3
    backoff_minutes: Annotated[int, Field(ge=1)] = 15
    catch_up_days: Annotated[int, Field(ge=1)] = 35
    time_limit: Annotated[float, Field(ge=1)] = 900
    memory_limit: Annotated[float, Field(ge=100)] | None = None
    alert: str = ""
    mail: MailSettings | None = None

    @field_validator("reports")
    @classmethod
    def _names_differ(cls, given: tuple[ReportSchedule, ...]) -> tuple[ReportSchedule, ...]:
        names = [report.name for report in given]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two reports are called {twice!r}; give each a name of its own")
        return given
