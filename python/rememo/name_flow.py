"""Which names some code binds, and which of them it may read before it has bound them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class NameFlow(ast.NodeVisitor):
    r"""Follows the names of statements, in the order in which they are run.

    Where it cannot tell, it takes a name for one that may be read before it is bound.

    Attributes:
        binds: names that are bound, those that may be included.
        certain: names that are bound at the end, whatever way was taken.
        deletes: names that may be deleted.
        reads_first: names of `binds` that may be read, or deleted, before.

    >>> import ast
    >>> from rememo.name_flow import NameFlow
    >>> flow = NameFlow(ast.parse("a = b\nc = c + a\nif a: d = 1"))
    >>> sorted(flow.binds), sorted(flow.certain), sorted(flow.reads_first)
    (['a', 'c', 'd'], ['a', 'c'], ['c'])
    """

    def __init__(self, tree: ast.Module) -> None:
        """Reads the statements of a module."""
        self.certain: set[str] = set()
        self._read: set[str] = set()
        self.binds: set[str] = set()
        self.deletes: set[str] = set()
        # What was deleted since it was last asked whether something was.
        self._gone: set[str] = set()
        # Variables of the lambdas and comprehensions that are being read.
        self._hidden: list[set[str]] = []
        self._run(tree.body)
        self.reads_first = self._read & self.binds

    def _run(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _bind(self, name: str) -> None:
        self.binds.add(name)
        self.certain.add(name)

    def _perhaps(self, nodes: Iterable[ast.AST]) -> set[str]:
        """Runs what may not be run; returns what is certain if it was."""
        before, self.certain = self.certain, set(self.certain)
        gone, self._gone = self._gone, set()
        self._run(nodes)
        after, self.certain = self.certain, before - self._gone
        self._gone |= gone
        return after

    def _delete(self, name: str) -> None:
        self.binds.add(name)
        self.deletes.add(name)
        # What was there before goes as well, where this is run.
        self._read.add(name)
        self._gone.add(name)
        self.certain.discard(name)

    def visit_Name(self, node: ast.Name) -> None:  # noqa: D102
        if any(node.id in names for names in self._hidden):
            return
        if isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        elif isinstance(node.ctx, ast.Del):
            self._delete(node.id)
        elif node.id not in self.certain:
            self._read.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:  # noqa: D102
        self._run([node.value, *node.targets])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:  # noqa: D102
        if isinstance(node.target, ast.Name):
            self._read |= {node.target.id} - self.certain
        self._run([node.value, node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:  # noqa: D102
        if node.value is not None:
            self._run([node.value, node.target])

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:  # noqa: D102
        self._run([node.value, node.target])

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:  # noqa: D102
        for alias in node.names:
            self._bind(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_BoolOp(self, node: ast.BoolOp) -> None:  # noqa: D102
        self.visit(node.values[0])
        self._perhaps(node.values[1:])

    def visit_Compare(self, node: ast.Compare) -> None:  # noqa: D102
        self._run([node.left, node.comparators[0]])
        self._perhaps(node.comparators[1:])

    def visit_IfExp(self, node: ast.IfExp) -> None:  # noqa: D102
        self.visit(node.test)
        self.certain |= self._perhaps([node.body]) & self._perhaps([node.orelse])

    def visit_If(self, node: ast.If) -> None:  # noqa: D102
        self.visit(node.test)
        self.certain = self._perhaps(node.body) & self._perhaps(node.orelse)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:  # noqa: D102
        self.visit(node.iter)
        self._perhaps([node.target, *node.body])
        self._perhaps(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_While(self, node: ast.While) -> None:  # noqa: D102
        self.visit(node.test)
        self._perhaps(node.body)
        self._perhaps(node.orelse)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:  # noqa: D102
        self._run(node.items)
        # What is entered may swallow an exception.
        self._perhaps(node.body)

    visit_AsyncWith = visit_With  # noqa: N815

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:  # noqa: D102
        certain = self._perhaps([*node.body, *node.orelse])
        for handler in node.handlers:
            certain &= self._perhaps([handler])
        gone, self._gone = self._gone, set()
        self._run(node.finalbody)
        self.certain |= certain - self._gone
        self._gone |= gone

    def visit_TryStar(self, node: ast.TryStar) -> None:  # noqa: D102
        self.visit_Try(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:  # noqa: D102
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self._bind(node.name)
        self._run(node.body)
        if node.name:
            self._delete(node.name)

    def visit_Match(self, node: ast.Match) -> None:  # noqa: D102
        self.visit(node.subject)
        for case in node.cases:
            self._perhaps([case])

    def visit_MatchAs(self, node: ast.MatchAs) -> None:  # noqa: D102
        self.generic_visit(node)
        if node.name:
            self._bind(node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:  # noqa: D102
        if node.name:
            self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:  # noqa: D102
        self.generic_visit(node)
        if node.rest:
            self._bind(node.rest)

    def _apart(self, names: set[str], nodes: Iterable[ast.AST]) -> None:
        """Reads what has variables of its own, and may be run at any time."""
        self._hidden.append(names)
        self._perhaps(nodes)
        self._hidden.pop()

    def visit_Lambda(self, node: ast.Lambda) -> None:  # noqa: D102
        inner = node.args
        self._run([*inner.defaults, *(one for one in inner.kw_defaults if one)])
        several = [*inner.posonlyargs, *inner.args, *inner.kwonlyargs, inner.vararg, inner.kwarg]
        walruses = (one for one in ast.walk(node.body) if isinstance(one, ast.NamedExpr))
        names = {one.arg for one in several if one} | {one.target.id for one in walruses}
        self._apart(names, [node.body])

    def _comprehension(self, node: _Comprehension) -> None:
        # The first of what is gone through is found outside of it.
        first, *others = node.generators
        self.visit(first.iter)
        inner: list[ast.AST] = [first.target, *first.ifs]
        for one in others:
            inner += [one.iter, one.target, *one.ifs]
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        targets = (name for one in node.generators for name in ast.walk(one.target))
        names = {
            name.id
            for name in targets
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
        self._apart(names, [*inner, *elements])

    visit_ListComp = _comprehension  # noqa: N815
    visit_SetComp = _comprehension  # noqa: N815
    visit_DictComp = _comprehension  # noqa: N815
    visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_FunctionDef(  # noqa: D102
        self, node: _Definition
    ) -> None:
        # When the code within is run, nobody knows; so whatever it reads may be read now.
        names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        self._read |= names - self.certain
        self._bind(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815
    visit_ClassDef = visit_FunctionDef  # noqa: N815
