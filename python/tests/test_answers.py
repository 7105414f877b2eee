"""The comparison with other caches judges a cache by its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

BENCHES = Path(__file__).resolve().parents[2] / "benches"
OPENINGS = {
    "none": "memoize = lambda function: function\n",
    "Rememo": "import os\nfrom rememo import memoize\nos.environ['REMEMO_DIR'] = {directory!r}\n",
    # Keeps every result, whatever becomes of the code.
    "blind": """\
from pathlib import Path
kept = Path({directory!r}, "result")
def memoize(function):
    def answer(argument):
        if not kept.exists():
            kept.write_text(repr(function(argument)))
        return eval(kept.read_text())
    return answer
""",
    "broken": """\
def memoize(function):
    raise RuntimeError(function)
""",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Judges each of these caches by an edit that matters and one that does not."""
    names = ["constant", "comment within"]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHES))
        import probes

        rows = {name: probes.PROBES[name] for name in names}
        found: dict[str, Any] = {
            cache: probes.run(
                rows, probes.Contender(cache, opening), tmp_path_factory.mktemp("answers") / cache
            )
            for cache, opening in OPENINGS.items()
        }
        return {
            cache: {
                name: probes.verdict(row, runs[name], found["none"][name])
                for name, row in rows.items()
            }
            for cache, runs in found.items()
        }


@pytest.mark.parametrize(
    ("cache", "matters", "does_not"),
    [
        ("Rememo", "correct", "correct"),
        ("none", "false miss", "false miss"),
        ("blind", "false hit", "correct"),
        ("broken", "error", "error"),
    ],
)
def test_a_cache_is_judged_by_its_answers(
    verdicts: dict[str, dict[str, str]], cache: str, matters: str, does_not: str
) -> None:
    assert verdicts[cache] == {"constant": matters, "comment within": does_not}
