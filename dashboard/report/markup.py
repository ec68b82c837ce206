"""HTML from Python: whatever is not markup already is escaped, so nothing from disk can be."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PICTURE_SIDE_PX = 192
JPEG_QUALITY = 80
EMPTY_ELEMENTS = frozenset({"img", "meta", "br"})


class Markup(str):
    """Text that is HTML already; every other string is plain text."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str) -> Markup:
    """Return ``<name attributes>content</name>``.

    Parameters
    ----------
    content : str
        Escaped unless it is Markup.
    attributes : str
        Escaped; ``class_`` stands for ``class``, ``_`` in a name for ``-``, and an empty value
        leaves the attribute out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value or key == "alt"
    )
    if name in EMPTY_ELEMENTS:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Return the parts one after the other, escaped unless they are Markup."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    foot: Sequence[Sequence[str]] = (),
    text_columns: int = 1,
) -> Markup:
    """Return a table whose first column names the rows.

    Parameters
    ----------
    head : sequence of str
        Column titles.
    rows, foot : sequence of rows
        As many cells each as `head`.
    text_columns : int
        How many columns, from the left, hold words; the others hold numbers.
    """

    def line(cells: Sequence[str]) -> Markup:
        first, *others = cells
        return element(
            "tr",
            element("th", first, scope="row"),
            *(
                element("td", cell, class_="" if at < text_columns else "number")
                for at, cell in enumerate(others, start=1)
            ),
        )

    titles = [
        element("th", title, scope="col", class_="" if at < text_columns else "number")
        for at, title in enumerate(head)
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *titles)),
            element("tbody", *map(line, rows)),
            element("tfoot", *map(line, foot)) if foot else Markup(),
        ),
        class_="wide",
    )


def listed(items: Iterable[str]) -> Markup:
    """Return an unordered list."""
    return element("ul", *(element("li", item) for item in items))


def paragraph(*content: str, class_: str = "") -> Markup:
    """Return a paragraph."""
    return element("p", *content, class_=class_)


def picture(pixels: NDArray[np.uint8], words: str) -> Markup:
    """Return a picture inside the page itself, at most 192 px wide or high.

    Parameters
    ----------
    pixels : uint8 [H, W, 3] or [H, W]
        Gray ones (masks) are kept without loss.
    words : str
        What is read aloud instead of the picture.
    """
    drawn = Image.fromarray(pixels)
    mask = pixels.ndim == 2
    drawn.thumbnail(
        (PICTURE_SIDE_PX, PICTURE_SIDE_PX),
        Image.Resampling.NEAREST if mask else Image.Resampling.LANCZOS,
    )
    file = io.BytesIO()
    if mask:
        drawn.save(file, "PNG", optimize=True)
    else:
        drawn.convert("RGB").save(file, "JPEG", quality=JPEG_QUALITY, optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    kind = "png" if mask else "jpeg"
    return element(
        "img",
        src=f"data:image/{kind};base64,{data}",
        alt=words,
        width=str(drawn.width),
        height=str(drawn.height),
    )
