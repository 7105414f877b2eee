"""Which modules a project's requirements are about, for `FreezeConfig(by_version=...)`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import os

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def required_modules(path: str | os.PathLike[str]) -> list[str]:
    """Returns the top-level modules of the distributions that a file requires.

    Distributions that are not installed are left out: nothing of theirs can be imported.

    Args:
        path: a requirements file, a ``pyproject.toml``, or a lock file in TOML (``pylock.toml``,
            ``uv.lock``, ``poetry.lock``).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is TOML that names no requirements.

    >>> from rememo import FreezeConfig, required_modules
    >>> config = FreezeConfig(by_version=required_modules("pyproject.toml"))
    """
    text = Path(path).read_text(encoding="utf-8")
    if Path(path).suffix in {".toml", ".lock"}:
        names = _names_in_toml(text, Path(path).name)
    else:
        names = _names_in_lines(text.splitlines())
    return sorted({module for name in names for module in _modules(name)})


def _names_in_lines(lines: list[str]) -> list[str]:
    found = (_NAME.match(line) for line in lines if not line.lstrip().startswith(("#", "-")))
    return [match[1] for match in found if match]


def _names_in_toml(text: str, filename: str) -> list[str]:
    import tomllib

    data: dict[str, Any] = tomllib.loads(text)
    locked = data.get("packages", data.get("package"))
    if isinstance(locked, list):
        return [package["name"] for package in cast("list[dict[str, str]]", locked)]
    project = data.get("project")
    if project is None:
        raise ValueError(f"{filename} has neither a [project] table nor a list of packages")
    lines = list(project.get("dependencies", []))
    for extra in project.get("optional-dependencies", {}).values():
        lines.extend(extra)
    return _names_in_lines(lines)


def _modules(distribution: str) -> set[str]:
    from importlib.metadata import PackageNotFoundError, files

    try:
        listed = files(distribution) or []
    except PackageNotFoundError:
        return set()
    tops = {path.parts[0] for path in listed if path.suffix in {".py", ".so", ".pyd"}}
    names = {top.partition(".")[0] for top in tops if not top.startswith("__")}
    return {name for name in names if name.isidentifier()}
