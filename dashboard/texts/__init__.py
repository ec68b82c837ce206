"""Every text of the app: one file per language, ``en.toml`` and ``ko.toml``, by page.

A further language is a further file; a test compares the files' texts and placeholders.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from data_utils.facts import ENGLISH, Fact, worded
from data_utils.locations import readable

DEFAULT_LANGUAGE = "en"
FILES = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).parent.glob("*.toml"))
}
LANGUAGES = {language: content.pop("name") for language, content in FILES.items()}
FACTS = {DEFAULT_LANGUAGE: ENGLISH} | {
    language: content.pop("facts") for language, content in FILES.items() if "facts" in content
}
TEXTS: dict[str, dict[str, str]] = {
    language: {key: text for page in content.values() for key, text in page.items()}
    for language, content in FILES.items()
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
    return TEXTS[language][key].format(**values)


def told(fact: Fact, language: str) -> str:
    """Return a fact in `language` as Markdown, escaped."""
    return plain(fact_wording(fact, language))


def fact_wording(fact: Fact, language: str) -> str:
    """Return a fact in `language` as it is."""
    return worded(fact, FACTS[language].__getitem__)
