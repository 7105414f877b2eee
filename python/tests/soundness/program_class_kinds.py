"""Classes for random programs that the standard library makes, or that hooks of classes change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundness.program_bodies import Body, indented
from soundness.program_classes import LIVE, define, method
from soundness.program_functions import add_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundness.program_graphs import Graph


def data(graph: Graph) -> None:
    """A data class."""
    name, body, module = graph.name("C"), Body(graph, "x", "self.a"), graph.library("dataclasses")
    kind = graph.harmless("int", "'text'", "float")
    options = graph.change(
        "", "(frozen=True)", "(slots=True)", "(order=True, eq=True)", "(kw_only=False)"
    )
    go = method(graph, "go", body, ["self", "x=1"], "return {} + self.b[0]")
    fields = [
        f"a: {kind} = {graph.number()}",
        f"b: list = {module}.field(default_factory=lambda: [{graph.number()}])",
        f"k: int = {graph.change('4', f'{module}.field(default=5, repr=False)', f'{module}.field(default=6, init=False)')}",
    ]
    post = graph.change("", f"def __post_init__(self): self.b.append({graph.number()})")
    define(graph, f"@{module}.dataclass{options}\nclass {name}:", *fields, go, post)
    graph.add(
        name, "data class", body.level, "{r}().go({x})", "{r}({x}).go(2)", "({r}({x}, [2]).b[0] + {x})",
        "len(repr({r}({x})))", "({r}({x}) == {r}(3)) + {x}", "sum({r}().b) + {x}", "({r}().k + {x})",
    )  # fmt: skip
    add_live(graph, name, (*LIVE[1:3], "put({r}.__init__, '__defaults__', ({n}, [{n}], 3))"))


def enumeration(graph: Graph) -> None:
    """An enumeration with a method."""
    name, module, body = graph.name("C"), graph.library("enum"), Body(graph, "x")
    base = graph.change("IntEnum", "IntFlag")
    go = method(graph, "go", body, ["self", "x"], "return {} + self.value")
    swap = graph.choose(2)
    members = f"A = {graph.change('1', '4')}", f"B = {graph.change('2', f'{module}.auto()', '8')}"
    define(
        graph,
        f"class {name}({module}.{base}):",
        graph.slot(swap, *members),
        graph.slot(swap, *reversed(members)),
        go,
    )
    graph.add(
        name,
        "enumeration",
        body.level,
        "{r}.A.go({x})",
        "({r}['B'] + {x})",
        "(list({r})[0].value + {x})",
        "sum({r})",
    )
    add_live(
        graph,
        name,
        (
            "put({r}, 'go', lambda self, x: {n})",
            "put({r}.A, 'extra', {n})",
            "put({r}.A, '_value_', {n})",
        ),
    )


def named_tuple(graph: Graph) -> None:
    """A named tuple with a method."""
    name, module, body = graph.name("C"), graph.library("typing"), Body(graph, "x")
    go = method(graph, "go", body, ["self", "x=2"], "return {} + self.a")
    swap, kind = graph.choose(2), graph.harmless("int", "str")
    fields = f"a: {kind} = {graph.number()}", f"b: int = {graph.number()}"
    define(
        graph,
        f"class {name}({module}.NamedTuple):",
        graph.slot(swap, *fields),
        graph.slot(swap, *reversed(fields)),
        go,
    )
    graph.add(name, "named tuple", body.level, "{r}().go({x})", "({r}({x})[1])", "sum({r}(b={x}))")
    add_live(
        graph,
        name,
        ("put({r}, 'go', lambda self, x: {n})", "put({r}.__new__, '__defaults__', ({n}, 4))"),
    )


def derived_builtin(graph: Graph) -> None:
    """A dictionary, list, integer or text of the program's own kind, with a global of it."""
    name, held, n = graph.name("C"), graph.name("o"), graph.number
    base, value, use, member, change = graph.pick(
        (
            (
                "dict",
                f"{{1: {n()}}}",
                "{r}[{x} % 3]",
                f"def __missing__(self, x): return x + {n()}",
                "edit({r}, 'update', {{2: {n}}})",
            ),
            (
                "list",
                f"[{n()}, 2, 3]",
                "{r}[{x} % 3]",
                f"def __getitem__(self, x): return {n()} + x",
                "edit({r}, 'append', {n})",
            ),
            (
                "int",
                f"{n()}",
                "({r} + {x})",
                f"def __add__(self, x): return x * {n()}",
                "put({r}, 'tag', {n})",
            ),
            (
                "str",
                "'ab'",
                "(len({r} * 2) + {x})",
                f"def __mul__(self, x): return 'a' * {graph.change('3', '4')}",
                "put({r}, 'tag', {n})",
            ),
            (
                "tuple",
                f"({n()}, 2)",
                "({r}[0] + {x})",
                f"def __getitem__(self, x): return {n()}",
                "put({r}, 'tag', {n})",
            ),
            (
                "set",
                f"{{{n()}, 2}}",
                "(len({r}) + {x})",
                f"def __len__(self): return {n()}",
                "edit({r}, 'add', {n})",
            ),
        )
    )
    define(graph, f"class {name}({base}):", graph.change(member, ""), f"tag = {n()}")
    graph.define_in_place(f"{held} = {name}({value})\n{graph.change('', f'{held}.tag = {n()}')}\n")
    graph.add(held, "instance", 0, use, "({r}.tag + {x})")
    add_live(graph, held, (change, "put({r}, 'tag', {n})", "put(type({r}), 'tag', {n})"))


