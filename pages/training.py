"""Training pictures: which of them are not good, and how many are enough."""

from __future__ import annotations

from dashboard.frame import framed
from dashboard.opening import draw_notices, has_category, opened
from dashboard.training.ratings_panel import draw_ratings


def draw() -> None:
    """Draw the page."""
    selection = opened("training_title", "training_lead")
    if has_category(selection):
        draw_ratings(selection)
        draw_notices(selection)


framed(draw)
