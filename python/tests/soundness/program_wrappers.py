"""Functions for random programs under decorators, and what functools and contextlib make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundness.program_bodies import Body, indented
from soundness.program_functions import CELL, add_live, function, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundness.program_graphs import Graph


def decorated(graph: Graph) -> None:
    """A function under a decorator of the program's own, which may take arguments."""
    name, decorate = graph.name("g"), graph.name("d")
    around, body = Body(graph, "x", "n"), Body(graph, "x")
    functools = graph.library("functools")
    keeps = graph.change(f"@{functools}.wraps(f)", "")
    result = f"return {graph.change('f(x)', 'f(x + 1)', 'f(n)')} {graph.operator()} {around.expression()}"
    wrapper = [
        keeps,
        "def wrapper(x, *args):",
        *indented([*around.lines, result]),
        "return wrapper",
    ]
    inner = [
        f"def {decorate}(n):",
        "    def decorate(f):",
        *indented(indented(wrapper)),
        "    return decorate",
    ]
    marks = graph.change(f"@{decorate}({graph.number()})", "", f"@{decorate}(1)\n@{decorate}(2)")
    text = function(graph, name, ["x"], body.block())
    graph.define("\n".join([*inner, marks, text]))
    publish(graph, name, max(around.level, body.level))
    add_live(graph, name, ("put({r}.__wrapped__, '__code__', (lambda x: x + {n}).__code__)",))
    add_live(graph, name, (CELL,))


def class_decorated(graph: Graph) -> None:
    """A function in an instance that is called in its place."""
    name, decorate = graph.name("g"), graph.name("D")
    around, body = Body(graph, "x", "self.n"), Body(graph, "x")
    text = [
        f"class {decorate}:",
        f"    n = {graph.number()}",
        "    def __init__(self, f):",
        "        self.f = f",
        "    def __call__(self, x, *rest):",
        *indented(indented(around.block(1, "return self.f(x) + {}"))),
        f"@{decorate}",
        function(graph, name, ["x"], body.block(most=1)),
    ]
    graph.define("\n".join(text))
    graph.add(name, "instance", max(around.level, body.level), "{r}({x})", "{r}.f({x})")
    add_live(graph, name, ("put({r}, 'n', {n})", "put({r}, 'f', abs)", "put(type({r}), 'n', {n})"))


def partial(graph: Graph) -> None:
    """A function with some of its arguments given beforehand."""
    name, body = graph.name("g"), Body(graph, "k", "x")
    functools = graph.library("functools")
    text = function(graph, f"of_{name}", ["k", "x", f"z={graph.number()}"], body.block(most=1))
    given = graph.change(f"{graph.number()}", f"{graph.number()}, z=8", "x=3, k=4")
    graph.define(f"{text}{name} = {functools}.partial(of_{name}, {given})\n")
    graph.add(name, "partial", body.level, "{r}(x={x})", "{r}.func({x}, 1)")
    add_live(
        graph,
        name,
        (
            "put({m}, '{name}', type({r})({r}.func, {n}))",
            "edit({r}.keywords, 'update', {{'z': {n}}})",
        ),
    )


def cached(graph: Graph) -> None:
    """A function that remembers what it returned."""
    name, body = graph.name("g"), Body(graph, "x")
    functools = graph.library("functools")
    decorator = graph.change(
        f"{functools}.lru_cache", f"{functools}.cache", f"{functools}.lru_cache(maxsize=2)"
    )
    text = function(graph, name, ["x", f"k={graph.number()}"], body.block(), [decorator])
    graph.define(f"{text}{name}.extra = {graph.number()}\n")
    graph.add(
        name,
        "cached",
        body.level,
        "{r}({x})",
        "{r}({x}, 3)",
        "{r}.__wrapped__({x})",
        "({r}.extra + {x})",
    )
    add_live(
        graph, name, ("put({r}, 'extra', {n})", "put({r}.__wrapped__, '__defaults__', ({n},))")
    )
    graph.remembering.append(f"{graph.module.name}.{name}.cache_clear()")


def dispatched(graph: Graph) -> None:
    """A function chosen by the type of its argument."""
    name, bodies = graph.name("g"), [Body(graph, "x") for _ in range(3)]
    functools = graph.library("functools")
    kinds = graph.change("int", "float", "object"), graph.change("str", "list")
    texts = [
        function(
            graph, name, ["x"], ["x = 2", *bodies[0].block(most=1)], [f"{functools}.singledispatch"]
        )
    ]
    for kind, body in zip(kinds, bodies[1:], strict=True):
        lines = ["x = len(str(x))", *body.block(most=1)]
        texts.append(function(graph, "_", ["x"], lines, [f"{name}.register({kind})"]))
    graph.define("".join(texts))
    level = max(body.level for body in bodies)
    graph.add(
        name,
        "dispatcher",
        level,
        "{r}({x})",
        "{r}(str({x}))",
        "{r}(None)",
        "{r}.dispatch(bool)(True)",
    )
    graph.may_do(f"{graph.module.name}.{name}.register(int, lambda x: {2000 + graph.next()})")


def context_manager(graph: Graph) -> None:
    """A context manager made of a generator function."""
    name, body = graph.name("c"), Body(graph, "x")
    contextlib = graph.library("contextlib")
    lines = body.block(1, "yield {}")
    graph.define(function(graph, name, ["x"], lines, [f"{contextlib}.contextmanager"]))
    graph.add(name, "contexts", body.level, "{r}({x}).__enter__()", "next({r}.__wrapped__({x}))")


def memoized(graph: Graph) -> None:
    """A memoized function that others use."""
    name, body = graph.name("g"), Body(graph, "x")
    graph.module.memoizes = True
    graph.define(function(graph, name, ["x", f"k={graph.number()}"], body.block(), ["memoize"]))
    graph.add(name, "memoized", body.level, "{r}({x})", "{r}({x}, k=3)", "{r}.__wrapped__({x})")
    add_live(graph, name, ("put({r}.__wrapped__, '__defaults__', ({n},))",))


MAKERS: tuple[Callable[[Graph], None], ...] = (
    decorated, partial, dispatched, cached, class_decorated, context_manager, memoized,
)  # fmt: skip
