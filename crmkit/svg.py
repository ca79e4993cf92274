"""SVG made fit for a report: no inline styles, no stray ids, hover text, colours of the page.

A report forbids inline styles by its content security policy, and follows the reader's light or
dark theme; matplotlib writes styles and fixed colours. The same drawing with its plain colours
serves the PDF.
"""

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from crmkit.printable import printable

__all__ = ["COLOURS", "clean", "themed"]

COLOURS = {
    "ink": "#1f2430",
    "muted": "#667085",
    "line": "#d5d9e2",
    "accent": "#2b63c6",
    "second": "#c2551a",
    "paper": "#fefefe",
}
"""The colours that a chart may use, by their part; a page gives each its own shade."""

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_STROKES = {"stroke-linejoin": "round", "stroke-linecap": "butt"}

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


def clean(drawing: str, *, prefix: str, alt: str, hovers: Mapping[str, str]) -> str:
    """A matplotlib SVG without styles, metadata and stray ids.

    Parameters: `prefix`, put before the ids that stay, so that several drawings share a page;
    `alt`, the alternative text; `hovers`, words shown on hovering by the id of the mark.
    """
    root = ET.fromstring(printable(drawing))
    for found in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(found)
    for definitions in root.iter(f"{{{_SVG}}}defs"):
        for style in definitions.findall(f"{{{_SVG}}}style"):
            definitions.remove(style)
    used = _referenced(root)
    for element in root.iter():
        _style_to_attributes(element)
        _hover(element, hovers)
        _keep_id(element, used, prefix)
        _point_to(element, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib.update({"role": "img", "aria-label": alt, **_STROKES})
    _drop_empty(root)
    return printable(ET.tostring(root, encoding="unicode"))


def themed(drawing: str) -> str:
    """The drawing in the page's colours and font, with its own where the page sets none."""
    for part, colour in COLOURS.items():
        drawing = drawing.replace(f'"{colour}"', f'"var(--ck-{part}, {colour})"')
    return re.sub(r' font-family="[^"]*"', "", drawing)


def _referenced(root: ET.Element) -> set[str]:
    used: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            used.update(_REFERENCE.findall(value))
            if name == f"{{{_XLINK}}}href":
                used.add(value.removeprefix("#"))
    return used


def _style_to_attributes(element: ET.Element) -> None:
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = declaration.partition(":")
        if value:
            element.attrib.update(_attributes(name.strip(), value.strip()))


def _attributes(name: str, value: str) -> dict[str, str]:
    if name != "font":
        return {name: value}
    found = re.match(r"(?:(\d+|bold|normal|italic) )*([\d.]+)px (.+)", value)
    if found is None:
        return {}
    return {"font-size": found[2], "font-family": found[3].replace("'", "")}


def _hover(element: ET.Element, hovers: Mapping[str, str]) -> None:
    words = hovers.get(element.get("id", ""))
    if words:
        title = ET.Element(f"{{{_SVG}}}title")
        title.text = words
        element.insert(0, title)


def _keep_id(element: ET.Element, used: set[str], prefix: str) -> None:
    own = element.attrib.pop("id", None)
    if own in used:
        element.set("id", f"{prefix}-{own}")


def _point_to(element: ET.Element, prefix: str) -> None:
    for name, value in list(element.attrib.items()):
        if name == f"{{{_XLINK}}}href":
            element.set(name, f"#{prefix}-{value.removeprefix('#')}")
        elif "url(#" in value:
            element.set(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _drop_empty(parent: ET.Element) -> None:
    for child in list(parent):
        _drop_empty(child)
        if child.tag in (f"{{{_SVG}}}g", f"{{{_SVG}}}defs") and len(child) == 0:
            parent.remove(child)
