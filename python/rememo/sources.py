"""The source text of functions and classes, as they were when they were loaded.

`inspect.getsource` reads the file as it is now. In a kernel that runs for days, the code may have
been made from an earlier text, and a wrong one misleads more than none.
"""

from __future__ import annotations

import inspect
import linecache
import os
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
        text = inspect.getsource(definition)
        file = inspect.getsourcefile(definition) or inspect.getfile(definition)
    except (OSError, TypeError):
        return None
    if not _has_changed(file, started):
        return text
    codes = _codes(file, "".join(linecache.getlines(file)))
    return text if all(code in codes for code in _codes_of(definition, file)) else None


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
