"""A person's own folder: every kind of file, every human language, every kind of trouble."""

import io
import json
import os

import pypdf
import pytest

from groundup.data.collect import collect_documents
from groundup.data.config import DataConfig
from groundup.data.document import cited
from groundup.data.folder import folder_files
from groundup.data.store import read_documents, read_passages
from groundup.facts.errors import DataError

LANGUAGES = {
    "zh.md": "# 安装\n\n首先下载软件包，然后运行安装程序。\n",
    "ar.md": "# التثبيت\n\nقم بتنزيل الحزمة ثم شغل برنامج التثبيت.\n",
    "hi.txt": "यह एक परीक्षण दस्तावेज़ है।\n",
    "ru.txt": "Это проверка.\n",
    "th.txt": "นี่คือเอกสารทดสอบ\n",
    "de.md": "# Größe\n\nDie Größe wird in Metern angegeben.\n",
}
HTML = """<html><head><title>Guide</title><style>p{}</style></head><body><nav>menu</nav>
<h1>Start</h1><p>Hello <b>big</b> world.</p><pre>x = 1
  y = 2</pre><h2>Next &amp; more</h2><ul><li>one</li><li>two</li></ul>
<table><tr><td>a</td><td>b</td></tr></table><script>evil()</script></body></html>"""


def pdf_bytes(text, password=None):
    """A one-page PDF with a line of text, written by hand and, if asked, encrypted by pypdf."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    out += b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % table
    if password is None:
        return out
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(out))
    writer.encrypt(password, algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def collect(folder, out):
    metrics = collect_documents(DataConfig(python=False, docs=(str(folder),), held_out=0.0), out)
    return metrics, {d.uri.partition("/")[2]: d for d in read_documents(out)}, read_passages(out)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "my docs"
    root.mkdir()
    for name, text in LANGUAGES.items():
        (root / name).write_text(text, "utf-8")
    (root / "page.html").write_text(HTML)
    (root / "a.pdf").write_bytes(pdf_bytes("Hello from a portable document"))
    (root / "locked.pdf").write_bytes(pdf_bytes("Secret", "key"))
    (root / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (root / "latin.txt").write_bytes("café crème brûlée".encode("latin-1"))
    (root / "code.py").write_text(
        '"""Tools."""\n\ndef greet(name):\n    """Return a greeting."""\n'
    )
    (root / "bad.py").write_text("def (:\n# the text of a broken file is still text\n")
    (root / "binary.txt").write_bytes(bytes(range(256)) * 8)
    (root / "empty.md").write_text("")
    (root / ".hidden.md").write_text("# no\n")
    (root / "LICENSE.txt").write_text(
        "MIT License\n\nPermission is hereby granted, free of charge, "
        "to any person obtaining a copy\n"
    )
    return root


def test_every_kind_and_language_survives(folder, tmp_path):
    _, documents, passages = collect(folder, tmp_path / "out")
    for name, text in LANGUAGES.items():
        assert documents[name].text == text
        assert documents[name].path == str(folder / name)
    assert {"page.html", "a.pdf", "code.py", "bad.py", "latin.txt"} <= documents.keys()
    assert documents["latin.txt"].text == "café crème brûlée"
    assert {d.licence for d in documents.values()} == {"MIT"}
    names = {passage.name for passage in passages}
    assert "code.greet" in names
    assert "my docs/zh.md > 安装" in names
    by_id = {d.doc_id: d for d in documents.values()}
    for passage in passages:
        assert cited(by_id[passage.doc_id], passage.start_line, passage.end_line) == passage.text


def test_trouble_is_named_and_counted(folder, tmp_path):
    _, documents, _ = collect(folder, tmp_path / "out")
    assert not documents.keys() & {
        "locked.pdf",
        "broken.pdf",
        "binary.txt",
        "empty.md",
        ".hidden.md",
    }
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    reasons = " ".join(report["dropped_by_reason"])
    assert "encrypted PDF" in reasons
    assert "broken PDF" in reasons
    assert "binary" in reasons
    assert any("latin.txt: not UTF-8" in note for note in report["notes"])
    assert any("bad.py: does not parse" in note for note in report["notes"])


def test_html_keeps_structure_and_drops_the_rest(folder, tmp_path):
    _, documents, passages = collect(folder, tmp_path / "out")
    page = documents["page.html"]
    assert page.path == ""
    assert page.origin == str(folder / "page.html")
    assert page.title == "Guide"
    assert "Hello big world." in page.text
    assert "x = 1\n  y = 2" in page.text
    assert "a | b" in page.text
    assert "evil" not in page.text
    assert "menu" not in page.text
    section = next(p for p in passages if p.name == "Guide > Start > Next & more")
    assert "- one\n- two" in section.text


def test_pdf_text_by_page(folder, tmp_path):
    _, _, passages = collect(folder, tmp_path / "out")
    page = next(p for p in passages if p.name.endswith("page 1"))
    assert "Hello from a portable document" in page.text


def test_missing_empty_and_file_instead_of_folder(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        folder_files(str(tmp_path / "none"))
    with pytest.raises(DataError, match="nothing to read"):
        folder_files(str(tmp_path))
    file = tmp_path / "a.md"
    file.write_text("# a")
    with pytest.raises(DataError, match="is a file"):
        folder_files(str(file))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file_is_reported(folder, tmp_path):
    (folder / "ru.txt").chmod(0)
    metrics, documents, _ = collect(folder, tmp_path / "out")
    assert "ru.txt" not in documents
    assert metrics["warnings"] >= 1


def test_same_folder_gives_the_same_bytes(folder, tmp_path):
    for out in ("one", "two"):
        collect(folder, tmp_path / out)
    for name in ("documents.parquet", "passages.parquet", "licences.json", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_long_sections_are_cut_without_loss(tmp_path):
    root = tmp_path / "d"
    root.mkdir()
    lines = [f"Line {n} of it." if n % 7 else "" for n in range(300)]
    (root / "long.md").write_text("# Long\n" + "\n".join(lines))
    _, _, passages = collect(root, tmp_path / "out")
    kept = [line for p in passages for line in p.text.split("\n") if line]
    assert kept == [line for line in lines if line]
    assert len({p.passage_id for p in passages}) == len(passages) > 3


def test_headings_in_code_are_no_headings(tmp_path):
    root = tmp_path / "d"
    root.mkdir()
    (root / "a.md").write_text("# One\n\n```\n# not a heading\n```\n\n## Two *big*\n\ntext\n")
    _, _, passages = collect(root, tmp_path / "out")
    assert [p.name for p in passages] == ["d/a.md > One", "d/a.md > One > Two big"]
