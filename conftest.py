"""What holds for every test, here and in documentation: it leaves no cache behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
NOT_SEARCHED = (".git", ".venv", "target", "__pycache__")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Examples print to show when they run: that a hit does not is what they are for."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.filterwarnings("ignore::rememo.DroppedOutputWarning"))


@pytest.fixture(autouse=True, scope="session")
def _no_cache_left_behind(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Functions that belong to no project must not reach the user's own cache either."""
    users = tmp_path_factory.mktemp("users-cache")
    before = _caches(ROOT)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REMEMO_DIR", raising=False)
        patch.delenv("REMEMO_DISABLE", raising=False)
        patch.delenv("REMEMO_TRUST_OWNER", raising=False)
        patch.delenv("REMEMO_SHARED", raising=False)
        patch.setenv("XDG_CACHE_HOME", str(users))
        yield
    written = dict(_caches(ROOT).items() - before.items()) | _caches(users)
    if written:
        pytest.fail(f"the tests left caches behind: {sorted(map(str, written))}")


def _caches(root: Path) -> dict[Path, int]:
    """Every cache below a directory, and when it was last written to."""
    found = {}
    for folder, inner, files in os.walk(root):
        inner[:] = [name for name in inner if not name.startswith(NOT_SEARCHED)]
        path = Path(folder)
        if "CACHEDIR.TAG" in files and (path / "format").is_file():
            times = (file.stat().st_mtime_ns for file in path.glob("index/data.mdb"))
            found[path] = max(times, default=0)
    return found
