"""The session that the README shows is what the commands do today."""

from __future__ import annotations

import json
import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
# What differs from run to run: digests, and how long something took or is ago.
VARYING = re.compile(r"\b[0-9a-f]{12}\b|[0-9.]+ m?s\b( ago)?|just now")


def test_the_recording_is_up_to_date() -> None:
    """Or else `make recording` records it anew."""
    loader = SourceFileLoader("record_demo", str(REPOSITORY / "scripts" / "record-demo"))
    spec = spec_from_loader("record_demo", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    _, *rows = (REPOSITORY / "docs/images/demo.cast").read_text().splitlines()
    recorded = "".join(json.loads(row)[2] for row in rows)
    now = "".join(text for _, text in module.record())
    assert VARYING.sub("...", now) == VARYING.sub("...", recorded)
    assert "accepted: the same product" in recorded
