"""What users say does not count, by name or by file, and what counts all the same."""

from __future__ import annotations

import pickle
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from code_edits import set_code
from rememo import FreezeConfig, freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Events = list[dict[str, Any]]

LIMIT, CALLS = 1, []


class Base:
    """Has a class below it."""

    def step(self) -> int:
        return 1


class Model(Base):
    """Keeps something for all of its kind."""

    seen: dict[int, int] = {}  # noqa: RUF012  it is to change

    def __init__(self, size: int = 1) -> None:
        self.size = size

    def apply(self) -> int:
        return helper()


def helper() -> int:
    return 1


def use() -> int:
    return helper() + LIMIT


def make(kept: list[int]) -> Any:
    def inner() -> int:
        return kept[0]

    return inner


KEPT = [1]
inner = make(KEPT)


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Callable[[], object]]]:
    """Changes of what is above, which are undone in the end."""
    code = {each: each.__code__ for each in (helper, Base.step)}
    yield {
        "global": lambda: monkeypatch.setitem(globals(), "LIMIT", 2),
        "gone": lambda: monkeypatch.delitem(globals(), "LIMIT"),
        "function": lambda: set_code(helper, 2),
        "method of the base": lambda: set_code(Base.step, 2),
        "closure": lambda: KEPT.append(2),
        "attribute of the class": lambda: Model.seen.update({1: 1}),
        "attribute": lambda: monkeypatch.setattr(MODEL, "size", 2),
    }
    for each, before in code.items():
        each.__code__ = before
    del KEPT[1:]
    Model.seen.clear()


MODEL = Model()
M = __name__
CASES: list[tuple[object, FreezeConfig, str, bool]] = [
    (use, FreezeConfig(by_name=[f"global {M}.LIMIT"]), "global", False),
    (use, FreezeConfig(by_name=[f"global {M}.LIMIT"]), "gone", False),
    (use, FreezeConfig(by_name=[f"global {M}.L*"]), "global", False),
    (use, FreezeConfig(by_name=[f"global {M}.*"]), "function", False),
    (use, FreezeConfig(by_name=[f"global {M}.helper"]), "function", False),
    (use, FreezeConfig(by_name=[f"global {M}.helper"]), "global", True),
    (use, FreezeConfig(by_name=[f"global {M}x.LIMIT"]), "global", True),
    (use, FreezeConfig(by_name=[f"function {M}.LIMIT"]), "global", True),
    (use, FreezeConfig(by_name=[f"function {M}.helper"]), "function", False),
    (helper, FreezeConfig(by_name=[f"function {M}.helper"]), "function", False),
    (use, FreezeConfig(by_name=[f"function {M}.use"]), "global", False),
    (use, FreezeConfig(by_name=["class *"]), "function", True),
    (MODEL, FreezeConfig(by_name=[f"class {M}.Model"]), "function", False),
    (MODEL, FreezeConfig(by_name=[f"class {M}.Model"]), "attribute of the class", False),
    (MODEL, FreezeConfig(by_name=[f"class {M}.Model"]), "attribute", True),
    (MODEL, FreezeConfig(by_name=[f"class {M}.Model"]), "method of the base", True),
    (MODEL, FreezeConfig(by_name=[f"class {M}.*"]), "method of the base", False),
    (MODEL, FreezeConfig(by_name=[f"function {M}.*.step"]), "method of the base", False),
    (MODEL, FreezeConfig(by_name=[f"function {M}.step"]), "method of the base", True),
    (inner, FreezeConfig(by_name=[f"closure {M}.*.<closure kept>"]), "closure", False),
    (
        inner,
        FreezeConfig(by_name=[f"closure {M}.make.<locals>.inner.<closure kept>"]),
        "closure",
        False,
    ),
    (inner, FreezeConfig(by_name=[f"closure {M}.*.<closure other>"]), "closure", True),
    (MODEL, FreezeConfig(ignore_attributes=[f"{M}.Model.seen"]), "attribute of the class", False),
    (Model, FreezeConfig(ignore_attributes=[f"{M}.Model.seen"]), "attribute of the class", False),
    (Model, FreezeConfig(ignore_attributes=[f"{M}.Model.size"]), "attribute of the class", True),
    (MODEL, FreezeConfig(ignore_attributes=[f"{M}.*.size"]), "attribute", False),
    (use, FreezeConfig(ignore_code=[__file__]), "function", False),
    (use, FreezeConfig(ignore_code=[__file__.rpartition("/")[0]]), "function", False),
    (use, FreezeConfig(ignore_code=["*"]), "function", False),
    (use, FreezeConfig(ignore_code=[__file__ + "x"]), "function", True),
    (use, FreezeConfig(ignore_code=[__file__]), "global", True),
    (inner, FreezeConfig(ignore_code=[__file__]), "closure", True),
    ([MODEL], FreezeConfig(ignore_classes=[f"{M}.*"]), "attribute", False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case[2:])))
def test_what_is_named_does_not_count_and_the_rest_does(
    case: tuple[object, FreezeConfig, str, bool], changes: dict[str, Callable[[], object]]
) -> None:
    value, config, change, counts = case
    before, plain = freeze(value, config), freeze(value)
    assert before != plain or counts
    changes[change]()
    assert freeze(value) != plain, "it counts where nothing is said"
    assert (freeze(value, config) != before) == counts
    again = pickle.loads(pickle.dumps(config))
    assert freeze(value, again) == freeze(value, config)


def test_code_that_does_not_count_may_be_a_value() -> None:
    here = FreezeConfig(ignore_code=[__file__])
    one, other = ((lambda: 1).__code__, (lambda: 2).__code__)
    assert freeze(one, here) == freeze(other, here) != freeze(one)
    assert freeze(one) != freeze(other)


