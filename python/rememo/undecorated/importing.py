"""Memoizes the functions of modules as they are imported."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING

from rememo.notices import tell
from rememo.undecorated import arguments, judge
from rememo.undecorated.definitions import compiled
from rememo.warnings import RememoWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Finder:
    """Finds the modules of some names, wherever the other finders find them."""

    def __init__(self, patterns: Sequence[str], least: str | float) -> None:
        """Takes names of modules; ``*`` in them stands for anything."""
        self._patterns = tuple(patterns)
        self._adopt = judge.adopter(least)

    def matches(self, name: str) -> bool:
        """Whether a module's functions are to be memoized."""
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns how to import a module; None where it is not one of them, or has no source."""
        if not self.matches(name):
            return None
        after = sys.meta_path.index(self) + 1 if self in sys.meta_path else 0
        for finder in sys.meta_path[after:]:
            if spec := finder.find_spec(name, path, target):
                loader = spec.loader
                if type(loader) is SourceFileLoader:
                    spec.loader = Loader(loader.name, loader.path, self._adopt)
                return spec
        return None


class Loader(SourceFileLoader):
    """Imports one module. What is compiled is not put in `__pycache__`, where others find it."""

    def __init__(self, name: str, path: str, adopt: Callable[..., object]) -> None:
        """Takes the name of the module, and the path of its source."""
        super().__init__(name, path)
        self._adopt = adopt

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module."""
        code, left = compiled(self.get_data(self.path), self.path, self._adopt)
        judge.pass_over(module.__name__, left)
        exec(code, vars(module))  # noqa: S102  the user's own module


def install(patterns: Sequence[str], least: str | float) -> None:
    """Has the functions of modules memoized that are imported from now on."""
    finder = Finder(patterns, least)
    arguments.watch()
    sys.meta_path.insert(0, finder)
    for name in sorted(sys.modules):
        if finder.matches(name):
            message = (
                f"{name} was imported before, so its functions are left as they are written: "
                "install rememo.auto first"
            )
            tell(message, RememoWarning)
