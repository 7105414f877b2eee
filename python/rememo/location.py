"""Where a function's results are kept when nobody named a directory.

Paths are texts here, for `pathlib` is slow to import.
"""

from __future__ import annotations

import os

from rememo.notices import tell
from rememo.warnings import StoreWarning

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType
    from typing import Any

PROJECT_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg")


def directory_for(func: FunctionType) -> str:
    """Returns the cache directory of a function, which need not exist yet."""
    return directory_from(_defining_file(func))


def directory_from(start: str | None) -> str:
    """Returns the cache directory of the project that holds `start`.

    The first of these that applies:

    1. the environment variable ``REMEMO_DIR``;
    2. ``dir`` in ``[tool.rememo]`` of the nearest pyproject.toml: an absolute path, or one that is
       relative to that file and stays within its directory;
    3. ``.rememo`` in the project's root, the nearest directory with one of `PROJECT_MARKERS`;
    4. ``rememo`` in the user's cache directory.
    """
    if named := os.environ.get("REMEMO_DIR"):
        return absolute(named)
    folders = list(_folders_of(start)) if start is not None else []
    for folder in folders:
        pyproject = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(pyproject):
            if configured := _configured_directory(folder, pyproject):
                return configured
            break
    for folder in folders:
        if any(_exists(os.path.join(folder, marker)) for marker in PROJECT_MARKERS):
            return os.path.join(folder, ".rememo")
    return _user_cache_directory()


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
    """Returns the file that defines a function, or None where there is no such file."""
    file = func.__code__.co_filename
    if not os.path.isabs(file):
        # A script's code names its file as the command line did; __file__ is absolute.
        file = func.__globals__.get("__file__") or ""
    return file if file and os.path.isfile(file) else None


def _folders_of(start: str) -> Iterator[str]:
    """Yields the folder `start` is or lies in, then every folder above it."""
    start = absolute(start)
    if os.path.isdir(start):
        yield start
    while (above := os.path.dirname(start)) != start:
        yield above
        start = above


def _configured_directory(project: str, pyproject: str) -> str | None:
    try:
        with open(pyproject, "rb") as file:
            text = file.read()
        # Most say nothing of it, and `tomllib` is slow to import.
        if b"rememo" not in text:
            return None
        import tomllib

        settings: Any = tomllib.loads(text.decode())
        named: Any = settings.get("tool", {}).get("rememo", {}).get("dir")
    except (OSError, ValueError, AttributeError) as error:
        tell(f"ignored {pyproject}: {error}", StoreWarning)
        return None
    if named is None:
        return None
    if not isinstance(named, str) or not named:
        message = f"ignored `dir` in [tool.rememo] of {pyproject}: it must be a path, not {named!r}"
        tell(message, StoreWarning)
        return None
    path = _expanded(named)
    if not os.path.isabs(path) and not _leads_into(project, os.path.join(project, path)):
        message = (
            f"ignored `dir` in [tool.rememo] of {pyproject}: {named!r} leads out of the project; "
            "if it is meant to, write it as an absolute path"
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


def _user_cache_directory() -> str:
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    if not os.path.isabs(base):
        base = os.path.join(_expanded("~"), ".cache")
    return os.path.join(base, "rememo")
