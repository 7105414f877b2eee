"""How much room results may take, and what goes first: as the environment or a project says it."""

from __future__ import annotations

from rememo import _core, settings
from rememo.notices import tell
from rememo.warnings import StoreWarning

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rememo.settings import Setting

_ROOMS: dict[str, Callable[[str], _core.Room]] = {
    "max_size": lambda text: _core.Room(max_size=text),
    "policy": lambda text: _core.Room(policy=text),
}
# What was made of each setting: nonsense is warned of once, not for each function.
_known: dict[tuple[str, object, str], bool] = {}


def room_of(effective: Mapping[str, Setting]) -> _core.Room:
    """Returns what is asked for; nonsense is warned of once, and ignored."""
    asked = {
        name: str(effective[name].value)
        for name in _ROOMS
        if effective[name].value is not None and _makes_sense(name, effective[name])
    }
    return _core.Room(max_size=asked.get("max_size"), policy=asked.get("policy"))


def _makes_sense(name: str, setting: Setting) -> bool:
    token = (name, setting.value, setting.origin)
    if token not in _known:
        try:
            _ROOMS[name](str(setting.value))
            _known[token] = True
        except ValueError as error:
            _known[token] = False
            tell(f"ignored {settings.place_of(name, setting)}: {error}", StoreWarning)
    return _known[token]
