"""What results are said to depend on, where that is not seen.

>>> from rememo import Cache, Env, File, memoize
>>> @memoize(cache=Cache(temporary=True), depends_on=[File("weights.bin"), Env("OMP_NUM_THREADS")])
... def predict(x):
...     return 2 * x
>>> predict(4), predict.would_hit(4)
(8, True)
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, cast

Path = str | os.PathLike[str]


class File:
    """A file, by what it holds; or that there is none.

    A relative path is one in the current directory of the call.

    Args:
        path: the path.

    Raises:
        TypeError: if it is no path.

    >>> import os
    >>> from rememo import Cache, File
    >>> cache = Cache(temporary=True)
    >>> @cache.memoize(depends_on=[File(os.devnull)])
    ... def double(x):
    ...     return 2 * x
    >>> double(4)
    8
    >>> cache.close()
    """

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        """Takes the path; see the class."""
        self.path = _text_of(path, "File()")

    def __repr__(self) -> str:
        """Shows the path."""
        return f"File({self.path!r})"


class Dir:
    """Files, by which there are and what they hold.

    Args:
        pattern: a directory, for all files below it at any depth; or a pattern as `glob` reads it,
            such as ``"data/**/*.csv"``.

    Raises:
        TypeError: if it is no path.
        ValueError: if it is a pattern that makes no sense.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from rememo import Cache, Dir
    >>> cache, data = Cache(temporary=True), Path(tempfile.mkdtemp())
    >>> @cache.memoize(depends_on=[Dir(data / "*.csv")])
    ... def count():
    ...     return 1
    >>> count(), count.would_hit()
    (1, True)
    >>> (data / "new.csv").touch()
    >>> count.would_hit()
    False
    >>> cache.close()
    """

    __slots__ = ("pattern",)

    def __init__(self, pattern: Path) -> None:
        """Takes the pattern; see the class."""
        self.pattern = _text_of(pattern, "Dir()")
        for part in self.pattern.split("/"):
            if "**" in part and part != "**":
                raise ValueError(
                    f"Dir({self.pattern!r}): `**` stands for directories, and must have a part of "
                    "the path to itself, as in 'data/**/*.csv'"
                )

    def __repr__(self) -> str:
        """Shows the pattern."""
        return f"Dir({self.pattern!r})"


class Env:
    """A variable of the environment; or that there is none.

    Args:
        name: its name.

    Raises:
        TypeError: if it is no text.
        ValueError: if no variable can have that name.

    >>> import os
    >>> from rememo import Cache, Env
    >>> cache = Cache(temporary=True)
    >>> @cache.memoize(depends_on=[Env("RATE_FOR_EXAMPLE")])
    ... def double(x):
    ...     return 2 * x
    >>> double(4), double.would_hit(4)
    (8, True)
    >>> os.environ["RATE_FOR_EXAMPLE"] = "3"
    >>> double.would_hit(4)
    False
    >>> del os.environ["RATE_FOR_EXAMPLE"]
    >>> cache.close()
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        """Takes the name; see the class."""
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"Env() takes the name of a variable, not {name!r}")
        if not name or "=" in name or "\0" in name:
            raise ValueError(f"no variable of the environment can be called {name!r}")
        self.name = name

    def __repr__(self) -> str:
        """Shows the name."""
        return f"Env({self.name!r})"


class Package:
    """An installed distribution, by its version; or that there is none.

    Those whose code a function is seen to use count anyway.

    Args:
        name: what it is called where packages are installed from.

    Raises:
        TypeError: if it is no text.
        ValueError: if it is empty.

    >>> from rememo import Cache, Package
    >>> cache = Cache(temporary=True)
    >>> @cache.memoize(depends_on=[Package("numpy")])
    ... def double(x):
    ...     return 2 * x
    >>> double(4), double.would_hit(4)
    (8, True)
    >>> cache.close()
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        """Takes the name; see the class."""
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"Package() takes the name of a distribution, not {name!r}")
        if not name:
            raise ValueError("Package() takes the name of a distribution, and there is none")
        self.name = name

    def __repr__(self) -> str:
        """Shows the name."""
        return f"Package({self.name!r})"


def version_of(name: str) -> str | None:
    """Returns the version of a distribution; None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def read(depends_on: object) -> list[tuple[str, Any]]:
    """Returns what sort of thing each is, and the thing, as the engine has it.

    Raises:
        TypeError: if it is no list, or something in it is a mere path.
    """
    if isinstance(depends_on, str | bytes | os.PathLike | dict) or not isinstance(
        depends_on, Iterable
    ):
        raise TypeError(
            f'depends_on must be a list, such as [File("data.csv")], not {depends_on!r}'
        )
    return [_read(one) for one in cast("Iterable[object]", depends_on)]


def _read(one: object) -> tuple[str, Any]:
    match one:
        case File():
            return "file", one.path
        case Dir():
            from glob import has_magic

            return "matches" if has_magic(one.pattern) else "tree", one.pattern
        case Env():
            return "variable", one.name
        case Package():
            return "package", one.name
        case str() | bytes() | os.PathLike():
            raise TypeError(
                f"depends_on: say what {one!r} is: File({one!r}), Dir({one!r}), Env({one!r}) or "
                f"Package({one!r}); for a mere value there is version="
            )
        case type():
            if one in {File, Dir, Env, Package}:
                raise TypeError(
                    f"depends_on: {one.__name__} takes an argument, as in {one.__name__}('...')"
                )
            return "value", one
        case _:
            is_called: bool = callable(one)
            return "call" if is_called else "value", one


def _text_of(path: Path, where: str) -> str:
    try:
        return os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{where} takes a path, as text or an os.PathLike, not {path!r}") from None
