"""Texts: the same in both languages."""

from __future__ import annotations

import ast
import re
import string

import pytest

from dashboard.texts import MODULES, TEXTS, plain, translate
from data_utils.locations import PROJECT

KOREAN = re.compile("[가-힣]")
SAME_IN_BOTH = {"column_aupro", "position", "page_roc", "size_whole"}
EITHER_PARTICLE = ("은(는)", "을(를)", "이(가)", "와(과)", "(으)로")
AFTER_PERCENT = {"rate", "covered", "share"}
OTHER_WORDS = ("coreset", "차트", "테스트", "두릅")


def placeholders(text: str) -> set[str]:
    """Return the names that the text fills in."""
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


@pytest.mark.parametrize("key", list(TEXTS))
def test_both_languages_say_something_with_the_same_values(key: str) -> None:
    english, korean = TEXTS[key]
    assert english.strip()
    assert not KOREAN.search(english)
    assert placeholders(english) == placeholders(korean)
    assert KOREAN.search(korean) or key in SAME_IN_BOTH


@pytest.mark.parametrize("key", list(TEXTS))
def test_korean_can_be_read_aloud_whatever_the_values_are(key: str) -> None:
    _, korean = TEXTS[key]
    assert not [particle for particle in EITHER_PARTICLE if particle in korean]
    after_value = re.finditer(
        r"\{([a-z_]+)[^{}]*\}(은|는|이|가|을|를|과|와|으로|로)(?![가-힣])", korean
    )
    assert {found[1] for found in after_value} <= AFTER_PERCENT


@pytest.mark.parametrize("key", list(TEXTS))
def test_korean_has_one_word_for_one_thing(key: str) -> None:
    assert not [word for word in OTHER_WORDS if word in TEXTS[key][1]]


@pytest.mark.parametrize("key", list(TEXTS))
def test_a_share_is_written_with_a_space_before_the_percent_sign(key: str) -> None:
    for text in TEXTS[key]:
        assert not re.search(r"(?<!\{)\{\w+:[^{}]*%\}|\d%(?!\})|[^{]\}%", text)


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        (":smile:", r"\:smile\:"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        (":material/delete:", "\\:\u2060material/delete\\:"),
        (":streamlit:", "\\:\u2060streamlit\\:"),
        ("www.evil.example", "\u2060www.evil.example"),
        ("see HTTPS://evil.example", "see \u2060HTTPS\\://evil.example"),
        ("me@evil.example", "me@\u2060evil.example"),
        ("a\r\n\n# b\u2028c\0", r"a \# b c "),
        ("\t    code", "code"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("+", r"\+"),
        ("---", r"\---"),
        ("===", r"\==="),
        ("0.5", "0.5"),
        ("-3", "-3"),
        ("bottle 12, 50 %", "bottle 12, 50 %"),
    ],
)
def test_names_from_disk_become_no_emoji_icon_link_or_block(name: str, escaped: str) -> None:
    assert plain(name) == escaped
    assert translate("compare_title", "en", category=name) == f"Compare: {escaped}"


def test_every_text_that_is_used_exists_and_every_text_is_used() -> None:
    sources = [
        PROJECT / "app.py",
        *PROJECT.glob("pages/*.py"),
        *(p for p in PROJECT.glob("dashboard/**/*.py") if p.parent.name != "texts"),
    ]
    used: set[str] = set()
    everything = ""
    for path in sources:
        source = path.read_text(encoding="utf-8")
        everything += source
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in ("t", "said")
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    used.add(str(first.value))
    assert used <= set(TEXTS)
    built = ("unit_", "column_", "page_", "tradeoff_weights_")
    unused = {
        key
        for key in TEXTS
        if not re.search(rf'["\']{key}["\']', everything) and not key.startswith(built)
    }
    assert unused == set()


def test_no_text_has_two_meanings() -> None:
    keys = [key for module in MODULES for key in module.TEXTS]
    assert sorted(keys) == sorted(TEXTS)


def test_values_are_filled_in() -> None:
    assert translate("position", "en", position=3, count=8) == "3 of 8"
    assert translate("position", "ko", position=3, count=8) == "3 / 8"
