"""Definitions read from syntax agree with what inspect and ast say of the running library."""

import ast
import importlib
import inspect
import textwrap
from pathlib import Path

import pytest

from groundup.data import clean
from groundup.data.document import lines_of
from groundup.data.python_parse import parse

MODULES = (
    "json.decoder",
    "textwrap",
    "collections",
    "heapq",
    "pathlib",
    "argparse",
    "random",
    "ast",
)


def read(module):
    path = Path(importlib.import_module(module).__file__)
    text = clean.decode(path.read_bytes(), python=True)[0]
    return text, parse(text, module, path.name == "__init__.py")


def resolve(module, inside):
    value = importlib.import_module(module)
    for part in inside.split("."):
        value = inspect.getattr_static(value, part)
    return getattr(value, "__func__", value)


@pytest.mark.parametrize("module", MODULES)
def test_definition_lines_equal_getsourcelines(module):
    text, (_, found) = read(module)
    lines = lines_of(text)
    checked = 0
    for item in found:
        if item.kind not in ("function", "method") or item.inside.count(".") > 1:
            continue
        try:
            value = resolve(module, item.inside)
            source, start = inspect.getsourcelines(value)
        except (AttributeError, TypeError, OSError):
            continue  # replaced at import by a compiled twin, or a property
        if not inspect.isfunction(value) or value.__module__ != module:
            continue
        first = next(
            n for n, line in enumerate(source) if line.lstrip().startswith(("def ", "async "))
        )
        if source[first].strip() != lines[item.signature_lines[0] - 1].strip():
            continue  # an if/else twin: the running one is the other
        assert item.signature_lines[0] == start + first
        assert item.signature in "\n".join(
            lines[item.signature_lines[0] - 1 : item.signature_lines[1]]
        )
        header = ast.parse(item.signature + "\n    pass").body[0]
        assert [a.arg for a in [*header.args.posonlyargs, *header.args.args]] == list(
            inspect.getfullargspec(inspect.unwrap(value)).args
        )
        checked += 1
    assert checked > 3


@pytest.mark.parametrize("module", MODULES)
def test_docstrings_equal_asts(module):
    text, (_, found) = read(module)
    docs = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            docs[node.lineno] = ast.get_docstring(node, clean=False)
    checked = 0
    for item in found:
        doc = docs.get(item.signature_lines[0])
        if doc is not None and item.summary.text and "\\" not in item.text:
            assert item.summary.text in doc
            assert doc.split("\n")[0] in item.text
            checked += 1
    assert checked > 3


def test_signature_is_the_header_only():
    source = textwrap.dedent(
        '''
        @decorated(x=1)
        def f(a, b=lambda x: x,  # a comment:
              *, c: "int" = 3) -> {"a": 1}:  # tail
            """Doc."""

        def g(): return 1
        class C(Base[int], metaclass=M): "One line."
        '''
    ).strip()
    _, found = parse(source, "m", False)
    signatures = {item.inside: item.signature for item in found}
    assert signatures["f"].startswith("def f(a, b=lambda x: x,")
    assert '-> {"a": 1}:' in signatures["f"]
    assert signatures["g"] == "def g():"
    assert signatures["C"] == "class C(Base[int], metaclass=M):"
    assert next(item for item in found if item.inside == "C").summary.text == "One line."


def test_docs_of_compiled_functions():
    source = 'add_docstr(torch.abs, r"""\nabs(input) -> Tensor\n\nCompute it.\n""".format(**x))\n'
    _, found = parse(source, "torch._torch_docs", False)
    assert [(f.inside, f.signature, f.summary.text) for f in found] == [
        ("=torch.abs", "abs(input) -> Tensor", "Compute it.")
    ]
    source = "add_newdoc('numpy._core.multiarray', 'ndarray', ('T', '''View.'''))"
    _, found = parse(source, "numpy._core._add_newdocs", False)
    assert [(f.inside, f.kind) for f in found] == [("=numpy.ndarray.T", "method")]


def test_parsing_runs_nothing(tmp_path):
    mark = tmp_path / "ran"
    parse(f"open({str(mark)!r}, 'w')\nraise SystemExit\n", "evil", False)
    assert not mark.exists()
