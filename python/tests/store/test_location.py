"""Where results are kept, and who may see them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rememo import Cache
from rememo.location import effective_from

if TYPE_CHECKING:
    from python.tests.store.conftest import Project

CALL = "import m; out = m.double(3)"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment that tests run in must not decide."""
    monkeypatch.delenv("REMEMO_DIR", raising=False)
    monkeypatch.delenv("REMEMO_DISABLE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))


def stores(below: Path) -> list[str]:
    """Every store below a directory, relative to it."""
    return sorted(str(path.parent.relative_to(below)) for path in below.rglob("CACHEDIR.TAG"))


def below(path: Path) -> list[str]:
    """The files that this process has open below a path."""
    files = map(os.path.realpath, Path("/proc/self/fd").iterdir())
    return [name for name in files if name.startswith(str(path))]


def test_results_lie_at_the_root_of_the_project_that_defines_the_function(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wherever the program runs."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "pyproject.toml").touch()
    done = project.run(f"os.chdir({str(elsewhere)!r})\n{CALL}")
    assert done.names == ["miss", "stored"]
    assert stores(project.directory) == [".rememo"]
    assert stores(elsewhere) == []


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.py", "setup.cfg", ".git", ".hg"])
def test_the_nearest_marker_is_the_root(tmp_path: Path, marker: str) -> None:
    """A project within a project has a cache of its own."""
    inner = tmp_path / "outer" / "inner"
    (inner / "package").mkdir(parents=True)
    (tmp_path / "outer" / ".git").mkdir()
    (inner / marker).touch()
    assert effective_from(str(inner / "package"))["dir"].value == str(inner / ".rememo")
    assert effective_from(str(inner.parent))["dir"].value == str(inner.parent / ".rememo")


def test_rememo_dir_comes_first(project: Project) -> None:
    """Before the project's own setting; relative to where the program runs."""
    (project.directory / "pyproject.toml").write_text('[tool.rememo]\ndir = "configured"\n')
    project.run(CALL, REMEMO_DIR="named")
    assert stores(project.directory) == ["named"]


def test_a_project_may_set_its_directory(project: Project) -> None:
    """Relative to its pyproject.toml."""
    (project.directory / "pyproject.toml").write_text('[tool.rememo]\ndir = "made/here"\n')
    project.run(f"os.chdir('/')\n{CALL}")
    assert stores(project.directory) == ["made/here"]


@pytest.mark.parametrize(
    "setting",
    ["rememo: not TOML", "[tool.rememo]\ndir = 3", "[tool.rememo]\ndir = ''", "tool = 1  # rememo"],
)
def test_a_setting_that_makes_no_sense_is_warned_of(project: Project, setting: str) -> None:
    """And the usual directory used."""
    (project.directory / "pyproject.toml").write_text(setting)
    done = project.run(CALL)
    assert done.names == ["miss", "stored"]
    assert done.categories == ["StoreWarning"]
    assert "pyproject.toml" in done.warnings[0][1]
    assert stores(project.directory) == [".rememo"]


@pytest.mark.parametrize("setting", ["../elsewhere", "made/../../elsewhere", "link/elsewhere"])
def test_a_setting_does_not_lead_out_of_the_project(project: Project, setting: str) -> None:
    """Unless it says so in full: a project's file should not surprise its user."""
    inner = project.directory / "inner"
    inner.mkdir()
    (inner / "link").symlink_to(project.directory)
    (project.directory / "m.py").rename(inner / "m.py")
    pyproject = inner / "pyproject.toml"
    pyproject.write_text(f'[tool.rememo]\ndir = "{setting}"\n')
    done = project.run(CALL, PYTHONPATH=str(inner))
    assert done.names == ["miss", "stored"]
    assert done.categories == ["StoreWarning"]
    assert "leads out of the project" in done.warnings[0][1]
    assert stores(project.directory) == ["inner/.rememo"]
    pyproject.write_text(f'[tool.rememo]\ndir = "{project.directory / "elsewhere"}"\n')
    assert not project.run(CALL, PYTHONPATH=str(inner)).warnings
    assert stores(project.directory) == ["elsewhere", "inner/.rememo"]


def test_without_a_project_results_lie_in_the_users_cache(project: Project) -> None:
    """A directory of the user's own, as XDG has it."""
    (project.directory / "pyproject.toml").unlink()
    project.run(CALL)
    assert stores(project.directory) == ["user/rememo"]


def test_without_xdg_the_users_cache_is_in_their_home(project: Project) -> None:
    """A relative XDG_CACHE_HOME counts as none."""
    (project.directory / "pyproject.toml").unlink()
    project.run(CALL, XDG_CACHE_HOME="relative", HOME=str(project.directory))
    assert stores(project.directory) == [".cache/rememo"]


@pytest.mark.parametrize("named", ["~nobody-of-this-name/cache", "loop/cache", "\udcff"])
def test_an_impossible_directory_never_stops_a_call(project: Project, named: str) -> None:
    """It is done without, or made."""
    (project.directory / "loop").symlink_to("loop")
    done = project.run(CALL, REMEMO_DIR=named)
    assert done.out == 6
    assert set(done.categories) <= {"StoreWarning"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user who does not exist")
def test_a_user_without_a_home_is_no_obstacle(project: Project) -> None:
    """Such as one of a container, who is in no list of users."""
    done = project.run(
        """
        from rememo import memoize
        @memoize
        def double(x):
            return x * 2
        os.setuid(54321)
        del os.environ["HOME"]
        out = double(3), double(3)
        """,
        XDG_CACHE_HOME="",
    )
    assert done.out == [6, 6]
    assert done.names == ["degraded"]
    assert done.categories == ["StoreWarning"]
    assert "REMEMO_DIR" in done.warnings[0][1]


def test_a_working_directory_that_is_gone_is_no_obstacle(project: Project) -> None:
    """Calls do not need it."""
    code = f"import m; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n{CALL}"
    assert project.run(code).out == 6
    assert project.run(code, REMEMO_DIR="relative").out == 6


@pytest.mark.parametrize(("value", "disabled"), [("1", True), ("", False), ("0", False)])
def test_rememo_disable_leaves_only_the_function(
    project: Project, value: str, disabled: bool
) -> None:
    """No events, and no directory either."""
    done = project.run(CALL, REMEMO_DISABLE=value)
    assert done.out == 6
    assert (done.names == [], stores(project.directory) == []) == (disabled, disabled)


def test_importing_and_decorating_makes_nothing(project: Project) -> None:
    """The first call does."""
    project.run("import m")
    assert not project.store.exists()


def test_a_store_is_its_owners_alone(project: Project) -> None:
    """Whatever the umask; and neither version control nor backups want it."""
    project.run(f"os.umask(0)\n{CALL}; m.text(1, 2000)")
    everything = [project.store, *project.store.rglob("*")]
    assert len(everything) > 8
    assert [path for path in everything if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    assert (project.store / ".gitignore").read_text() == "*\n"
    assert (project.store / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172")


def test_a_store_that_was_deleted_is_begun_anew(project: Project) -> None:
    """Even in the midst of a program: what it stores afterwards is not lost."""
    done = project.run("""
        import m, shutil
        m.double(1), m.text(1, 2000)
        shutil.rmtree(".rememo")
        m.double(2), m.text(2, 2000)
    """)
    assert done.names == ["miss", "stored"] * 4
    assert not done.warnings
    assert project.run("import m; m.double(2), m.text(2, 2000)").names == ["hit"] * 2


def test_a_temporary_cache_is_removed_when_it_is_closed(tmp_path: Path) -> None:
    """With all that it holds open."""
    with Cache(temporary=True) as cache:

        @cache.memoize
        def double(x: int) -> int:
            return x * 2

        assert double(3) == 6
        assert cache.path.stat().st_mode & 0o777 == 0o700
        assert below(cache.path)
    assert not cache.path.exists()
    assert not below(cache.path)
    with pytest.raises(RuntimeError, match="cannot be used"):
        double(3)


def test_a_temporary_cache_is_removed_at_exit(project: Project) -> None:
    """By the process that made it, and not by its children."""
    project.write(
        temporary="""
        import m
        from rememo import Cache
        cache = Cache(temporary=True)
        double = cache.memoize(m.double.__wrapped__)
        """
    )
    done = project.run("""
        import temporary
        temporary.double(3)
        child = os.fork()
        if not child:
            sys.stdout = None
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        out = str(temporary.cache.path), temporary.cache.path.is_dir(), temporary.double(3)
    """)
    path, there, result = done.out
    assert (there, result) == (True, 6)
    assert not os.path.lexists(path)
    assert done.names == ["miss", "stored", "hit"]


def test_a_call_that_outlives_its_temporary_cache_leaves_nothing(project: Project) -> None:
    """It returns its result and keeps nothing."""
    done = project.run("""
        import m, rememo, threading
        cache = rememo.Cache(temporary=True)
        gated, results = cache.memoize(m.gated.__wrapped__), []
        late = threading.Thread(target=lambda: results.append(gated(3)))
        late.start()
        wait_for("runs")
        cache.close()
        pathlib.Path("go").touch()
        late.join()
        out = results, str(cache.path)
    """)
    results, path = done.out
    assert results == [6]
    assert not os.path.lexists(path)
    assert done.names == ["miss", "not_stored"]


def test_a_cache_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named, or by the project in the current directory."""
    (tmp_path / "setup.py").touch()
    monkeypatch.chdir(tmp_path)
    assert Cache().path == tmp_path / ".rememo"
    assert Cache("here").path == tmp_path / "here"
    assert list(tmp_path.iterdir()) == [tmp_path / "setup.py"]


def test_a_closed_cache_holds_no_file_open(tmp_path: Path) -> None:
    """Its directory can be moved and opened again."""
    with Cache(tmp_path / "one") as cache:
        cache.memoize(length)("abc")
    assert not below(tmp_path)
    (tmp_path / "one").rename(tmp_path / "two")
    with Cache(tmp_path / "two") as cache:
        assert cache.memoize(length).would_hit("abc")


def length(text: str) -> int:
    """Counts."""
    return len(text)
