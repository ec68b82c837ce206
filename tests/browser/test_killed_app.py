"""The app dies, the evaluation goes on, and an app started later finds it."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from evaluation.run.job import read_status
from evaluation.run.progress import CANCELLED, RUNNING
from tests.browser.conftest import ServedResults, running_app
from tests.browser.steps import click_until

pytestmark = pytest.mark.browser


def test_an_evaluation_outlives_its_app_and_is_found_by_the_next_one(
    page: Page, served_results: ServedResults, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    variables = {"MVTEC_ROOT": str(served_results.data)}
    start = page.get_by_role("button", name="Run full evaluation")
    cancel = page.get_by_role("button", name="Cancel")
    with running_app(variables, tmp_path / "first.log", tmp_path / "none") as first:
        page.goto(first.address)
        click_until(start, cancel)
        first.process.kill()
    status = read_status(outputs)
    assert status is not None
    assert status.state == RUNNING
    assert psutil.pid_exists(status.pid)

    with running_app(variables, tmp_path / "second.log", outputs) as second:
        page.goto(second.address)
        expect(cancel).to_be_visible()
        again = read_status(outputs)
        assert again is not None
        assert (again.pid, again.state) == (status.pid, RUNNING)
        click_until(cancel, page.get_by_text("Evaluation cancelled; finished cells are kept."))
        expect(start).to_be_enabled()
    ended = read_status(outputs)
    assert ended is not None
    assert ended.state == CANCELLED
    assert not ended.current
