"""The schedule: a year of virtual clock, retries, two starters, killed runs, mail, exports."""

import ast
import contextlib
import datetime as dt
import itertools
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from crmkit.errors import ParameterError, ReportError, SettingsError
from crmkit.reports.schedule import Entry, Ledger, decisions, run_due
from crmkit.reports.schedule.alarm import Telling
from crmkit.reports.schedule.export import exported
from crmkit.reports.schedule.plan import key_of, periods_of
from crmkit.reports.schedule.runner import BusyError, ledger_of
from crmkit.setting_schedule import ReportSchedule, ScheduleSettings
from crmkit.settings import read_settings

BOOK = '[book]\nname = "F"\ntimezone = "{zone}"\ncurrency = "CNY"\n'
STEP = dt.timedelta(hours=6)


def report(**given) -> ReportSchedule:
    return ReportSchedule(**({"name": "weekly", "notebooks": ["rfm"]} | given))


def entry(of: ReportSchedule, period: str, status="done", **given) -> Entry:
    at = given.pop("at", dt.datetime(2025, 1, 1))
    values = {"id": 1, "as_of": at.date(), "started_at": at, "ended_at": at} | given
    return Entry(report=of.name, key=key_of(of), period=period, status=status, **values)


class TestPeriods:
    @pytest.mark.parametrize(
        ("every", "first", "second"),
        [
            ("day", ("2025-02-28", "2025-02-28"), ("2025-03-01", "2025-03-01")),
            ("week", ("2025-W09", "2025-03-02"), ("2025-W10", "2025-03-09")),
            ("month", ("2025-02", "2025-02-28"), ("2025-03", "2025-03-31")),
            ("quarter", ("2025-Q1", "2025-03-31"), ("2025-Q2", "2025-06-30")),
            ("0 9 * * MON", ("2025-03-02", "2025-03-02"), ("2025-03-09", "2025-03-09")),
        ],
    )
    def test_labels_and_last_days(self, every, first, second):
        found = itertools.islice(
            periods_of(report(every=every), dt.datetime(2025, 2, 28, 12), "Asia/Shanghai"), 2
        )
        assert [(p.label, str(p.as_of)) for p in found] == [first, second]

    def test_the_year_of_a_week_is_that_of_iso(self):
        found = next(periods_of(report(), dt.datetime(2020, 12, 30), "UTC"))
        assert (found.label, str(found.as_of)) == ("2020-W53", "2021-01-03")

    def test_a_time_that_the_clock_jumps_over(self):
        daily = report(every="day", at=dt.time(2, 30))
        found = itertools.islice(periods_of(daily, dt.datetime(2025, 3, 29), "Europe/Berlin"), 3)
        # On 30 March 02:30 does not exist; an hour is missing from the day.
        assert [str(p.ready_at) for p in found] == [
            "2025-03-29 01:30:00", "2025-03-30 01:30:00", "2025-03-31 00:30:00",
        ]  # fmt: skip


