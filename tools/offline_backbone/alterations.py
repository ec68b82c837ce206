"""Local damage to views, with its mask: what a detector must find and nothing else.

The place is a bent, ragged ellipse: thin ones are scratches, round ones stains or holes. What
appears there comes from elsewhere in the picture, from another picture, or is the picture
itself tinted, blurred, bent, roughened, or painted over with one of its own colours.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from tools.offline_backbone.views import uniform

FILLS = 7
VISIBLE = 0.03


def altered(views: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Damage each view at one to three places.

    Parameters
    ----------
    views : float32 [N, 3, H, H]
        0 to 1.

    Returns
    -------
    pictures : float32 [N, 3, H, H]
    cover : float32 [N, 1, H, H]
        1 where a difference can be seen, 0 where there is none.
    """
    pictures = views
    place = torch.zeros_like(views[:, :1])
    for turn in range(3):
        present = (torch.rand(len(views), generator=generator) < 0.45) | (turn == 0)
        mask = _places(views, generator) * present.float().view(-1, 1, 1, 1)
        pictures = torch.lerp(pictures, _fills(views, mask, generator), mask)
        place = torch.maximum(place, mask)
    difference = (pictures - views).abs().mean(1, keepdim=True)
    seen = functional.avg_pool2d(difference, 5, stride=1, padding=2) > VISIBLE
    return pictures, place * seen


def _places(views: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    number, _, side, _ = views.shape

    def each(low: float, high: float) -> torch.Tensor:
        return uniform(number, low, high, generator).view(-1, 1, 1)

    def log_each(low: float, high: float) -> torch.Tensor:
        return each(math.log(low), math.log(high)).exp()

    axis = torch.linspace(-1, 1, side)
    turn = each(0, 2 * math.pi)
    dy, dx = axis.view(1, -1, 1) - each(-0.8, 0.8), axis.view(1, 1, -1) - each(-0.8, 0.8)
    along = dx * turn.cos() + dy * turn.sin()
    across = dy * turn.cos() - dx * turn.sin() + each(-1, 1) * along.square()
    thin = torch.rand(number, generator=generator).view(-1, 1, 1) < 0.35
    length = torch.where(thin, log_each(0.2, 0.9), log_each(0.06, 0.4))
    width = torch.where(thin, log_each(0.02, 0.06), log_each(0.06, 0.4))
    power = torch.where(each(0, 1) < 0.3, 6.0, 2.0)
    distance = ((along / length).abs() ** power + (across / width).abs() ** power) ** (1 / power)
    rough = functional.interpolate(
        torch.randn(number, 1, 12, 12, generator=generator), size=(side, side), mode="bicubic"
    )
    distance = distance + each(0, 0.35) * rough[:, 0]
    softness = log_each(0.05, 0.6)
    return ((1 - distance) / softness + 0.5).clamp(0, 1)[:, None]


def _fills(views: torch.Tensor, mask: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    number, _, side, _ = views.shape

    def each(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return uniform(number, low, high, generator, channels, 1, 1)

    sort = torch.randint(FILLS, (number,), generator=generator)
    base = functional.affine_grid(
        torch.eye(2, 3).expand(number, 2, 3), [number, 1, side, side], align_corners=False
    )
    reach = torch.where(sort == 0, 0.6, 0.0).view(-1, 1, 1, 1)
    shift = reach * uniform(number, -1, 1, generator, 1, 1, 2)
    bend = 0.35 * uniform(number, -1, 1, generator, 1, 1, 2)
    bend = bend * (sort == 1).view(-1, 1, 1, 1) * mask.permute(0, 2, 3, 1)
    moved = functional.grid_sample(
        views, base + shift + bend, padding_mode="reflection", align_corners=False
    )
    blurred = functional.interpolate(
        functional.interpolate(views, size=(side // 8, side // 8), mode="area"),
        size=(side, side),
        mode="bilinear",
    )
    grain = functional.interpolate(
        torch.randn(number, 1, side // 2, side // 2, generator=generator), size=(side, side)
    )
    spot = torch.randint(side, (2, number), generator=generator)
    own = views[torch.arange(number), :, spot[0], spot[1]].view(-1, 3, 1, 1).expand_as(views)
    strength = each(0.12, 0.6)
    tint = views + strength * each(-1, 1, 3)
    darker = (
        views * (1 - strength) if float(each(0, 1)[0]) < 0.5 else views + strength * (1 - views)
    )
    fills = torch.stack(
        [
            moved,
            moved,
            views.roll(1, 0),
            torch.where(each(0, 1) < 0.5, tint, darker),
            blurred,
            own,
            views + 0.5 * strength * grain,
        ]
    )
    return fills[sort, torch.arange(number)].clamp(0, 1)
