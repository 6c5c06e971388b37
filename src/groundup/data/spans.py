"""Where a docstring says what it does, returns and raises: verbatim spans, found by rules.

Google, NumPy, Sphinx and plain-prose styles. A `Doc` is the docstring as it stands in the file
(indentation kept, quotes cut), so a span of it is always a slice of the file's lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SPAN_LINES = 12  # a longer Returns or Raises section is cut after this many lines
MAX_SPAN_CHARACTERS = 900


@dataclass(frozen=True)
class Doc:
    """Docstring content and the line of the file on which it begins."""

    text: str
    first_line: int


@dataclass(frozen=True)
class Span:
    """A verbatim quote and the lines that hold it; the empty span has lines 0."""

    text: str = ""
    start: int = 0
    end: int = 0


NOTHING = Span()
_OPEN = re.compile(r"\s*[rRuUbB]{0,2}(\"\"\"|'''|\"|')")
_CLOSE = re.compile(r"(\"\"\"|'''|\"|')[^\"']*$")
_EXCEPTION = (
    r"(?:[A-Za-z_]\w*\.)*(?:[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt|Timeout|Full|Empty)"
    r"|StopIteration|StopAsyncIteration)\b"
)
_STOP = re.compile(r"[.!?](?=\s)")
_BLANK = re.compile(r"\n[ \t]*\n")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|resp|Fig|No|St|Eq|Ref)|\b[A-Z])\.$")
_RETURNS = re.compile(r"(?:Always |Also )?Returns?\b|The return value\b|(?:It|This) returns\b")
_RAISES = re.compile(rf"\b[Rr]ais(?:es?|ed|ing)\b.*?{_EXCEPTION}|{_EXCEPTION}.*?\braised\b", re.S)
_UNDERLINE = re.compile(r"^[ \t]*([-=~^])\1{2,}[ \t]*$")
_GOOGLE = r"^([ \t]*)(?:{names})[ \t]*:[ \t]*(.*)$"
_FIELD = re.compile(r"^[ \t]*:\w[^:\n]*:")
_CALL_FORM = re.compile(r"\s*([\w.]+\((?:[^()]|\([^()]*\))*\)(?:[ ]*->[^\n]*)?)")
_NO_PROSE = re.compile(r"\s*(?:!!!|\.\. |--\s*$|>>>|@)")
_ARROW = re.compile(r"\)[ ]*->[ ]*([^\n]+)")
_CALL_LINE = re.compile(r"^[\w.]+ ?\(.*")


def doc_from_source(lines: list[str], first_line: int) -> Doc:
    """The docstring whose literal fills `lines` of a file, without its quotes."""
    content = list(lines)
    content[-1] = _CLOSE.sub("", content[-1])
    opening = _OPEN.match(content[0])
    content[0] = content[0][opening.end() :] if opening else content[0]
    return Doc("\n".join(content), first_line)


def span_at(doc: Doc, start: int, end: int) -> Span:
    """The span between two offsets of the text, trimmed; NOTHING when only white space is left."""
    text = doc.text[start:end]
    kept = text.strip()
    if not kept:
        return NOTHING
    start += len(text) - len(text.lstrip())
    first = doc.first_line + doc.text.count("\n", 0, start)
    return Span(kept, first, first + kept.count("\n"))


def sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of prose; a blank line ends one, abbreviations do not."""
    found: list[tuple[int, int]] = []
    for start, end in paragraphs(text):
        begin = start
        for match in _STOP.finditer(text, start, end):
            if not _ABBREVIATION.search(text, begin, match.end()):
                found.append((begin, match.end()))
                begin = match.end()
        if text[begin:end].strip():
            found.append((begin, end))
    return found


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Offsets of the stretches of text between blank lines."""
    found, start = [], 0
    for match in _BLANK.finditer(text):
        found.append((start, match.start()))
        start = match.end()
    found.append((start, len(text)))
    return [(a, b) for a, b in found if text[a:b].strip()]


def summary(doc: Doc) -> Span:
    """The first sentence that is not merely the call's form (`f(x) -> y`), as C docs have it."""
    form = _CALL_FORM.match(doc.text)
    called = form.end() if form else 0  # numpy and C write the call, then a line of two dashes
    for start, end in paragraphs(doc.text):
        start = max(start, min(called, end))
        start += _skip_call_lines(doc.text[start:end])
        if _NO_PROSE.match(doc.text, start, end):
            continue
        first = sentences(doc.text[start:end])
        if first:
            return span_at(doc, start, start + first[0][1])
    arrow = _ARROW.search(doc.text)  # "random() -> x in the interval [0, 1)." says it all
    return span_at(doc, arrow.start(1), arrow.end(1)) if arrow else NOTHING


