"""Public names: what the import system itself resolves, found without importing."""

import importlib
from pathlib import Path

import pytest

from groundup.data import naming
from groundup.data.collect import collect_documents
from groundup.data.compiled_docs import compiled_modules, load, render
from groundup.data.config import DataConfig
from groundup.data.document import lines_of
from groundup.data.python_names import Resolver, Target, is_private, public_names
from groundup.data.python_parse import parse
from groundup.data.reading import read
from groundup.data.sources import SourceFile
from groundup.data.store import read_documents, read_passages


def tree(**files):
    parsed = [
        parse(text, name.removesuffix("/"), name.endswith("/")) for name, text in files.items()
    ]
    names = [names for names, _ in parsed]
    known = {Target(n.module, f.inside) for n, found in parsed for f in found}
    return public_names(Resolver(names, {"_c": frozenset({"fast"})}), known)


def test_reexports_stars_instances_and_private_bases():
    public = tree(
        **{
            "pkg/": "from ._impl import *\nfrom .sub import thing\n"
            "from ._impl import Random as _R\n"
            "_inst = _R()\nrandint = _inst.randint\n",
            "pkg._impl": '__all__ = ["Shown"]\nclass _Base:\n  def add(self): "Add it."\n'
            'class Shown(_Base): "Shown."\nclass Hidden: "Hidden."\n'
            'class Random:\n  def randint(self): "An integer."\n',
            "pkg.sub": 'def thing(): "Thing."\n',
        }
    )
    assert public[Target("pkg._impl", "Shown")] == ("pkg.Shown",)
    assert public[Target("pkg._impl", "_Base.add")] == ("pkg.Shown.add",)
    assert public[Target("pkg.sub", "thing")] == ("pkg.thing", "pkg.sub.thing")
    assert public[Target("pkg._impl", "Random.randint")] == ("pkg.randint",)
    assert Target("pkg._impl", "Hidden") not in public


def test_imports_of_helpers_are_not_reexports():
    public = tree(
        **{
            "pkg.a": 'from pkg.b import helper\ndef own(): "Own."\n',
            "pkg.b": 'def helper(): "Help."\n',
            "pkg/": "",
        }
    )
    assert public[Target("pkg.b", "helper")] == ("pkg.b.helper",)


def test_import_cycles_end():
    public = tree(
        **{"pkg.a": "from pkg.b import x\n__all__=['x']", "pkg.b": "from pkg.a import x\n"}
    )
    assert not public


def test_private_means_an_underscore_that_is_no_dunder():
    assert is_private("a._b.c")
    assert not is_private("a.__init__")


@pytest.mark.parametrize("name", ["math", "builtins", "itertools", "zlib"])
def test_compiled_documents_agree_with_the_module(name):
    module = load(name)
    text, found = render(module)
    lines = lines_of(text)
    for item in found:
        assert item.text == "\n".join(lines[item.lines[0] - 1 : item.lines[1]])
        if item.inside and item.kind == "function":
            doc = getattr(module, item.inside).__doc__
            assert doc.strip().split("\n")[0].strip() in item.text


def test_no_unsafe_module_is_among_the_compiled():
    names = compiled_modules()
    assert {"builtins", "math", "itertools", "time", "zlib", "_json"} <= set(names)
    assert not [name for name in names if "test" in name or name in ("readline", "_tkinter")]


@pytest.fixture(scope="module")
def stdlib(tmp_path_factory):
    """The standard library alone (pip is the one package, nearly all of it capped away)."""
    out = tmp_path_factory.mktemp("stdlib")
    config = DataConfig(packages=("pluggy",), max_mib_per_package=0.01)
    metrics = collect_documents(config, out)
    return metrics, read_documents(out), read_passages(out)


ASKED_TEXT = """
    len sorted open str.split dict.get json.dumps json.loads json.JSONDecoder.decode
    os.path.join os.listdir pathlib.Path.read_text random.randint random.random math.sqrt
    itertools.chain functools.partial re.compile threading.Lock io.StringIO time.sleep
    asyncio.run asyncio.sleep concurrent.futures.ThreadPoolExecutor
    unittest.TestCase.assertEqual logging.getLogger subprocess.run struct.pack collections.deque
    collections.Counter datetime.datetime argparse.ArgumentParser.add_argument shutil.copy
    urllib.parse.urlparse zlib.compress typing.NamedTuple hashlib.sha256 multiprocessing.Pool
"""
ASKED = ASKED_TEXT.split()


@pytest.mark.slow
def test_what_people_ask_about_is_there_under_its_name(stdlib):
    _, _, passages = stdlib
    names = {passage.name for passage in passages}
    assert [name for name in ASKED if name not in names] == []


@pytest.mark.slow
def test_every_quote_stands_in_its_cited_lines(stdlib):
    _, documents, passages = stdlib
    lines = {document.doc_id: lines_of(document.text) for document in documents}
    first = {document.doc_id: document.first_line for document in documents}

    def at(passage, start, end):
        offset = first[passage.doc_id]
        return "\n".join(lines[passage.doc_id][start - offset : end - offset + 1])

    for passage in passages:
        assert at(passage, passage.start_line, passage.end_line) == passage.text
        for field in ("signature", "summary", "returns", "raises"):
            quote = getattr(passage, field)
            start, end = getattr(passage, f"{field}_start"), getattr(passage, f"{field}_end")
            assert quote in at(passage, start, end) if quote else not start
    assert len({passage.passage_id for passage in passages}) == len(passages) > 10_000


@pytest.mark.slow
def test_documents_are_the_files_as_they_are(stdlib):
    _, documents, _ = stdlib
    for document in documents[::25]:
        if document.path and document.kind == "python-source":
            data = Path(document.path).read_bytes()
            assert document.text.encode() in (
                data,
                data.replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf"),
            ) or (b"coding" in data[:200])


@pytest.mark.slow
def test_public_names_resolve_at_run_time(stdlib):
    _, _, passages = stdlib
    wrong, checked = [], 0
    for passage in passages:
        top = passage.name.partition(".")[0]
        if top not in ("json", "collections", "pathlib", "random", "logging", "os", "heapq", "csv"):
            continue
        checked += 1
        if not _exists(passage.name):
            wrong.append(passage.name)
    assert checked > 300
    assert len(wrong) <= 0.05 * checked, wrong  # code for other systems, shadowed twins


def _exists(name):
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        try:
            for part in parts[cut:]:
                value = getattr(value, part)
        except AttributeError:
            return False
        return True
    return False


@pytest.mark.slow
def test_held_out_leaks_little(stdlib):
    metrics, documents, _ = stdlib
    assert metrics["held_out_13gram_leak"] < 0.05
    assert 0.03 < metrics["held_out_share"] <= 0.051
    assert {d.split for d in documents} == {"train", "held-out"}


def test_same_name_twice_gets_two_ids(tmp_path):
    path = tmp_path / "m.py"
    path.write_text('if 1:\n  def f(): "One thing."\nelse:\n  def f(): "Other thing."\n')
    file = SourceFile(
        str(path), "d/m.py", "python-source", "folder:d", "", "MIT", "", "m", trusted=True
    )
    made = naming.passages([read(file)])
    assert [passage.passage_id for passage in made] == ["m.f", "m.f~2"]