class TestYear:
    """A leap year in a zone with daylight saving, four looks a day, against what was expected."""

    REPORTS = (
        report(name="daily", every="day", at=dt.time(2, 30)),
        report(name="weekly", every="week"),
        report(name="monthly", every="month", languages=("en", "zh")),
        report(name="quarterly", every="quarter"),
        report(name="fridays", every="0 18 * * FRI"),
    )

    def live(self, *, hours, fails=lambda *_: False):
        schedule = ScheduleSettings(reports=self.REPORTS, catch_up_days=35, retries=2)
        entries, runs = [], []
        for now in hours:
            last = (now - dt.timedelta(hours=3)).date()
            for each in decisions(
                schedule, entries, now=now, last_day=last, timezone="America/New_York"
            ):
                if each.state == "run":
                    failed = fails(each, now)
                    runs.append((each.report.name, each.period.label, now, failed))
                    status = "failed" if failed else "done"
                    entries.append(
                        entry(
                            each.report,
                            each.period.label,
                            status,
                            at=now,
                            id=len(entries),
                            as_of=each.period.as_of,
                        )
                    )
        return runs

    def year(self):
        now, end = dt.datetime(2024, 1, 1, 12), dt.datetime(2024, 12, 31, 23)
        while now < end:
            yield now
            now += STEP

    def test_each_period_runs_once(self):
        runs = self.live(hours=self.year())
        done = [(name, label) for name, label, *_ in runs]
        assert len(set(done)) == len(done)
        by = {r.name: [label for name, label in done if name == r.name] for r in self.REPORTS}
        days = [str(dt.date(2023, 12, 31) + dt.timedelta(days=n)) for n in range(366)]
        assert by["daily"] == days  # 29 February among them, and both days of the clock
        assert by["weekly"] == ["2023-W52", *(f"2024-W{n:02d}" for n in range(1, 53))]
        assert by["monthly"] == ["2023-12", *(f"2024-{n:02d}" for n in range(1, 12))]
        assert by["quarterly"] == ["2023-Q4", "2024-Q1", "2024-Q2", "2024-Q3"]
        assert len(by["fridays"]) == 53
        assert "2024-02-29" in by["daily"]

    def test_missed_weeks_are_caught_up_to_an_age(self):
        away = (dt.datetime(2024, 4, 1), dt.datetime(2024, 7, 1))
        runs = self.live(hours=(h for h in self.year() if not away[0] <= h < away[1]))
        done = [(name, label) for name, label, *_ in runs]
        assert len(set(done)) == len(done)
        weeks = [label for name, label in done if name == "weekly"]
        missing = {f"2024-W{n:02d}" for n in range(1, 53)} - set(weeks)
        assert missing == {f"2024-W{n:02d}" for n in range(13, 21)}  # older than 35 days
        assert [label for name, label in done if name == "monthly"].count("2024-05") == 1

    def test_a_broken_week_is_tried_again_and_given_up(self):
        broken = (dt.datetime(2024, 6, 3), dt.datetime(2024, 6, 10))
        runs = self.live(hours=self.year(), fails=lambda _, now: broken[0] <= now < broken[1])
        tries = [now for name, label, now, _ in runs if (name, label) == ("weekly", "2024-W22")]
        assert len(tries) == 3  # the first, and two more
        daily = [now for name, label, now, _ in runs if (name, label) == ("daily", "2024-06-05")]
        assert len(daily) == 3
        assert all(not failed for *_, now, failed in runs if now >= broken[1])


class TestDecisions:
    NOW = dt.datetime(2025, 3, 3, 12)

    def decided(self, entries=(), last="2025-03-02", now=None, **given):
        schedule = ScheduleSettings(reports=(report(**given),), backoff_minutes=10)
        last_day = dt.date.fromisoformat(last) if last else None
        found = decisions(
            schedule, list(entries), now=now or self.NOW, last_day=last_day, timezone="UTC"
        )
        return {d.period.label: (d.state, d.why) for d in found}

    def test_it_waits_for_data(self):
        assert self.decided(last="2025-03-01")["2025-W09"] == (
            "waits", "for data up to 2025-03-02; they end on 2025-03-01"
        )  # fmt: skip
        assert self.decided(last=None)["2025-W09"][1].endswith("there are none")
        assert self.decided(last="2025-03-01", fresh_days=1)["2025-W09"][0] == "run"

    def test_a_first_run_begins_with_the_newest(self):
        assert [s for s, _ in self.decided().values()] == ["run", "waits"]

    def test_it_pauses_longer_after_each_try(self):
        of = report()
        for tries, minutes in ((1, 10), (2, 20), (3, 40)):
            entries = [
                entry(of, "2025-W09", "failed", at=self.NOW, id=n, as_of=dt.date(2025, 3, 2))
                for n in range(tries)
            ]
            for after, state in ((minutes - 1, "waits"), (minutes, "run")):
                now = self.NOW + dt.timedelta(minutes=after)
                assert self.decided(entries, now=now)["2025-W09"][0] == state
        given = {"at": self.NOW, "error": "no disk", "as_of": dt.date(2025, 3, 2)}
        entries = [entry(of, "2025-W09", "failed", **given) for _ in range(4)]
        assert self.decided(entries)["2025-W09"] == ("given up", "after 4 tries; last: no disk")

    def test_a_clock_that_was_set_back_does_not_block(self):
        later = self.NOW + dt.timedelta(days=400)
        failed = entry(report(), "2025-W09", "failed", at=later, as_of=dt.date(2025, 3, 2))
        assert self.decided([failed])["2025-W09"][0] == "run"

    def test_other_parameters_make_another_report(self):
        done = [entry(report(), "2025-W09")]
        assert self.decided(done)["2025-W09"][0] == "done"
        assert self.decided(done, parameters={"bins": 3})["2025-W09"][0] == "run"


