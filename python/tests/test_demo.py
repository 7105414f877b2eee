"""What the demonstration of examples/flights stands on, without its data."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The demonstration as a module."""
    spec = importlib.util.spec_from_file_location("flights_demo", FLIGHTS / "demo.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Its data classes look for their module there.
    monkeypatch.setitem(sys.modules, "flights_demo", module)
    spec.loader.exec_module(module)
    return module


def report(*hits: bool, digest: str = "d", changes: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a run of some stages reports."""
    kept = {"digest": digest, "reason": "why", "changes": changes, "seconds": 1.5}
    stages = [{"name": f"stage{number}", "hit": hit, **kept} for number, hit in enumerate(hits)]
    return {"stages": stages, "numbers": {"mean": 1.0}}


def test_every_edit_fits_the_pipeline(demo: ModuleType, tmp_path: Path) -> None:
    """It applies to the sources as they are, and leaves valid Python."""
    demo.copy_sources(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    edits = [edit for scenario in demo.SCENARIOS for edit in scenario.edits]
    for edit in edits:
        edit.apply(tmp_path)
        compile((tmp_path / edit.filename).read_text(), edit.filename, "exec")
    assert {edit.filename for edit in edits} == {"cleaning.py", "pipeline.py"}
    demo.copy_sources(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_result_that_differs_fails_the_demo(demo: ModuleType) -> None:
    """Be it a stage's, the figure among them, or a number."""
    demo.check_equal("same", report(True), report(False))
    with pytest.raises(AssertionError, match="stage0 differs"):
        demo.check_equal("figure", report(True, digest="e"), report(False))
    with pytest.raises(AssertionError, match="numbers differ"):
        demo.check_equal("number", report(True) | {"numbers": {"mean": 2.0}}, report(True))


def test_a_stage_that_should_not_have_run_fails_the_demo(demo: ModuleType) -> None:
    """And so does one that should have."""
    scenario = demo.Scenario("edit", ("stage1",))
    demo.check_recomputed(scenario, report(True, False))
    for hits in ((True, True), (False, False)):
        with pytest.raises(AssertionError, match="edit: recomputed"):
            demo.check_recomputed(scenario, report(*hits))


def test_the_table_has_a_row_per_stage_and_a_column_per_scenario(
    demo: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what changed below each stage that ran."""
    ran = [report(True, False, changes=("helper",)) for _ in demo.SCENARIOS]
    demo.print_table(demo.table_rows(ran, ran))
    heading, rule, first, second, changed, *totals = capsys.readouterr().out.splitlines()
    assert all(scenario.title in heading for scenario in demo.SCENARIOS)
    assert len(rule.split()) == len(demo.SCENARIOS) + 1
    assert first.split() == ["stage0", *["1.500", "s", "hit"] * len(demo.SCENARIOS)]
    assert second.split() == ["stage1", *["1.500", "s", "recomputed"] * len(demo.SCENARIOS)]
    assert changed.count("(helper)") == len(demo.SCENARIOS)
    assert [line.split()[0] for line in totals] == ["all", "not"]