def _skip_call_lines(paragraph: str) -> int:
    """Offset after the leading lines that show a call: `dict(iterable) -> new dictionary`."""
    offset, indent = 0, -1
    for line in paragraph.split("\n"):
        bare = line.strip().strip("-")
        call = bool(_CALL_LINE.match(bare)) and (bare.endswith(")") or "->" in bare)
        if bare and not call and not (0 <= indent < _indent(line)):
            break
        if call:
            indent = _indent(line) if offset or indent >= 0 else 0
        offset += len(line) + 1
    return min(offset, len(paragraph))


def call_form(doc: Doc) -> Span:
    """The `name(arguments) -> type` with which docs of compiled functions begin, if they do."""
    match = _CALL_FORM.match(doc.text)
    return span_at(doc, match.start(1), match.end(1)) if match else NOTHING


def returns(doc: Doc) -> Span:
    """What the docstring says is returned: a section, a field or a sentence, in this order."""
    section = _numpy_section(doc, ("Returns", "Return", "Yields"))
    section = section or _google_section(doc, "Returns?|Yields?|Return value")
    section = section or _field(doc, r"returns?")
    return _bounded(doc, section) if section else _prose(doc, _RETURNS, at_start=True)


def raises(doc: Doc) -> Span:
    """What the docstring says is raised: a section, fields or a sentence naming an exception."""
    section = _numpy_section(doc, ("Raises",)) or _google_section(doc, "Raises?|Exceptions?")
    section = section or _field(doc, r"(?:raises?|except|exception)\b[^:\n]*")
    return _bounded(doc, section) if section else _prose(doc, _RAISES, at_start=False)


def _bounded(doc: Doc, section: tuple[int, int]) -> Span:
    """The section, cut at a line end to what fits a quoted answer."""
    start, end = section
    kept = end
    for lines, match in enumerate(re.finditer("\n", doc.text[start:end]), 1):
        if lines >= MAX_SPAN_LINES or match.start() > MAX_SPAN_CHARACTERS:
            kept = start + match.start()
            break
    return span_at(doc, start, kept)


def _lines_with_offsets(text: str) -> list[tuple[int, str]]:
    found, offset = [], 0
    for line in text.split("\n"):
        found.append((offset, line))
        offset += len(line) + 1
    return found


def _numpy_section(doc: Doc, titles: tuple[str, ...]) -> tuple[int, int] | None:
    """Offsets of the body under `Returns` underlined with dashes; ends at the next such title."""
    lines = _lines_with_offsets(doc.text)
    for number in range(len(lines) - 2):
        if lines[number][1].strip() in titles and _UNDERLINE.match(lines[number + 1][1]):
            last = number + 2
            while last < len(lines) and not _is_title(lines, last):
                last += 1
            end = lines[last][0] - 1 if last < len(lines) else len(doc.text)
            if doc.text[lines[number + 2][0] : end].strip():
                return lines[number + 2][0], end
    return None


def _is_title(lines: list[tuple[int, str]], number: int) -> bool:
    below = lines[number + 1][1] if number + 1 < len(lines) else ""
    return bool(lines[number][1].strip()) and bool(_UNDERLINE.match(below))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _google_section(doc: Doc, names: str) -> tuple[int, int] | None:
    """Offsets of the indented block below `Returns:` (or of the text behind it)."""
    title = re.compile(_GOOGLE.format(names=names))
    lines = _lines_with_offsets(doc.text)
    for number, (offset, line) in enumerate(lines):
        match = title.match(line)
        if match is None:
            continue
        start = offset + match.start(2) if match.group(2) else offset + len(line)
        last = number + 1
        while last < len(lines) and (
            not lines[last][1].strip() or _indent(lines[last][1]) > len(match.group(1))
        ):
            last += 1
        end = lines[last][0] - 1 if last < len(lines) else len(doc.text)
        if doc.text[start:end].strip():
            return start, end
    return None


def _field(doc: Doc, name: str) -> tuple[int, int] | None:
    """Offsets from the first Sphinx field `:name: …` to the end of the last one of its run."""
    opening = re.compile(rf"^[ \t]*:{name}:(?=\s)")
    lines = _lines_with_offsets(doc.text)
    first = next((n for n, (_, line) in enumerate(lines) if opening.match(line)), None)
    if first is None:
        return None
    last = first + 1
    while last < len(lines) and lines[last][1].strip():
        if _FIELD.match(lines[last][1]) and not opening.match(lines[last][1]):
            break
        last += 1
    end = lines[last][0] - 1 if last < len(lines) else len(doc.text)
    return lines[first][0], end


def _prose(doc: Doc, pattern: re.Pattern[str], at_start: bool) -> Span:
    """The first sentence that matches (`at_start`: that begins so); doctests do not count."""
    for start, end in sentences(doc.text):
        sentence = doc.text[start:end].strip()
        if ">>>" in sentence or "Traceback" in sentence or len(sentence) > MAX_SPAN_CHARACTERS:
            continue
        if pattern.match(sentence) if at_start else pattern.search(sentence):
            return span_at(doc, start, end)
    return NOTHING
