"""Globals for random programs: numbers, containers, tables of functions, and what libraries make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundness.program_bodies import Body
from soundness.program_functions import add_live, callee, function

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundness.program_graphs import Graph


def number(graph: Graph) -> None:
    """A constant."""
    name, annotation = graph.name("K"), graph.harmless("", ": int", ": 'text'")
    graph.define(f"{name}{annotation} = {graph.number()}\n")
    graph.add(name, "number", 0, "({r} + {x})", "({x} * {r})")
    add_live(
        graph,
        name,
        ("put({m}, '{name}', {n})", "drop({m}, '{name}')", "put({m}, '{name}', {r} + 0)"),
    )


def computed(graph: Graph) -> None:
    """What a function returned while the module was imported."""
    name, body = graph.name("K"), Body(graph, "3")
    used = callee(graph, body) or "abs"
    graph.define(f"{name} = {used}({graph.number()})\n")
    graph.add(name, "number", 0, "({r} - {x})", "({x} | {r})")
    add_live(graph, name, ("put({m}, '{name}', {n})",))


def scalar(graph: Graph) -> None:
    """A text, a float, bytes, a range, a slice or nothing."""
    name = graph.name("V")
    first, second = graph.pick(
        (
            ("'abc'", "'abd'"),
            ("1.5", "-1.5"),
            ("b'abc'", "bytearray(b'abc')"),
            ("range(3)", "range(0, 3, 2)"),
            ("None", "..."),
            ("True", "1"),
            ("0.0", "-0.0"),
            ("float('nan')", "float('inf')"),
            ("2j", "-2j"),
            ("10**30", "10**30 + 1"),
            ("slice(1, 2)", "slice(1, 3)"),
        )
    )
    graph.define(f"{name} = {graph.change(first, second)}\n")
    graph.add(
        name, "scalar", 0, "({x} + len(repr({r})) + sum(repr({r}).encode()))", "({x} + bool({r}))"
    )
    add_live(graph, name, (f"put({{m}}, '{{name}}', {second})", "drop({m}, '{name}')"))


def nested(graph: Graph) -> None:
    """Lists and dictionaries within each other, some of which occur twice or contain themselves."""
    name, n = graph.name("N"), graph.number
    order = graph.choose(2)
    pair = f"'a': [{n()}, {n()}, {{'q': {n()}}}]", f"'b': ({n()}, [{n()}])"
    text = f"{name} = {{{graph.slot(order, *(pair))}, {graph.slot(order, *reversed(pair))}}}\n"
    if graph.once_in(2):
        text += graph.change("", f"{name}['c'] = {name}['a']\n", f"{name}['a'].append({name})\n")
    graph.define(text)
    graph.add(
        name,
        "nested",
        0,
        "({r}['a'][{x} % 2] + {x})",
        "({r}['a'][2]['q'] - {x})",
        "({r}['b'][1][0] * {x})",
        "(len({r}) + len({r}['a']) + {x} + sum(map(ord, list({r})[0])))",
    )
    add_live(
        graph,
        name,
        (
            "edit({r}['a'], '__setitem__', 0, {n})",
            "edit({r}['a'][2], '__setitem__', 'q', {n})",
            "edit({r}['b'][1], 'insert', 0, {n})",
            "edit({r}, 'pop', 'b')",
            "edit({r}, 'update', {{'c': {n}}})",
            "reorder({r})",
            "edit({r}['a'], 'append', {r}['a'])",
        ),
    )


def sets(graph: Graph) -> None:
    """A set or frozen set, also of tuples."""
    name, n = graph.name("S"), graph.number
    order, kind = graph.choose(2, harmless=True), graph.change("set", "frozenset", "sorted")
    items = f"'a', {n()}, (1, {n()})", f"(1, {n()}), 'b', 7"
    inside = f"{graph.slot(order, *items)}, {graph.slot(order, *reversed(items))}"
    graph.define(
        f"{name} = {kind}([{inside}]{graph.change('', ', key=repr')})\n".replace("sorted", "list")
    )
    graph.add(name, "set", 0, "(({x} in {r}) + len({r}))", "sum(len(str(v)) for v in {r})")
    add_live(
        graph, name, ("edit({r}, 'add', {n})", "edit({r}, 'discard', 7)", "edit({r}, 'clear')")
    )


def table(graph: Graph) -> None:
    """Functions in a dictionary or list, chosen by what they are called with."""
    name, body = graph.name("T"), Body(graph, "x")
    entries = [callee(graph, body) or graph.change("abs", "int") for _ in range(2)]
    entries.append(f"lambda v: v {graph.operator()} {graph.number()}")
    keyed = graph.once_in(2)
    items = [f"{key}: {entry}" for key, entry in enumerate(entries)] if keyed else entries
    items[-1] = graph.change(items[-1], "2: abs" if keyed else "abs")
    graph.define(f"{name} = {'{' if keyed else '['}{', '.join(items)}{'}' if keyed else ']'}\n")
    graph.add(name, "table", body.level, "{r}[{x} % 3](2)", "{r}[0]({x})", "{r}[2]({x} + 1)")
    add_live(
        graph,
        name,
        (
            "edit({r}, '__setitem__', 0, lambda v: v + {n})",
            "edit({r}, '__setitem__', 2, {r}[1])",
            "edit({r}, 'pop', 1)",
            "put({r}[2], '__code__', (lambda v: v - {n}).__code__)",
        ),
    )


def named_table(graph: Graph) -> None:
    """Functions in a dictionary within one, chosen by a name that is itself a global."""
    name, body = graph.name("T"), Body(graph, "x")
    entries = [callee(graph, body) or graph.change("abs", "int") for _ in range(2)]
    key = graph.change("'one'", "'two'")
    text = f"{name} = {{'in': {{'one': {entries[0]}, 'two': {entries[1]}}}}}\nKEY_{name} = {key}\n"
    graph.module.taken.add(f"KEY_{name}")
    graph.define(f"{text}def of_{name}(x):\n    return {name}['in'][KEY_{name}](x)\n")
    graph.add(f"of_{name}", "function", body.level + 1, "{r}({x})")
    graph.add(name, "table", body.level, "{r}['in']['two']({x})")
    module = graph.module.name
    graph.may_do(f"put({module}, 'KEY_{name}', 'two')")
    add_live(graph, name, ("edit({r}['in'], '__setitem__', 'one', {r}['in']['two'])",))


def collections(graph: Graph) -> None:
    """What the collections module makes."""
    name, module, n = graph.name("M"), graph.library("collections"), graph.number
    value, use, change = graph.pick(
        (
            (
                f"defaultdict(lambda: {n()}, {{1: {n()}}})",
                "{r}.copy()[{x}]",
                "edit({r}, '__setitem__', 1, {n})",
            ),
            (
                f"defaultdict(int, {{1: {n()}}})",
                "{r}.get({x}, 5)",
                "put({r}, 'default_factory', list)",
            ),
            (f"Counter({{1: {n()}, 2: 3}})", "{r}[{x}]", "edit({r}, 'update', {{1: {n}}})"),
            (
                f"OrderedDict([(1, {n()}), (2, 3)])",
                "({x} + list({r}.values())[0])",
                "reorder({r})",
            ),
            (
                f"deque([{n()}, 2], maxlen=3)",
                "({x} + {r}[0] + {r}.maxlen)",
                "edit({r}, 'append', {n})",
            ),
            (
                f"ChainMap({{1: {n()}}}, {{2: {n()}}})",
                "{r}.get({x} % 3, 4)",
                "edit({r}.maps[1], 'update', {{2: {n}}})",
            ),
            (f"namedtuple('P', 'a b', defaults=[{n()}])", "sum({r}({x}))", "put({r}, 'a', 5)"),
        )
    )
    graph.define(f"{name} = {module}.{value}\n")
    graph.add(name, "collection", 0, use)
    add_live(graph, name, (change,))


def library_value(graph: Graph) -> None:
    """What other modules of the standard library make of the program's functions and names."""
    name, body = graph.name("M"), Body(graph, "x")
    operator, types = graph.library("operator"), graph.library("types")
    used = callee(graph, body) or "abs"
    value, use, change = graph.pick(
        (
            (
                f"{types}.SimpleNamespace(k={graph.number()}, go={used})",
                "({r}.go({x}) + {r}.k)",
                "put({r}, 'k', {n})",
            ),
            (
                f"{types}.MappingProxyType({{1: {graph.number()}}})",
                "{r}.get({x}, 3)",
                "put({m}, '{name}', {{1: {n}}})",
            ),
            (
                f"{types}.MethodType(lambda s, v: s + v, {graph.number()})",
                "{r}({x})",
                "put({m}, '{name}', abs)",
            ),
            (
                f"{operator}.itemgetter({graph.change('1', '0', '2')})",
                "({r}(((4, 5, 6))) + {x})",
                "put({m}, '{name}', max)",
            ),
            (
                f"{operator}.methodcaller('__add__', {graph.number()})",
                "{r}({x})",
                "put({m}, '{name}', abs)",
            ),
            (
                f"{types}.FunctionType((lambda v: v * {graph.number()}).__code__, {{}})",
                "{r}({x})",
                "drop({m}, '{name}')",
            ),
        )
    )
    graph.define(f"{name} = {value}\n")
    graph.add(name, "library value", body.level, use)
    add_live(graph, name, (change,))


