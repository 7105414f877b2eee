"""Random programs of one to three modules, and edits of them.

A program is text with *slots*. Each slot has several alternatives, of which the first makes the
program as it was written; an edit picks others. So an edit can be undone, and for each it is known
whether it can change what the program does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")

# Things call only things of lower levels, so every program comes to an end soon.
TOP_LEVEL = 3
MARK = re.compile("^( *)\x02([0-9]+)\x03$\n?|\x02([0-9]+)\x03", re.MULTILINE)


class Choice(NamedTuple):
    """What an edit may choose: the number of an alternative, for one slot or for several."""

    count: int
    harmless: bool
    """Whether no alternative makes the program do anything else."""
    owner: int
    """The definition that it lies in."""


class Slot(NamedTuple):
    """A place in a text, by the choice that fills it."""

    choice: int
    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class Thing:
    """A definition that others may use."""

    module: str
    name: str
    kind: str
    level: int
    owner: int
    uses: tuple[str, ...] = ()
    """Expressions that give an integer, of `{r}`, the thing, and `{x}`, an integer."""


@dataclass
class Module:
    """A module under construction."""

    name: str
    imports: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=lambda: {"memoize", "m"})
    memoizes: bool = False
    star: str = ""
    """The module that this one takes everything from."""

    @property
    def file(self) -> str:
        """Where the module lives."""
        return self.name.replace(".", "/") + ".py"


class Graph:
    """A program under construction."""

    def __init__(self, modules: Sequence[str]) -> None:
        """Begins with empty modules; each may import those before it."""
        self.tape: Iterator[int] = iter(b"")
        self.modules = [Module(name) for name in modules]
        self.module = self.modules[0]
        self.things: list[Thing] = []
        self.choices: list[Choice] = []
        self.slots: list[Slot] = []
        self.needs: dict[int, set[int]] = {}
        self.owner = 0
        self.whole = False
        """Whether all of a module counts, since it is passed around or found in an unusual way."""
        self.impure = False
        """Whether calls change what later calls read, so that no result is stored."""
        self.live: list[tuple[int, str]] = []
        """Expressions that change live objects, each with the definition it belongs to."""
        self.moves: dict[int, int] = {}
        """Choices of the place of a definition."""
        self.headings: list[tuple[str, str, int]] = []
        """Functions whose names may be exchanged: module, name, and the slot of the name."""
        self.remembering: list[str] = []
        """Expressions that make the program forget what it remembers in C."""
        self.shown: set[int] = set()
        """Choices that show in the program as it was written, or in a version of it."""
        self.pinned: set[int] = set()
        """Definitions that are used while modules are imported."""
        self.count = 1

    # --- decisions ---

    def play(self, tape: bytes) -> None:
        """Lets the numbers of a tape decide what comes next; zeros follow it."""
        self.tape = iter(tape)

    def index(self, count: int) -> int:
        """Takes a number from 0 to `count - 1` from the tape; the first stands for the simplest."""
        number = next(self.tape, 0)
        if count > 256:
            number = number << 8 | next(self.tape, 0)
        return number % count

    def pick(self, options: Sequence[T]) -> T:
        """Takes one of several options."""
        return options[self.index(len(options))]

    def once_in(self, count: int) -> bool:
        """Takes true once in so many times."""
        return self.index(count) == count - 1

    def next(self) -> int:
        """A number that was not used before, so that it shows wherever it is used."""
        self.count += 1
        return self.count

    # --- slots ---

    def choose(self, count: int, *, harmless: bool = False) -> int:
        """Makes a choice for slots to hang on."""
        self.choices.append(Choice(count, harmless, self.owner))
        return len(self.choices) - 1

    def slot(self, choice: int, *alternatives: str) -> str:
        """Makes a slot; what is returned goes into the text of the program."""
        self.slots.append(Slot(choice, alternatives))
        return f"\x02{len(self.slots) - 1}\x03"

    def change(self, *alternatives: str) -> str:
        """A slot whose alternatives may do different things."""
        return self.slot(self.choose(len(alternatives)), *alternatives)

    def harmless(self, *alternatives: str) -> str:
        """A slot whose alternatives all do the same."""
        return self.slot(self.choose(len(alternatives), harmless=True), *alternatives)

    def number(self) -> str:
        """An integer constant."""
        n = self.next()
        return self.change(str(n), str(n + 1000))

    def operator(self) -> str:
        """A binary operator between integers."""
        operators = ("+", "-", "*", "^", "|")
        n = self.next() % len(operators)
        return self.change(operators[n], operators[(n + 1) % len(operators)])

    def local(self) -> str:
        """A local variable, which an edit may give another name."""
        n = self.next()
        return self.harmless(f"t{n}", f"renamed_{n}")

    def parameter(self) -> str:
        """A parameter or nested function. An edit may give it another name, which counts: callers may
        use it, and the names of what is defined within begin with it.
        """
        n = self.next()
        return self.change(f"t{n}", f"renamed_{n}")

    # --- names and definitions ---

    def name(self, prefix: str) -> str:
        """A name that is free in this module; the same ones come again in other modules."""
        n = 0
        while f"{prefix}{n}" in self.module.taken:
            n += 1
        self.module.taken.add(f"{prefix}{n}")
        return f"{prefix}{n}"

    def add(self, name: str, kind: str, level: int, *uses: str) -> Thing:
        """Makes a name of this module known to later definitions."""
        thing = Thing(self.module.name, name, kind, level, self.owner, uses)
        self.things.append(thing)
        return thing

    def known(self, *kinds: str, below: int = TOP_LEVEL) -> list[Thing]:
        """Things of some kinds, or of all, that lie below a level."""
        return [
            thing
            for thing in self.things
            if thing.level < below
            and (not kinds or thing.kind in kinds)
            and (thing.kind != "lazy" or thing.module != self.module.name)
        ]

    def may_do(self, expression: str) -> None:
        """Lets a program be changed by an expression while it runs."""
        self.live.append((self.owner, expression))

    def define(self, text: str) -> None:
        """Puts a definition into this module; an edit may put it last in it."""
        block = f"{self.harmless('', '# A remark.', '')}\n{text}"
        move = self.choose(2, harmless=True)
        self.moves[move] = self.owner
        self.module.tail.append(self.slot(move, "", block))
        self.module.blocks.append(self.slot(move, block, ""))

    def define_in_place(self, text: str) -> None:
        """Puts a definition into this module that must stay where it is."""
        self.pinned.add(self.owner)
        self.module.blocks.append(text)

    # --- references ---

    def refer(self, thing: Thing) -> str:
        """An expression for a thing, to be evaluated while the module is imported."""
        self.pinned.add(thing.owner)
        return self.refer_later(thing)

    def refer_later(self, thing: Thing) -> str:
        """The same, for the body of a function; imports at the top what is to be imported."""
        self.needs.setdefault(self.owner, set()).add(thing.owner)
        if thing.module == self.module.name:
            return thing.name
        package, _, last = thing.module.rpartition(".")
        match self.index(4):
            case 0:
                self.bring(f"import {thing.module}", package or last)
                return f"{thing.module}.{thing.name}"
            case 1:
                return f"{self.bring_as_library(thing)}.{thing.name}"
            case 2 if package and package == self.module.name.rpartition(".")[0]:
                self.bring(f"from . import {last}", last)
                return f"{last}.{thing.name}"
            case _:
                return self._taken_from(thing)

    def _taken_from(self, thing: Thing) -> str:
        line = f"from {thing.module} import {thing.name}"
        if line in self.module.imports:
            return thing.name
        if thing.name not in self.module.taken:
            if thing.kind != "lazy" and self.module.star in ("", thing.module) and self.once_in(3):
                # It comes first, so that all that is imported by name stays what it is.
                self.module.star = thing.module
                self.module.taken.add(thing.name)
            else:
                self.bring(line, thing.name)
            return thing.name
        alias = f"{plain(thing.module)}_{thing.name}"
        self.bring(f"{line} as {alias}", alias)
        return alias

    def bring_as_library(self, thing: Thing) -> str:
        """Imports the module of a thing by another name."""
        bound = f"lib_{plain(thing.module)}"
        self.bring(f"import {thing.module} as {bound}", bound)
        return bound

    def bring(self, line: str, bound: str) -> None:
        """Adds an import to the top of this module."""
        self.module.taken.add(bound)
        if line not in self.module.imports:
            self.module.imports.append(line)

    def library(self, name: str) -> str:
        """Imports a module of the standard library."""
        self.bring(f"import {name}", name)
        return name

    def refer_within(self, thing: Thing, lines: list[str]) -> str:
        """The same, maybe by an import in the body, which is added to its lines."""
        if thing.module == self.module.name or self.index(3):
            return self.refer_later(thing)
        self.needs.setdefault(self.owner, set()).add(thing.owner)
        module, n, form = thing.module, self.next(), self.index(6)
        if form == 0:
            lines.append(f"import {module} as within_{n}")
            return f"within_{n}.{thing.name}"
        if form == 1:
            lines.append(f"from {module} import {thing.name} as within_{n}")
            return f"within_{n}"
        self.whole = True
        if form == 2:
            return f"{self.library('importlib')}.import_module({module!r}).{thing.name}"
        if form == 3:
            return f"getattr({self.bring_as_library(thing)}, {thing.name!r})"
        if form == 4 or self.module.name != "m":
            # The name may also be that of a global: within a class, that is another variable.
            bound = self.pick([f"within_{n}", *(own.name for own in self.known("number"))])
            lines.extend((f"class Imports{n}:", f"    import {module} as {bound}"))
            return f"Imports{n}.{bound}.{thing.name}"
        # No other module counts whole that has such a global, which a call would make appear.
        shared = f"shared_{plain(module)}"
        declared = f"global {shared}", f"import {module} as {shared}"
        lines.extend(line for line in declared if line not in lines)
        return f"{shared}.{thing.name}"


def plain(module: str) -> str:
    """The name of a module as part of a name."""
    return module.replace(".", "_")
