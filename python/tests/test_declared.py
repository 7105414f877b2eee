"""What results are said to depend on: what it can be, and how a change of it is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest
import rememo
from rememo import Dir, Env, File, Package, track

if TYPE_CHECKING:
    from rememo import Cache


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")


def test_a_change_is_named(rememo_cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = ["1"]

    @rememo_cache.memoize(
        depends_on=[File("data/a.csv"), Dir("data/*"), Env("THREADS"), lambda: versions[0]]
    )
    def f() -> int:
        return 1

    f()
    Path("data/a.csv").write_text("22")
    assert "file data/a.csv changed" in str(f.explain())
    Path("data/a.csv").write_text("1")
    Path("data/b.csv").write_text("1")
    assert "files named data/* changed" in str(f.explain())
    Path("data/b.csv").unlink()
    monkeypatch.setenv("THREADS", "2")
    assert "environment variable THREADS is new" in str(f.explain())
    monkeypatch.delenv("THREADS")
    assert f.would_hit()
    versions[0] = "2"
    assert "depends_on[3] changed" in str(f.explain())


def test_what_is_said_later_counts_from_then_on(rememo_cache: Cache) -> None:
    def f() -> int:
        return 1

    plain = rememo_cache.memoize(f)
    plain()
    assert not rememo_cache.memoize(f, depends_on=[File("data/a.csv")]).would_hit()
    assert not rememo_cache.memoize(f, depends_on=[Package("numpy")]).would_hit()


def test_a_function_that_fails_keeps_results_out(rememo_cache: Cache) -> None:
    @rememo_cache.memoize(depends_on=[lambda: 1 / 0])
    def f() -> int:
        return 1

    with pytest.warns(rememo.NotCachedWarning, match="ZeroDivisionError"):
        assert f() == 1


def test_a_coroutine(rememo_cache: Cache) -> None:
    import asyncio

    @rememo_cache.memoize(depends_on=[File("data/a.csv")])
    async def f() -> int:
        return 1

    asyncio.run(f())
    assert f.would_hit()
    Path("data/a.csv").write_text("22")
    assert not f.would_hit()


def test_in_another_process(rememo_cache: Cache) -> None:
    """What is said goes with the function."""

    @rememo_cache.memoize(depends_on=[File("data/a.csv"), Env("THREADS"), [1]], version=3)
    def f() -> int:
        return 1

    f()
    copy: Any = cloudpickle.loads(cloudpickle.dumps(f))
    assert copy.semantics == f.semantics
    assert copy.would_hit()
    Path("data/a.csv").write_text("22")
    assert not copy.would_hit()


def test_nothing_is_tracked_outside_of_memoized_functions() -> None:
    path = Path("absent")
    assert track(path) is path


@pytest.mark.parametrize(
    ("depends_on", "says"),
    [
        ("a.csv", "must be a list"),
        (Path("a.csv"), "must be a list"),
        (5, "must be a list"),
        (["a.csv"], r"File\('a.csv'\)"),
        ([Path("a.csv")], "say what .* is"),
        ([File], "File takes an argument"),
    ],
)
def test_what_makes_no_sense(depends_on: Any, says: str, rememo_cache: Cache) -> None:
    with pytest.raises(TypeError, match=says):
        rememo_cache.memoize(lambda: 1, depends_on=depends_on)


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda: File(3), TypeError, "takes a path"),  # type: ignore[arg-type]
        (lambda: Dir("a**/b"), ValueError, "must have a part of the path to itself"),
        (lambda: Env("A=B"), ValueError, "no variable"),
        (lambda: Env(b"A"), TypeError, "name of a variable"),  # type: ignore[arg-type]
        (lambda: Package(""), ValueError, "name of a distribution"),
        (lambda: track(3), TypeError, "takes a path"),  # type: ignore[type-var]
        (lambda: track(None), TypeError, "takes a path"),  # type: ignore[type-var]
    ],
)
def test_things_that_cannot_be(make: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        make()
