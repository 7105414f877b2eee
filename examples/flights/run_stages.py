"""Run the pipeline once and report every stage as JSON on standard output."""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pipeline


def digest(value: Any) -> str:
    """Fingerprint a stage's result, independently of how Rememo does it."""
    if isinstance(value, bytes):
        payload = value
    elif isinstance(value, pd.DataFrame):
        schema = [(name, str(kind)) for name, kind in value.dtypes.items()]
        rows = pd.util.hash_pandas_object(value, index=True).to_numpy()
        payload = repr(schema).encode() + rows.tobytes()
    else:
        payload = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(payload).hexdigest()


def forecast(stage: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    """Ask the stage, before calling it, why it will be recomputed, if it will."""
    if os.environ.get("REMEMO_DISABLE") == "1":
        return {"reason": "REMEMO_DISABLE=1", "changes": []}
    explanation = stage.explain(*args)
    return {
        "reason": str(explanation),
        "changes": [change.name.rpartition(".")[2] for change in explanation.changes],
    }


class Recorder:
    """Calls stages one by one and keeps a record of each call."""

    def __init__(self) -> None:
        """Start with no records."""
        self.records: list[dict[str, Any]] = []

    def __call__(self, stage: Any, *args: Any) -> Any:
        """Call one stage; record what was forecast, its time and its digest."""
        record = {"name": stage.__name__, **forecast(stage, args)}
        hits = stage.cache_info().hits
        started = time.perf_counter()
        result = stage(*args)
        record["seconds"] = time.perf_counter() - started
        record["hit"] = stage.cache_info().hits > hits
        record["digest"] = digest(result)
        self.records.append(record)
        return result


def run() -> tuple[dict[str, Any], bytes]:
    """Run all six stages; return the report and the figure."""
    call = Recorder()
    flights = call(pipeline.load_and_clean)
    joined = call(pipeline.join_weather, flights)
    features = call(pipeline.engineer_features, joined)
    scores = call(pipeline.cross_validate, features)
    summary = call(pipeline.summarise, features, scores)
    figure = call(pipeline.draw_figure, summary)
    numbers = {"scores": scores.to_dict(orient="list"), "summary": summary}
    return {"stages": call.records, "numbers": numbers}, figure


def main() -> None:
    """Print the report; write the figure where the first argument says."""
    report, figure = run()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_bytes(figure)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
