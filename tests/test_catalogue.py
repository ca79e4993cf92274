"""Every word a reader sees has a Chinese translation, and no translation is left over."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.pofile import read_po

from crmkit import places

ROOT = Path(__file__).resolve().parents[1]
MARKS = {"say", "message"}


def _messages_of_code() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "crmkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            if name in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, f"{path.name}:{node.lineno}"


def _messages_of_notebooks() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                yield "".join(cell["source"]), path.name


def _messages_of_templates() -> Iterator[tuple[str, str]]:
    called = re.compile(r"""\b(?:say|_)\(\s*["']([^"']+)["']""")
    for path in sorted(places.templates().rglob("*.j2")):
        for found in called.findall(path.read_text(encoding="utf-8")):
            yield found, path.name


def _messages() -> dict[str, str]:
    sources = (_messages_of_code, _messages_of_notebooks, _messages_of_templates)
    return {words: where for source in sources for words, where in source()}


def _translations() -> list[tuple[str, str, str, bool]]:
    found = []
    for path in sorted((places.templates() / "locale" / "zh_CN").glob("*.po")):
        with path.open("rb") as file:
            found += [
                (path.name, str(entry.id), str(entry.string), entry.fuzzy)
                for entry in read_po(file)
                if entry.id
            ]
    return found


def test_every_message_is_translated():
    translated = {words for _, words, chinese, fuzzy in _translations() if chinese and not fuzzy}
    missing = {words: where for words, where in _messages().items() if words not in translated}
    assert not missing


def test_no_translation_is_left_over():
    used = _messages()
    assert not [(file, words) for file, words, _, _ in _translations() if words not in used]


def test_no_message_is_translated_twice():
    words = [words for _, words, _, _ in _translations()]
    assert len(words) == len(set(words))


def test_translations_keep_the_names_to_fill_in():
    def names(words: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", words))

    wrong = [
        (file, words, chinese)
        for file, words, chinese, _ in _translations()
        if not words.startswith("#") and names(words) != names(chinese)
    ]
    assert not wrong


def test_message_is_given_literals():
    loose = []
    for path in sorted((ROOT / "crmkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", None) or getattr(
                getattr(node, "func", None), "attr", None
            )
            if isinstance(node, ast.Call) and name == "message":
                loose += [f"{path}:{node.lineno}"] * (not isinstance(node.args[0], ast.Constant))
    assert not loose