class TestSettings:
    def read(self, tmp_path, words):
        path = tmp_path / "crmkit.toml"
        path.write_text(BOOK.format(zone="UTC") + words, encoding="utf-8")
        return read_settings(path)

    def test_a_whole_section(self, tmp_path):
        found = self.read(
            tmp_path,
            '[schedule]\nretries = 1\nalert = "cat"\n'
            '[schedule.mail]\nhost = "mail.example"\nsender = "a@example.com"\n'
            '[[schedule.reports]]\nname = "rfm"\nnotebooks = ["rfm"]\nevery = "month"\n'
            'at = 06:30:00\nlanguages = ["zh"]\naudience = ["b@example.com"]\n',
        ).schedule
        assert found.reports[0].at == dt.time(6, 30)
        assert found.mail.host == "mail.example"

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("[schedule]\nretrys = 1\n", "Did you mean 'retries'"),
            ('[[schedule.reports]]\nname = "a"\nnotebooks = []\n', "notebooks"),
            ('[[schedule.reports]]\nname = "a"\nnotebooks = ["x"]\nevery = "weak"\n', "cron"),
            ('[[schedule.reports]]\nname = "a"\nnotebooks = ["x"]\naudience = ["me"]\n', "mail"),
            ('[[schedule.reports]]\nname = "a"\nnotebook = ["x"]\n', "Did you mean 'notebooks'"),
            ('[[schedule.reports]]\nname = "a"\nnotebooks = ["x"]\n' * 2, "called 'a'"),
            ('[schedule.mail]\nhost = "x"\nsender = "a@b"\nprot = 3\n', "Did you mean 'port'"),
        ],
    )
    def test_what_cannot_be(self, tmp_path, words, said):
        with pytest.raises(SettingsError, match=said):
            self.read(tmp_path, words)


@pytest.fixture
def firm(tmp_path):
    """A settings file with a daily report of a fake notebook, and a `make` that notes its calls."""
    path = tmp_path / "crmkit.toml"
    path.write_text(
        BOOK.format(zone="UTC")
        + '[schedule]\nretries = 1\nalert = "cat >> alerts.txt"\n'
        + '[[schedule.reports]]\nname = "daily"\nnotebooks = ["rfm"]\nevery = "day"\n',
        encoding="utf-8",
    )
    return path


def published(*_, **asked):
    manifest = SimpleNamespace(done=True, digest=SimpleNamespace(fingerprint="f00"))
    return SimpleNamespace(failed=(), reports=(manifest,))


def running(firm, make=published, now="2025-03-03T12:00", **given):
    at = dt.datetime.fromisoformat(now)
    return run_due(firm, clock=lambda: at, last_day=lambda: dt.date(2025, 3, 2), make=make, **given)


