"""Documents: by id only, with the exact lines of the file, escaped where they are shown."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from groundup.apps.library import Library, split_lines
from groundup.data.document import Document
from groundup.data.store import write_documents
from groundup.facts.errors import ArtifactError


def find(service: Any, end: str) -> Any:
    return next(d for d in service.library.documents if d.uri.endswith(end))


def test_lines_equal_the_file(http: httpx.Client, service: Any) -> None:
    document = find(service, "shlex.py")
    real = Path(document.path).read_text(encoding="utf-8").split("\n")
    found = http.get(f"/documents/{document.doc_id}?lines=305-306&context=2").json()
    assert [line["number"] for line in found["lines"]] == [303, 304, 305, 306, 307, 308]
    assert [line["text"] for line in found["lines"]] == real[302:308]
    assert [line["cited"] for line in found["lines"]] == [False] * 2 + [True] * 2 + [False] * 2
    assert found["first_line"] == 1
    whole = http.get(f"/documents/{document.doc_id}").json()
    assert len(whole["lines"]) == whole["last_line"]
    assert not any(line["cited"] for line in whole["lines"])


def test_a_citation_opens_what_it_quotes(live: Any, http: httpx.Client) -> None:
    ask = [{"role": "user", "content": "Which function finds the n largest elements?"}]
    done = live.openai().chat.completions.create(model="tiny", messages=ask)
    citations = done.choices[0].message.model_extra["groundup"]["citations"]
    assert citations
    for cited in citations:
        span = f"{cited['start_line']}-{cited['end_line']}"
        found = http.get(f"/documents/{cited['doc_id']}?lines={span}").json()
        assert cited["quote"] in "\n".join(line["text"] for line in found["lines"])


class Tags(HTMLParser):
    """Counts tags and collects text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_escapes_the_document(http: httpx.Client, service: Any) -> None:
    document = find(service, "guide.md")
    url = f"/documents/{document.doc_id}?lines=7-7"
    found = http.get(url, headers={"accept": "text/html,*/*"})
    assert found.headers["content-type"].startswith("text/html")
    seen = Tags()
    seen.feed(found.text)
    assert "b" not in seen.tags  # the document's own <b> is text here
    assert "<b>é</b> &" in seen.words
    assert "<tr id=L7 class=cited>" in found.text
    assert found.text.count("class=cited") == 1


@pytest.mark.parametrize("lines", ["x", "5-", "9-3", "-1", "1-2-3", "1e3", "9" * 30])
def test_bad_ranges(http: httpx.Client, service: Any, lines: str) -> None:
    document = find(service, "guide.md")
    found = http.get(f"/documents/{document.doc_id}", params={"lines": lines})
    assert found.status_code == 400
    assert found.json()["error"]["param"] == "lines"


def test_ranges_outside_are_cut(http: httpx.Client, service: Any) -> None:
    document = find(service, "guide.md")
    found = http.get(f"/documents/{document.doc_id}?lines=500-900").json()
    assert [line["number"] for line in found["lines"]] == [found["last_line"]]
    assert http.get(f"/documents/{document.doc_id}?context=-1").status_code == 400


def test_line_numbers_of_a_text_inside_a_file(tmp_path: Path) -> None:
    values = {"kind": "pydoc", "title": "", "source": "s", "version": "", "licence": "MIT"}
    texts = ["a\nb\x0cc\nd\n", "", *(f"text {n}" for n in range(40))]
    write_documents(
        [
            Document(
                doc_id=f"d{n}",
                uri=f"u{n}",
                path="",
                first_line=10,
                text=text,
                licence_evidence="",
                **values,
            )
            for n, text in enumerate(texts)
        ],
        tmp_path,
    )
    library = Library(tmp_path)
    excerpt = library.excerpt(library.documents[0], 11, 12)
    assert (excerpt.first, excerpt.lines, excerpt.last_of_document) == (11, ("b\x0cc", "d"), 12)
    assert library.excerpt(library.documents[1], 1, 99).lines == ("",)
    assert library.text(library.documents[41]) == "text 39"
    assert split_lines("a\n\n") == ["a", ""]


def test_no_documents_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"documents\.parquet"):
        Library(tmp_path)
    (tmp_path / "documents.parquet").write_bytes(b"junk")
    with pytest.raises(ArtifactError, match="not readable"):
        Library(tmp_path)
