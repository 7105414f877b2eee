"""Cells of notebooks that cannot be memoized, and what to do instead."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Functions that are about the variables which are there, and with how many arguments they are.
_ABOUT_VARIABLES = {"globals": 0, "locals": 0, "vars": 0, "dir": 0, "exec": 1}


class Refused(ValueError):  # noqa: N818  says what became of the cell
    """A cell that cannot be memoized."""


def refuse(tree: ast.Module) -> None:
    """Looks for what a memoized cell cannot have.

    Raises:
        Refused: if there is something; says what, where, and what to do.
    """
    for node in outside_of_functions(tree):
        _refuse_definition(node)
        _refuse_import(node)
        _refuse_asking(node)
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            raise Refused("it awaits something: memoize a coroutine function with @memoize")
        if isinstance(node, (ast.Yield, ast.YieldFrom, ast.Return)):
            raise Refused(f"there is nothing to return or yield to on line {node.lineno}")
        if isinstance(node, ast.Nonlocal):
            raise Refused("it says `nonlocal`, and there is nothing around a cell")


def outside_of_functions(node: ast.AST) -> Iterable[ast.AST]:
    """Yields all that is run where it stands; of definitions, nothing that is in them."""
    for inner in ast.iter_child_nodes(node):
        yield inner
        if not isinstance(inner, (*_DEFINITIONS, ast.Lambda)):
            yield from outside_of_functions(inner)


def _refuse_definition(node: ast.AST) -> None:
    found: list[tuple[str, int]] = []
    if isinstance(node, _DEFINITIONS):
        found = [(node.name, node.lineno)]
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        found = [("a function (lambda)", one.lineno) for one in _kept_functions(node.value)]
    for name, line in found:
        raise Refused(
            f"it defines {name} on line {line}, and definitions cannot be stored: "
            "define it in a cell of its own, without %%memo"
        )


def _kept_functions(value: ast.expr | None) -> Iterable[ast.Lambda]:
    """The functions that are made for a variable to hold, itself or in a container."""
    if isinstance(value, ast.Lambda):
        yield value
    if isinstance(value, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
        for one in value.values if isinstance(value, ast.Dict) else value.elts:
            yield from _kept_functions(one)


def _refuse_import(node: ast.AST) -> None:
    if not isinstance(node, ast.ImportFrom):
        return
    if any(one.name == "*" for one in node.names):
        raise Refused("it imports `*`: import what it needs by name")
    if node.module == "__future__":
        raise Refused("it imports from __future__: do so in a cell without %%memo")


def _refuse_asking(node: ast.AST) -> None:
    if isinstance(node, ast.Name) and node.id == "get_ipython":
        raise Refused(
            f"it asks IPython for something, with % or !, on line {node.lineno}: do so in a "
            "cell of its own, without %%memo"
        )
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.keywords:
        return
    if _ABOUT_VARIABLES.get(node.func.id) == len(node.args):
        raise Refused(
            f"it looks at its variables by {node.func.id}() on line {node.lineno}: name them"
        )
