"""What of a passage answers: the parameter's description, the example, the default, the lines."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from groundup.data.document import Passage
from groundup.middleware.terms import query_terms, terms

LONGEST = 14
"""Most lines quoted at once."""
TYPE_NODES = (
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.BinOp,
    ast.BitOr,
    ast.expr_context,
)
"""What a type is written with."""


TITLE = re.compile(
    r"\n\s*([=~^*-])\1{2,}\s*$|^[^\w]*$|^\s*>>>|::="
    r"|^\s*[\w.]+\([^\n]*\)[\s-]*$"
)
"""What is no sentence: a heading with its underline, an example, a call form, no words."""


RETURNING = re.compile(
    r"(?<!\bthe )(?<!\ban )(?<!\ba )(?<!\bits )(?<!\bon )(?<!\bupon )(?<!\bin )"
    r"(?<!\bthat )(?<!\bwhich )(?<!\bcallable )(?<!\bcallback )(?<!\bhandler )(?<!\bhook )"
    r"(?<![-.`'\"])\breturns?\b(?![-.,;`'\"(=:]| to\b|$)"
    r"(?! (?:value|type|code|status|statement|annotation|address)s?\b)"
    r"|(?:^|,|\band|\bwhile|\bby)\s+returning\b"
    r"|\b(?:is|are|be|gets?)\s+(?:\w+ly\s+|always\s+|then\s+)?returned\b(?! (?:by|from)\b)",
    re.IGNORECASE,
)
"""A sentence that says what comes back: the verb, not a noun or a word about something else."""
SENTENCE = re.compile(
    r"\S(?:.*?[.!?](?=[\s\"')]*(?:\s[A-Z`'\"*(]|\s\w+\(\)|\s*$))|.*\S)", re.DOTALL
)


@dataclass(frozen=True)
class Quote:
    """A slice of a document: whole text, and the lines that it stands in."""

    text: str
    start: int
    end: int


def given(text: str, start: int, end: int) -> Quote | None:
    """A span that the data floor found, or None where it found none."""
    return Quote(text, start, end) if text.strip() and start > 0 else None


def summary(passage: Passage) -> Quote | None:
    """The first sentence of the documentation; where that is a title, the first paragraph."""
    found = given(passage.summary, passage.summary_start, passage.summary_end)
    if found is None or not TITLE.search(found.text):
        return found
    later = (quote for quote in paragraphs(passage) if quote.start > found.start)
    return next((quote for quote in later if not TITLE.search(quote.text)), None)


def return_sentence(passage: Passage) -> Quote | None:
    """The first sentence of a function's documentation that says what it returns, or None."""
    for block in paragraphs(passage):
        if ">>>" in block.text or "::=" in block.text:
            continue
        for found in SENTENCE.finditer(block.text):
            if RETURNING.search(" ".join(found[0].strip("\"'").split())):
                first = block.start + block.text.count("\n", 0, found.start())
                return Quote(found[0], first, first + found[0].count("\n"))
    return None


def signature(passage: Passage) -> Quote | None:
    """The lines of the definition's head."""
    return given(passage.signature, passage.signature_start, passage.signature_end)


def example(passage: Passage) -> Quote | None:
    """The first `>>>` block, up to the next blank line or LONGEST lines."""
    lines = passage.text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.lstrip().startswith(">>> ")), None)
    if first is None:
        return None
    last = first
    while last + 1 < len(lines) and last - first < LONGEST and lines[last + 1].strip():
        if lines[last + 1].strip() in ('"""', "'''", "```"):
            break
        last += 1
    return _lines(passage, first, last)


def parameter(passage: Passage, name: str) -> Quote | None:
    """The description of one parameter: NumPy, Google and Sphinx styles, then prose naming it."""
    lines = passage.text.split("\n")
    word = re.escape(name)
    heads = (
        rf"^\s*\*{{0,2}}(?:\w+\s*,\s*)*{word}(?:\s*,\s*\w+)*\s+:\s",  # NumPy
        rf"^\s*\*{{0,2}}{word}\s*(?:\([^)]*\))?\s*:(?:\s|$)",  # Google
        rf"^\s*:param\s+(?:[^:]+\s)?\*{{0,2}}{word}\s*:",  # Sphinx
        rf"^\s*(?:-|\*|--)?\s*[`*]{{0,2}}{word}[`*]{{0,2}}\s*(?:--|-|–|—)\s",  # lists with dashes
    )
    for head in heads:
        for number, line in enumerate(lines):
            if re.match(head, line):
                return _lines(passage, number, _end_of_block(lines, number))
    return _sentence_naming(passage, name)