def patched_library(graph: Graph) -> None:
    """A function that calls the standard library by name, which a test may replace there."""
    name, body = graph.name("g"), Body(graph, "x")
    module, used = graph.pick(
        (("math", "floor(2.5)"), ("string", "capwords('a b').__len__()"), ("operator", "add(1, 2)"))
    )
    graph.library(module)
    lines = body.block(1, f"return {{}} + {module}.{used}")
    graph.define(function(graph, name, ["x"], lines))
    graph.add(name, "function", body.level, "{r}({x})")
    replaced = used.partition("(")[0]
    graph.may_do(
        f"put(importlib.import_module({module!r}), {replaced!r}, lambda *a: {graph.next()})"
    )


def shadowed(graph: Graph) -> None:
    """A function that calls a built-in, which the module may come to hide."""
    name, body, builtin = graph.name("g"), Body(graph, "x"), "divmod"
    if builtin in graph.module.taken:
        builtin = "pow"
    graph.module.taken.add(builtin)
    hides = graph.change("", f"def {builtin}(*a): return (3, {graph.number()})\n")
    lines = body.block(1, f"return {{}} + len(str({builtin}(x, 2)))")
    graph.define(f"{hides}{function(graph, name, ['x'], lines)}")
    graph.add(name, "function", body.level, "{r}({x})")
    module = graph.module.name
    graph.may_do(f"put({module}, {builtin!r}, lambda *a: {2000 + graph.next()})")
    graph.may_do(
        f"put(importlib.import_module('builtins'), {builtin!r}, lambda *a: {2000 + graph.next()})"
    )


MAKERS: tuple[Callable[[Graph], None], ...] = (
    number, nested, table, computed, scalar, sets, named_table, collections, library_value,
    patched_library, shadowed,
)  # fmt: skip
