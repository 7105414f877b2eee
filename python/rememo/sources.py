"""The source text of functions and classes, as they were when they were loaded.

`inspect.getsource` reads the file as it is now. In a kernel that runs for days, the code may have
been made from an earlier text, and a wrong one misleads more than none. For a function it also
takes longer than the rest of a first call: its import, then a tokenizer written in Python. Where a
function's code lies says as much.
"""

from __future__ import annotations

import linecache
import os
from itertools import takewhile
from types import CodeType, FunctionType

# The last text of each file, with all code that it compiles to.
_compiled: dict[str, tuple[str, frozenset[CodeType]]] = {}


def source_of(definition: FunctionType | type, started: float) -> str | None:
    """Returns the text that a definition was made from, or None where that cannot be known.

    Args:
        definition: a function or class.
        started: since when files may have changed, in seconds of the epoch.
    """
    try:
        file, text = _located(definition)
    except (OSError, TypeError):
        return None
    if not _has_changed(file, started):
        return text
    codes = _codes(file, "".join(linecache.getlines(file)))
    return text if all(code in codes for code in _codes_of(definition, file)) else None


def _located(definition: FunctionType | type) -> tuple[str, str]:
    """Returns the file of a definition, and the text that is there now.

    Raises:
        OSError: if there is none.
        TypeError: for a class that no module claims.
    """
    if isinstance(definition, FunctionType):
        file = definition.__code__.co_filename
        linecache.checkcache(file)
        text = _block(linecache.getlines(file, definition.__globals__), definition.__code__)
        if text:
            return file, text
    # A class has no line of its own, before 3.13: its file has to be parsed.
    import inspect

    text = inspect.getsource(definition)
    return inspect.getsourcefile(definition) or inspect.getfile(definition), text


def _block(lines: list[str], code: CodeType) -> str | None:
    """Returns the lines of a function: those of its code, and what follows that is indented deeper.

    None where the code does not tell, as it has no line but the first: nothing but a docstring.
    """
    first, last = code.co_firstlineno - 1, _last_line(code)
    block = lines[first:last]
    if not block or (len(block) == 1 and not _is_whole(block[0])):
        return None
    if code.co_name != "<lambda>":
        indent = _indent(block[0])
        block += takewhile(lambda line: not line.strip() or _indent(line) > indent, lines[last:])
    return "".join(block).rstrip() + "\n"


def _last_line(code: CodeType) -> int:
    """Returns the number of the last line of code, with that of the functions within."""
    ends = [end or start or 0 for start, end, _, _ in code.co_positions()]
    within = [_last_line(inner) for inner in code.co_consts if isinstance(inner, CodeType)]
    return max(*ends, *within, code.co_firstlineno)


def _is_whole(line: str) -> bool:
    try:
        compile(line.strip(), "<line>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _has_changed(file: str, started: float) -> bool:
    """Whether a file was written lately; what is no file, like the cell of a notebook, never is."""
    try:
        return os.stat(file).st_mtime >= started  # noqa: PTH116  pathlib is slow to import
    except OSError:
        return False


def _codes_of(definition: FunctionType | type, file: str) -> list[CodeType]:
    if isinstance(definition, FunctionType):
        return [definition.__code__]
    members = [getattr(member, "__func__", member) for member in vars(definition).values()]
    functions = [member for member in members if isinstance(member, FunctionType)]
    return [function.__code__ for function in functions if function.__code__.co_filename == file]


def _codes(file: str, text: str) -> frozenset[CodeType]:
    """Returns all code that a text compiles to."""
    known = _compiled.get(file)
    if known and known[0] == text:
        return known[1]
    try:
        found = [compile(text, file, "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        found = []
    for code in found:
        found.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
    _compiled[file] = text, frozenset(found)
    return _compiled[file][1]
