"""Who may have written what a cache decodes: nobody else, unless its user says so."""

from __future__ import annotations

import os
from collections import namedtuple

from rememo.notices import tell
from rememo.warnings import StoreWarning

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NamedTuple

    class Access(NamedTuple):
        """What a store is opened with."""

        owner: int | bool
        """A user by number; True for anybody; False for nobody but oneself."""
        shared: bool
        """Whether the store is its group's."""
        read_only: bool
        """Whether it is to be left as it is."""

else:
    # `typing` again.
    Access = namedtuple("Access", ["owner", "shared", "read_only"])  # noqa: PYI024


def access_of(
    owner: str | int | None = None, shared: str | None = None, read_only: bool | None = None
) -> Access:
    """Returns what `trust_owner` and the like come to; the environment says what they do not.

    Raises:
        TypeError: if one of them is not of its type.
        ValueError: if there is no such user, or `shared` is not "group".
    """
    return Access(
        _from_environment("REMEMO_TRUST_OWNER", _owner) if owner is None else _owner(owner),
        bool(_from_environment("REMEMO_SHARED", _shared) if shared is None else _shared(shared)),
        os.environ.get("REMEMO_READ_ONLY", "0") not in {"", "0"}
        if read_only is None
        else _read_only(read_only),
    )


def _from_environment(name: str, read: Callable[[str], int | bool]) -> int | bool:
    value = os.environ.get(name)
    return _setting(name, value, read) if value else False


# What was made of settings: nonsense is warned of once, not for each function.
_known: dict[tuple[str, str], int | bool] = {}


def _setting(name: str, value: str, read: Callable[[str], int | bool]) -> int | bool:
    known = _known.get((name, value))
    if known is not None:
        return known
    try:
        found = read(value)
    except ValueError as error:
        found = False
        tell(f"ignored {name}: {error}", StoreWarning)
    return _known.setdefault((name, value), found)


def _owner(owner: object) -> int | bool:
    if isinstance(owner, bool):
        return owner
    if isinstance(owner, str):
        return _user(owner)
    if not isinstance(owner, int):
        raise TypeError(f"trust_owner must be a user's name or number, or True, not {owner!r}")
    if not 0 <= owner < 2**32:
        raise ValueError(f"trust_owner={owner}: there is no user of that number")
    return owner


def _user(name: str) -> int | bool:
    if name.lower() in {"true", "false"}:
        return name.lower() == "true"
    if name.isdecimal():
        return _owner(int(name))
    import pwd

    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError) as error:
        raise ValueError(f"trust_owner={name!r}: there is no user of that name") from error


def _shared(shared: object) -> bool:
    if shared != "group":
        raise ValueError(f'shared must be "group", not {shared!r}')
    return True


def _read_only(read_only: object) -> bool:
    if not isinstance(read_only, bool):
        raise TypeError(f"read_only must be True or False, not {read_only!r}")
    return read_only
