"""Which definitions of a module are memoized: plain functions at its top level.

Their definitions are given a decorator as the module is compiled; all else stays as it is written.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FunctionType

# Stands for the decorator until the module is compiled: a constant of the module's code, so that
# the module has no variable that it would not have.
_ADOPT = "rememo: adopts a function"


class Compiled(NamedTuple):
    """A module that is ready to run."""

    code: CodeType
    left: list[tuple[str, str]]
    """The functions that are left as they are written, and why."""


def compiled(source: bytes, file: str, adopt: Callable[[FunctionType], object]) -> Compiled:
    """Compiles a module, the functions of which become what `adopt` makes of them.

    Raises:
        ValueError: if it is no text.
        SyntaxError: if it is no Python.
    """
    tree = ast.parse(source, file)
    left: list[tuple[str, str]] = []
    for node in _definitions(tree.body):
        if isinstance(node, ast.ClassDef):
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            methods = [one.name for one in node.body if isinstance(one, functions)]
            left.extend((f"{node.name}.{method}", "it is a method") for method in methods)
        elif why := _why_not(node):
            left.append((node.name, why))
        else:
            # On the line of the definition, where `inspect` looks for its source.
            node.decorator_list = [ast.copy_location(ast.Constant(_ADOPT), node)]
    code = compile(tree, file, "exec", dont_inherit=True)
    constants = tuple(
        adopt if isinstance(one, str) and one == _ADOPT else one for one in code.co_consts
    )
    return Compiled(code.replace(co_consts=constants), left)


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _definitions(body: list[ast.stmt]) -> Iterator[_Definition]:
    """Yields what is defined at the top level, below `if` and `try` too."""
    for node in body:
        if isinstance(node, _Definition):
            yield node
        elif isinstance(node, ast.If):
            yield from _definitions([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            handled = [one for handler in node.handlers for one in handler.body]
            yield from _definitions([*node.body, *handled, *node.orelse, *node.finalbody])


def _why_not(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    if node.decorator_list:
        return "it is decorated"
    if isinstance(node, ast.AsyncFunctionDef):
        return "it is a coroutine function"
    if any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in _own(node)):
        return "it is a generator function"
    return None


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yields what is in a function, without what is in functions within it."""
    for inner in ast.iter_child_nodes(node):
        yield inner
        if not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _own(inner)
