"""The Telco recipe: the code of its README runs and gives the figures it states."""

import re
import shutil
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "examples" / "telco" / "README.md"


def test_the_readme_is_true(shared_data, tmp_path, monkeypatch):
    if not (shared_data / "Telco-Customer-Churn.csv").exists():
        pytest.skip("the published data are not here")
    shutil.copy(shared_data / "Telco-Customer-Churn.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    text = README.read_text(encoding="utf-8")
    found: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], found)
    model, survival = found["model"], found["survival"]
    assert f"{model.left:,} of {model.n:,} ({model.rate:.2%}".replace("%", " %") in text
    assert f"{model.roc_auc:.1%}".replace("%", " %") in text
    stays = ", ".join(f"{s:.4f}".lstrip("0") for s in survival.points.survival)
    assert stays in text
    monthly = survival.group_points[survival.group_points.group == "Month-to-month"]
    assert ", ".join(f"{s:.4f}".lstrip("0") for s in monthly.survival) in text
    assert f"{survival.log_rank.chi2:.2f}" in text