def _end_of_block(lines: list[str], first: int) -> int:
    """Last line that is indented deeper than the first; a blank line ends it."""
    depth = _indent(lines[first])
    last = first
    while last + 1 < len(lines) and last - first < LONGEST:
        following = lines[last + 1]
        if not following.strip() or _indent(following) <= depth:
            break
        last += 1
    return last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _sentence_naming(passage: Passage, name: str) -> Quote | None:
    """The first prose paragraph that names the parameter as code, or at its beginning."""
    marked = re.compile(
        rf"(?:[`*'\"]){re.escape(name)}(?:[`*'\"=])|^\s*(?:If|The|When) {re.escape(name)}\b"
    )
    plain = re.compile(rf"\b{re.escape(name)}\b")
    for pattern in (marked, plain):
        for quote in paragraphs(passage):
            if pattern.search(quote.text) and ">>>" not in quote.text:
                return quote
    return None


def paragraphs(passage: Passage) -> list[Quote]:
    """Blocks of the passage between blank lines, each at most LONGEST lines."""
    found: list[Quote] = []
    lines = passage.text.split("\n")
    first: int | None = None
    for number, line in enumerate([*lines, ""]):
        if line.strip() and line.strip() not in ('"""', "'''"):
            first = number if first is None else first
        elif first is not None:
            found.append(_lines(passage, first, min(number - 1, first + LONGEST)))
            first = None
    return found


def closest(passage: Passage, question: str) -> Quote | None:
    """The paragraph that shares most of the question's terms beyond the passage's name.

    When none shares any, the paragraph of the first sentence, else the first that is prose.
    """
    wanted = set(query_terms(question)) - set(terms(passage.name))
    scored = [
        (len(wanted & set(terms(quote.text))) - 0.5 * ("::=" in quote.text), quote)
        for quote in paragraphs(passage)
    ]
    if not scored:
        return None
    top, found = max(scored, key=lambda pair: pair[0])
    if top > 0.5:
        return found
    told = [quote for _, quote in scored if not TITLE.search(quote.text)]
    start = passage.summary_start
    return next((q for q in told if q.start <= start <= q.end), told[0] if told else found)


def _lines(passage: Passage, first: int, last: int) -> Quote:
    """Whole lines first..last (from 0) of the passage's text."""
    text = "\n".join(passage.text.split("\n")[first : last + 1])
    return Quote(text, passage.start_line + first, passage.start_line + last)


def parse_signature(text: str) -> ast.arguments | None:
    """The parameters in a `def` head or a call form such as `open(file, mode='r')`, or None."""
    head = text.strip().rstrip(":")
    head = head if head.startswith(("def ", "async def ")) else f"def {_call_form(head)}"
    try:
        node = ast.parse(f"{head}: ...").body[0]
    except SyntaxError:
        return None
    return node.args if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _call_form(head: str) -> str:
    """`class deque(x)` and `a.b(x)` as `deque(x)` and `b(x)`, so that they parse as a head."""
    head = re.sub(r"^class\s+", "", head)
    name, bracket, rest = head.partition("(")
    return f"{name.rpartition('.')[2].strip()}{bracket}{rest}"


def parameters(signature_text: str) -> dict[str, str | None]:
    """Parameters by name with the source text of their default, or None where there is none."""
    found = parse_signature(signature_text)
    if found is None:
        return {}
    positional = [*found.posonlyargs, *found.args]
    defaults = [None] * (len(positional) - len(found.defaults)) + [*found.defaults]
    pairs = [*zip(positional, defaults, strict=True)]
    pairs += [*zip(found.kwonlyargs, found.kw_defaults, strict=True)]
    named: dict[str, str | None] = {
        argument.arg: ast.unparse(default) if default is not None else None
        for argument, default in pairs
    }
    extra = [("*", found.vararg), ("**", found.kwarg)]
    return named | {stars + argument.arg: None for stars, argument in extra if argument}


def return_annotation(signature_text: str) -> str:
    """What stands behind `->` in a signature, or "" ."""
    match = re.search(r"->\s*(.+?)\s*:?\s*$", signature_text.strip(), re.DOTALL)
    return match[1] if match and match[1] not in ("None:", "") else ""


def is_type(annotation: str) -> bool:
    """Whether what stands behind `->` is a type, not words such as "v, remove the key"."""
    try:
        nodes = ast.walk(ast.parse(annotation, mode="eval").body)
    except SyntaxError:
        return False
    return all(isinstance(node, TYPE_NODES) for node in nodes)


def raise_statements(document_text: str, first_line: int, passage: Passage) -> list[Quote]:
    """`raise X` lines in the body of a function, each error once; [] for other documents.

    The body ends where the indentation falls back to that of the head.
    """
    if passage.kind not in ("function", "method") or passage.signature_end <= 0:
        return []
    lines = document_text.split("\n")
    head = passage.signature_start - first_line
    if not 0 <= head < len(lines):
        return []
    depth = _indent(lines[head])
    found: dict[str, Quote] = {}
    for number in range(passage.signature_end - first_line + 1, len(lines)):
        line = lines[number]
        if line.strip() and _indent(line) <= depth:
            break
        match = re.match(r"\s*raise\s+([\w.]+)", line)
        if match and match[1][:1].isupper() | ("." in match[1]):
            found.setdefault(
                match[1], Quote(line.strip(), number + first_line, number + first_line)
            )
    return list(found.values())
