"""What code refers to outside itself: names with the attributes read in a row, and imports."""

from __future__ import annotations

import dis
import re
from dataclasses import dataclass, field, replace
from types import CodeType

from .code import ATTRIBUTE, Instruction, instructions_of

Chain = tuple[str, ...]

_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_ASSIGNED = {"STORE_GLOBAL", "DELETE_GLOBAL"}
_SHARED = {"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
_SHUFFLE = {"SWAP", "POP_TOP"}
_ACCESS = re.compile("(LOAD|STORE|DELETE)_FAST")
_IMPORTERS = {"import_module", "__import__"}


@dataclass(frozen=True, order=True)
class Import:
    """One use of something imported in the body."""

    level: int
    module: str
    chain: Chain = ()
    from_top: bool = False


@dataclass
class Uses:
    """The outside names of a code object, with all code nested in it."""

    globals: set[Chain] = field(default_factory=set)
    shared: set[Chain] = field(default_factory=set)
    imports: set[Import] = field(default_factory=set)
    imported: dict[str, set[Import]] = field(default_factory=dict)
    """What the body itself imports into global names."""


def uses_of(code: CodeType) -> Uses:
    """Reads a code object and all code nested in it."""
    found = Uses()
    _collect(code, found)
    return found


def _collect(code: CodeType, found: Uses) -> None:
    cells = _Scan(code, found).run()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _collect(constant, found)
    for variable, whole in cells:
        chains = [chain[1:] for chain in found.shared if chain[0] == variable]
        for chain in chains or [()]:
            found.imports.add(replace(whole, chain=whole.chain + chain))


class _Scan:
    """One pass over the instructions of one code object."""

    def __init__(self, code: CodeType, found: Uses) -> None:
        self.instructions = instructions_of(code)
        self.found = found
        self.landings = {at.target for at in self.instructions}
        self.bound: dict[int, Import] = {}
        self.rebound: set[int] = set()
        self.cells: list[tuple[str, Import]] = []

    def run(self) -> list[tuple[str, Import]]:
        position = 0
        while position < len(self.instructions):
            position = self._read(position)
        self._locals_used()
        return self.cells

    def _read(self, position: int) -> int:
        at = self.instructions[position]
        if at.op in _GLOBAL:
            chain = (at.name, *self._attributes(position + 1))
            self._import_by_name(chain, position + len(chain))
            self.found.globals.add(chain)
            return position + len(chain)
        if at.op in _SHARED:
            chain = (str(at.value), *self._attributes(position + 1))
            self._import_by_name(chain, position + len(chain))
            self.found.shared.add(chain)
            return position + len(chain)
        if at.op == "IMPORT_NAME":
            return self._import(position)
        if at.op in _ASSIGNED:
            self.found.globals.add((at.name,))
        self.rebound.update(local for local, stored in _locals(at) if stored)
        return position + 1

    def _attributes(self, position: int) -> list[str]:
        chain = []
        for at in self.instructions[position:]:
            if at.op not in ATTRIBUTE or at.start in self.landings:
                break
            chain.append(at.name)
        return chain

    def _import_by_name(self, chain: Chain, position: int) -> None:
        # From 3.13 on, what stands for a missing `self` lies between function and arguments.
        null = position < len(self.instructions) and self.instructions[position].op == "PUSH_NULL"
        name = self._operand(position + null)
        if chain and chain[-1] in _IMPORTERS and isinstance(name, str) and not name.startswith("."):
            self.found.imports.add(Import(0, name))

    def _operand(self, position: int) -> object:
        if not 0 <= position < len(self.instructions):
            return None
        at = self.instructions[position]
        # From 3.14 on, a small integer is its own operand.
        return at.value if at.opcode in dis.hasconst else at.argument

    def _import(self, position: int) -> int:
        level, names = self._operand(position - 2), self._operand(position - 1)
        whole = Import(level if isinstance(level, int) else 0, self.instructions[position].name)
        taken = None
        for position in range(position + 1, len(self.instructions)):
            at = self.instructions[position]
            if at.op == "IMPORT_FROM":
                taken = at.name
            elif at.op in _SHUFFLE:
                if names is not None and taken is None:
                    return position + 1
            else:
                self._bind(at, _what_is_taken(whole, names, taken))
                if names is None:
                    return position + 1
                taken = None
        return len(self.instructions)

    def _bind(self, store: Instruction, taken: Import) -> None:
        if store.op == "STORE_DEREF":
            self.cells.append((str(store.value), taken))
            return
        touched = _locals(store)
        if not touched:
            if store.op == "STORE_GLOBAL":
                self.found.imported.setdefault(store.name, set()).add(taken)
            self.found.imports.add(taken)
            return
        local = touched[0][0]
        if self.bound.setdefault(local, taken) != taken:
            self.rebound.add(local)
            self.found.imports.add(taken)
        self.rebound.update(other for other, stored in touched[1:] if stored)

    def _locals_used(self) -> None:
        used = set()
        for position, at in enumerate(self.instructions):
            touched = _locals(at)
            for which, (local, stored) in enumerate(touched):
                if local not in self.bound or stored:
                    continue
                taken = self.bound[local]
                if which == len(touched) - 1 and local not in self.rebound:
                    attributes = self._attributes(position + 1)
                    taken = replace(taken, chain=taken.chain + tuple(attributes))
                    self._import_by_name(taken.chain, position + 1 + len(attributes))
                used.add(local)
                self.found.imports.add(taken)
        self.found.imports.update(whole for local, whole in self.bound.items() if local not in used)


def _what_is_taken(whole: Import, names: object, taken: str | None) -> Import:
    if names is not None and taken is not None:
        return replace(whole, chain=(taken,))
    # `import a.b as c` takes `b` on its way to the module.
    return replace(whole, from_top=names is None and taken is None)


def _locals(at: Instruction) -> list[tuple[int, bool]]:
    """The locals an instruction accesses, in order, and whether it stores to them."""
    kinds = [word != "LOAD" for word in _ACCESS.findall(at.op)]
    numbers = [at.argument >> 4, at.argument & 15] if len(kinds) == 2 else [at.argument]
    return list(zip(numbers, kinds, strict=False))
