"""``%load_ext rememo``: the magic ``%%memo``, which memoizes a cell of a notebook.

The cell becomes a function. What it reads and does not bind is found as globals are; what it may
read before it binds it is passed; what it binds is returned, and put back on a hit.
"""

from __future__ import annotations

import ast
import builtins
import io
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rememo.cell_refusals import Refused, outside_of_functions, refuse
from rememo.memoize import memoize
from rememo.name_flow import NameFlow
from rememo.outer_reads import outer_read

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = "_rememo_shown"
FOUND = "_rememo_found"
PACKED = "_rememo_packed"


class Module(NamedTuple):
    """Stands for a module among the variables of a cell."""

    name: str


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401  IPython is not imported here
    """Gives IPython the magic."""

    def memo(line: str, cell: str) -> None:
        """Memoizes the cell: if its inputs and its code are as before, its variables come back."""
        run(shell, line.strip(), cell)

    shell.register_magic_function(memo, "cell", "memo")


def unload_ipython_extension(shell: Any) -> None:  # noqa: ANN401
    """Takes it away."""
    shell.magics_manager.magics["cell"].pop("memo", None)


def run(shell: Any, name: str, cell: str) -> None:  # noqa: ANN401
    """Runs a cell, or puts back the variables that it bound when it last was run.

    Raises:
        UsageError: if the cell cannot be memoized; says why and what to do.
    """
    namespace: dict[str, Any] = shell.user_ns
    source = shell.transform_cell(cell)
    file = shell.compile.cache(source, shell.execution_count)
    is_shown = not shell.displayhook.semicolon_at_end_of_expression(cell)
    try:
        function, passed = function_of(source, file, namespace, name, is_shown=is_shown)
    except Refused as refused:
        from IPython.core.error import UsageError

        raise UsageError(f"%%memo: {refused}") from None
    # What a cell prints is seen to be missing.
    memoized = memoize(function, allow=["output"], effects=["arguments", "globals", "files"])
    found = memoized(*[_value(one, namespace) for one in passed])
    shown: object = found.pop(SHOWN, None)
    for variable in set(passed) - set(found):
        # The cell deleted it.
        namespace.pop(variable, None)
    for variable, value in found.items():
        namespace[variable] = _import(value) if isinstance(value, Module) else value
    if shown is not None:
        shell.displayhook(shown)


def function_of(
    source: str, file: str, namespace: dict[str, Any], name: str, *, is_shown: bool = True
) -> tuple[FunctionType, list[str]]:
    """Makes a function of a cell; returns it, and the names of the variables to pass to it.

    The last value is kept if it `is_shown`.

    Raises:
        Refused: if that cannot be done.
        SyntaxError: if the cell is no Python.
    """
    tree = ast.parse(source, file)
    refuse(tree)
    tree = _WithoutGlobal().visit(tree)
    if is_shown:
        _keep_last_value(tree)
    flow = NameFlow(tree)
    known = {*namespace, *vars(builtins)}
    passed = sorted(flow.reads_first & known)
    results = sorted(flow.binds)
    body = [*tree.body, *_returning(results, flow.certain | (set(passed) - flow.deletes))]
    definition = ast.parse(f"def outer({PACKED}):\n def cell(): pass\n return cell")
    outer = cast("ast.FunctionDef", definition.body[0])
    function = cast("ast.FunctionDef", outer.body[0])
    function.args.args = [ast.arg(one) for one in passed]
    function.body = body
    ast.fix_missing_locations(definition)
    defined: dict[str, Any] = {}
    code = compile(definition, file, "exec", dont_inherit=True)
    exec(code, defined)  # noqa: S102  the user's own cell
    inner: FunctionType = defined["outer"](packed)
    made = FunctionType(inner.__code__, namespace, "cell", None, inner.__closure__)
    made.__module__ = "__main__"
    bound = [one for one in results if one != SHOWN]
    made.__qualname__ = name or f"cell of {', '.join(bound) or 'no variables'}"
    own = flow.binds - _imported_before(tree, namespace)
    _refuse_readers(made, own, [_value(one, namespace) for one in passed])
    return made, passed


class _WithoutGlobal(ast.NodeTransformer):
    """Takes away what says nothing in a cell: all its variables are global."""

    def visit_Global(self, node: ast.Global) -> ast.Pass:
        return ast.copy_location(ast.Pass(), node)


def _keep_last_value(tree: ast.Module) -> None:
    """Binds the value of a last expression, which is shown."""
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        target = ast.copy_location(ast.Name(SHOWN, ast.Store()), last)
        tree.body[-1] = ast.copy_location(ast.Assign([target], last.value), last)


def _returning(names: Iterable[str], certain: set[str]) -> list[ast.stmt]:
    """The statements that return what was bound, by name."""
    lines = [f"{FOUND} = {{}}"]
    for name in names:
        keep = f"{FOUND}[{name!r}] = {name}"
        lines.append(keep if name in certain else f"try: {keep}\nexcept NameError: pass")
    lines.append(f"return {PACKED}({FOUND})")
    text = "\n".join(lines)
    parsed = ast.parse(f"def _():\n{_indented(text)}").body[0]
    return cast("ast.FunctionDef", parsed).body


def _indented(text: str) -> str:
    return "\n".join(f" {line}" for line in text.splitlines())


def packed(found: dict[str, Any]) -> dict[str, Any]:
    """Returns variables as they are stored: modules by name, and no files that are closed."""
    return {
        name: Module(value.__name__) if isinstance(value, ModuleType) else value
        for name, value in found.items()
        if not (isinstance(value, io.IOBase) and value.closed)
    }


def _import(module: Module) -> ModuleType:
    import importlib

    return importlib.import_module(module.name)


def _value(name: str, namespace: dict[str, Any]) -> object:
    return namespace[name] if name in namespace else vars(builtins)[name]


def _imported_before(tree: ast.Module, namespace: dict[str, Any]) -> set[str]:
    """The names that are bound by imports alone, to what they are bound to already."""
    same: set[str] = set()
    others: set[str] = set()
    for one in outside_of_functions(tree):
        if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load):
            others.add(one.id)
        if isinstance(one, (ast.Import, ast.ImportFrom)):
            for alias in one.names:
                top = alias.name.partition(".")[0]
                name = alias.asname or top
                module = sys.modules.get(alias.name if alias.asname else top)
                if isinstance(one, ast.ImportFrom):
                    module = getattr(sys.modules.get(one.module or ""), alias.name, None)
                is_there = module is not None and namespace.get(name) is module
                (same if is_there else others).add(name)
    return same - others


def _refuse_readers(function: FunctionType, names: set[str], passed: list[object]) -> None:
    """Refuses what would not see the variables of a cell, which are those of a function."""
    found = outer_read(function, names, passed)
    if found is not None:
        raise Refused(
            f"it binds {found.name}, which {found.function} reads: pass it on as an argument, or "
            "bind it in a cell before, without %%memo"
        )
