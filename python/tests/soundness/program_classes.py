"""Classes and instances for random programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundness.program_bodies import Body, indented
from soundness.program_functions import add_live, callee, documentation, function

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soundness.program_graphs import Graph

# What may be done to a live class.
LIVE = (
    "put({r}, 'k', {n})",
    "put({r}, 'go', lambda self, x=0, *a: x + {n})",
    "drop({r}, 'go')",
    "drop({r}, 'k')",
    "put({r}, 'other', lambda *a: {n})",
    "put({r}, '__getattr__', lambda self, name: {n})",
    "put({r}.go, '__defaults__', ({n},))",
    "put({m}, '{name}', type('Other', ({r},), {{'k': {n}}}))",
)


def define(graph: Graph, head: str, *members: str) -> None:
    """Puts a class into the module."""
    lines = [documentation(graph), *(line for member in members for line in member.splitlines())]
    graph.define("\n".join([head, *indented(lines), "    pass", ""]))


def method(
    graph: Graph,
    name: str,
    body: Body,
    parameters: Sequence[str],
    ending: str,
    *decorators: str,
    nested: bool = False,
) -> str:
    """The text of a method, ending as told."""
    return function(graph, name, parameters, body.block(1, ending), decorators, nested=nested)


def plain(graph: Graph) -> None:
    """A class with methods of every kind, and attributes."""
    name, body = graph.name("C"), Body(graph, "x", "self.k", "d")
    other, swap = Body(graph, "x"), graph.choose(2, harmless=True)
    go = method(graph, "go", body, ["self", "x=1", f"d={graph.number()}"], "return {}")
    still = method(graph, "still", other, ["x"], "return {}", "staticmethod")
    made = f"@{graph.change('classmethod', 'staticmethod')}\ndef made(cls, x=2):\n    return {name}.k + x\n"
    look = f"@property\ndef look(self):\n    return self.k {graph.operator()} {graph.number()}\n"
    rows = f"k = {graph.number()}\nrows = [{graph.number()}, {graph.number()}]\n"
    define(
        graph,
        f"class {name}:",
        rows,
        graph.slot(swap, go, still),
        look,
        graph.slot(swap, still, go),
        made,
    )
    level = max(body.level, other.level)
    graph.add(
        name, "class", level, "{r}().go({x})", "{r}.still({x})", "({r}().look + {x})", "{r}.made({x})",
        "({r}.rows[{x} % 2])", "getattr({r}(), 'go')({x}, 3)", "({r}.k + {x})",
    )  # fmt: skip
    add_live(graph, name, (*LIVE, "edit({r}.rows, 'append', {n})", "edit({r}.rows, 'reverse')"))


def heir(graph: Graph) -> None:
    """A class derived from another, of which an edit may override more or less."""
    classes = graph.known("class")
    if not classes:
        plain(graph)
        return
    base = classes[-1 - graph.index(len(classes))]
    bases = [graph.refer(other) for other in classes if other.level <= base.level]
    name, body = graph.name("C"), Body(graph, "x")
    go = method(graph, "go", body, ["self", "x=1", "*a"], "return super().go(x) + {}")
    k = f"k = {graph.number()}"
    head = f"class {name}({graph.change(graph.refer(base), *bases[-2:], 'object')}):"
    define(
        graph, head, graph.change(go, "", "def go(self, x=1, *a): return x"), graph.change("", k)
    )
    level = max(base.level, body.level) + 1
    graph.add(
        name,
        "class",
        level,
        "{r}().go({x})",
        "({r}().look + {x})",
        "{r}.made({x})",
        "({r}.k + {x})",
    )
    add_live(graph, name, (*LIVE, f"put({{r}}, '__bases__', ({base.module}.{base.name},))"))


def mixed(graph: Graph) -> None:
    """A diamond of classes, in one order of bases or the other."""
    name, n = graph.name("C"), graph.number
    text = [
        f"class Top{name}:\n    k = {n()}\n    def go(self, x=1): return x + self.k",
        f"class Left{name}(Top{name}):\n    def go(self, x=1): return super().go(x) * {n()}",
        f"class Right{name}(Top{name}):\n    k = {n()}\n    def go(self, x=1): return super().go(x) + {n()}",
        f"class {name}({graph.change(f'Left{name}, Right{name}', f'Right{name}, Left{name}', f'Right{name}')}):",
        f"    rows = {n()}, {n()}",
        "    look = property(lambda self: self.go(2))",
        f"    made = classmethod(lambda cls, x: cls().go(x) + {n()})",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(name, "class", 0, "{r}().go({x})", "{r}.made({x})", "({r}().look + {x})")
    module = graph.module.name
    more = f"put({module}.Right{name}, 'k', {{n}})", f"drop({module}.Left{name}, 'go')"
    bases = f"put({{r}}, '__bases__', ({module}.Right{name}, {module}.Left{name}))"
    add_live(graph, name, (*more, bases, *LIVE))


def slotted(graph: Graph) -> None:
    """A class without a namespace in its instances, and an instance of it."""
    name, held, body = graph.name("C"), graph.name("o"), Body(graph, "x", "self.a")
    go = method(graph, "go", body, ["self", "x=1"], "return {}")
    init = f"def __init__(self, a={graph.number()}): self.a = a"
    define(
        graph, f"class {name}:", f"__slots__ = 'a', {graph.change(repr('b'), repr('c'))}", init, go
    )
    graph.define_in_place(f"{held} = {name}({graph.number()})\n")
    graph.add(
        held, "instance", body.level, "{r}.go({x})", "({r}.a + {x})", "(hasattr({r}, 'b') + {x})"
    )
    add_live(
        graph,
        held,
        (
            "put({r}, 'a', {n})",
            "put({r}, 'b', {n})",
            "drop({r}, 'a')",
            "put(type({r}), 'go', lambda s, x: {n})",
        ),
    )


def instance(graph: Graph) -> None:
    """An instance with other things in its attributes."""
    name, held = graph.name("C"), graph.name("o")
    body, made = Body(graph, "x", "self.k"), Body(graph, "3")
    given = callee(graph, made) or "abs"
    go = method(graph, "go", body, ["self", "x=1"], "return {} + self.h(x)")
    init = f"def __init__(self, k, h):\n    self.k, self.h = k, h\n    self.rows = {{'a': [k, {graph.number()}]}}"
    call = f"def __call__(self, x): return self.rows['a'][-1] {graph.operator()} x"
    define(
        graph, f"class {name}:", init, go, graph.change(call, call.replace("rows['a'][-1]", "k"))
    )
    graph.define_in_place(f"{held} = {name}({graph.number()}, {given})\n{held}_go = {held}.go\n")
    level = max(body.level, made.level)
    graph.add(
        held,
        "instance",
        level,
        "{r}.go({x})",
        "({r}.k + {x})",
        "{r}({x})",
        "{r}.rows['a'][{x} % 2]",
    )
    graph.add(f"{held}_go", "bound method", level, "{r}({x})", "{r}.__func__({r}.__self__, {x})")
    add_live(
        graph,
        held,
        (
            "put({r}, 'k', {n})",
            "put({r}, 'h', lambda x: {n})",
            "put({r}, 'go', lambda x: {n})",
            "drop({r}, 'k')",
            "edit({r}.rows['a'], 'append', {n})",
            "put(type({r}), 'go', lambda self, x: {n})",
            "put({r}, '__class__', type('Other', (type({r}),), {{'go': lambda self, x: {n}}}))",
        ),
    )


def exception(graph: Graph) -> None:
    """Exceptions of the program's own, raised and caught."""
    name, caught, body = graph.name("E"), graph.name("g"), Body(graph, "x")
    base = graph.change("ValueError", "KeyError", "Exception", "LookupError")
    result = body.expression()
    lines = [
        *body.lines,
        "try:",
        f"    if x {graph.change('>=', '<')} 0: raise {name}(x)",
        f"except {graph.change('ValueError', 'LookupError', 'OSError')}:",
        f"    return {result}",
        f"except {name} as e:",
        "    return e.code + len(str(e)) + e.args[0]",
        "return 1",
    ]
    text = [
        f"class {name}({base}):",
        f"    code = {graph.number()}",
        "    def __str__(self):",
        f"        return 'a' * {graph.change('3', '4')}",
        function(graph, caught, ["x"], lines),
    ]
    graph.define("\n".join(text))
    graph.add(caught, "function", body.level, "{r}({x})")
    graph.add(
        name,
        "exception",
        0,
        "({r}({x}).args[0] + {r}.code)",
        "(issubclass({r}, LookupError) + {x})",
    )
    add_live(graph, name, ("put({r}, 'code', {n})", "put({r}, '__str__', lambda self: 'x' * {n})"))


