"""Any crmkit.toml whatever is read, or refused with a message that names it."""

import copy
import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.errors import SettingsError
from crmkit.settings import read_settings

DEMO = tomllib.loads((Path(__file__).parents[2] / "crmkit.toml").read_text(encoding="utf-8"))
SECTIONS = """
[site]
keep = 9
[roles.sales]
sees = ["phone"]
[schedule]
retries = 2
[[schedule.reports]]
name = "weekly"
notebooks = ["rfm"]
parameters = {bins = 5}
[schedule.mail]
host = "mail"
sender = "a@b"
[[dialers]]
format = "vicidial"
folder = "logs"
"""
WHOLE = DEMO | tomllib.loads(SECTIONS)

WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
SIMPLE = st.one_of(
    WORDS,
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.dates(dt.date(1, 1, 1)),
    st.times(),
    st.sampled_from(["UTC", "day", "0 0 31 2 *", "{", "'; drop table x", "../..", "\x00", "=1"]),
)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
RUNS = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = settings(RUNS, max_examples=20_000)


def toml(value: object) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def check(folder: Path, content: bytes) -> None:
    file = folder / "crmkit.toml"
    file.write_bytes(content)
    try:
        read_settings(file)
    except SettingsError as error:
        assert "crmkit.toml" in str(error)
        assert len(str(error)) < 5_000


def changed(draw: st.DrawFn) -> dict:
    """The whole example with a few values replaced, keys added or taken away."""
    made = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        place: object = made
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or draw(st.integers(0, 3)) == 0:
                _change(draw, place, key)
                break
            place = place[key]
    return made


def _change(draw: st.DrawFn, place: dict | list, key: str | int) -> None:
    what = draw(st.sampled_from(["replace", "add", "take"]))
    if what == "replace" or isinstance(place, list):
        place[key] = draw(VALUES)
    elif what == "add":
        place[draw(WORDS)] = draw(VALUES)
    else:
        del place[key]


CHANGED = st.composite(changed)()


@RUNS
@given(content=st.binary(max_size=200))
def test_any_bytes(content: bytes, tmp_path: Path) -> None:
    check(tmp_path, content)


@RUNS
@given(given=st.dictionaries(st.sampled_from(list(WHOLE)), VALUES))
def test_any_values_under_known_names(given: dict, tmp_path: Path) -> None:
    lines = [f"{toml(key)} = {toml(value)}" for key, value in given.items()]
    check(tmp_path, "\n".join(lines).encode())


@RUNS
@given(made=CHANGED)
def test_a_sound_file_with_a_few_changes(made: dict, tmp_path: Path) -> None:
    check(tmp_path, "\n".join(f"{toml(k)} = {toml(v)}" for k, v in made.items()).encode())


@pytest.mark.slow
@MANY
@given(made=CHANGED)
def test_a_sound_file_with_a_few_changes_many_times(made: dict, tmp_path: Path) -> None:
    check(tmp_path, "\n".join(f"{toml(k)} = {toml(v)}" for k, v in made.items()).encode())
