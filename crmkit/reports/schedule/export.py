"""Files for what starts things on time: cron, systemd, Airflow, Kubernetes.

Each only calls `crmkit due --run` often; what is due is decided there, so that a start that was
missed, or came twice, does no harm.
"""

import sys
from pathlib import Path
from typing import Literal, get_args

from crmkit.errors import ParameterError, nearest

__all__ = ["Target", "exported"]

Target = Literal["cron", "systemd", "airflow", "kubernetes"]


def exported(target: str, settings: Path) -> dict[str, str]:
    """The files of a scheduler, by name.

    Parameters: `target`, cron, systemd, airflow or kubernetes; `settings`, the crmkit.toml.
    Raises: ParameterError for another one.

    >>> list(exported("systemd", Path("/srv/shop/crmkit.toml")))
    ['crmkit-due.service', 'crmkit-due.timer', 'crmkit-alert.service']
    """
    if target not in get_args(Target):
        guess = nearest(target, get_args(Target))
        hint = f" Did you mean {guess!r}?" if guess else ""
        there = ", ".join(get_args(Target))
        raise ParameterError(f"There is no scheduler {target!r}.{hint} Give one of: {there}.")
    program = Path(sys.executable).parent / "crmkit"
    makers = {"cron": _cron, "systemd": _systemd, "airflow": _airflow, "kubernetes": _kubernetes}
    return makers[target](str(program), settings)


def _cron(program: str, settings: Path) -> dict[str, str]:
    return {
        "crmkit.cron": f"# Every 15 minutes: what is due, each period once.\n"
        f"*/15 * * * * {_quoted(program)} due --run {_quoted(str(settings))} "
        f">> {_quoted(str(settings.parent / 'crmkit-due.log'))} 2>&1\n"
    }


def _systemd(program: str, settings: Path) -> dict[str, str]:
    return {
        "crmkit-due.service": f"""[Unit]
Description=Reports that are due
OnFailure=crmkit-alert.service

[Service]
Type=oneshot
ExecStart={_quoted(program)} due --run {_quoted(str(settings))}
WorkingDirectory={settings.parent}
SuccessExitStatus=3
""",
        "crmkit-due.timer": """[Unit]
Description=Looks every 15 minutes for reports that are due

[Timer]
OnCalendar=*:0/15
Persistent=true

[Install]
WantedBy=timers.target
""",
        "crmkit-alert.service": f"""[Unit]
Description=Says which reports failed

[Service]
Type=oneshot
ExecStart={_quoted(program)} history --failed {_quoted(str(settings))}
""",
    }


def _airflow(program: str, settings: Path) -> dict[str, str]:
    return {
        "crmkit_due.py": f'''"""Reports that are due: crmkit decides which."""

from datetime import datetime, timedelta

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id="crmkit_due",
    schedule="*/15 * * * *",
    start_date=datetime(2025, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={{"retries": 0, "execution_timeout": timedelta(hours=2)}},
) as dag:
    BashOperator(
        task_id="due",
        bash_command={f"{_quoted(program)} due --run {_quoted(str(settings))}"!r},
        skip_on_exit_code=3,
    )
'''
    }


def _kubernetes(program: str, settings: Path) -> dict[str, str]:
    return {
        "crmkit-due.yaml": f"""apiVersion: batch/v1
kind: CronJob
metadata:
  name: crmkit-due
spec:
  schedule: "*/15 * * * *"
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 600
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: crmkit
              image: crmkit:latest  # an image with this folder and its .venv
              command: ["{program}", "due", "--run", "{settings}"]
              volumeMounts:
                - name: firm
                  mountPath: "{settings.parent}"
          volumes:
            - name: firm
              persistentVolumeClaim:
                claimName: crmkit
"""
    }


def _quoted(words: str) -> str:
    """For a shell, where it needs it."""
    import shlex  # noqa: PLC0415

    return shlex.quote(words)
