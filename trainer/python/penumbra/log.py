"""The log of a run, `metrics.jsonl`, as rows."""

from __future__ import annotations

import json
from pathlib import Path


def metrics(run, kind: str | None = None) -> list[dict]:
    """The rows of RUN/metrics.jsonl in their order, or those of one kind, such as "train".

    The log of a run that is still training can be read. A last line without its end is left out:
    it is being written, or its writer was killed. A step that was logged twice counts once, as it
    was logged the second time.
    """
    path = Path(run) / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = {}
    for number, line in enumerate(lines[:-1], 1):
        row = _row_of(line, f"{path}, line {number}")
        rows[_identity(row, number)] = row
    return [row for row in rows.values() if kind in (None, row.get("kind"))]


def _row_of(line: str, where: str) -> dict:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"{where}: not a JSON object")
    return row


def _identity(row: dict, number: int) -> tuple:
    """Equal for two rows about the same step; other rows are all different."""
    if row.get("kind") == "train":
        return ("train", row.get("epoch"), row.get("step"))
    if row.get("kind") == "validation":
        return ("validation", row.get("epoch"))
    return ("line", number)
