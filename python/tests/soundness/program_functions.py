"""Functions for random programs: with defaults, closures, and all kinds of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundness.program_bodies import Body, indented

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soundness.program_graphs import Graph, Thing

# What may be done to a live function `{r}`, found as `{name}` in module `{m}`.
LIVE = (
    "put({m}, '{name}', lambda x=1, *a, **k: x + {n})",
    "put({r}, '__code__', (lambda x=1, *a, **k: x + {n}).__code__)",
    "drop({m}, '{name}')",
)
DEFAULTS = "put({r}, '__defaults__', tuple({n} for _ in {r}.__defaults__ or ()))"
KEYWORDS = "edit({r}.__kwdefaults__, '__setitem__', list({r}.__kwdefaults__)[-1], {n})"
CELL = "cell({r}, {n})"


def function(
    graph: Graph,
    name: str,
    parameters: Sequence[str],
    lines: Sequence[str],
    decorators: Sequence[str] = (),
    *,
    nested: bool = False,
) -> str:
    """The text of a function, with a place for documentation and annotations.

    The annotations of a function nested in another are values that the outer one makes when it runs.
    """
    slot = graph.change if nested else graph.harmless
    named = ", ".join(annotated(parameter, slot) for parameter in parameters)
    head = f"def {name}({named}){slot('', ' -> int', ' -> ' + repr('some text'))}:"
    above = [f"@{decorator}" for decorator in decorators]
    return "\n".join([*above, head, *indented([documentation(graph), *lines])]) + "\n"


def annotated(parameter: str, slot: Callable[..., str]) -> str:
    """A parameter with a place for its annotation."""
    name, equals, default = parameter.partition("=")
    if name == "self" or not name.isidentifier():
        return parameter
    return f"{name}{slot('', ': int', ': ' + repr('text'))}{equals}{default}"


def documentation(graph: Graph) -> str:
    """A place for documentation."""
    return graph.harmless("", '"""Says something."""', '"""Says something else."""')


def publish(graph: Graph, name: str, level: int, *uses: str, kind: str = "function") -> Thing:
    """Makes a function known, and what may be done to it while it is live."""
    add_live(graph, name, LIVE)
    return graph.add(name, kind, level, *(uses or ("{r}({x})",)))


def add_live(graph: Graph, name: str, expressions: Sequence[str]) -> None:
    """Fills expressions in that change what a name of this module holds."""
    module = graph.module.name
    for expression in expressions:
        filled = {"m": module, "name": name, "r": f"{module}.{name}", "n": 2000 + graph.next()}
        graph.may_do(expression.format(**filled))


def default(graph: Graph) -> str:
    """A default value: a constant, or what a global holds."""
    numbers = graph.known("number")
    return graph.refer(graph.pick(numbers)) if numbers and graph.once_in(4) else graph.number()


def callee(graph: Graph, body: Body) -> str | None:
    """A function that a function at hand may call, if there is one."""
    functions = graph.known("function", below=body.below)
    if not functions:
        return None
    chosen = functions[-1 - graph.index(len(functions))]
    body.level = max(body.level, chosen.level + 1)
    others = [other for other in functions if other.level <= chosen.level][-2:]
    return graph.change(*(graph.refer(thing) for thing in (chosen, *others)))


def positional(graph: Graph) -> None:
    """A function with a default, which some calls leave to it."""
    name, body = graph.name("g"), Body(graph, "x", "k")
    lines = body.block()
    graph.define(function(graph, heading(graph, name), ["x", f"k={default(graph)}"], lines))
    publish(graph, name, body.level, "{r}({x})", "{r}({x}, 7)", "{r}(k={x}, x=2)")
    add_live(graph, name, (DEFAULTS,))


def heading(graph: Graph, name: str) -> str:
    """The name in the definition of a function, which may come to be that of another one."""
    slot = graph.slot(-1, name)
    graph.headings.append((graph.module.name, name, len(graph.slots) - 1))
    return slot


def keyword_only(graph: Graph) -> None:
    """A function with keyword-only parameters."""
    name, body = graph.name("g"), Body(graph, "x", "k", "z")
    lines = body.block()
    parameters = ["x", "*", f"k={default(graph)}", f"z={graph.number()}"]
    graph.define(function(graph, heading(graph, name), parameters, lines))
    publish(graph, name, body.level, "{r}({x})", "{r}({x}, z=5)", "{r}(x={x}, k=4)")
    add_live(graph, name, (KEYWORDS, KEYWORDS))


def mutable_default(graph: Graph) -> None:
    """A default that could be changed in its place; seldom, the function does so."""
    name, body = graph.name("g"), Body(graph, "x")
    lines = body.block(1, "return {} + sum(seen)")
    if graph.once_in(12):
        graph.impure = True
        lines.insert(0, "seen.append(x)")
    graph.define(function(graph, name, ["x", f"seen=[{graph.number()}, {graph.number()}]"], lines))
    publish(graph, name, body.level, "{r}({x})", "{r}({x}, [3])")
    add_live(graph, name, ("edit({r}.__defaults__[0], 'append', {n})",))


def given_function(graph: Graph) -> None:
    """A function that calls what it is given, by default another function."""
    name, body = graph.name("g"), Body(graph, "x")
    given = callee(graph, body) or f"lambda v: v + {graph.number()}"
    lines = body.block(1, "return {} + h(x)")
    graph.define(function(graph, name, ["x", f"h={given}"], lines))
    publish(graph, name, body.level, "{r}({x})", "{r}({x}, abs)", "{r}({x}, h=lambda v: v)")
    add_live(graph, name, (DEFAULTS,))


def closure(graph: Graph) -> None:
    """A function made by another."""
    name, make, body = graph.name("g"), graph.name("make"), Body(graph, "x", "a")
    inner = function(graph, "inner", ["x"], body.block(), nested=True).splitlines()
    text = "\n".join(
        [f"def {make}(a, b={graph.number()}):", *indented(inner), "    return inner", ""]
    )
    graph.define(f"{text}{name} = {make}({graph.number()})\n")
    publish(graph, name, body.level)
    graph.add(make, "maker", body.level, "{r}({x})(2)", "{r}(3)({x})")
    add_live(graph, name, (CELL, CELL))


def closures(graph: Graph) -> None:
    """Several functions of one code in a table."""
    table, body = graph.name("T"), Body(graph, "x", "a")
    parameters = ["x", f"k={graph.number()}"]
    inner = function(graph, "inner", parameters, body.block(), nested=True).splitlines()
    text = "\n".join([f"def make_{table}(a):", *indented(inner), "    return inner", ""])
    values = ", ".join(graph.number() for _ in range(2))
    graph.define(
        f"{text}{table} = [make_{table}(a) for a in ({values}, {graph.change('5', '6')})]\n"
    )
    graph.add(
        table, "table", body.level, "{r}[1]({x})", "{r}[{x} % 3](2)", "sum(h({x}) for h in {r})"
    )
    add_live(
        graph,
        table,
        (
            "cell({r}[1], {n})",
            "edit({r}, 'reverse')",
            "put({r}[0], '__defaults__', ({n},))",
            "edit({r}, '__setitem__', 1, {r}[0])",
        ),
    )


def shared_cell(graph: Graph) -> None:
    """Two functions that share a variable, one of which sets it while the module is imported."""
    name, body = graph.name("g"), Body(graph, "x", "state")
    lines = body.block(most=1)
    text = [
        f"def make_{name}():",
        f"    state = {graph.number()}",
        "    def put(value):",
        "        nonlocal state",
        f"        state = value {graph.operator()} 1",
        *indented(function(graph, "get", ["x"], lines, nested=True).splitlines()),
        "    return put, get",
        f"put_{name}, {name} = make_{name}()",
        f"put_{name}({graph.number()})",
    ]
    graph.define("\n".join(text) + "\n")
    publish(graph, name, body.level)
    graph.may_do(f"{graph.module.name}.put_{name}({2000 + graph.next()})")


def lambdas(graph: Graph) -> None:
    """Functions without names, one of which may have a loop variable for a default."""
    name, body = graph.name("g"), Body(graph, "x")
    graph.module.taken.add(f"{name}_all")
    text = f"{name} = lambda x, k={default(graph)}: {body.expression()} + k"
    loop = f"{name}_all = [lambda x, i=i: x {graph.operator()} i for i in ({graph.number()}, 3)]"
    graph.define("\n".join([*body.lines, text, loop, ""]))
    publish(graph, name, body.level)
    graph.add(f"{name}_all", "table", body.level, "{r}[0]({x})", "{r}[1]({x})")
    add_live(graph, name, (DEFAULTS,))


def generator(graph: Graph) -> None:
    """A generator function, used up where it is called."""
    name, body = graph.name("g"), Body(graph, "x")
    more = graph.change("", "yield from range(3); ")
    lines = [*body.block(1, f"{more}yield {{}}"), f"yield {graph.number()}"]
    graph.define(function(graph, heading(graph, name), ["x"], lines))
    publish(graph, name, body.level, "next({r}({x}))", "sum(1 for _ in {r}({x}))", kind="generator")


def recursion(graph: Graph) -> None:
    """Two functions that call each other, a few times."""
    one, two = graph.name("g"), graph.name("h")
    first, second = Body(graph, "x", "n"), Body(graph, "x", "n")
    calls = [f"if n > {graph.change('0', '1')}: x += {{}}(x % 97, n - 1)"] * 2
    lines = (
        [calls[0].format(two), *first.block(most=1)],
        [calls[1].format(one), *second.block(most=1)],
    )
    parameters = ["x", f"n={graph.change('2', '1', '3')}"]
    texts = [
        function(graph, name, parameters, body)
        for name, body in zip((one, two), lines, strict=True)
    ]
    graph.define("".join(texts))
    level = max(first.level, second.level)
    publish(graph, one, level, "{r}({x})", "{r}({x}, 1)")
    publish(graph, two, level, "{r}({x})", "{r}({x}, n=0)")
    add_live(graph, one, (DEFAULTS,))


def starred(graph: Graph) -> None:
    """A function of any number of arguments."""
    name, body = graph.name("g"), Body(graph, "x", "rest")
    lines = ["x, rest = sum(args), len(options) + sum(options.values())", *body.block(most=1)]
    graph.define(
        function(graph, heading(graph, name), ["*args", f"z={graph.number()}", "**options"], lines)
    )
    publish(graph, name, body.level, "{r}({x}, 3)", "{r}({x}, q=1)", "{r}(*[1, {x}], **{{'v': 2}})")
    add_live(graph, name, (KEYWORDS,))


def positional_only(graph: Graph) -> None:
    """A function with parameters that have no names to callers."""
    name, body = graph.name("g"), Body(graph, "x", "k")
    lines = body.block()
    graph.define(function(graph, heading(graph, name), ["x", f"k={graph.number()}", "/"], lines))
    publish(graph, name, body.level, "{r}({x})", "{r}({x}, 3)")
    add_live(graph, name, (DEFAULTS,))


def with_attribute(graph: Graph) -> None:
    """A function that keeps something in an attribute of its own."""
    name, body = graph.name("g"), Body(graph, "x")
    lines = body.block(1, f"return {{}} + {name}.extra")
    graph.define(f"{function(graph, name, ['x'], lines)}{name}.extra = {graph.number()}\n")
    publish(graph, name, body.level)
    add_live(graph, name, ("put({r}, 'extra', {n})", "drop({r}, 'extra')"))


def conditional(graph: Graph) -> None:
    """A function that is defined in one of two ways."""
    name, one, two = graph.name("g"), Body(graph, "x"), Body(graph, "x")
    text = [
        f"if {graph.change('True', 'False')}:",
        *indented(function(graph, name, ["x"], one.block(most=1)).splitlines()),
        "else:",
        *indented(function(graph, name, ["x"], two.block(most=1)).splitlines()),
    ]
    graph.define("\n".join(text) + "\n")
    publish(graph, name, max(one.level, two.level))


def setting_global(graph: Graph) -> None:
    """A function that sets a global, called while the module is imported."""
    name, body = graph.name("g"), Body(graph, "x")
    lines = body.block(1, f"return {{}} + S_{name}")
    text = [
        f"S_{name} = 0",
        f"def set_{name}(v):",
        f"    global S_{name}",
        f"    S_{name} {graph.change('=', '+=', '-=')} v",
        f"set_{name}({graph.number()})",
        function(graph, name, ["x"], lines),
    ]
    graph.define("\n".join(text))
    publish(graph, name, body.level)
    graph.may_do(f"put({graph.module.name}, 'S_{name}', {2000 + graph.next()})")


def backward(graph: Graph) -> None:
    """A function that reads the first global of the main module, which imports this one."""
    name, body = graph.name("g"), Body(graph, "x")
    how = graph.pick(("import m", "import m as main", "from m import ROOT as root"))
    root = f"{how.split()[-1]}{'' if 'from' in how else '.ROOT'}"
    lines = [how, *body.block(1, f"return {{}} + {root}")]
    graph.define(function(graph, name, ["x"], lines))
    publish(graph, name, body.level)


def lazy(graph: Graph) -> None:
    """A value that its module makes where another one asks for it."""
    if "__getattr__" in graph.module.taken:
        positional(graph)
        return
    graph.module.taken.add("__getattr__")
    name = graph.name("lazy")
    text = [
        "def __getattr__(name):",
        f"    if name == {name!r}: return {graph.number()}",
        "    raise AttributeError(name)",
        "",
    ]
    graph.define("\n".join(text))
    graph.add(name, "lazy", 0, "({r} + {x})")


MAKERS: tuple[Callable[[Graph], None], ...] = (
    positional, keyword_only, closure, closures, lambdas, generator, recursion, mutable_default,
    given_function, shared_cell, starred, positional_only, with_attribute, conditional, setting_global,
    backward, lazy,
)  # fmt: skip
