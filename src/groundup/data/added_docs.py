"""Docstrings that Python code attaches to compiled functions, as torch, numpy and scipy do."""

from __future__ import annotations

import ast
from typing import NamedTuple

# function -> (does its first argument name the target as an expression or in strings?)
_BY_EXPRESSION = {"add_docstr", "_add_docstr"}
_BY_STRINGS = {"add_newdoc"}
_TENSOR_METHODS = {"add_docstr_all"}  # torch/_tensor_docs.py: the name of a Tensor method


class Added(NamedTuple):
    """A documented target's full name, the literal that documents it, whether it is a method."""

    name: str
    literal: ast.Constant
    is_method: bool = False


def added_doc(statement: ast.stmt, module: str) -> Added | None:
    """The documentation that a module-level call adds to something compiled, if it does."""
    call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if not isinstance(call, ast.Call) or len(call.args) < 2:
        return None
    function = ast.unparse(call.func).rpartition(".")[2]
    if function in _BY_EXPRESSION and (literal := _literal(call.args[1])):
        return Added(ast.unparse(call.args[0]).replace("torch._C.", "torch."), literal)
    if function in _TENSOR_METHODS and (literal := _literal(call.args[1])):
        target = _text(call.args[0])
        return Added(f"torch.Tensor.{target}", literal, is_method=True) if target else None
    if function in _BY_STRINGS:
        return _newdoc(call, module)
    return None


def _text(node: ast.expr) -> str:
    """The value of a string constant, "" for anything else."""
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if constant and isinstance(node, ast.Constant) else ""


def _literal(node: ast.expr) -> ast.Constant | None:
    """The string itself, also under `.format(…)`, `merge_dicts` or a leading `+`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _literal(node.func.value)
    if isinstance(node, ast.BinOp):
        return _literal(node.left) or _literal(node.right)
    return None


def _newdoc(call: ast.Call, module: str) -> Added | None:
    """numpy: add_newdoc(place, name, doc | (member, doc)); scipy: add_newdoc(name, doc)."""
    texts = [_text(argument) for argument in call.args[:2]]
    if len(call.args) == 2 and texts[0] and (literal := _literal(call.args[1])):
        return Added(f"{module.rpartition('.')[0]}.{texts[0]}", literal)
    if len(call.args) < 3 or not all(texts):
        return None
    place = ".".join(part for part in texts[0].split(".") if not part.startswith("_"))
    place = place.removesuffix(".multiarray").removesuffix(".umath")
    name, last = f"{place}.{texts[1]}", call.args[2]
    if isinstance(last, ast.Tuple) and len(last.elts) == 2:
        member, literal = _text(last.elts[0]), _literal(last.elts[1])
        if member and literal is not None:
            return Added(f"{name}.{member}", literal, is_method=True)
        return None
    literal = _literal(last)
    return Added(name, literal) if literal is not None else None
