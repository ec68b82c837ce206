"""Plotly charts inside a report: the library once, and a script per chart."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from dashboard.report.markup import Markup, element
from dashboard.report.words import Said

INK, PAPER = "#1b1f24", "#ffffff"
HEIGHT_PX = 400


def chart_script() -> Markup:
    """Return the script that all charts of a page need, about 5 MB, once per page."""
    return element("script", Markup(get_plotlyjs().replace("</script", "<\\/script")))


def chart(figure: go.Figure, name: str, said: Said) -> Markup:
    """Return a figure as part of a page that holds ``chart_script``.

    Parameters
    ----------
    figure : Figure
        Its layout becomes that of a report.
    name : str
        Letters, digits and hyphens, unlike that of any other chart on the page; also the name
        under which the camera button saves the chart.
    """
    figure.update_layout(
        template="plotly_white", font={"color": INK}, paper_bgcolor=PAPER, plot_bgcolor=PAPER
    )
    drawn = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        default_height=f"{figure.layout.height or HEIGHT_PX}px",
        config={
            "displaylogo": False,
            "responsive": True,
            "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
        },
    )
    without = element("noscript", said("report_script_needed"))
    return element("div", Markup(drawn), without, class_="chart")
