"""Runs a script or a module as the interpreter does, with its functions memoized."""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Never

from rememo.undecorated import arguments, judge
from rememo.undecorated.definitions import compiled

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

# What the paths of this package's own code begin with.
_OURS = str(Path(__file__).parents[1]) + os.sep


class NoProgramError(Exception):
    """There is nothing to run; says why."""


def run_script(path: str, arguments_: list[str], least: str | float) -> None:
    """Does what ``python path arguments`` does.

    Raises:
        NoProgramError: if there is no such script.
    """
    if path == "-":
        raise NoProgramError("a program from standard input has no file to be known by: save it")
    if Path(path).is_dir():
        raise NoProgramError(f"{path} is a directory: name a script, or say -m MODULE")
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise NoProgramError(f"can't open file {path!r}: {error.strerror}") from None
    if not sys.flags.safe_path:
        sys.path[0] = str(Path(path).resolve().parent)
    # Links in it are not followed.
    main = _main(str(Path(path).absolute()), SourceFileLoader("__main__", path), None)
    _run(main, source, [path, *arguments_], least)


def run_module(name: str, arguments_: list[str], least: str | float) -> None:
    """Does what ``python -m name arguments`` does.

    Raises:
        NoProgramError: if there is no such module, or it has no source.
    """
    spec = _spec_of(name)
    path = spec.origin
    if path is None or not isinstance(spec.loader, SourceFileLoader):
        raise NoProgramError(f"{name} has no Python source to run")
    main = _main(path, spec.loader, spec)
    _run(main, spec.loader.get_data(path), [path, *arguments_], least)


def _main(file: str, loader: SourceFileLoader, spec: ModuleSpec | None) -> ModuleType:
    """Returns a main module with the variables that the interpreter gives it."""
    main = ModuleType("__main__")
    vars(main).update(
        __file__=file,
        __builtins__=builtins,
        __loader__=loader,
        __cached__=spec and spec.cached,
        __spec__=spec,
        __package__=spec and spec.parent,
    )
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    return main


def _spec_of(name: str) -> ModuleSpec:
    for tried in (name, f"{name}.__main__"):
        try:
            spec = importlib.util.find_spec(tried)
        except (ImportError, AttributeError, ValueError) as error:
            raise NoProgramError(f"no module named {tried}: {error}") from None
        if spec is None:
            raise NoProgramError(f"no module named {tried}")
        if spec.submodule_search_locations is None:
            return spec
    raise NoProgramError(f"{name}.__main__ is a package and cannot be run")


def _run(main: ModuleType, source: bytes, command: list[str], least: str | float) -> None:
    sys.argv = command
    arguments.watch()
    sys.modules["__main__"] = main
    try:
        code, left = compiled(source, str(main.__file__), judge.adopter(least))
    except (SyntaxError, ValueError) as error:
        _end_with(error, None)
    judge.pass_over("__main__", left)
    try:
        exec(code, vars(main))  # noqa: S102  the user's own program
    except Exception as error:  # noqa: BLE001  whatever the program raises
        _end_with(error, _without_ours(error.__traceback__))


def _end_with(error: Exception, trace: TracebackType | None) -> Never:
    """Shows an error as the interpreter does, and ends."""
    hook: Any = sys.excepthook
    hook(type(error), error.with_traceback(trace), trace)
    raise SystemExit(1)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    if trace is None:
        return None
    rest = _without_ours(trace.tb_next)
    if trace.tb_frame.f_code.co_filename.startswith(_OURS):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
