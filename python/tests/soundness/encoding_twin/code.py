"""Code objects: instructions with resolved operands, read with the interpreter's own `dis`."""

from __future__ import annotations

import bisect
import dis
import inspect
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import walk
from .encoder import Content, Tag, sized, u64
from .reads import CODE, Reads, reads_by

if TYPE_CHECKING:
    from types import CodeType

    from .listing import Listing

_WITHOUT_TRACE = {"NOP", "CACHE", "RESUME", "EXTENDED_ARG"}
_FLAG_BITS = {
    "LOAD_GLOBAL": 1,
    "LOAD_ATTR": 1 if sys.version_info >= (3, 12) else 0,
    "LOAD_SUPER_ATTR": 2,
}
# Nested, without free variables, future statements, with a docstring.
_FLAGS_WITHOUT_MEANING = 0x10 | 0x40 | 0x1FE0000 | 0x4000000
_RECORDS = {"__firstlineno__", "__static_attributes__"}
ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR"}
STORE_NAME = {"STORE_NAME", "STORE_GLOBAL"}


@dataclass
class Instruction:
    """One instruction with its operand resolved."""

    opcode: int
    op: str
    argument: int
    value: object
    """The constant, name or variable that the argument stands for."""
    start: int
    """Where it begins in the bytecode, with what extends its argument."""
    target: int | None
    """Where it jumps to."""

    @property
    def name(self) -> str:
        """The name it is about, if it is about one."""
        return str(self.value) if self.opcode in dis.hasname else ""


def instructions_of(code: CodeType) -> list[Instruction]:
    """Decodes bytecode, leaving out what has no effect."""
    found = []
    start = None
    for at in dis.get_instructions(code):
        start = at.offset if start is None else start
        if at.opname == "EXTENDED_ARG":
            continue
        if at.opname not in _WITHOUT_TRACE:
            target = at.argval if at.opcode in dis.hasjrel else None
            op = at.opname.replace("LOAD_FAST_BORROW", "LOAD_FAST")
            code_of = dis.opmap[op]
            found.append(Instruction(code_of, op, at.arg or 0, at.argval, start, target))
        start = None
    return found


def expand(code: CodeType, listing: Listing, content: Content) -> list[object]:
    """Writes everything but the constants; gives those, in the order of their use."""
    instructions = instructions_of(code)
    listing.met |= _reads(code, instructions)
    content.write(Tag.CODE, bytes([sys.version_info.minor]))
    _shape(code, listing.reads, content)
    constants = _instructions(instructions, listing.reads, content)
    _handlers(code, instructions, content)
    return constants


def _reads(code: CodeType, instructions: list[Instruction]) -> Reads:
    found = Reads(0)
    for at, following in zip(instructions, [*instructions[1:], None], strict=True):
        if at.op in ATTRIBUTE or (at.op not in STORE_NAME and not at.name.startswith("__")):
            found |= reads_by(at.name)
        if at.op in ATTRIBUTE and at.name == "__code__" and not _is_part_of_code(following):
            found |= CODE
    for constant in code.co_consts:
        if isinstance(constant, str):
            found |= CODE if constant == "__code__" else reads_by(constant)
    return found


def _is_part_of_code(at: Instruction | None) -> bool:
    return at is not None and at.op in ATTRIBUTE and at.name.startswith("co_")


def _shape(code: CodeType, reads: Reads, content: Content) -> None:
    counts = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount]
    content.write(*map(u64, counts), u64(code.co_flags & ~_FLAGS_WITHOUT_MEANING))
    variadic = [inspect.CO_VARARGS, inspect.CO_VARKEYWORDS]
    arguments = code.co_argcount + code.co_kwonlyargcount
    arguments += sum(bool(code.co_flags & flag) for flag in variadic)
    for names, shown in [
        (code.co_varnames, arguments),
        (code.co_cellvars, 0),
        (code.co_freevars, 0),
    ]:
        visible = names if Reads.LOCALS in reads else names[:shown]
        content.write(u64(len(names)), u64(len(visible)), *visible)
    if Reads.DOCS in reads and code.co_consts:
        walk.encode_scalar(code.co_consts[0], content)
    if Reads.NAMES in reads:
        content.write(code.co_name, code.co_qualname)
    if Reads.SOURCE in reads:
        content.write(code.co_filename, u64(code.co_firstlineno), sized(code.co_linetable))
        content.write(u64(len(code.co_consts)))
        for constant in code.co_consts:
            if not walk.encode_scalar(constant, content):
                content.write(b"\0")


def _instructions(instructions: list[Instruction], reads: Reads, content: Content) -> list[object]:
    constants = []
    starts = [at.start for at in instructions]
    content.write(u64(len(instructions)))
    for at, following in zip(instructions, [*instructions[1:], None], strict=True):
        if following and _is_for_the_record(following, reads):
            content.write(b"\0")
            continue
        content.write(bytes([at.opcode]))
        if at.opcode in dis.hasconst:
            constants.append(at.value)
        elif at.opcode in dis.hasname:
            content.write(at.name, u64(at.argument % 2 ** _FLAG_BITS.get(at.op, 0)))
        elif at.target is not None:
            content.write(u64(bisect.bisect_left(starts, at.target)))
        else:
            content.write(u64(at.argument))
    return constants


def _is_for_the_record(store: Instruction, reads: Reads) -> bool:
    if store.op not in STORE_NAME:
        return False
    return store.name in _RECORDS or (store.name == "__doc__" and Reads.DOCS not in reads)


def _handlers(code: CodeType, instructions: list[Instruction], content: Content) -> None:
    starts = [at.start for at in instructions]
    for entry in dis.Bytecode(code).exception_entries:
        for offset in [entry.start, entry.end, entry.target]:
            content.write(u64(bisect.bisect_left(starts, offset)))
        content.write(u64(entry.depth * 2 + entry.lasti))
