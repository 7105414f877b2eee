"""What `rememo.compat.charmonium` is told does not count, does not, as there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from code_edits import set_code
from rememo.compat.charmonium import DirObjStore, MemoizedGroup, memoize
from rememo.compat.charmonium.freeze import Config, freeze, global_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 1
SETTINGS = ModuleType("settings_of_test")
HERE = __name__


class Base:
    """Has a class below it."""

    def step(self) -> int:
        return 1


class Point(Base):
    """Keeps something for all of its kind."""

    cache: dict[int, int] = {}  # noqa: RUF012  it is to change

    class Inner:
        """Lies within another."""

        def step(self) -> int:
            return 1

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def apply(self) -> int:
        return helper()


def helper() -> int:
    return 1


def use() -> int:
    return helper() + LIMIT


def read() -> Any:
    return SETTINGS.depth


def make(kept: list[int]) -> Any:
    def inner() -> int:
        return kept[0]

    return inner


KEPT = [1]
inner = make(KEPT)
POINT, WITHIN = Point(1, 2), Point.Inner()


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Callable[[], object]]]:
    """Changes of what is above, which are undone in the end."""
    functions = helper, Base.step, Point.Inner.step
    code = {each: each.__code__ for each in functions}
    monkeypatch.setitem(sys.modules, SETTINGS.__name__, SETTINGS)
    SETTINGS.depth = 1
    yield {
        "global": lambda: monkeypatch.setitem(globals(), "LIMIT", 2),
        "helper": lambda: set_code(helper, 2),
        "base": lambda: set_code(Base.step, 2),
        "inner": lambda: set_code(Point.Inner.step, 2),
        "closure": lambda: KEPT.append(2),
        "class": lambda: Point.cache.update({1: 1}),
        "instance": lambda: monkeypatch.setattr(POINT, "y", 3),
        "module": lambda: setattr(SETTINGS, "depth", 2),
    }
    for each, before in code.items():
        each.__code__ = before
    del KEPT[1:]
    Point.cache.clear()


FILE = Path(__file__)
CASES: list[tuple[object, dict[str, Any], str, bool]] = [
    (use, {"ignore_globals": {(HERE, "LIMIT")}}, "global", False),
    (use, {"ignore_globals": {(HERE, "LIMIT")}}, "helper", True),
    (use, {"ignore_globals": {(HERE, "helper")}}, "helper", False),
    (read, {"ignore_globals": {("settings_of_test", "depth")}}, "module", False),
    (read, {"ignore_globals": {("SETTINGS", "depth")}}, "module", False),
    (read, {"ignore_globals": {(HERE, "SETTINGS")}}, "module", False),
    (SETTINGS, {"ignore_globals": {("settings_of_test", "depth")}}, "module", False),
    (inner, {"ignore_nonlocals": {(HERE, "kept")}}, "closure", False),
    (use, {"ignore_functions": {(HERE, "helper")}}, "helper", False),
    (POINT, {"ignore_functions": {(HERE, "step")}}, "base", False),
    (POINT, {"ignore_classes": {(HERE, "Point")}}, "class", False),
    (POINT, {"ignore_classes": {(HERE, "Point")}}, "base", True),
    (POINT, {"ignore_classes": {(HERE, "Point")}}, "instance", True),
    (POINT, {"ignore_classes": {(HERE, None)}}, "base", False),
    (WITHIN, {"ignore_classes": {(HERE, "Inner")}}, "inner", False),
    (POINT, {"ignore_all_classes": True}, "base", False),
    (POINT, {"ignore_attributes": {(HERE, "Point", "y")}}, "instance", False),
    (POINT, {"ignore_attributes": {(HERE, "Point", "cache")}}, "class", False),
    ([WITHIN], {"ignore_objects_by_class": {(HERE, "Inner")}}, "inner", False),
    (use, {"ignore_files": {FILE}}, "helper", False),
    (use, {"ignore_files": {FILE.parent}}, "helper", False),
    (use, {"ignore_files": {FILE}}, "global", True),
    (use, {"ignore_all_code": True}, "helper", False),
    # Accepted, and what counts here counts all the same.
    (use, {"assume_purity": True, "override_pure_modules": {HERE}}, "global", True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join([*case[1], case[2]]))
def test_what_is_left_out_there_is_left_out_here(
    case: tuple[object, dict[str, Any], str, bool], changes: dict[str, Callable[[], object]]
) -> None:
    value, options, change, counts = case
    config, all_counts = Config(**options), freeze(value)
    before = freeze(value, config)
    changes[change]()
    assert freeze(value) != all_counts
    assert (freeze(value, config) != before) == counts


def test_a_group_heeds_its_configuration(
    tmp_path: Path, changes: dict[str, Callable[[], object]]
) -> None:
    config = Config(ignore_globals={(HERE, "LIMIT")})
    config.ignore_functions.add((HERE, "helper"))
    group = MemoizedGroup(obj_store=DirObjStore(tmp_path / "own"), freeze_config=config)
    other = MemoizedGroup(obj_store=DirObjStore(tmp_path / "other"))
    left_out, in_full = memoize(group=group)(use), memoize(group=other)(use)
    assert (left_out(), in_full()) == (2, 2)
    changes["global"]()
    changes["helper"]()
    assert (left_out.would_hit(), in_full.would_hit()) == (True, False)
    # What is said is taken back: what was stored under it is not found.
    config.ignore_globals.clear()
    assert not left_out.would_hit()
    assert left_out() == in_full() == 4
    config.ignore_globals.add((HERE, "LIMIT"))
    assert left_out() == 2


def test_classes_and_attributes_can_be_left_out_of_arguments(tmp_path: Path) -> None:
    config, ignored = Config(), (HERE, "Point", "y")
    group = MemoizedGroup(obj_store=DirObjStore(tmp_path), freeze_config=config)
    memoized = memoize(group=group)(lambda point: point.x + point.y)
    assert memoized(Point(1, 2)) == 3
    config.ignore_attributes.add(ignored)
    assert (memoized(Point(1, 2)), memoized(Point(1, 3))) == (3, 3)
    assert (memoized.would_hit(Point(1, 3)), memoized.would_hit(Point(2, 2))) == (True, False)
    config.ignore_attributes.remove(ignored)
    assert memoized(Point(1, 3)) == 4


def test_libraries_count_by_what_they_contain_where_that_is_said() -> None:
    import blake3

    in_full = Config(use_version_exceptions={"blake3"})
    assert freeze(blake3, in_full) != freeze(blake3)


def test_what_else_there_is_to_configure_is_taken_or_refused() -> None:
    global_config.memo.clear()
    assert freeze(1, Config(log_width=80, ignore_extensions=False)) == freeze(1)
    assert freeze(1, Config(hasher=len)) == 32
    assert Config(assume_purity=False).assume_impurity
    # Sets may be given with what is in them there.
    config = Config()
    for known in ("ignore_module_attrs", "special_class_attributes", "stdlib_modules"):
        assert freeze(1, Config(**{known: set(getattr(config, known))})) == freeze(1)
        assert freeze(1, Config(**{known: set()})) == freeze(1)
    for refused in (
        {"ignore_objects_by_id": {id(POINT)}},
        {"ignore_module_attrs": {"data"}},
        {"special_class_attributes": {"__doc__", "data"}},
        {"stdlib_modules": {"data"}},
        {"use_version": False},
    ):
        name = next(iter(refused))
        with pytest.raises(ValueError, match=rf"{name}.* has no counterpart in Rememo: "):
            freeze(1, Config(**refused))
        with pytest.raises(ValueError, match=name):
            MemoizedGroup(freeze_config=Config(**refused), temporary=True)
