"""What is in effect, and who says so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rememo import switches
from rememo.location import effective_from
from rememo.resolvers import in_use
from rememo.settings import DECLARED, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Configuration:
    """The settings in effect, by name; printed, a table that says where each comes from.

    `config()` returns one.

    >>> import rememo
    >>> settings = rememo.config()
    >>> settings["enabled"], settings.origin("enabled")
    (True, 'default')
    """

    __slots__ = ("_settings",)

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        """Takes each setting by its name."""
        self._settings = dict(settings)

    def __getitem__(self, name: str) -> object:
        """Returns the value of a setting."""
        return self._settings[name].value

    def __iter__(self) -> Iterator[str]:
        """Yields the names of the settings."""
        return iter(self._settings)

    def __len__(self) -> int:
        """Counts the settings."""
        return len(self._settings)

    def origin(self, name: str) -> str:
        """Returns who says a setting: the code, a variable, a file, or ``default``."""
        return self._settings[name].origin

    def __repr__(self) -> str:
        """Shows a line for each setting."""
        lines = [
            (f"{name} = {setting.value!r}", setting.origin, DECLARED[name].meaning)
            for name, setting in self._settings.items()
        ]
        widths = [max(len(line[at]) for line in lines) for at in range(2)]
        return "\n".join(
            f"{what:{widths[0]}}  {origin:{widths[1]}}  {meaning}"
            for what, origin, meaning in lines
        )


def config(start: str | os.PathLike[str] | None = None) -> Configuration:
    """Returns the settings for functions memoized without a cache, and where each comes from.

    Args:
        start: a file or directory of the project concerned; by default, the current directory.

    >>> import rememo
    >>> with rememo.Cache(temporary=True) as cache, rememo.using(cache):
    ...     settings = rememo.config()
    ...     settings["dir"] == str(cache.path), settings.origin("dir")
    (True, 'rememo.using()')
    """
    settings = effective_from(os.curdir if start is None else os.fspath(start))
    if cache := in_use():
        settings["dir"] = Setting(str(cache.path), "rememo.using()")
        settings["enabled"] = Setting(cache.enabled, "rememo.using()")
        settings["read_only"] = Setting(cache.read_only, "rememo.using()")
    if switches.are_off():
        settings["disable"] = Setting(True, "rememo.disabled()")
    return Configuration(settings)
