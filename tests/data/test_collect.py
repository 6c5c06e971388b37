"""The whole collection: order, caps, repeats, processes and interruption."""

import json
from pathlib import Path

import pytest

from groundup.data import pool, python_sources
from groundup.data.collect import collect_documents
from groundup.data.config import DataConfig
from groundup.data.python_sources import chosen_distributions, distribution_files, module_name
from groundup.data.store import read_documents, read_jsonl, read_passages, write_jsonl
from groundup.facts.errors import DataError


def folder_of(tmp_path, files):
    root = tmp_path / "d"
    root.mkdir()
    for name, text in files.items():
        (root / name).write_text(text)
    return DataConfig(python=False, docs=(str(root),), held_out=0.0), root


WORDS = " ".join(f"word{n}" for n in range(200))


def test_repeats_are_dropped_and_reported(tmp_path):
    config, _ = folder_of(
        tmp_path,
        {
            "a.txt": WORDS,
            "b.txt": WORDS + "\n",
            "c.txt": WORDS + " and a tail",
            "d.txt": "Other text.",
        },
    )
    metrics = collect_documents(config, tmp_path / "out")
    assert [d.title for d in read_documents(tmp_path / "out")] == ["d/a.txt", "d/d.txt"]
    assert metrics["dropped_exact_duplicates"] == metrics["dropped_near_duplicates"] == 1
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {pair["kept"] for pair in report["dropped_pairs"]} == {"d/a.txt"}


def test_families_below_the_threshold_are_kept_together(tmp_path):
    files = {f"{n}.txt": f"{n} " * 40 + " ".join(f"w{n}x{m}" for m in range(90)) for n in range(20)}
    files |= {
        f"{n}b.txt": text + " " + " ".join(f"t{n}{m}" for m in range(40))
        for n, text in enumerate(files.values())
    }
    config, root = folder_of(tmp_path, files)
    config = DataConfig(python=False, docs=(str(root),), held_out=0.3, near_duplicate=0.95)
    collect_documents(config, tmp_path / "out")
    sides = {d.title: d.split for d in read_documents(tmp_path / "out")}
    assert set(sides.values()) == {"train", "held-out"}
    for n in range(20):
        assert sides[f"d/{n}.txt"] == sides[f"d/{n}b.txt"]


def test_processes_and_one_process_agree(tmp_path, monkeypatch):
    config, _ = folder_of(
        tmp_path, {f"f{n}.md": f"# T{n}\n\nText {n * 7919} here.\n" for n in range(30)}
    )
    collect_documents(config, tmp_path / "one")
    monkeypatch.setattr(pool, "SMALL", 2)
    seen = []
    collect_documents(config, tmp_path / "two", lambda *args: seen.append(args))
    for name in ("documents.parquet", "passages.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert ("read files", 30, 30) in seen


def test_an_interrupt_leaves_no_file(tmp_path):
    config, _ = folder_of(tmp_path, {"a.md": "# A\n\ntext\n"})

    def stop(label, done, total):
        if label == "names and split" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect_documents(config, tmp_path / "out", stop)
    assert not (tmp_path / "out").exists()


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(DataError, match="nothing readable"):
        collect_documents(DataConfig(python=False), tmp_path)
    with pytest.raises(DataError, match="not installed here: no-such-thing"):
        chosen_distributions(("no-such-thing",))


def test_cap_takes_the_public_first():
    (numpy,) = chosen_distributions(("NumPy",))
    files = distribution_files(numpy, 1.0)
    code = [file for file in files if file.kind == "python-source"]
    assert sum(Path(file.path).stat().st_size for file in code) <= python_sources.MIB
    modules = {file.module for file in code}
    assert "numpy" in modules
    assert not [module for module in modules if ".tests" in module]
    assert {file.kind for file in files} >= {"readme", "licence"}


def test_module_names():
    assert module_name("a/b/__init__.py") == ("a.b", True)
    assert module_name("a/b.py") == ("a.b", False)
    assert module_name("a-b/c.py") == ("", False)


def test_jsonl_round_trip_and_errors(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"a": 1, "b": "ä"}, {"a": 2, "b": "\u2028"}]
    assert write_jsonl(rows, path) == 2
    assert read_jsonl(path) == rows
    path.write_text('{"a": 1}\n{nope\n')
    with pytest.raises(DataError, match="jsonl:2: not JSON"):
        read_jsonl(path)
    with pytest.raises(DataError, match="no such file"):
        read_passages(tmp_path)
    (tmp_path / "documents.parquet").write_bytes(b"junk")
    with pytest.raises(DataError, match="not a readable Parquet"):
        read_documents(tmp_path)
