"""Every text of the app, in English and in Korean, side by side; one module per page."""

from __future__ import annotations

import re
from pathlib import Path

from dashboard.texts import (
    common,
    compare,
    defects,
    difference,
    inspection,
    overview,
    report,
    roc,
    run,
    samples,
    tradeoff,
)
from data_utils.locations import readable

LANGUAGES = {"en": "English", "ko": "한국어"}
DEFAULT_LANGUAGE = "en"
MODULES = (
    common,
    overview,
    samples,
    compare,
    roc,
    tradeoff,
    difference,
    defects,
    inspection,
    run,
    report,
)
TEXTS: dict[str, tuple[str, str]] = {
    key: both for module in MODULES for key, both in module.TEXTS.items()
}
MARKDOWN_SIGNS = frozenset(r"\`*_{}[]<>$~|#!:&")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
LIVE = re.compile(r"(?<=:)(?=material/|streamlit:)|(?=https?:|www\.)|(?<=@)", re.IGNORECASE)
BLOCK_START = re.compile(r"\A(\d*)(?=[-+.)](?:\s|\Z)|[-=][-=\s]*\Z)")
WORD_JOINER = "\u2060"


def plain(text: str) -> str:
    """Escape what Markdown would read as markup; names and reasons come from disk.

    Streamlit draws ``:material/...:`` and makes links of addresses even where they are escaped;
    an invisible sign prevents it. Line ends and other control characters become spaces; bytes
    that are no text become escapes, because nothing else could be sent to the browser.
    """
    line = CONTROL.sub(" ", readable(text)).lstrip(" ")
    apart = LIVE.sub(WORD_JOINER, line)
    escaped = "".join(f"\\{sign}" if sign in MARKDOWN_SIGNS else sign for sign in apart)
    return BLOCK_START.sub(r"\1\\", escaped)


def translate(key: str, language: str, **values: object) -> str:
    """Return the text `key` in `language` as Markdown, with `values` filled in, escaped.

    Raises
    ------
    KeyError
        If there is no such text.
    """
    escaped = {
        name: plain(str(value)) if isinstance(value, (str, Path)) else value
        for name, value in values.items()
    }
    return wording(key, language, **escaped)


def wording(key: str, language: str, **values: object) -> str:
    """Return the text `key` in `language` with `values` as they are, for charts and files.

    Raises
    ------
    KeyError
        If there is no such text.
    """
    english, korean = TEXTS[key]
    return (korean if language == "ko" else english).format(**values)
