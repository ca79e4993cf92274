"""Tells who should know: the audience of a report, the operators of a failure."""

import os
import smtplib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from crmkit.reports.schedule.plan import Decision
from crmkit.setting_schedule import MailSettings
from crmkit.settings import Settings
from crmkit.text import reading, say

__all__ = ["Telling"]

_PATIENCE = 60.0
"""Seconds that a mail server and an alert command may take."""


@dataclass(frozen=True, kw_only=True)
class Telling:
    """How people are told; nobody is, where neither mail nor alert is set.

    A mail that cannot be sent never makes a report fail: `troubles` says what could not be told.
    """

    mail: MailSettings | None
    alert: str
    language: str
    troubles: list[str]

    @classmethod
    def of(cls, settings: Settings) -> "Telling":
        """As the settings say."""
        schedule = settings.schedule
        return cls(
            mail=schedule.mail, alert=schedule.alert, language=settings.book.language, troubles=[]
        )

    def outcome(self, decision: Decision, error: str, site: Path) -> None:
        """Tell of a report that was published, or failed."""
        with reading(language=self.language):
            name, period = decision.report.name, decision.period.label
            if error:
                self.failed(say("Report failed: {name} {period}", name=name, period=period), error)
            else:
                where = self.mail.link if self.mail and self.mail.link else str(site / "index.html")
                self._send(
                    decision.report.audience,
                    say("Report: {name} {period}", name=name, period=period),
                    say("The report is ready: {where}", where=where),
                )

    def failed(self, title: str, words: str) -> None:
        """Tell the operators, by mail and by the alert command."""
        if self.mail is not None:
            self._send(self.mail.operators, title, words)
        if self.alert:
            try:
                subprocess.run(
                    self.alert,
                    shell=True,
                    input=f"{title}\n{words}\n",
                    text=True,
                    check=True,
                    timeout=_PATIENCE,
                    capture_output=True,
                )
            except (OSError, subprocess.SubprocessError) as trouble:
                self.troubles.append(f"alert: {trouble}")

    def _send(self, to: Sequence[str], title: str, words: str) -> None:
        if self.mail is None or not to:
            return
        message = EmailMessage()
        message["Subject"] = " ".join(title.split())
        message["From"] = self.mail.sender
        message["To"] = ", ".join(to)
        message.set_content(words)
        try:
            with self._server(self.mail) as server:
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as trouble:
            self.troubles.append(f"mail to {len(to)}: {trouble}")

    @staticmethod
    def _server(mail: MailSettings) -> smtplib.SMTP:
        kind = smtplib.SMTP_SSL if mail.security == "tls" else smtplib.SMTP
        server = kind(mail.host, mail.port, timeout=_PATIENCE)
        if mail.security == "starttls":
            server.starttls()
        password = os.environ.get(mail.password_variable, "")
        if mail.user and password:
            server.login(mail.user, password)
        return server