def test_a_module_goes_by_its_name_and_by_what_code_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = types.ModuleType("settings")
    settings.depth, settings.seen = 1, []
    monkeypatch.setitem(globals(), "alias", settings)
    monkeypatch.setitem(sys.modules, "settings", settings)

    def read() -> object:
        return alias.depth, alias.seen  # type: ignore[name-defined]  # noqa: F821

    for name in ("settings", "alias"):
        config = FreezeConfig(by_name=[f"global {name}.seen"])
        before, all_of_it = freeze(read, config), freeze(settings, config)
        settings.seen.append(1)
        assert freeze(read, config) == before
        assert (freeze(settings, config) == all_of_it) == (name == "settings")
        settings.depth += 1
        assert freeze(read, config) != before


def test_what_a_script_defines_goes_by_either_of_its_names(program: Any) -> None:
    program.write(
        script="""
        from rememo import FreezeConfig, freeze
        LIMIT = 1
        def helper():
            return 1
        def use():
            return helper() + LIMIT
        def same(*names):
            global LIMIT
            LIMIT = 1
            config = FreezeConfig(by_name=names)
            before = freeze(use, config)
            LIMIT = 2
            return freeze(use, config) == before
        if __name__ == "__main__":
            print(same("global __main__.LIMIT"), same("global script.LIMIT"), same())
        """
    )
    assert program.run_script("script") == "True True False"


def test_an_entry_says_of_which_kind_it_is() -> None:
    for text in ("helper", f"{M}.helper", f"method {M}.helper", ""):
        with pytest.raises(ValueError, match="which is not a kind"):
            FreezeConfig(by_name=[text])


def told(events: Events) -> list[str]:
    names = [event["event"] for event in events if event["event"] in {"hit", "miss"}]
    events.clear()
    return names


def test_a_global_that_does_not_count_may_change_in_calls(
    rememo_cache: rememo.Cache, rememo_events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "LIMIT", 0)

    def work(x: int) -> int:
        global LIMIT
        LIMIT += 1
        CALLS.append(x)
        return x

    config = FreezeConfig(by_name=[f"global {M}.LIMIT", f"global {M}.CALLS"])
    left_out = rememo_cache.memoize(freeze=config)(work)
    assert [left_out(1) for _ in range(3)] == [1, 1, 1]
    assert (LIMIT, told(rememo_events)) == (1, ["miss", "hit", "hit"])
    monkeypatch.setitem(globals(), "LIMIT", 7)
    assert left_out(1) == 1
    assert told(rememo_events) == ["hit"]
    with pytest.warns(rememo.ChangedDuringCallWarning, match="LIMIT"):
        rememo_cache.memoize(work)(1)
    assert told(rememo_events) == ["miss"]


def test_code_that_does_not_count_may_change_between_calls(
    rememo_cache: rememo.Cache, rememo_events: Events, changes: dict[str, Callable[[], object]]
) -> None:
    def work(model: Model) -> int:
        return model.apply()

    config = FreezeConfig(by_name=[f"class {M}.Model"])
    by_name = rememo_cache.memoize(freeze=config)(work)
    in_full = rememo_cache.memoize(work)
    for memoized in (by_name, in_full):
        assert (memoized(MODEL), memoized(MODEL)) == (1, 1)
    assert told(rememo_events) == ["miss", "hit"] * 2
    changes["function"]()
    assert (by_name(MODEL), in_full(MODEL)) == (1, 2)
    assert told(rememo_events) == ["hit", "miss"]
    changes["attribute"]()
    changes["method of the base"]()
    assert by_name(MODEL) == 2
    assert told(rememo_events) == ["miss"]


class Record:
    """Has what it is given."""

    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


class Slotted:
    """Has slots."""

    __slots__ = ("x", "y")

    def __init__(self, **attributes: object) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)


@pytest.mark.parametrize("kind", [Record, Slotted])
def test_what_was_stored_where_less_counts_is_not_found_where_all_does(
    kind: Any, rememo_cache: rememo.Cache
) -> None:
    def y(record: Any) -> object:
        return getattr(record, "y", None)

    ignored = [f"{M}.{kind.__name__}.y"]
    without_y = rememo_cache.memoize(freeze=FreezeConfig(ignore_attributes=ignored))(y)
    without_z = rememo_cache.memoize(
        freeze=FreezeConfig(ignore_attributes=[*ignored, f"{M}.{kind.__name__}.z"])
    )(y)
    assert without_y(kind(x=1, y=2)) == 2
    for other in (rememo_cache.memoize(y), without_z):
        assert not other.would_hit(kind(x=1))
    assert without_y.would_hit(kind(x=1))


def test_what_was_stored_by_name_is_not_found_where_all_counts(
    rememo_cache: rememo.Cache,
) -> None:
    configs = [
        FreezeConfig(),
        FreezeConfig(by_name=[f"global {M}.LIMIT"]),
        FreezeConfig(by_name=[f"global {M}.helper"]),
        FreezeConfig(by_name=[f"function {M}.helper"]),
        FreezeConfig(ignore_code=["*"]),
    ]
    memoized = [rememo_cache.memoize(freeze=config)(use) for config in configs]
    for at, one in enumerate(memoized):
        assert [each.would_hit() for each in memoized[at:]] == [False] * (len(memoized) - at)
        one()
    assert len({freeze(use, config) for config in configs}) == len(configs)
    again = rememo_cache.memoize(freeze=FreezeConfig(by_name=[f"global {M}.LIMIT"]))(use)
    assert again.would_hit()
