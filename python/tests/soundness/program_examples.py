"""Random programs, complete, with edits of their text and changes of their live objects."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st
from soundness import (
    program_class_kinds,
    program_classes,
    program_functions,
    program_objects,
    program_values,
    program_wrappers,
)
from soundness.program_bodies import Body, indented
from soundness.program_graphs import MARK, TOP_LEVEL, Graph, Slot

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

    from soundness.program_graphs import Choice, Module

MAKERS = (
    *program_functions.MAKERS,
    *program_values.MAKERS,
    *program_wrappers.MAKERS,
    *program_classes.MAKERS,
    *program_class_kinds.MAKERS,
    *program_objects.MAKERS,
)
# Names of the modules of a program; each imports those before it.
LAYOUTS = (
    ("m",),
    ("m2", "m"),
    ("p.m2", "m"),
    ("m3", "m2", "m"),
    ("p.m3", "p.m2", "m"),
    ("p.m2", "m2", "m"),
)
UNRELATED = (
    "",
    "import json",
    "def unrelated(x):\n    return x + 1",
    "class Unrelated:\n    k = 1",
    "UNRELATED = [1, 2]",
)


class Example(NamedTuple):
    """A program, versions of it to compare it with, and changes to its live objects."""

    program: dict[str, str]
    """Texts of the files by name."""
    call: str
    edited: dict[str, str]
    harmless: bool
    """Whether the edit must not cause a miss."""
    impure: bool
    """Whether calls change what later calls read, so that no result is stored."""
    steps: tuple[str, ...]
    """Expressions that change live objects."""
    remembering: tuple[str, ...]
    """Expressions that make the program forget what it remembers in C."""

    def __repr__(self) -> str:
        """Shows all that is needed to run it again."""
        edited = {name: text for name, text in self.edited.items() if text != self.program[name]}
        parts = [
            *(f"# --- {name}\n{text}" for name, text in self.program.items()),
            *(
                f"# --- {name}, edited ({'harmless' if self.harmless else 'changing'})\n{text}"
                for name, text in edited.items()
            ),
            f"# --- call: {self.call}",
            *(f"# --- live: {step}" for step in self.steps),
        ]
        return "\n".join(parts)


def tapes(size: int) -> st.SearchStrategy[bytes]:
    """Numbers that decide something; smaller ones decide for something simpler."""
    return st.binary(min_size=size, max_size=size)


def examples() -> st.SearchStrategy[Example]:
    """Random programs with an edit each, and changes to their live objects."""
    definitions = st.lists(tapes(48), min_size=1, max_size=9)
    changes = st.lists(tapes(8), max_size=4)
    return st.builds(example, tapes(1), definitions, tapes(64), tapes(10), changes)


def example(
    layout: bytes, definitions: list[bytes], main: bytes, edits: bytes, changes: list[bytes]
) -> Example:
    """Makes an example of what was decided for each of its parts."""
    graph = Graph(LAYOUTS[layout[0] % len(LAYOUTS)])
    for number, tape in enumerate(definitions, 1):
        graph.owner = number
        graph.module = graph.modules[(number - 1) * len(graph.modules) // len(definitions)]
        graph.play(tape)
        MAKERS[graph.index(len(MAKERS))](graph)
    graph.owner, graph.module = len(definitions) + 1, graph.modules[-1]
    graph.play(main)
    call = entry(graph)
    exchange(graph)
    texts = {module.file: text(graph, module) for module in graph.modules}
    program, remembering = rendered(graph, texts, {}), tuple(graph.remembering)
    graph.play(edits)
    harmless = not graph.index(3)
    edited = rendered(graph, texts, edit(graph, harmless=harmless))
    steps = []
    for tape in changes:
        graph.play(tape)
        steps.append(live_step(graph, texts))
    return Example(program, call, edited, harmless, graph.impure, tuple(steps), remembering)


def entry(graph: Graph) -> str:
    """The memoized function of the program, whose result shows some of all that was defined.

    Returns what calls it.
    """
    body = Body(graph, "x", "z", below=TOP_LEVEL + 1)
    known = graph.known(below=TOP_LEVEL + 1)
    given = known[-1 - graph.index(len(known))] if known and graph.once_in(3) else None
    graph.define_in_place(f"GIVEN = {graph.refer(given) if given else 'None'}\n")
    graph.module.memoizes = True
    lines = body.block(ending="result = {}")
    rest = [body.use("x") for _ in range(graph.index(4))]
    rest += [given.uses[0].format(r="y", x="z")] if given else ["y"]
    lines.append(f"return {graph.pick(RESULTS).replace('REST', ', '.join(rest))}")
    parameters = ["x", "y=GIVEN", f"z={graph.number()}"]
    graph.define(ENTRIES[graph.index(len(ENTRIES))](graph, parameters, lines))
    return graph.pick(("m.f(3)", "m.f(x=4, z=5)", "m.f(2, m.GIVEN)", "m.f(1, z=3)"))


def plain_entry(
    graph: Graph, parameters: list[str], lines: list[str], *, nested: bool = False
) -> str:
    """A function of the module."""
    return program_functions.function(graph, "f", parameters, lines, ["memoize"], nested=nested)


def closure_entry(graph: Graph, parameters: list[str], lines: list[str]) -> str:
    """A function made by another."""
    lines = [*lines[:-1], "result = result, c", lines[-1]]
    inner = plain_entry(graph, parameters, lines, nested=True)
    made = [f"def make(c={graph.number()}):", *indented(inner.splitlines()), "    return f"]
    return "\n".join([*made, "f = make()", ""])


def method_entry(graph: Graph, parameters: list[str], lines: list[str]) -> str:
    """A method of an instance."""
    inner = plain_entry(
        graph, ["self", *parameters], [*lines[:-1], "result = result, self.c", lines[-1]]
    )
    held = ["class Holder:", f"    c = {graph.number()}", *indented(inner.splitlines())]
    return "\n".join([*held, "f = Holder().f", ""])


RESULTS = (
    "(result, REST)",
    "[result, [REST]]",
    "{'a': result, 'b': [REST]}",
    "str((result, REST))",
)
ENTRIES = (plain_entry, closure_entry, method_entry)


def exchange(graph: Graph) -> None:
    """Lets an edit exchange the names of two functions that nobody uses at a higher level."""
    levels = {(thing.module, thing.name): thing.level for thing in graph.things}
    pairs = zip(graph.headings, graph.headings[1:], strict=False)
    for (module, one, first), (other, two, second) in pairs:
        alike = module == other and levels[module, one] == levels[other, two]
        if alike and graph.slots[first].choice < 0:
            choice = graph.choose(2)
            graph.slots[first] = Slot(choice, (one, two))
            graph.slots[second] = Slot(choice, (two, one))


def text(graph: Graph, module: Module) -> str:
    """The whole text of a module."""
    # Where all of a module counts, so does a name more.
    maybe_harmless = graph.change if graph.whole else graph.harmless
    # From 3.14 on the body of a class within a function is other code with it.
    future = graph.change if sys.version_info >= (3, 14) else maybe_harmless
    lines = [
        graph.harmless("", '"""A module."""', "# A remark."),
        future("", "from __future__ import annotations"),
        # Another module may ask for this one before all of it is there.
        f"ROOT = {graph.number()}" if module.name == "m" else "",
        f"from {module.star} import *" if module.star else "",
        *module.imports,
        "from rememo import memoize" if module.memoizes else "",
        maybe_harmless(*UNRELATED),
        *module.blocks,
        *module.tail,
    ]
    return "\n".join(lines) + "\n"


def rendered(graph: Graph, texts: Mapping[str, str], edit: Mapping[int, int]) -> dict[str, str]:
    """The files of a program, with what an edit chooses for its slots."""

    def fill(match: re.Match[str]) -> str:
        choice, alternatives = graph.slots[int(match[2] or match[3])]
        graph.shown.add(choice)
        chosen = alternatives[edit.get(choice, 0)]
        if match[3] or not chosen:
            return chosen
        lines = [f"{match[1]}{line}" for line in chosen.splitlines()]
        return "\n".join(lines) + ("\n" if match[0].endswith("\n") else "")

    files = {}
    for name, template in texts.items():
        filled = template
        while "\x02" in filled:
            filled = MARK.sub(fill, filled)
        files[name] = filled
        for package in name.split("/")[:-1]:
            files[f"{package}/__init__.py"] = ""
    return files


def edit(graph: Graph, *, harmless: bool) -> dict[int, int]:
    """Picks other alternatives for some of the choices."""
    counted, pinned = reached(graph, {graph.owner}), reached(graph, graph.pinned)

    def fits(number: int, choice: Choice) -> bool:
        if number not in graph.shown:
            return False
        if choice.harmless:
            return harmless is (graph.moves.get(number) not in pinned)
        return harmless is (not graph.whole and choice.owner not in counted) and choice.count > 1

    fit = [(number, choice) for number, choice in enumerate(graph.choices) if fits(number, choice)]
    picked = [graph.pick(fit) for _ in range(1 + graph.index(3))]
    return {number: 1 + graph.index(choice.count - 1) for number, choice in picked}


def reached(graph: Graph, owners: Iterable[int]) -> set[int]:
    """Definitions, with all that they use."""
    found, pending = set(), [*owners]
    while pending:
        owner = pending.pop()
        if owner not in found:
            found.add(owner)
            pending += graph.needs.get(owner, ())
    return found


def live_step(graph: Graph, texts: Mapping[str, str]) -> str:
    """An expression that changes something while the program runs."""
    steps = (live_change, live_change, live_change, live_exchange, live_rewrite)
    return steps[graph.index(len(steps))](graph, texts)


def live_change(graph: Graph, texts: Mapping[str, str]) -> str:
    """Changes something that the program depends on, in one of the ways that there are."""
    counted = reached(graph, {graph.owner})
    ways: dict[str, list[str]] = {}
    for owner, expression in graph.live:
        if owner in counted:
            ways.setdefault(expression.partition("(")[0], []).append(expression)
    return graph.pick(graph.pick([*ways.values()])) if ways else live_rewrite(graph, texts)


def live_exchange(graph: Graph, texts: Mapping[str, str]) -> str:
    """Lets one function take the place of another, or its code."""
    functions = [thing for thing in graph.things if thing.kind == "function"]
    # Of levels no higher, so that nothing comes to call itself.
    pairs = [(one, two) for one in functions for two in functions if two.level <= one.level]
    pairs = [(one, two) for one, two in pairs if one is not two]
    if not pairs:
        return live_change(graph, texts)
    one, two = graph.pick(pairs)
    if one.module == two.module and graph.index(2):
        return f"put({one.module}.{one.name}, '__code__', {two.module}.{two.name}.__code__)"
    return f"put({one.module}, {one.name!r}, {two.module}.{two.name})"


def live_rewrite(graph: Graph, texts: Mapping[str, str]) -> str:
    """Loads a module again, edited or as it was."""
    file = graph.pick(sorted(texts))
    changed = edit(graph, harmless=False) if graph.index(3) else {}
    return f"rewrite({file!r}, {rendered(graph, texts, changed)[file]!r})"
