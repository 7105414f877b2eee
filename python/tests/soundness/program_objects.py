"""Objects for random programs that stand for others, hold each other, or are keys to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundness.program_bodies import Body, indented
from soundness.program_classes import method
from soundness.program_functions import add_live, callee, function, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundness.program_graphs import Graph


def proxy(graph: Graph) -> None:
    """An object that passes everything on to another one."""
    name, body = graph.name("o"), Body(graph, "x", "self.k")
    asked = graph.change("__getattr__", "__getattribute__")
    text = [
        f"class Target{name}:",
        f"    k = {graph.number()}",
        *indented(method(graph, "go", body, ["self", "x"], "return {}").splitlines()),
        f"class Proxy{name}:",
        "    def __init__(self, target): object.__setattr__(self, 'target', target)",
        f"    def {asked}(self, name):",
        "        return getattr(object.__getattribute__(self, 'target'), name)",
        f"{name} = Proxy{name}(Target{name}())",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(name, "instance", body.level, "{r}.go({x})", "({r}.k + {x})")
    target = "object.__getattribute__({r}, 'target')"
    add_live(
        graph,
        name,
        (
            f"put({target}, 'k', {{n}})",
            f"put(type({target}), 'go', lambda self, x: x - {{n}})",
            f"put(type({target}), 'k', {{n}})",
        ),
    )


def ring(graph: Graph) -> None:
    """Three objects that hold each other in a circle."""
    name, n = graph.name("o"), graph.number
    order = graph.change("0, 1, 2", "0, 2, 1")
    text = [
        f"class Node{name}:",
        f"    def __init__(self, k): self.k, self.next, self.rest = k, None, [{n()}]",
        f"    def go(self, x): return self.next.k * x {graph.operator()} self.next.next.k",
        f"all_{name} = [Node{name}(k) for k in ({n()}, {n()}, {n()})]",
        f"for one, two in zip([all_{name}[i] for i in ({order})], all_{name}[1:] + all_{name}[:1]):",
        "    one.next = two",
        f"{name} = all_{name}[0]",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(
        name, "instance", 0, "{r}.go({x})", "({r}.next.k + {x})", "({r}.next.next.rest[0] + {x})"
    )
    add_live(
        graph,
        name,
        (
            "put({r}.next, 'k', {n})",
            "put({r}.next.next, 'next', {r})",
            "put({r}, 'next', {r})",
            "edit({r}.next.rest, '__setitem__', 0, {n})",
        ),
    )


def by_type(graph: Graph) -> None:
    """Functions in a dictionary, chosen by a type or another function."""
    name, body = graph.name("T"), Body(graph, "x")
    first, second = (callee(graph, body) or graph.change("abs", "int") for _ in range(2))
    keys = graph.change("int, str", "str, int", "bool, int")
    text = [
        f"class Key{name}: pass",
        f"{name} = dict(zip(({keys}), ({first}, {second})))",
        f"{name}[Key{name}] = {name}[len] = lambda x: x {graph.operator()} {graph.number()}",
        f"def of_{name}(x): return {name}[type(x)](x) + {name}[Key{name}](x)",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(f"of_{name}", "function", body.level + 1, "{r}({x})")
    graph.add(name, "table", body.level, "{r}[int]({x})", "{r}[len]({x})", "{r}[list({r})[1]](2)")
    add_live(
        graph,
        name,
        ("edit({r}, '__setitem__', int, lambda x: {n})", "reorder({r})", "edit({r}, 'pop', len)"),
    )


def registry(graph: Graph) -> None:
    """Functions that a decorator puts into a table under their names."""
    name, bodies = graph.name("R"), [Body(graph, "x") for _ in range(2)]
    names = graph.change("one", "other"), graph.change("two", "one")
    text = [
        f"{name} = {{}}",
        f"def register_{name}(f):",
        f"    {name}[{graph.change('f.__name__', f'len({name})', 'f.__code__.co_argcount')}] = f",
        "    return f",
    ]
    for name_of_function, body in zip(names, bodies, strict=True):
        lines = body.block(most=1)
        text.append(
            function(graph, name_of_function + f"_{name}", ["x"], lines, [f"register_{name}"])
        )
    graph.define("\n".join([*text, ""]))
    level = max(body.level for body in bodies)
    graph.add(
        name, "table", level, "sum(f({x}) for f in {r}.values())", "list({r}.values())[-1]({x})"
    )
    add_live(
        graph,
        name,
        ("reorder({r})", "edit({r}, '__setitem__', 'one', abs)", "edit({r}, 'popitem')"),
    )


def bound(graph: Graph) -> None:
    """Methods of built-in objects, taken from them."""
    name, n = graph.name("M"), graph.number
    value, use = graph.pick(
        (
            (f"[{n()}, {n()}, 3].__getitem__", "{r}({x} % 3)"),
            (f"{{0: {n()}, 1: {n()}}}.get", "{r}({x} % 3, 5)"),
            (f"({n()}).__add__", "{r}({x})"),
            (f"'{{:>{n()}d}}'.format", "len({r}({x}))"),
            (f"[{n()}, 2].{graph.change('index', 'count')}", "({r}(2) + {x})"),
            (graph.change("int.__add__", "int.__sub__", "int.__mul__"), "{r}({x}, 3)"),
            (
                f"type('Made', (), {{'k': {n()}, 'go': lambda self, x: self.k + x}})",
                "{r}().go({x})",
            ),
            (f"property(lambda self: {n()})", "({r}.fget(None) + {x})"),
            (f"classmethod(lambda cls, x: x + {n()})", "{r}.__func__(int, {x})"),
        )
    )
    graph.define(f"{name} = {value}\n")
    graph.add(name, "bound", 0, use)
    add_live(graph, name, ("put({m}, '{name}', lambda *a: {n})",))


def raised(graph: Graph) -> None:
    """An exception that lies ready."""
    name, kind = graph.name("o"), graph.change("ValueError", "KeyError")
    text = [
        f"class Error{name}({kind}):",
        graph.pick(("    pass", "    __slots__ = ('k',)")),
        f"    def __init__(self, k, *more): super().__init__(k, {graph.number()}); self.k = k",
        f"{name} = Error{name}({graph.number()})",
        f"def of_{name}(x):",
        f"    try: raise {name}",
        f"    except {graph.change('ValueError', 'LookupError')} as e: return e.k + x",
        "    except Exception as e: return e.args[1] + x",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(f"of_{name}", "function", 0, "{r}({x})")
    graph.add(name, "instance", 0, "({r}.args[1] + {x})", "({r}.k * {x})")
    add_live(graph, name, ("put({r}, 'k', {n})", "put({r}, 'args', (1, {n}))"))


def awaiting(graph: Graph) -> None:
    """A coroutine that awaits another, driven by hand."""
    name, body = graph.name("g"), Body(graph, "x", "k")
    inner = function(graph, f"inner_{name}", ["x", f"k={graph.number()}"], body.block(most=1))
    text = [
        f"async {inner}async def outer_{name}(x):",
        f"    return await inner_{name}(x) {graph.operator()} {graph.number()}",
        f"def {name}(x):",
        f"    try: outer_{name}(x).send(None)",
        "    except StopIteration as done: return done.value",
        "",
    ]
    graph.define("\n".join(text))
    publish(graph, name, body.level)


def special_methods(graph: Graph) -> None:
    """A class with methods that functools makes."""
    name, functools, body = graph.name("C"), graph.library("functools"), Body(graph, "x")
    used = callee(graph, body) or "abs"
    text = [
        f"@{functools}.total_ordering",
        f"class {name}:",
        f"    def __init__(self, k={graph.number()}): self.k = k",
        f"    def __eq__(self, other): return self.k == other.k {graph.operator()} 1",
        f"    def __lt__(self, other): return self.k {graph.change('<', '>')} other.k",
        f"    def base(self, a, b={graph.number()}): return a * self.k + b",
        f"    part = {functools}.partialmethod(base, b={graph.number()})",
        f"    @{functools}.cached_property",
        f"    def once(self): return {used}(self.k) + {graph.number()}",
        f"    @{functools}.singledispatchmethod",
        "    def by(self, x): return 3",
        f"    @by.register({graph.change('int', 'str')})",
        f"    def _(self, x): return x + {graph.number()}",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(
        name,
        "functools class",
        body.level + 1,
        "{r}().part({x})",
        "({r}().once + {x})",
        "{r}().by({x})",
        "(({r}() >= {r}({x})) + {x})",
        "{r}().base({x})",
    )
    add_live(
        graph,
        name,
        (
            "put({r}, 'base', lambda self, a, b=1: {n})",
            "put({r}, 'once', {n})",
            "put({r}, '__lt__', lambda *a: True)",
        ),
    )


MAKERS: tuple[Callable[[Graph], None], ...] = (
    ring, by_type, bound, proxy, registry, raised, awaiting, special_methods,
)  # fmt: skip