def container(graph: Graph) -> None:
    """A class whose instances are used by operators."""
    name, body, n = graph.name("C"), Body(graph, "x"), graph.number
    members = [
        f"def __init__(self, k={n()}): self.k = k",
        function(graph, "__getitem__", ["self", "x"], body.block(1, "return {} + self.k")),
        f"def __len__(self): return {graph.change('2', '3')}",
        f"def __iter__(self): return iter((self.k, {n()}))",
        f"def __add__(self, x): return self.k {graph.operator()} x",
        f"def __radd__(self, x): return {n()} + x",
        f"def __contains__(self, x): return x {graph.change('<', '>')} {n()}",
        f"def __eq__(self, x): return self.k == x + {n()}",
        "def __hash__(self): return 5",
        f"def __bool__(self): return {graph.change('True', 'False')}",
        f"def __getattr__(self, name): return len(name) + {n()}",
        f"def __enter__(self): return {n()}",
        "def __exit__(self, *e): return True",
        f"def __class_getitem__(cls, x): return x * {n()}",
        f"def __missing__(self, key): return key + {n()}",
        f"def __format__(self, kind): return kind * {graph.change('2', '3')}",
        f"def __lt__(self, x): return {graph.change('True', 'False')}",
        f"def __index__(self): return {n()}",
    ]
    define(graph, f"class {name}{graph.change('', '(dict)', '(list)')}:", *members)
    held = graph.name("o")
    graph.define_in_place(f"{held} = {name}({n()})\n")
    graph.add(held, "instance", body.level, "{r}[{x}]", "({r} + {x})", "({r}.k + {x})")
    graph.add(
        name, "operators", body.level, "{r}()[{x}]", "sum({r}())", "({r}() + {x})", "({x} + {r}())",
        "(({x} in {r}()) + {x})", "(({r}() == {x}) + {x})", "(4 if {r}() else {x})", "({r}().missing + {x})",
        "{r}[{x}]", "(len(format({r}(), 'abc')) + {x})", "(len({r}()) + {x})", "(({r}() < {x}) + {x})",
        "(len(bytes({r}())) + {x})" if graph.once_in(9) else "{r}().__enter__()",
    )  # fmt: skip
    add_live(
        graph,
        name,
        (
            "put({r}, '__add__', lambda s, x: {n})",
            "put({r}, '__len__', lambda s: 7)",
            "drop({r}, '__bool__')",
            "drop({r}, '__getitem__')",
        ),
    )


