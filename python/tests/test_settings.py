"""Settings: who says what, what counts first, and what becomes of what makes no sense."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from rememo import Cache, StoreWarning, memoize
from rememo.cache import CACHE_OPTIONS
from rememo.memoize import OPTIONS
from rememo.settings import DECLARED

if TYPE_CHECKING:
    from pathlib import Path

Events = list[dict[str, Any]]


def double(x: int) -> int:
    """An ordinary function."""
    return 2 * x


def test_switched_off_and_on_again(rememo_cache: Cache, rememo_events: Events) -> None:
    """For a block of the program, however deep it goes."""
    memoized = memoize(double)
    assert memoized(1) == 2
    with rememo.disabled():
        with rememo.disabled():
            assert memoized(1) == 2
        assert memoized(1) == 2
        assert not memoized.would_hit(1)
        assert memoized.explain(1).reason.endswith("switched off by rememo.disabled()")
        assert rememo.config()["disable"] is True
        assert rememo.config().origin("disable") == "rememo.disabled()"
    assert memoized(1) == 2
    assert rememo.config()["disable"] is False
    assert [event["event"] for event in rememo_events] == ["miss", "stored", "hit"]
    assert rememo.config()["dir"] == str(rememo_cache.path)


def test_a_function_may_be_switched_off(rememo_cache: Cache, rememo_events: Events) -> None:
    """Where it is decorated."""
    for memoized in (memoize(double, enabled=False), rememo_cache.memoize(enabled=False)(double)):
        assert memoized(1) == memoized(1) == 2
        assert memoized.explain(1).reason == "not cacheable: double is switched off"
    assert not rememo_events


def test_a_cache_may_be_switched_off_and_on_again(tmp_path: Path, rememo_events: Events) -> None:
    """What is stored stays, and can be cleared."""
    with Cache(tmp_path / "cache") as cache:
        memoized = cache.memoize(double)
        memoized(1)
        memoized(1)
        cache.enabled = False
        assert not cache.enabled
        assert memoized(1) == 2
        assert not memoized.would_hit(1)
        assert len(rememo_events) == 3
        cache.enabled = True
        assert memoized.would_hit(1)
        cache.enabled = False
        cache.clear()
        cache.enabled = True
        assert not memoized.would_hit(1)


def test_a_cache_in_use_stands_for_the_projects_own(tmp_path: Path) -> None:
    """Until the end of the block; a function's own cache goes before it."""
    with Cache(tmp_path / "a") as a, Cache(tmp_path / "b") as b, Cache(tmp_path / "own") as own:
        memoized, kept = memoize(double), own.memoize(double)
        with rememo.using(a) as used:
            assert used is a
            memoized(1)
            with rememo.using(b):
                assert not memoized.would_hit(1)
                kept(3)
            assert memoized.would_hit(1)
            assert not memoized.would_hit(3)
        with rememo.using(b):
            assert not memoized.would_hit(1)
        assert kept.would_hit(3)
    with pytest.raises(TypeError, match=r"using\(\) takes a rememo.Cache, not 'there'"):
        rememo.using("there")  # type: ignore[arg-type]


def test_caches_in_use_may_end_in_any_order(tmp_path: Path) -> None:
    """As in threads that overlap: none is left behind, and none goes too early."""
    with Cache(tmp_path / "a") as a, Cache(tmp_path / "b") as b:
        first, second = rememo.using(a), rememo.using(b)
        first.__enter__()
        second.__enter__()
        first.__exit__()
        assert rememo.config()["dir"] == str(b.path)
        second.__exit__()
        assert rememo.config().origin("dir") != "rememo.using()"


def test_it_is_the_same_in_all_threads(tmp_path: Path) -> None:
    """So that a pool inside the block uses the cache, too."""
    found: list[object] = []
    with Cache(tmp_path / "a") as cache, rememo.using(cache):
        thread = threading.Thread(target=lambda: found.append(rememo.config()["dir"]))
        thread.start()
        thread.join()
    assert found == [str(tmp_path / "a")]


