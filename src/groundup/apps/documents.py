"""`/documents/{doc_id}`: lines of a document of the release, as JSON or as a page."""

from __future__ import annotations

import html
import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from groundup.apps.errors import ApiError
from groundup.apps.library import Document, Excerpt, Library
from groundup.apps.state import state_of

RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
WHOLE = 10**9


async def document(request: Request) -> Response:
    """Answer `GET /documents/{doc_id}?lines=a-b&context=n`.

    Documents are looked up by id in the release's own table, never by a path. JSON holds the lines
    and `context` lines around them; a browser gets the whole document as a page.
    """
    library = state_of(request).service.library
    doc_id = request.path_params["doc_id"]
    found = library.by_id(doc_id)
    if found is None:
        raise ApiError(404, f"this release has no document {doc_id!r}", "doc_id")
    start, end = _lines(request.query_params.get("lines", ""))
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_page(library.excerpt(found, 0, WHOLE), start, end))
    return JSONResponse(_json(library, found, start, end, _context(request)))


def _lines(text: str) -> tuple[int, int]:
    """Parse `a-b` or `a`; nothing means the whole document."""
    if not text:
        return 0, WHOLE
    match = RANGE.fullmatch(text)
    if match is None:
        raise ApiError(400, f"found {text!r}, expected lines=a-b with a <= b", "lines")
    start, end = int(match[1]), int(match[2] or match[1])
    if end < start:
        raise ApiError(400, f"found {text!r}, expected lines=a-b with a <= b", "lines")
    return start, end


def _context(request: Request) -> int:
    text = request.query_params.get("context", "0")
    if not text.isdecimal() or len(text) > 6:
        raise ApiError(400, f"found {text!r}, expected a number of lines", "context")
    return int(text)


def _json(
    library: Library, found: Document, start: int, end: int, context: int
) -> dict[str, object]:
    excerpt = library.excerpt(found, start - context, end + context)
    return {
        "doc_id": found.doc_id,
        "uri": found.uri,
        "title": found.title,
        "kind": found.kind,
        "licence": found.licence,
        "version": found.version,
        "first_line": found.first_line,
        "last_line": excerpt.last_of_document,
        "lines": [
            {"number": number, "text": text, "cited": start <= number <= end < WHOLE}
            for number, text in enumerate(excerpt.lines, excerpt.first)
        ],
    }


def _page(excerpt: Excerpt, start: int, end: int) -> str:
    """A page with line numbers; every word of the document is escaped."""
    found = excerpt.document
    rows = "".join(
        _row(number, text, start <= number <= end < WHOLE)
        for number, text in enumerate(excerpt.lines, excerpt.first)
    )
    title = html.escape(found.uri)
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><link rel=stylesheet href=/static/app.css>"
        "<link rel=icon href=/static/icon.svg>"
        "<script src=/static/document.js type=module></script></head>"
        f"<body class=document><header class=doc-head><h1>{title}</h1>"
        f"<p>{html.escape(found.licence)} · <a href=/>ask about it</a></p></header>"
        f"<main><table class=lines>{rows}</table></main></body></html>"
    )


def _row(number: int, text: str, cited: bool) -> str:
    mark = " class=cited" if cited else ""
    return (
        f"<tr id=L{number}{mark}><td class=number>{number}</td>"
        f"<td><code>{html.escape(text)}</code></td></tr>"
    )
