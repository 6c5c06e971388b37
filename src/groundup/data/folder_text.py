"""Text with stable lines out of HTML (selectolax) and PDF (pypdf), and their headings."""

from __future__ import annotations

import io
import logging
import re
from dataclasses import dataclass
from typing import Any

from groundup.data import clean
from groundup.data.sections import Heading


class Unreadable(Exception):
    """A file of a known kind that cannot be read; the text says why."""


@dataclass(frozen=True)
class Page:
    """Extracted text with its headings by line."""

    text: str
    headings: tuple[Heading, ...]
    title: str = ""


_DROPPED = (
    "script, style, noscript, template, nav, header, footer, aside, form, svg, iframe, button"
)
_BLOCKS = {
    *("p", "div", "section", "article", "main", "li", "ul", "ol", "dl", "dt", "dd", "table", "tr"),
    *("blockquote", "figure", "figcaption", "hr", "br", "body", "details", "summary", "pre"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
_MAIN = "main, [role=main], article"
MIN_MAIN_SHARE = 0.3  # a `main` with less of the page's text is not the main part


def html(data: bytes) -> Page:
    """Readable text of a page: blocks on their own lines, preformatted text as it stands."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(clean.decode(_declared(data))[0])
    title = tree.css_first("title")
    body = tree.body
    if body is None:
        raise Unreadable("HTML without a body")
    name = _squeezed(title.text()) if title is not None else ""
    for node in body.css(_DROPPED):
        node.decompose()
    whole = len(body.text(strip=True))
    main = next(
        (n for n in body.css(_MAIN) if len(n.text(strip=True)) > MIN_MAIN_SHARE * whole), body
    )
    writer = _Writer()
    writer.walk(main)
    return Page(clean.valid("\n".join(writer.lines).rstrip("\n")), tuple(writer.headings), name)


def _declared(data: bytes) -> bytes:
    """The page in UTF-8 when a meta tag declares another charset."""
    match = re.search(rb"charset=[\"']?([\w-]+)", data[:2048], re.I)
    charset = match[1].decode("ascii", "replace").lower() if match else "utf-8"
    if charset in ("utf-8", "utf8"):
        return data
    try:
        return data.decode(charset).encode("utf-8")
    except (LookupError, UnicodeDecodeError):
        return data


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


class _Writer:
    """Writes lines of text while it walks a tree of elements."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.headings: list[Heading] = []
        self._open = ""

    def walk(self, node: Any) -> None:
        """Write the children of an element."""
        for child in node.iter(include_text=True):
            self._one(child)
        self._close()

    def _one(self, node: Any) -> None:
        tag = node.tag
        if tag == "-text":
            self._open += re.sub(r"\s+", " ", node.text_content or "")
        elif tag == "pre":
            self._close()
            self._blank()
            self.lines += clean.newlines(node.text()).strip("\n").split("\n")
            self.lines.append("")
        elif tag in _BLOCKS:
            self._block(node, tag)
        else:
            for child in node.iter(include_text=True):
                self._one(child)

    def _block(self, node: Any, tag: str) -> None:
        self._close()
        if re.fullmatch(r"h[1-6]", tag):
            title = _squeezed(node.text().replace("¶", ""))
            if title:
                self._blank()
                line = len(self.lines) + 1
                self.headings.append(Heading(int(tag[1]), title, line, line + 1))
                self.lines += [title, ""]
            return
        if tag in ("p", "dl", "table", "blockquote", "section", "article", "ul", "ol"):
            self._blank()
        if tag == "li":
            self._open = "- "
        if tag == "tr":
            cells = [_squeezed(cell.text()) for cell in node.css("td, th")]
            self.lines.append(" | ".join(cells))
            return
        for child in node.iter(include_text=True):
            self._one(child)
        self._close()

    def _close(self) -> None:
        line = self._open.strip()
        if line and line != "-":
            self.lines.append(line)
        self._open = ""

    def _blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")


def pdf(data: bytes) -> Page:
    """Text of a PDF, one section a page; raises Unreadable for an encrypted or broken one."""
    import pypdf
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # its repairs are not the reader's worry
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("encrypted PDF: save it without a password")
        pages = [clean.newlines(page.extract_text()) for page in reader.pages]
        title = str((reader.metadata.title if reader.metadata else "") or "")
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OSError,
    ) as error:
        raise Unreadable(f"broken PDF ({type(error).__name__}: {error})") from error
    except NotImplementedError as error:
        raise Unreadable(f"PDF needs what pypdf lacks ({error})") from error
    if not any(page.strip() for page in pages):
        raise Unreadable("PDF without text (scanned pages need OCR first)")
    lines: list[str] = []
    headings = []
    for number, text in enumerate(pages, 1):
        headings.append(Heading(1, f"page {number}", len(lines) + 1, len(lines) + 2))
        lines += [f"[page {number}]", *(line.rstrip() for line in text.strip("\n").split("\n")), ""]
    return Page(clean.valid("\n".join(lines).rstrip("\n")), tuple(headings), title.strip())