class TestRunner:
    def test_what_is_due_runs_once(self, firm):
        asked = []

        def make(*args, **given):
            asked.append(given)
            return published()

        assert [o.decision.period.label for o in running(firm, make)] == ["2025-03-02"]
        assert running(firm, make) == ()
        assert len(asked) == 1
        assert asked[0]["period"] == "2025-03-02"
        runs = ledger_of(read_settings(firm)).entries()
        assert [(r.status, r.data) for r in runs] == [("done", "f00")]

    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (ReportError("no templates"), "no templates"),
            (OSError(28, "No space left on device"), "The disk of 'reports' is full"),
        ],
    )
    def test_a_failure_is_told_and_tried_again(self, firm, fault, words, monkeypatch):
        monkeypatch.chdir(firm.parent)

        def make(*_, **__):
            raise fault

        (outcome,) = running(firm, make)
        assert words in outcome.error
        assert "daily 2025-03-02" in (firm.parent / "alerts.txt").read_text(encoding="utf-8")
        assert running(firm, make) == ()  # it pauses
        assert running(firm, now="2025-03-03T12:20")[0].done

    def test_an_interruption_is_written_down(self, firm):
        def make(*_, **__):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            running(firm, make)
        assert [r.status for r in ledger_of(read_settings(firm)).entries()] == ["killed"]

    def test_two_starters(self, firm):
        inside, go_on = threading.Event(), threading.Event()

        def make(*_, **__):
            inside.set()
            assert go_on.wait(10)
            return published()

        first = threading.Thread(target=running, args=(firm, make))
        first.start()
        assert inside.wait(10)
        with pytest.raises(BusyError, match="nothing was run"):
            running(firm)
        go_on.set()
        first.join()
        assert [r.status for r in ledger_of(read_settings(firm)).entries()] == ["done"]

    def test_eight_starters_publish_once(self, firm):
        made, told = [], []

        def make(*_, **__):
            made.append(1)
            time.sleep(0.05)
            return published()

        def start():
            with contextlib.suppress(BusyError):
                told.extend(running(firm, make))

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == len(told) == 1

    def test_the_ledger_refuses_a_second_publication(self, tmp_path):
        ledger = Ledger(tmp_path / "x" / "schedule.sqlite")
        given = {"report": "a", "key": "k", "period": "p", "as_of": dt.date(2025, 1, 1)}
        now = dt.datetime(2025, 1, 2)
        first, second = (ledger.begin(**given, now=now) for _ in range(2))
        ledger.end(first, status="done", now=now)
        with pytest.raises(ReportError, match="UNIQUE"):
            ledger.end(second, status="done", now=now)

    def test_a_damaged_ledger_is_said(self, firm):
        path = ledger_of(read_settings(firm)).path
        path.parent.mkdir()
        path.write_bytes(b"not a database, but long enough to look like one" * 40)
        with pytest.raises(ReportError, match="move it away"):
            running(firm)

    @pytest.mark.parametrize("moment", range(5))
    def test_a_killed_process_leaves_a_run_that_is_tried_again(self, firm, moment):
        code = (
            "import datetime as dt, sys, time\n"
            "sys.path[:0] = ['tests/reports']\n"
            "from crmkit.reports.schedule import run_due\n"
            "def make(*a, **k):\n"
            "    print('in', flush=True); time.sleep(30)\n"
            f"run_due({str(firm)!r}, clock=lambda: dt.datetime(2025, 3, 3, 12), "
            "last_day=lambda: dt.date(2025, 3, 2), make=make)\n"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"in\n"
            time.sleep(0.02 * moment)
            os.kill(process.pid, signal.SIGKILL)
        assert [r.status for r in ledger_of(read_settings(firm)).entries()] == ["running"]
        assert running(firm, now="2025-03-03T12:01") == ()  # settled as killed, and pausing
        assert running(firm, now="2025-03-03T12:30")[0].done
        runs = ledger_of(read_settings(firm)).entries()
        assert [r.status for r in runs] == ["killed", "done"]


class Server(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it is given."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.mails: list[str] = []


class Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        def say(words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

        say("220 here")
        while line := self.rfile.readline().decode().strip():
            if line.upper() == "DATA":
                say("354 go on")
                lines = []
                while (row := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(row)
                self.server.mails.append("".join(lines))
            elif line.upper() == "QUIT":
                say("221 bye")
                return
            say("250 fine")


class TestMail:
    @pytest.fixture
    def server(self):
        with Server() as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server
            server.shutdown()

    def telling(self, firm, port):
        words = firm.read_text(encoding="utf-8").replace('alert = "cat >> alerts.txt"', "")
        words = words.replace('every = "day"', 'every = "day"\naudience = ["boss@example.com"]')
        words += (
            f'[schedule.mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
            'sender = "crmkit@example.com"\noperators = ["it@example.com"]\n'
        )
        firm.write_text(words, encoding="utf-8")
        return Telling.of(read_settings(firm))

    def test_success_to_the_audience_failure_to_the_operators(self, firm, server):
        telling = self.telling(firm, server.server_address[1])
        running(firm, telling=telling)
        assert "To: boss@example.com" in server.mails[0]
        assert "Report: daily 2025-03-02" in server.mails[0]

        def make(*_, **__):
            raise ReportError("no disk")

        running(firm, make, now="2025-03-04T12:00", telling=telling)
        assert not telling.troubles
        assert len(server.mails) == 1  # there were no data for that day yet
        run_due(
            firm, clock=lambda: dt.datetime(2025, 3, 4, 12),
            last_day=lambda: dt.date(2025, 3, 3), make=make, telling=telling,
        )  # fmt: skip
        assert "To: it@example.com" in server.mails[1]
        assert "no disk" in server.mails[1]

    def test_a_dead_server_does_not_make_a_report_fail(self, firm):
        telling = self.telling(firm, 1)
        (outcome,) = running(firm, telling=telling)
        assert outcome.done
        assert telling.troubles[0].startswith("mail to 1")


class TestExport:
    def test_the_files(self, tmp_path):
        settings = tmp_path / "a firm" / "crmkit.toml"
        cron = exported("cron", settings)["crmkit.cron"]
        assert f"due --run '{settings}'" in cron
        units = exported("systemd", settings)
        assert "Persistent=true" in units["crmkit-due.timer"]
        assert "OnFailure=" in units["crmkit-due.service"]
        ast.parse(exported("airflow", settings)["crmkit_due.py"])
        assert "concurrencyPolicy: Forbid" in exported("kubernetes", settings)["crmkit-due.yaml"]
        with pytest.raises(ParameterError, match="Did you mean 'cron'"):
            exported("corn", settings)

    def test_airflow_reads_its_file(self, tmp_path):
        pytest.importorskip("airflow")
        path = tmp_path / "crmkit_due.py"
        path.write_text(exported("airflow", tmp_path / "crmkit.toml")["crmkit_due.py"])
        subprocess.run([sys.executable, str(path)], check=True)
