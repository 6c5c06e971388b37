"""Sections of prose: Markdown headings, reST underlines, or stretches of plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from groundup.data import spans
from groundup.data.document import lines_of
from groundup.data.python_parse import Found

MAX_SECTION_LINES = 60  # a longer section is cut at blank lines into several
_RST = re.compile(r"^([=\-~^\"'+*#:.`_])\1{2,}\s*$")


@dataclass(frozen=True)
class Heading:
    """A heading: level (1 is the highest), text, its line and the first line of its body."""

    level: int
    title: str
    line: int
    body: int


def markdown_headings(text: str) -> list[Heading]:
    """Headings of a Markdown text as CommonMark has them (not those inside code blocks)."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(text)
    found = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map is not None and token.level == 0:
            title = " ".join(child.content for child in inline.children or () if child.content)
            title = re.sub(r"\s+", " ", title).strip()
            found.append(Heading(int(token.tag[1]), title, token.map[0] + 1, token.map[1] + 1))
    return found


def rst_headings(text: str) -> list[Heading]:
    """Headings of a reStructuredText: a line underlined by one character, levels by first use."""
    lines, order = lines_of(text), []
    found = []
    for index in range(len(lines) - 1):
        title, under = lines[index].rstrip(), _RST.match(lines[index + 1])
        if not under or not title.strip() or title.startswith(" ") or _RST.match(title):
            continue
        if len(lines[index + 1].rstrip()) < len(title):
            continue
        if under[1] not in order:
            order.append(under[1])
        found.append(Heading(order.index(under[1]) + 1, title.strip(), index + 1, index + 3))
    return found


def sections(text: str, headings: list[Heading], title: str, first_line: int = 1) -> list[Found]:
    """The text cut at its headings; each section is named by its path of headings.

    first_line: line of the file on which the text begins.
    """
    lines = lines_of(text)
    stops = [heading.line for heading in headings] + [len(lines) + 1]
    found = _pieces(lines, 1, stops[0] - 1, title, first_line)
    path: list[Heading] = []
    for heading, stop in zip(headings, stops[1:], strict=True):
        path = [above for above in path if above.level < heading.level] + [heading]
        titles = [above.title for above in path if above.title]
        name = " > ".join([title, *(t for t in titles if t.casefold() != title.casefold())])
        found += _pieces(lines, heading.body, stop - 1, name, first_line)
    return found


def _pieces(lines: list[str], start: int, end: int, name: str, first_line: int) -> list[Found]:
    """Lines start..end as one section, or as several where they are many."""
    found: list[Found] = []
    for first, last in _cuts(lines, start, end):
        text = "\n".join(lines[first - 1 : last])
        if not text.strip():
            continue
        content = spans.Doc(text, first + first_line - 1)
        numbers = (first + first_line - 1, last + first_line - 1)
        none = spans.NOTHING
        found.append(
            Found("section", name, "", (0, 0), text, numbers, spans.summary(content), none, none)
        )
    return found


def _cuts(lines: list[str], start: int, end: int) -> list[tuple[int, int]]:
    """Line ranges of at most MAX_SECTION_LINES, without blank edges, cut at blank lines."""
    found = []
    while start <= end:
        if not lines[start - 1].strip():
            start += 1
            continue
        last = min(end, start + MAX_SECTION_LINES - 1)
        if last < end:
            blank = next((n for n in range(last, start, -1) if not lines[n - 1].strip()), last)
            last = blank
        kept = last
        while not lines[kept - 1].strip():
            kept -= 1
        found.append((start, kept))
        start = last + 1
    return found
