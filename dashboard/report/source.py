"""What a report tells, gathered from the outputs folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dashboard.finished import finished_methods
from dashboard.loaders import finished_cells
from dashboard.report.document import ReportCategory, ReportContents
from dashboard.tables import method_title
from dashboard.texts import wording
from evaluation.cells import failures


def report_contents(
    outputs: Path, categories: Sequence[str], false_alarms: float, language: str
) -> ReportContents:
    """Gather the results of some categories; what is damaged or failed becomes a sentence.

    Parameters
    ----------
    outputs : Path
    categories : sequence of str
        In the order in which the report shows them.
    false_alarms : float
        The allowed share, above 0 and below 1.
    language : str
        ``"en"`` or ``"ko"``.
    """
    notes = failures(outputs)
    gathered = []
    for name in categories:
        cells, problems = finished_methods(outputs, name)
        failed = [
            wording(
                "report_cell_failed",
                language,
                category=name,
                method=method_title(note["method"]),
                reason=note["reason"],
            )
            for note in notes
            if note["category"] == name
        ]
        gathered.append(ReportCategory(name, tuple(cells), (*problems, *failed)))
    places = {name: position for position, name in enumerate(categories)}
    abouts = [about for about in finished_cells(outputs) if about["category"] in places]
    abouts.sort(key=lambda about: places[about["category"]])
    return ReportContents(
        categories=tuple(gathered),
        abouts=tuple(abouts),
        false_alarms=false_alarms,
        made=datetime.now(UTC).astimezone(),
        outputs=outputs,
    )
