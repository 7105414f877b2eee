"""Where a function's results are kept when nobody named a directory.

Paths are texts here, for `pathlib` is slow to import.
"""

from __future__ import annotations

import os
import sys

from rememo import settings
from rememo.notices import tell
from rememo.settings import Setting
from rememo.warnings import StoreWarning

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FunctionType

PROJECT_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg")


def effective_for(func: FunctionType) -> dict[str, Setting]:
    """Returns every setting as it is in effect for a function."""
    return effective_from(_defining_file(func))


def effective_from(start: str | None) -> dict[str, Setting]:
    """Returns every setting as it is in effect for the project that holds `start`.

    The directory is the first of these that applies:

    1. the environment variable ``REMEMO_DIR``;
    2. ``rememo`` in the user's cache directory, if ``REMEMO_SYSTEM_WIDE`` is set;
    3. ``dir`` in ``[tool.rememo]`` of the nearest pyproject.toml: an absolute path, or one that is
       relative to that file and stays within its directory;
    4. ``rememo`` in the user's cache directory, if ``system_wide`` is true there;
    5. ``.rememo`` in the project's root, the nearest directory with one of `PROJECT_MARKERS`;
    6. ``rememo`` in the user's cache directory.
    """
    folders = list(_folders_of(start)) if start is not None else []
    project, table = _nearest_table(folders)
    pyproject = os.path.join(project, "pyproject.toml")
    effective = {name: settings.said(name, table, pyproject) for name in settings.DECLARED}
    effective["dir"] = _directory(effective, folders, project)
    return effective


def _nearest_table(folders: list[str]) -> tuple[str, dict[str, object]]:
    for folder in folders:
        pyproject = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(pyproject):
            return folder, settings.table_of(pyproject)
    return "", {}


def _directory(effective: dict[str, Setting], folders: list[str], project: str) -> Setting:
    named, wide = effective["dir"], effective["system_wide"]
    if named.origin == "REMEMO_DIR":
        return Setting(absolute(str(named.value)), named.origin)
    if wide.value and wide.origin == "REMEMO_SYSTEM_WIDE":
        return Setting(user_cache_directory(), wide.origin)
    if named.value is not None and (path := _configured(project, named)):
        return Setting(path, named.origin)
    if wide.value:
        return Setting(user_cache_directory(), wide.origin)
    root = _root(folders)
    home = user_cache_directory() if root is None else os.path.join(root, ".rememo")
    return Setting(home, "default")


def project_of(start: str) -> str | None:
    """Returns the root of the project that holds `start`; None where there is no project."""
    return _root(_folders_of(start))


def _root(folders: Iterable[str]) -> str | None:
    for folder in folders:
        if any(_exists(os.path.join(folder, marker)) for marker in PROJECT_MARKERS):
            return folder
    return None


def absolute(path: str) -> str:
    """Returns a path from the root on, with the user's home in the place of ``~``.

    Raises:
        RuntimeError: if it begins with a home that there is not.
    """
    path = os.path.join(os.getcwd(), _expanded(path))
    # Where there are links, what is before a ".." need not be what it looks like.
    return path if os.pardir in path.split(os.sep) else os.path.normpath(path)


def _expanded(path: str) -> str:
    expanded = os.path.expanduser(path)
    if expanded.startswith("~") and expanded == path:
        raise RuntimeError(f"there is no home directory for {path!r}")
    return expanded


def _exists(path: str) -> bool:
    """Whether there is something; where that may not be looked at, OSError."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _defining_file(func: FunctionType) -> str | None:
    """Returns the file that defines a function, or where its notebook is; None for neither."""
    file = func.__code__.co_filename
    if not os.path.isabs(file):
        # A script's code names its file as the command line did; __file__ is absolute.
        file = func.__globals__.get("__file__") or ""
    if file and os.path.isfile(file):
        return file
    if "ipykernel" in sys.modules and func.__globals__.get("__name__") == "__main__":
        from rememo.notebooks import place

        return place()
    return None


def _folders_of(start: str) -> Iterator[str]:
    """Yields the folder `start` is or lies in, then every folder above it."""
    start = absolute(start)
    if os.path.isdir(start):
        yield start
    while (above := os.path.dirname(start)) != start:
        yield above
        start = above


def _configured(project: str, named: Setting) -> str | None:
    path = _expanded(str(named.value))
    if not os.path.isabs(path) and not _leads_into(project, os.path.join(project, path)):
        message = (
            f"ignored `dir` in [tool.rememo] of {named.origin}: {named.value!r} leads out of the "
            "project; if it is meant to, write it as an absolute path"
        )
        tell(message, StoreWarning)
        return None
    return os.path.join(project, path)


def _leads_into(project: str, path: str) -> bool:
    try:
        project, path = os.path.realpath(project), os.path.realpath(path)
    except (OSError, ValueError):
        # It leads nowhere; opening it says why.
        return True
    return os.path.commonpath([project, path]) == project


def user_cache_directory() -> str:
    """Returns the directory for functions of no project, or of all.

    Raises:
        RuntimeError: if there is no home directory.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    if not os.path.isabs(base):
        base = os.path.join(_expanded("~"), ".cache")
    return os.path.join(base, "rememo")