def factory(graph: Graph) -> None:
    """Classes of one name, made by a function."""
    name, body = graph.name("T"), Body(graph, "x", "a")
    ending = f"return {{}} {graph.operator()} self.k"
    go = method(graph, "go", body, ["self", "x"], ending, nested=True)
    text = [
        f"def make_{name}(a):",
        "    class Made:",
        f"        k = a + {graph.number()}",
        *indented(indented(go.splitlines())),
        "    return Made",
        f"{name} = [make_{name}({graph.number()}), make_{name}({graph.number()})]",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(
        name,
        "table",
        body.level,
        "{r}[0]().go({x})",
        "{r}[1]().go({x})",
        "sum(c.k for c in {r})",
        "(issubclass({r}[0], {r}[1]) + {x})",
    )
    add_live(
        graph,
        name,
        (
            "put({r}[1], 'k', {n})",
            "edit({r}, 'reverse')",
            "edit({r}, '__setitem__', 1, {r}[0])",
            "cell({r}[0].go, {n})",
        ),
    )


def patched(graph: Graph) -> None:
    """A class to which something is added after it was made."""
    classes = graph.known("class")
    if not classes:
        plain(graph)
        return
    chosen, body = graph.pick(classes), Body(graph, "x", below=0)
    graph.needs.setdefault(chosen.owner, set()).add(graph.owner)
    name = graph.name("p")
    lines = body.block(1)
    text = function(graph, name, ["self", "x=3", "*a"], lines)
    attribute = graph.change("go", "still", "late")
    graph.define_in_place(
        f"{text}{graph.refer(chosen)}.{attribute} = {name}\nsetattr({graph.refer(chosen)}, 'k', {graph.number()})\n"
    )


MAKERS: tuple[Callable[[Graph], None], ...] = (
    plain, heir, instance, mixed, slotted, exception, container, factory, patched,
)  # fmt: skip
