"""Every page, run by Streamlit's own test driver on full, partial, empty and broken results."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from data_utils.locations import PROJECT

PAGES = ["pages/overview.py", "pages/samples.py"]


def opened(page: str, lang: str = "en", **url: str) -> AppTest:
    """Run the app and go to `page` with the given URL parameters."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    app.query_params["lang"] = lang
    for key, value in url.items():
        app.query_params[key] = value
    app.run()
    return app.switch_page(page).run()


def shown(app: AppTest) -> str:
    """Return all text on the page."""
    groups = (app.title, app.header, app.subheader, app.markdown, app.caption, app.info)
    alerts = (app.warning, app.error, app.success)
    return "\n".join(str(element.value) for group in (*groups, *alerts) for element in group)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_on_full_results(results: Path, page: str, lang: str) -> None:
    app = opened(page, lang, category="part", method="padim")
    assert not app.exception
    assert app.title[0].value
    assert results.is_dir()


def test_random_weights_are_said_on_every_page(results: Path) -> None:
    assert results.is_dir()
    for page in PAGES:
        app = opened(page, category="part", method="padim")
        assert any("Random backbone weights" in warning.value for warning in app.warning)


def test_a_view_survives_in_the_url(results: Path) -> None:
    assert results.is_dir()
    url = {"category": "part", "method": "patchcore", "sample": "blot/002"}
    overview = opened("pages/overview.py", "ko", **url)
    assert overview.selectbox(key="category").value == "part"
    assert overview.selectbox(key="method").value == "patchcore"
    assert overview.query_params == {"lang": "ko", **url}
    samples = overview.switch_page("pages/samples.py").run()
    assert samples.selectbox(key="sample").value == "blot/002"


def test_a_wrong_data_folder_is_one_sentence_in_the_sidebar(results: Path) -> None:
    assert results.is_dir()
    app = opened("pages/overview.py")
    app.text_input(key="data_folder").set_value("/no/such/folder").run()
    assert not app.exception
    assert any("There is no data folder" in error.value for error in app.error)


def test_the_language_can_be_changed_on_every_page(results: Path) -> None:
    assert results.is_dir()
    for page in PAGES:
        app = opened(page, category="part", method="padim")
        english = app.title[0].value
        app.session_state["lang"] = "ko"
        app.run()
        assert not app.exception
        assert app.title[0].value != english
