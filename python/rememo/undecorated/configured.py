"""What a project says of the modules whose functions are to be memoized."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple, cast

from rememo import _core
from rememo.location import project_of
from rememo.notices import tell
from rememo.warnings import StoreWarning

# What takes less is not worth a place on disk.
LEAST = "50 ms"


class Configured(NamedTuple):
    """The table ``[tool.rememo.auto]``."""

    modules: tuple[str, ...] = ()
    min_compute_time: str | float = LEAST


def of_project(start: str) -> Configured:
    """Returns what the project of a file or directory says; warns of what makes no sense."""
    root = project_of(start)
    pyproject = Path(root or "", "pyproject.toml")
    if root is None or not pyproject.is_file():
        return Configured()
    try:
        table: Any = tomllib.loads(pyproject.read_text(encoding="utf-8"))
        table = table.get("tool", {}).get("rememo", {}).get("auto", {})
        return _checked(dict(table))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        tell(f"ignored [tool.rememo.auto] of {pyproject}: {error}", StoreWarning)
        return Configured()


def _checked(table: dict[str, Any]) -> Configured:
    modules, least = table.pop("modules", []), table.pop("min_compute_time", LEAST)
    if table:
        raise ValueError(
            f"there is no setting {', '.join(sorted(table))}: say modules or min_compute_time"
        )
    names = cast("list[object]", modules if isinstance(modules, list) else [None])
    found = tuple(one for one in names if isinstance(one, str))
    if len(found) != len(names):
        raise ValueError(f"modules must be a list of names, not {modules!r}")
    _core.nanoseconds("min_compute_time", least)
    return Configured(found, least)
