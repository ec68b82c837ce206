"""Charts and pictures inside a report's own file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image
from plotly.offline import get_plotlyjs

INK, PAPER = "#1b1f24", "#ffffff"
PICTURE_SIDE_PX = 192
JPEG_QUALITY = 80


@dataclass(frozen=True)
class Picture:
    """A picture as a data URL, with its size in pixels."""

    address: str
    width: int
    height: int


def picture(pixels: NDArray[np.uint8] | None) -> Picture | None:
    """Return a picture at most 192 px wide or high; None for None.

    Parameters
    ----------
    pixels : uint8 [H, W, 3] or [H, W]
        Gray ones (masks) are kept without loss.
    """
    if pixels is None:
        return None
    drawn = Image.fromarray(pixels)
    mask = pixels.ndim == 2
    drawn.thumbnail(
        (PICTURE_SIDE_PX, PICTURE_SIDE_PX),
        Image.Resampling.NEAREST if mask else Image.Resampling.LANCZOS,
    )
    kind = "png" if mask else "jpeg"
    file = io.BytesIO()
    drawn.save(file, kind, optimize=True, **({} if mask else {"quality": JPEG_QUALITY}))
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture(f"data:image/{kind};base64,{data}", drawn.width, drawn.height)


def chart(figure: go.Figure, name: str) -> Markup:
    """Return a figure as part of a page that holds ``chart_library``.

    Parameters
    ----------
    figure : Figure
        With a height; its colours become those of a report.
    name : str
        Letters, digits and hyphens, unlike that of any other chart on the page; also the name
        under which the camera button saves the chart.
    """
    figure.update_layout(
        template="plotly_white", font={"color": INK}, paper_bgcolor=PAPER, plot_bgcolor=PAPER
    )
    return Markup(
        figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            div_id=name,
            default_height=f"{figure.layout.height}px",
            config={
                "displaylogo": False,
                "responsive": True,
                "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
            },
        )
    )


def chart_library() -> Markup:
    """Return the script that all charts of a page need, about 5 MB."""
    return Markup(get_plotlyjs().replace("</script", "<\\/script"))
