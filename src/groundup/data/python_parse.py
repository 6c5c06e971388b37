"""One Python file as syntax: its names, imports and documented definitions. Runs nothing."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from groundup.data import spans
from groundup.data.added_docs import added_doc
from groundup.data.document import lines_of

MAX_TEXT_LINES = 120  # of a docstring; the rest of a very long one is left to the document
SOURCE_LINES = 16  # shown of a public function that has no docstring
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Found:
    """A definition, by its name inside the module ("" is the module itself)."""

    kind: str
    inside: str
    signature: str
    signature_lines: tuple[int, int]
    text: str
    lines: tuple[int, int]
    summary: spans.Span
    returns: spans.Span
    raises: spans.Span


@dataclass(frozen=True)
class Names:
    """What a module binds: enough to follow re-exports without running anything."""

    module: str
    package: bool
    exported: tuple[str, ...] | None
    """The literal `__all__`, or None where there is none or it is computed."""

    defined: frozenset[str]
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """local name -> (module, name there; "" for the module itself)"""

    starred: tuple[str, ...] = ()
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    assigned: dict[str, str] = field(default_factory=dict)
    """local name -> dotted expression it was set to (`_inst.randint`)"""

    instances: dict[str, str] = field(default_factory=dict)
    """local name -> class it was made from (`_inst = Random()`)"""


def parse(text: str, module: str, package: bool) -> tuple[Names, list[Found]]:
    """Names and definitions of a module's source; raises SyntaxError or ValueError (nulls)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's strings
        tree = ast.parse(text)
    lines = lines_of(text)
    statements = list(module_level(tree.body))
    found = []
    if (doc := _docstring(tree, lines)) is not None:
        found.append(_found("module", "", "", (0, 0), doc, lines))
    for statement in statements:
        found.extend(_definitions(statement, "", lines, inside_class=False))
        found.extend(_documented_from_outside(statement, module, lines))
    return _names(statements, module, package), found


def module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is loaded, those inside if, try and with included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for name in ("body", "handlers", "orelse", "finalbody"):
                for part in getattr(statement, name, []):
                    inner = part.body if isinstance(part, ast.ExceptHandler) else [part]
                    yield from module_level(inner)


def _docstring(
    node: ast.Module | Definition, lines: list[str]
) -> tuple[spans.Doc, tuple[int, int]] | None:
    """Docstring of a node and the lines of its literal."""
    if not node.body or not isinstance(node.body[0], ast.Expr):
        return None
    value = node.body[0].value
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return None
    return _literal(value, lines)


def _literal(node: ast.Constant, lines: list[str]) -> tuple[spans.Doc, tuple[int, int]]:
    """Content of a string literal as it stands in the file, and its lines."""
    start, end = node.lineno, node.end_lineno or node.lineno
    own = lines[start - 1 : end]
    own[-1] = own[-1].encode()[: node.end_col_offset].decode()
    own[0] = own[0].encode()[node.col_offset :].decode()
    return spans.doc_from_source(own, start), (start, end)


def _found(
    kind: str,
    inside: str,
    signature: str,
    signature_lines: tuple[int, int],
    doc: tuple[spans.Doc, tuple[int, int]],
    lines: list[str],
) -> Found:
    content, (start, end) = doc
    end = min(end, start + MAX_TEXT_LINES - 1)
    content = spans.Doc("\n".join(lines_of(content.text)[: end - start + 1]), start)
    text = "\n".join(lines[start - 1 : end])
    return Found(
        kind,
        inside,
        signature,
        signature_lines,
        text,
        (start, end),
        spans.summary(content),
        spans.NOTHING if kind in ("class", "module") else spans.returns(content),
        spans.raises(content),
    )


def _definitions(
    node: ast.AST, prefix: str, lines: list[str], inside_class: bool
) -> Iterator[Found]:
    """The definition itself and, for a class, its methods and inner classes."""
    if not isinstance(node, Definition) or not _wanted(node):
        return
    inside = f"{prefix}.{node.name}" if prefix else node.name
    kind = "method" if inside_class else "function"
    kind = "class" if isinstance(node, ast.ClassDef) else kind
    signature, signature_lines = _header(node, lines)
    doc = _docstring(node, lines)
    if doc is not None:
        yield _found(kind, inside, signature, signature_lines, doc, lines)
    elif not any(part.startswith("_") for part in inside.split(".")):
        end = min(node.end_lineno or node.lineno, node.lineno + SOURCE_LINES - 1)
        end = max(end, signature_lines[1])
        text = "\n".join(lines[node.lineno - 1 : end])
        none = spans.NOTHING
        yield Found(
            kind, inside, signature, signature_lines, text, (node.lineno, end), none, none, none
        )
    if isinstance(node, ast.ClassDef):
        for statement in module_level(node.body):
            yield from _definitions(statement, inside, lines, inside_class=True)


