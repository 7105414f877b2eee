"""Memoizes functions that nobody has decorated, of modules that are imported from now on.

``import rememo.auto`` takes the names of the modules from the project's pyproject.toml; `install`
takes them from the program. For scripts there is ``python -m rememo script.py``.

>>> import rememo.auto
>>> rememo.auto.install("my_pipeline", "my_pipeline.*", min_compute_time="100 ms")
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rememo import _core
from rememo.undecorated import configured, importing
from rememo.undecorated import report as _report

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["install", "report"]


def install(*modules: str, min_compute_time: str | float | timedelta = configured.LEAST) -> None:
    """Memoizes the plain functions of modules as they are imported.

    Functions that do or look at what a stored result would leave out run as they are written, and
    so do those that return something they were given.

    Args:
        modules: their names; ``*`` stands for anything, so ``"pkg.*"`` for all within a package.
        min_compute_time: results that took less are not kept; see `memoize`.

    Raises:
        TypeError: if a name is no text, or the time is neither.
        ValueError: if the time makes no sense.

    >>> import rememo.auto
    >>> rememo.auto.install("my_models", min_compute_time="1 s")
    """
    for name in modules:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the name of a module is text, not {name!r}")
    least = _core.nanoseconds("min_compute_time", min_compute_time) / 1e9
    if modules:
        importing.install(modules, least)


def report() -> str:
    """Says what was memoized in this process, what that saved, and what was not, and why.

    >>> import rememo.auto
    >>> print(rememo.auto.report().splitlines()[0])  # doctest: +ELLIPSIS
    rememo: ... memoized, ... saved
    """
    return _report.text()


def _install_what_the_project_says() -> None:
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    found = configured.of_project(main or os.curdir)
    if found.modules:
        install(*found.modules, min_compute_time=found.min_compute_time)
        _report.at_exit()


_install_what_the_project_says()
