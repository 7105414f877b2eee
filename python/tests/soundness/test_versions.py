"""Libraries count by version; their files only on request; editable ones by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Program

MODULE = """
from rememo import FreezeConfig, memoize
import lib
def plain(x):
    return lib.f(x)
f = memoize(plain)
deep = memoize(freeze=FreezeConfig(deep=["lib"]))(plain)
content = memoize(freeze=FreezeConfig(by_content=["lib"]))(plain)
"""
RUN = "import sys; sys.path.insert(0, {site!r})\nimport m\nout = m.{name}(1)"


def install(directory: Path, version: str, body: str) -> None:
    """Puts a distribution where pip would."""
    package = directory / "lib"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(body)
    for old in directory.glob("lib-*.dist-info"):
        (old / "RECORD").unlink()
        old.rmdir()
    info = directory / f"lib-{version}.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(f"lib/__init__.py,sha256={version},1\n")


@pytest.fixture
def site(program: Program) -> Path:
    """An empty directory of installed packages."""
    program.write(m=MODULE)
    return program.directory / "site-packages"


def run(program: Program, site: Path, name: str = "f") -> tuple[object, str]:
    out, events = program.run(RUN.format(site=str(site), name=name))
    return out, events[-1]


@pytest.mark.soundness
def test_an_upgraded_library_misses(program: Program, site: Path) -> None:
    install(site, "1.0", "def f(x): return x + 1\n")
    assert run(program, site) == (2, "stored")
    assert run(program, site) == (2, "hit")
    install(site, "1.1", "def f(x): return x + 2\n")
    assert run(program, site) == (3, "stored")
    install(site, "1.0", "def f(x): return x + 1\n")
    assert run(program, site) == (2, "hit")


@pytest.mark.soundness
@pytest.mark.parametrize("name", ["deep", "content"])
def test_an_edited_file_of_a_library_misses_where_asked_for(
    program: Program, site: Path, name: str
) -> None:
    install(site, "1.0", "def f(x): return x + 1\n")
    assert run(program, site, name) == (2, "stored")
    assert run(program, site, name) == (2, "hit")
    install(site, "1.0", "def f(x): return x + 2\n")
    assert run(program, site, name) == (3, "stored")


@pytest.mark.soundness
def test_an_editable_library_counts_by_content(program: Program, site: Path) -> None:
    source = program.directory / "src"
    install(source, "1.0", "def f(x): return x + 1\n")
    assert run(program, source) == (2, "stored")
    assert run(program, source) == (2, "hit")
    install(source, "1.0", "# the same\ndef f(x): return x + 1\n")
    assert run(program, source) == (2, "hit")
    install(source, "1.0", "def f(x): return x + 2\n")
    assert run(program, source) == (3, "stored")


@pytest.mark.soundness
def test_another_distribution_in_one_namespace_does_not_count(program: Program, site: Path) -> None:
    """Each module belongs to the distribution that lists it."""

    def put(name: str, version: str, body: str) -> None:
        module = site / "space" / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(body)
        for old in site.glob(f"space_{name}-*.dist-info"):
            (old / "RECORD").unlink()
            old.rmdir()
        info = site / f"space_{name}-{version}.dist-info"
        info.mkdir()
        (info / "RECORD").write_text(f"space/{name}.py,sha256={version},1\n")

    program.write(
        m="""
        from rememo import memoize
        import space.one
        import space.other
        @memoize
        def f(x):
            return space.one.g(x)
        """
    )
    put("one", "1.0", "def g(x): return x + 1\n")
    put("other", "1.0", "")
    assert run(program, site) == (2, "stored")
    put("other", "2.0", "")
    assert run(program, site) == (2, "hit")
    put("one", "2.0", "def g(x): return x + 2\n")
    assert run(program, site) == (3, "stored")
