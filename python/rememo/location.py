"""Where a function's results are kept when nobody named a directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rememo.notices import tell
from rememo.warnings import StoreWarning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FunctionType

PROJECT_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg")


def directory_for(func: FunctionType) -> Path:
    """Returns the cache directory of a function, which need not exist yet."""
    return directory_from(_defining_file(func))


def directory_from(start: Path | None) -> Path:
    """Returns the cache directory of the project that holds `start`.

    The first of these that applies:

    1. the environment variable ``REMEMO_DIR``;
    2. ``dir`` in ``[tool.rememo]`` of the nearest pyproject.toml: an absolute path, or one that is
       relative to that file and stays within its directory;
    3. ``.rememo`` in the project's root, the nearest directory with one of `PROJECT_MARKERS`;
    4. ``rememo`` in the user's cache directory.
    """
    if named := os.environ.get("REMEMO_DIR"):
        return Path(named).expanduser().absolute()
    folders = list(_folders_of(start)) if start is not None else []
    for folder in folders:
        pyproject = folder / "pyproject.toml"
        if pyproject.is_file():
            if configured := _configured_directory(pyproject):
                return configured
            break
    for folder in folders:
        if any((folder / marker).exists() for marker in PROJECT_MARKERS):
            return folder / ".rememo"
    return _user_cache_directory()


def _defining_file(func: FunctionType) -> Path | None:
    """Returns the file that defines a function, or None where there is no such file."""
    file = func.__code__.co_filename
    if not Path(file).is_absolute():
        # A script's code names its file as the command line did; __file__ is absolute.
        file = func.__globals__.get("__file__") or ""
    return Path(file) if file and Path(file).is_file() else None


def _folders_of(start: Path) -> Iterator[Path]:
    """Yields the folder `start` is or lies in, then every folder above it."""
    start = start.absolute()
    if start.is_dir():
        yield start
    yield from start.parents


def _configured_directory(pyproject: Path) -> Path | None:
    import tomllib

    try:
        settings: Any = tomllib.loads(pyproject.read_text(encoding="utf-8"))
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
    project, path = pyproject.parent, Path(named).expanduser()
    if not path.is_absolute() and not _leads_into(project, project / path):
        message = (
            f"ignored `dir` in [tool.rememo] of {pyproject}: {named!r} leads out of the project; "
            "if it is meant to, write it as an absolute path"
        )
        tell(message, StoreWarning)
        return None
    return project / path


def _leads_into(project: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(project.resolve())
    except (OSError, RuntimeError, ValueError):
        # It leads nowhere; opening it says why.
        return True


def _user_cache_directory() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification has relative paths ignored.
    if not base.is_absolute():
        base = Path.home() / ".cache"
    return base / "rememo"