def test_what_counts_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment, then the project, then the default; `config` says which it was."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    project = tmp_path / "project"
    project.mkdir()
    pyproject = project / "pyproject.toml"
    pyproject.write_text("")

    def directory() -> tuple[object, str]:
        settings = rememo.config(project)
        return settings["dir"], settings.origin("dir")

    assert directory() == (str(project / ".rememo"), "default")
    pyproject.write_text("[tool.rememo]\nsystem_wide = true\n")
    assert directory() == (str(tmp_path / "user" / "rememo"), str(pyproject))
    pyproject.write_text('[tool.rememo]\nsystem_wide = true\ndir = "made"\n')
    assert directory() == (str(project / "made"), str(pyproject))
    monkeypatch.setenv("REMEMO_SYSTEM_WIDE", "1")
    assert directory() == (str(tmp_path / "user" / "rememo"), "REMEMO_SYSTEM_WIDE")
    monkeypatch.setenv("REMEMO_DIR", str(tmp_path / "named"))
    assert directory() == (str(tmp_path / "named"), "REMEMO_DIR")
    assert Cache(system_wide=True).path == tmp_path / "user" / "rememo"


def test_a_project_may_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its functions then run as if they were not memoized."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    (tmp_path / "pyproject.toml").write_text("[tool.rememo]\nenabled = false\n")
    (tmp_path / "module.py").write_text("def f(x):\n    return x\n")
    namespace: dict[str, Any] = {"__file__": str(tmp_path / "module.py"), "__name__": "module"}
    exec(compile("def f(x):\n    return x\n", str(tmp_path / "module.py"), "exec"), namespace)
    memoized = memoize(namespace["f"])
    assert memoized(1) == memoized(1) == 1
    assert "`enabled` is false in [tool.rememo]" in memoized.explain(1).reason
    assert not (tmp_path / ".rememo").exists()
    assert rememo.config(tmp_path)["enabled"] is False


MISTAKES = {
    "directory = 'x'": "ignored `directory` .*: did you mean 'dir'\\? There are: dir, enabled",
    "colour = 'x'": "ignored `colour` .*: There are: dir, enabled, max_size, policy, sys",
    "trust_owner = true": "ignored `trust_owner` .*: There are: dir",
    "enabled = 'no'": "ignored `enabled` .*: it must be true or false, not 'no'",
    "max_size = 10": 'ignored `max_size` .*: it must be a size, as "10 GiB", not 10',
    "policy = true": "ignored `policy` .*: it must be a name, not True",
    "dir = 3": "ignored `dir` .*: it must be a path, not 3",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_what_a_project_cannot_say_is_warned_of(tmp_path: Path, line: str) -> None:
    """With what may have been meant."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.rememo]\n{line}\n")
    with pytest.warns(StoreWarning, match=MISTAKES[line]):
        settings = rememo.config(tmp_path)
    assert settings["dir"] == str(tmp_path / ".rememo")


def test_unknown_options_are_errors_with_a_suggestion() -> None:
    """Of the decorator and of a cache."""
    calls: list[tuple[Any, str]] = [
        (lambda **options: memoize(double, **options), "memoize"),
        (lambda **options: memoize(**options), "memoize"),
        (Cache(temporary=True).memoize, "memoize"),
        (lambda **options: Cache("x", **options), "Cache"),
    ]
    for call, name in calls:
        with pytest.raises(TypeError, match=rf"^{name}\(\) .*'enable': did you mean 'enabled'\?"):
            call(enable=False)
        with pytest.raises(TypeError, match=rf"^{name}\(\) .*'zzz': There are: "):
            call(zzz=1)


def test_the_lists_of_options_are_whole() -> None:
    """What is suggested is what there is."""
    import inspect

    for function, options, others in (
        (memoize, OPTIONS, {"func", "unknown"}),
        (Cache.__init__, CACHE_OPTIONS, {"self", "unknown"}),
    ):
        parameters = inspect.signature(function).parameters
        assert set(options) == set(parameters) - others


def test_one_place_for_a_cache() -> None:
    """Not two."""
    for options in ({"dir": "x", "system_wide": True}, {"temporary": True, "system_wide": True}):
        with pytest.raises(TypeError, match="give `system_wide`, `dir` or `temporary`"):
            Cache(**options)  # type: ignore[arg-type]


def test_the_configuration_reads_as_a_table() -> None:
    """One line for each setting, with its origin."""
    settings = rememo.config()
    lines = repr(settings).splitlines()
    assert list(settings) == list(DECLARED)
    assert len(settings) == len(lines)
    for name, line in zip(settings, lines, strict=True):
        assert line.startswith(f"{name} = {settings[name]!r}")
        assert settings.origin(name) in line
        assert line.endswith(DECLARED[name].meaning)