def registering(graph: Graph) -> None:
    """A class that notes what is derived from it."""
    name, n = graph.name("C"), graph.number
    noted = graph.change(f"cls.k = tag + {n()}", f"cls.k = {n()}", f"{name}.heirs.append(cls)")
    text = [
        f"class {name}:",
        f"    heirs, k = [], {n()}",
        f"    def __init_subclass__(cls, tag={n()}):",
        f"        {noted}",
        f"        {name}.heirs.append(cls)",
        f"class First{name}({name}): pass",
        f"class Second{name}({name}{graph.change('', ', tag=7')}): k = {n()}",
        f"def of_{name}(x): return sum(c.k for c in {name}.heirs) + First{name}.k + x",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(f"of_{name}", "function", 0, "{r}({x})")
    add_live(
        graph,
        name,
        (
            "edit({r}.heirs, 'append', {r})",
            "put({r}.heirs[0], 'k', {n})",
            "edit({r}.heirs, 'reverse')",
        ),
    )


def metaclass(graph: Graph) -> None:
    """A class of a class of the program's own."""
    name, held = graph.name("C"), graph.name("o")
    body, n = Body(graph, "x", "cls.k"), graph.number
    made = graph.change(
        f"return super().__call__(*a) if a else {n()}", "return super().__call__(*a)"
    )
    text = [
        f"class Meta{name}(type):",
        "    def __new__(cls, name, bases, names):",
        f"        return super().__new__(cls, name, bases, {{**names, 'extra': {n()}}})",
        f"    def __getattr__(cls, name): return len(name) + {n()}",
        "    def __call__(cls, *a):",
        f"        {made}",
        *indented(method(graph, "go", body, ["cls", "x"], "return {}").splitlines()),
        f"    def __len__(cls): return {graph.change('3', '4')}",
        f"    def __instancecheck__(cls, x): return {graph.change('True', 'False')}",
        f"class {name}(metaclass=Meta{name}):",
        f"    k = {n()}",
        f"    def __init__(self, a): self.k = a + {n()}",
        f"{held} = type.__call__({name}, {n()})",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(held, "instance", 0, "({r}.k + {x})")
    graph.add(
        name, "metaclassed", body.level, "{r}.go({x})", "({r}.extra + {x})", "({r}.absent + {x})", "{r}({x}).k",
        "(len({r}) + {x})", "(isinstance({x}, {r}) + {x})",
    )  # fmt: skip
    add_live(
        graph,
        name,
        (
            "put(type({r}), 'go', lambda cls, x: {n})",
            "put({r}, 'extra', {n})",
            "put({r}, 'absent', {n})",
            "drop(type({r}), '__len__')",
        ),
    )


def described(graph: Graph) -> None:
    """A descriptor that knows its name, and a class decorator."""
    name, n = graph.name("C"), graph.number
    text = [
        f"class Field{name}:",
        f"    def __init__(self, n={n()}): self.n = n",
        "    def __set_name__(self, owner, name): self.length = len(name)",
        f"    def __get__(self, held, owner): return self.n {graph.operator()} self.length",
        f"def mark{name}(cls):",
        f"    cls.{graph.change('mark', 'note')} = {n()}",
        "    return cls",
        f"{graph.change(f'@mark{name}', '')}",
        f"class {name}:",
        f"    mark = {n()}",
        f"    field = Field{name}({n()})",
        f"    {graph.change('longer', 'long')} = Field{name}()",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(
        name,
        "described",
        0,
        "({r}.field + {x})",
        "({r}().field + {r}.mark * {x})",
        "(hasattr({r}, 'note') + {x})",
    )
    module = graph.module.name
    add_live(
        graph,
        name,
        (
            f"put({module}.Field{name}, '__get__', lambda *a: {{n}})",
            "put(vars({r})['field'], 'n', {n})",
            "put({r}, 'field', {n})",
        ),
    )


def abstract(graph: Graph) -> None:
    """An abstract class, with one derived from it and one registered."""
    name, module, n = graph.name("C"), graph.library("abc"), graph.number
    text = [
        f"class {name}({module}.ABC):",
        f"    @{module}.abstractmethod",
        f"    def go(self, x): return x + {n()}",
        f"class Real{name}({graph.change(name, 'object')}):",
        f"    def go(self, x): return super().go(x) * {n()} if isinstance(self, {name}) else x",
        f"class Like{name}: k = {n()}",
        f"{graph.change(f'{name}.register(Like{name})', '')}",
        f"held{name} = Like{name}()",
        f"def of_{name}(x):",
        f"    return Real{name}().go(x) + isinstance(held{name}, {name}) + held{name}.k",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(f"of_{name}", "function", 0, "{r}({x})")
    module = graph.module.name
    graph.may_do(f"{module}.{name}.register({module}.Like{name})")
    add_live(
        graph,
        name,
        ("put({r}, 'go', lambda self, x: {n})", "put({r}, '__abstractmethods__', frozenset())"),
    )


MAKERS: tuple[Callable[[Graph], None], ...] = (
    data, derived_builtin, enumeration, named_tuple, registering, metaclass, described, abstract,
)  # fmt: skip