def _wanted(node: Definition) -> bool:
    """Overload stubs and property setters document nothing of their own."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return not names & {"overload", "setter", "deleter"}


_HEADER_END = re.compile(r":\s*(?:#.*)?$")


def _header(node: Definition, lines: list[str]) -> tuple[str, tuple[int, int]]:
    """The `def …:` lines verbatim and their numbers; decorators and body left out."""
    start, first = node.lineno, node.body[0]
    last = first.lineno
    decorators = getattr(first, "decorator_list", [])
    if decorators:
        last = min(last, decorators[0].lineno)
    parts = _header_parts(node)
    end = max([start, *(part.end_lineno or start for part in parts)])
    while end < last and not _HEADER_END.search(lines[end - 1]):
        end += 1
    kept = lines[start - 1 : end]
    if end == first.lineno:  # the body stands on the header's own line
        kept = [*kept[:-1], kept[-1].encode()[: first.col_offset].decode()]
    return "\n".join(kept).strip(), (start, end)


def _header_parts(node: Definition) -> list[ast.expr | ast.arg | ast.keyword]:
    if isinstance(node, ast.ClassDef):
        return [*node.bases, *node.keywords]
    arguments = node.args
    parts: list[ast.expr | ast.arg | ast.keyword | None] = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        *arguments.defaults,
        *arguments.kw_defaults,
        arguments.vararg,
        arguments.kwarg,
        node.returns,
    ]
    return [part for part in parts if part is not None]


def _documented_from_outside(statement: ast.stmt, module: str, lines: list[str]) -> Iterator[Found]:
    """`add_docstr(torch.abs, "…")` and the like: docs of compiled functions, kept in Python."""
    added = added_doc(statement, module)
    if added is None:
        return
    doc = _literal(added.literal, lines)
    form = spans.call_form(doc[0])
    kind = "method" if added.is_method else "function"
    yield _found(kind, f"={added.name}", form.text, (form.start, form.end), doc, lines)


def _names(statements: list[ast.stmt], module: str, package: bool) -> Names:
    defined: set[str] = set()
    imported: dict[str, tuple[str, str]] = {}
    starred: list[str] = []
    bases: dict[str, tuple[str, ...]] = {}
    assigned: dict[str, str] = {}
    instances: dict[str, str] = {}
    for statement in statements:
        if isinstance(statement, Definition):
            defined.add(statement.name)
            if isinstance(statement, ast.ClassDef):
                bases[statement.name] = tuple(filter(None, map(_dotted, statement.bases)))
        elif isinstance(statement, ast.ImportFrom):
            origin = _origin(statement, module, package)
            for alias in statement.names:
                if alias.name == "*":
                    starred.append(origin)
                else:
                    imported.setdefault(alias.asname or alias.name, (origin, alias.name))
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                local = alias.asname or alias.name.partition(".")[0]
                imported.setdefault(local, (alias.name if alias.asname else local, ""))
        elif isinstance(statement, ast.Assign):
            _assignment(statement, assigned, instances)
    exported = _exported(statements)
    return Names(
        module,
        package,
        exported,
        frozenset(defined),
        imported,
        tuple(starred),
        bases,
        assigned,
        instances,
    )


def _assignment(statement: ast.Assign, assigned: dict[str, str], instances: dict[str, str]) -> None:
    for target in statement.targets:
        if not isinstance(target, ast.Name):
            continue
        if (dotted := _dotted(statement.value)) is not None:
            assigned.setdefault(target.id, dotted)
        elif isinstance(statement.value, ast.Call):
            made = _dotted(statement.value.func)
            if made is not None:
                instances.setdefault(target.id, made)


def _dotted(node: ast.expr) -> str | None:
    """`a.b.c` for a name or a chain of attributes, else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def _origin(statement: ast.ImportFrom, module: str, package: bool) -> str:
    """Absolute name of the module that a `from … import` reads."""
    if not statement.level:
        return statement.module or ""
    parts = module.split(".")
    up = statement.level - 1 if package else statement.level
    base = parts[: len(parts) - up]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def _exported(statements: list[ast.stmt]) -> tuple[str, ...] | None:
    """`__all__` when it is written out as literals (also over several `+=` and `extend`)."""
    names: list[str] = []
    seen = False
    for statement in statements:
        value: ast.expr | None = None
        if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                value = statement.value
        elif isinstance(statement, ast.Expr):
            value = _extension(statement.value)
        if value is None:
            continue
        literal = _literal_strings(value)
        if literal is None:
            return None
        seen = True
        names.extend(literal)
    return tuple(dict.fromkeys(names)) if seen else None


def _extension(call: ast.expr) -> ast.expr | None:
    """What `__all__.extend(…)` adds."""
    if not isinstance(call, ast.Call) or not call.args:
        return None
    adds = _dotted(call.func) in ("__all__.extend", "__all__.append")
    return call.args[0] if adds else None


def _literal_strings(node: ast.expr) -> list[str] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal_strings(node.left), _literal_strings(node.right)
        return None if left is None or right is None else left + right
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    values = [e.value for e in node.elts if isinstance(e, ast.Constant)]
    texts = [value for value in values if isinstance(value, str)]
    return texts if len(texts) == len(node.elts) else None
