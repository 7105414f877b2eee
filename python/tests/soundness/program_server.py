"""Runs small programs, each in a child forked from this process; started by `runner.Runner`.

Reads a line of JSON for each: the directory of module `m`, and expressions to evaluate in turn. Writes
one line for each: for every expression its value, what it raised, what memoized functions did, and
the last that one of them reported. Modules named as arguments are imported once, for all children.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Callable

# Programs take milliseconds; one that takes this long has no end.
SECONDS_PER_PROGRAM = 60


class Changes:
    """Changes to live objects, each of which can be undone."""

    def __init__(self) -> None:
        """Nothing is changed yet."""
        self.undoing: list[Callable[[], object]] = []

    def put(self, owner: object, name: str, value: object) -> None:
        """Sets an attribute."""
        undo = self._undoing(owner, name)
        setattr(owner, name, value)
        self.undoing.append(undo)

    def drop(self, owner: object, name: str) -> None:
        """Deletes an attribute."""
        undo = self._undoing(owner, name)
        delattr(owner, name)
        self.undoing.append(undo)

    def _undoing(self, owner: object, name: str) -> Callable[[], object]:
        held = getattr(owner, "__dict__", {})
        managed = hasattr(type(inspect.getattr_static(type(owner), name, None)), "__set__")
        if name not in held and not managed:
            return lambda: delattr(owner, name)
        old = held[name] if name in held else getattr(owner, name)
        return lambda: setattr(owner, name, old)

    def edit(self, container: Any, method: str, *arguments: object) -> None:
        """Calls a method that changes a list, dictionary or set in its place."""
        kept = container.copy()
        refill = container.extend if hasattr(container, "extend") else container.update
        self.undoing.append(lambda: (container.clear(), refill(kept)))
        getattr(container, method)(*arguments)

    def reorder(self, mapping: dict[Any, Any]) -> None:
        """Turns the order of the items of a dictionary round."""
        items = list(mapping.items())
        self.edit(mapping, "clear")
        mapping.update(reversed(items))

    def cell(self, function: Any, value: object) -> None:
        """Rebinds the last variable that a function shares with the one around it."""
        cell = function.__closure__[-1]
        old = cell.cell_contents
        self.undoing.append(lambda: setattr(cell, "cell_contents", old))
        cell.cell_contents = value

    def rewrite(self, file: str, text: str) -> None:
        """Replaces a source file and loads its module again; undone, its namespace is as it was."""
        module = sys.modules[file.removesuffix(".py").replace("/", ".")]
        kept = dict(vars(module))
        self.undoing.append(lambda: (vars(module).clear(), vars(module).update(kept)))
        path = Path(file)
        old = path.read_text()
        try:
            path.write_text(text or old)
            importlib.reload(module)
        finally:
            path.write_text(old)

    def undo(self) -> None:
        """Takes everything back, the last change first."""
        while self.undoing:
            self.undoing.pop()()


def plain(call: Callable[[], object]) -> object:
    """Calls as if there were no cache."""
    os.environ["REMEMO_DISABLE"] = "1"
    try:
        return call()
    finally:
        del os.environ["REMEMO_DISABLE"]


def run(directory: str, expressions: list[str]) -> list[Any]:
    """Evaluates expressions about the program in a directory; for each, tells what happened."""
    sys.path.insert(0, directory)
    os.chdir(directory)
    os.environ["REMEMO_DIR"] = ".rememo"
    events: list[dict[str, Any]] = []
    _core.subscribe(events.append)
    changes = Changes()
    tools = {name: getattr(changes, name) for name in dir(changes) if name[0] != "_"}
    names = {**tools, "plain": plain, "importlib": importlib, "__name__": "m"}
    reports = []
    for expression in expressions:
        del events[:]
        try:
            module = importlib.import_module("m")
            out, error = repr(eval(expression, {**sys.modules, **names, "m": module})), None
        except BaseException:
            out, error = None, traceback.format_exc()
        last = str(events[-1] if events else {})
        reports.append((out, error, [event["event"] for event in events], last))
    return reports


def main() -> None:
    """Runs what comes in, one program after the other."""
    warnings.simplefilter("ignore")
    for name in sys.argv[1:]:
        importlib.import_module(name)
    # A collection in a child would copy every page of this process.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        inside, outside = os.pipe()
        child = os.fork()
        if not child:
            signal.alarm(SECONDS_PER_PROGRAM)
            sys.stdout = sys.stderr
            report = json.dumps(run(*json.loads(line)))
            os.close(inside)
            with os.fdopen(outside, "w") as pipe:
                pipe.write(report)
            os._exit(0)
        os.close(outside)
        with os.fdopen(inside) as pipe:
            print(pipe.read() or "null", flush=True)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
