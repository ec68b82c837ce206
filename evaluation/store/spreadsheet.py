"""Texts from disk in tables that a spreadsheet opens."""

from __future__ import annotations

import pandas as pd

NOT_AVAILABLE = "n/a"
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """Return the text, with an apostrophe in front if a spreadsheet would run it as a formula."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_SIGNS) else text


def without_guard(text: str) -> str:
    """Return the text that ``harmless`` was given."""
    guarded = text.startswith("'") and text.lstrip("'").startswith(FORMULA_SIGNS)
    return text[1:] if guarded else text


def harmless_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of whose texts and headings no spreadsheet runs any."""
    texts = table.map(lambda value: harmless(value) if isinstance(value, str) else value)
    return texts.rename(columns=lambda name: harmless(str(name)))


def table_text(table: pd.DataFrame) -> str:
    """Return a table as CSV: undefined numbers as ``n/a``, others with six decimals."""
    return harmless_table(table).to_csv(index=False, na_rep=NOT_AVAILABLE, float_format="%.6f")
