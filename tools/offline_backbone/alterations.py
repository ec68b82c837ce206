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
    """Return what appears under the masks, float32 ``[N, 3, H, H]``."""
    fills = torch.empty_like(views)
    sort = torch.randint(len(SORTS), (len(views),), generator=generator)
    for number, fill in enumerate(SORTS):
        own = (sort == number).nonzero()[:, 0]
        if len(own):
            fills[own] = fill(views, mask, own, generator)
    return fills.clamp_(0, 1)


def _moved(
    views: torch.Tensor, mask: torch.Tensor, own: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return another part of the same picture, or the part itself bent."""
    number, side = len(own), views.shape[2]
    shift = uniform(number, -0.6, 0.6, generator, 1, 1, 2)
    bend = uniform(number, -0.35, 0.35, generator, 1, 1, 2) * mask[own].permute(0, 2, 3, 1)
    shifted = torch.rand(number, 1, 1, 1, generator=generator) < 0.5
    straight = functional.affine_grid(
        torch.eye(2, 3).expand(number, 2, 3), [number, 1, side, side], align_corners=False
    )
    return functional.grid_sample(
        views[own],
        straight + torch.where(shifted, shift, bend),
        padding_mode="reflection",
        align_corners=False,
    )


def _foreign(
    views: torch.Tensor, mask: torch.Tensor, own: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return another picture."""
    del mask, generator
    return views[(own + len(views) // 2) % len(views)]


def _tinted(
    views: torch.Tensor, mask: torch.Tensor, own: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return the picture lighter, darker, or in another colour."""
    del mask
    number = len(own)
    strength = uniform(number, 0.12, 0.6, generator, 1, 1, 1)
    colour = strength * uniform(number, -1, 1, generator, 3, 1, 1)
    sort = torch.randint(3, (number, 1, 1, 1), generator=generator)
    darker, lighter = -strength * views[own], strength * (1 - views[own])
    return views[own] + torch.where(sort == 0, colour, torch.where(sort == 1, darker, lighter))


def _smeared(
    views: torch.Tensor, mask: torch.Tensor, own: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return the picture without its detail."""
    del mask, generator
    side = views.shape[2]
    coarse = functional.interpolate(views[own], size=(side // 8, side // 8), mode="area")
    return functional.interpolate(coarse, size=(side, side), mode="bilinear")


def _painted(
    views: torch.Tensor, mask: torch.Tensor, own: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return one colour of the same picture: a part is missing, or there is one too many."""
    del mask
    row, column = torch.randint(views.shape[2], (2, len(own)), generator=generator)
    return views[own, :, row, column][:, :, None, None].expand_as(views[own])


def _roughened(
    views: torch.Tensor, mask: torch.Tensor, own: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return the picture under coarse grain."""
    del mask
    number, side = len(own), views.shape[2]
    grain = torch.randn(number, 1, side // 2, side // 2, generator=generator)
    strength = uniform(number, 0.06, 0.3, generator, 1, 1, 1)
    return views[own] + strength * functional.interpolate(grain, size=(side, side))


SORTS = (_moved, _moved, _foreign, _tinted, _smeared, _painted, _roughened)
