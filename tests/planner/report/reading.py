"""Reads what the report writes: strict balance of HTML tags, words and shapes of an SVG."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"meta", "br", "wbr", "link", "img", "hr", "col", "input"}
SVG = "{http://www.w3.org/2000/svg}"


class Strict(HTMLParser):
    """Fails on a tag that is closed out of turn; keeps words, ids and links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is out of turn"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def read_html(document: str) -> Strict:
    reader = Strict()
    reader.feed(document)
    reader.close()
    assert reader.open == []
    return reader


def read_svg(drawn: str) -> ElementTree.Element:
    root = ElementTree.fromstring(drawn)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text
    return root


def texts(root: ElementTree.Element) -> list[str]:
    """What every text element says, its lines joined by spaces."""
    return [re.sub(r"\s+", " ", " ".join(t.itertext())).strip() for t in root.iter(f"{SVG}text")]


def shapes(root: ElementTree.Element, name: str, style: str = "") -> list[dict[str, str]]:
    found = [dict(e.attrib) for e in root.iter(f"{SVG}{name}")]
    return [e for e in found if style in e.get("class", "").split() or not style]
