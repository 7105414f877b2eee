"""The suite fails if a test leaves a cache behind, wherever the test stands."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[2] / "conftest.py"
CODE = "@rememo.memoize\ndef double(x):\n    return x * 2\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose tests run under the fixture that this suite runs under."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(CONFTEST, project)
    (project / "pyproject.toml").touch()
    return project


def run_pytest(project: Path) -> subprocess.CompletedProcess[str]:
    """Runs the tests of a project."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--doctest-glob=*.md"]
    return subprocess.run(
        [*command, "--basetemp", project.parent / "basetemp", project],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_module_that_leaves_a_cache_fails(project: Path) -> None:
    """In the project's own directory."""
    test = f"import rememo\n{CODE}\ndef test_double():\n    assert double(1) == 2\n"
    (project / "test_double.py").write_text(test)
    done = run_pytest(project)
    assert done.returncode == 1
    assert f"{project / '.rememo'}'" in done.stdout


def test_a_document_that_leaves_a_cache_fails(project: Path) -> None:
    """In the user's cache, for code in a document belongs to no project."""
    lines = "".join(f"... {line}\n" for line in CODE.splitlines())
    text = f">>> import rememo\n>>> {lines[4:]}>>> double(1)\n2\n"
    (project / "page.md").write_text(text)
    done = run_pytest(project)
    assert done.returncode == 1
    assert "left caches behind" in done.stdout


@pytest.mark.parametrize("cache", ["rememo_cache", "tmp_path"])
def test_a_module_that_leaves_none_passes(project: Path, cache: str) -> None:
    """With the fixture, or without memoization."""
    call = "double" if cache == "rememo_cache" else "double.__wrapped__"
    test = f"import rememo\n{CODE}\ndef test_double({cache}):\n    assert {call}(1) == 2\n"
    (project / "test_double.py").write_text(test)
    assert run_pytest(project).returncode == 0
