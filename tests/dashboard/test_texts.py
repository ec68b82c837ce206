"""Texts: the same in both languages."""

from __future__ import annotations

import ast
import re
import string

import pytest

from dashboard.texts import FACTS, FILES, TEXTS, plain, translate
from data_utils.locations import PROJECT

KOREAN = re.compile("[가-힣]")
SAME_IN_BOTH = {
    *(
        "inspection_refused",
        "inspection_remark",
        "overview_time_of",
        "overview_expected",
        "two_remarks",
    ),
    *("column_aupro", "position", "page_roc", "size_whole"),
    *("unexpected", "plain", "cell_failed", "on_worker", "both", "refusal"),
    *("category_unusable", "category_file_unusable"),
}
EITHER_PARTICLE = ("은(는)", "을(를)", "이(가)", "와(과)", "(으)로")
AFTER_PERCENT = {"rate", "covered", "share"}
OTHER_WORDS = ("coreset", "차트", "테스트", "두릅")


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


ENGLISH_TEXTS = TEXTS["en"] | FACTS["en"]
KOREAN_TEXTS = TEXTS["ko"] | FACTS["ko"]


def test_both_languages_say_something_with_the_same_values() -> None:
    assert ENGLISH_TEXTS.keys() == KOREAN_TEXTS.keys()
    for key, english in ENGLISH_TEXTS.items():
        korean = KOREAN_TEXTS[key]
        assert english.strip(), key
        assert not KOREAN.search(english), key
        assert placeholders(english) == placeholders(korean), key
        assert KOREAN.search(korean) or key in SAME_IN_BOTH, key


def test_korean_can_be_read_aloud_whatever_the_values_are() -> None:
    ending = r"\{([a-z_]+)[^{}]*\}(은|는|이|가|을|를|과|와|으로|로)(?![가-힣])"
    for key, korean in KOREAN_TEXTS.items():
        assert not [particle for particle in EITHER_PARTICLE if particle in korean], key
        assert {found[1] for found in re.finditer(ending, korean)} <= AFTER_PERCENT, key


def test_korean_has_one_word_for_one_thing() -> None:
    for key, korean in KOREAN_TEXTS.items():
        assert not [word for word in OTHER_WORDS if word in korean], key


def test_a_share_is_written_with_a_space_before_the_percent_sign() -> None:
    for text in (*ENGLISH_TEXTS.values(), *KOREAN_TEXTS.values()):
        assert not re.search(r"(?<!\{)\{\w+:[^{}]*%\}|\d%(?!\})|[^{]\}%", text), text


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
    templates = PROJECT.glob("dashboard/report/templates/*.html")
    everything = "".join(path.read_text(encoding="utf-8") for path in templates)
    used = set(re.findall(r'\bsaid\(\s*"(\w+)"[,)]', everything))
    assert "report_reading_auroc" in used
    built: set[str] = set()
    for path in sources:
        source = path.read_text(encoding="utf-8")
        everything += source
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in ("t", "said", "wording", "pinned")
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    used.add(str(first.value))
                elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                    built.add(str(first.values[0].value))
    assert used <= TEXTS["en"].keys()
    unused = {
        key
        for key in TEXTS["en"]
        if not re.search(rf'["\']{key}["\']', everything) and not key.startswith(tuple(built))
    }
    assert unused == set()


def test_no_text_has_two_meanings() -> None:
    for language, pages in FILES.items():
        assert sum(map(len, pages.values())) == len(TEXTS[language])
