"""What components are made of: their files, and pictures as addresses that carry their content."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.figures.style import DEFECT_COLOUR, GOOD_COLOUR

HERE = Path(__file__).resolve().parent
COLOURS = f":host {{ --good: {GOOD_COLOUR}; --defect: {DEFECT_COLOUR}; }}\n"


def component(name: str, html: str) -> Any:
    """Register the component of ``<name>.css`` and ``<name>.js``, with what all have in common."""
    buttons, style, dom, code = (
        (HERE / file).read_text(encoding="utf-8")
        for file in ("buttons.css", f"{name}.css", "dom.js", f"{name}.js")
    )
    css = COLOURS + buttons + style
    return st.components.v2.component(name, html=html, css=css, js=dom + code)


def data_url(content: bytes, kind: str) -> str:
    """Return a picture file as a data URL; `kind` is such as ``png``."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
