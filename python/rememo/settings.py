"""Settings: each is declared here, with where it can be said; what is in effect, and why.

The first of these that says something counts: the code (an argument of `Cache` or `memoize`), the
environment, ``[tool.rememo]`` of the project's pyproject.toml, and else the default.
"""

from __future__ import annotations

import os
from collections import namedtuple

from rememo.notices import tell
from rememo.warnings import StoreWarning

# What `typing` has under these names; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, NamedTuple

    class Declared(NamedTuple):
        """A setting."""

        kind: type
        """What a value of it is; a `bool` is 0, 1 or empty in the environment."""
        variable: str
        """The variable of the environment; empty if there is none."""
        in_project: bool
        """Whether a project may say it: not what bears on whom to trust."""
        default: object
        meaning: str

    class Setting(NamedTuple):
        """What a setting comes to."""

        value: object
        origin: str
        """Who says so: a variable, a file, or "default"."""

else:
    # `typing` again.
    Declared = namedtuple(  # noqa: PYI024
        "Declared", ["kind", "variable", "in_project", "default", "meaning"]
    )
    Setting = namedtuple("Setting", ["value", "origin"])  # noqa: PYI024

DECLARED: dict[str, Declared] = {
    "dir": Declared(str, "REMEMO_DIR", True, None, "where results are kept"),
    "system_wide": Declared(
        bool, "REMEMO_SYSTEM_WIDE", True, False, "keep them in the user's cache directory"
    ),
    "enabled": Declared(bool, "", True, True, "memoize the functions of the project"),
    "disable": Declared(bool, "REMEMO_DISABLE", False, False, "memoize nothing, caches included"),
    "paranoid": Declared(bool, "REMEMO_PARANOID", False, False, "check each hit from memory"),
    "max_size": Declared(str, "REMEMO_MAX_SIZE", True, None, "the most that results may take"),
    "policy": Declared(str, "REMEMO_POLICY", True, None, "what goes first when it is full"),
    "durability": Declared(
        str, "REMEMO_DURABILITY", False, "background", "what a stored result survives"
    ),
    "flush_every": Declared(
        str, "REMEMO_FLUSH_EVERY", False, "0.02", "seconds until results are stored"
    ),
    "trust_owner": Declared(str, "REMEMO_TRUST_OWNER", False, None, "whose directory may be read"),
    "shared": Declared(str, "REMEMO_SHARED", False, None, "who else may write to it"),
    "read_only": Declared(bool, "REMEMO_READ_ONLY", False, False, "add nothing to what is kept"),
}


def said(name: str, table: Mapping[str, object], file: str) -> Setting:
    """Returns what a setting comes to, by the environment and a project's table."""
    declared = DECLARED[name]
    text = os.environ.get(declared.variable) if declared.variable else None
    if text:
        return Setting(text != "0" if declared.kind is bool else text, declared.variable)
    value = table.get(name) if declared.in_project else None
    if value is not None:
        return Setting(value, file)
    return Setting(declared.default, "default")


def place_of(name: str, setting: Setting) -> str:
    """Returns where a setting was said, for a message: its variable, or the line of a project."""
    if setting.origin == DECLARED[name].variable:
        return setting.origin
    return f"`{name}` in [tool.rememo] of {setting.origin}"


def table_of(pyproject: str) -> dict[str, object]:
    """Returns what ``[tool.rememo]`` of a file says that makes sense; warns of the rest."""
    try:
        with open(pyproject, "rb") as file:  # noqa: PTH123  `pathlib` is slow to import
            text = file.read()
        # Most say nothing of it, and `tomllib` is slow to import.
        if b"rememo" not in text:
            return {}
        import tomllib

        found: Any = tomllib.loads(text.decode())
        table: dict[str, object] = dict(found.get("tool", {}).get("rememo", {}))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        tell(f"ignored {pyproject}: {error}", StoreWarning)
        return {}
    # A table of its own, which `rememo.auto` reads.
    table.pop("auto", None)
    return {name: value for name, value in table.items() if _makes_sense(name, value, pyproject)}


def _makes_sense(name: str, value: object, pyproject: str) -> bool:
    where = f"in [tool.rememo] of {pyproject}"
    declared = DECLARED.get(name)
    if declared is None or not declared.in_project:
        allowed = [name for name, declared in DECLARED.items() if declared.in_project]
        tell(f"ignored `{name}` {where}: {suggestion(name, allowed)}", StoreWarning)
        return False
    if isinstance(value, declared.kind) and value != "":
        return True
    wanted = {"dir": "a path", "max_size": 'a size, as "10 GiB"', "policy": "a name"}.get(
        name, "true or false"
    )
    tell(f"ignored `{name}` {where}: it must be {wanted}, not {value!r}", StoreWarning)
    return False


def refuse_unknown(function: str, unknown: Iterable[str], allowed: Iterable[str]) -> None:
    """Raises TypeError if there are options that a function does not have."""
    for name in unknown:
        raise TypeError(
            f"{function}() got an unexpected keyword argument {name!r}: {suggestion(name, allowed)}"
        )


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """Says which name may have been meant, and which there are."""
    import difflib

    allowed = sorted(allowed)
    near = difflib.get_close_matches(name, allowed, n=1)
    near += [one for one in allowed if name.startswith(one) or one.startswith(name)]
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"{meant}There are: {', '.join(allowed)}"
