"""Views of sheets: where the camera stood, how it exposed, how it blurred; all in batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from detectors.backbone import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True)
class Poses:
    """Where views lie on their sheets.

    Attributes
    ----------
    angle : float32 [N]
        Radians.
    zoom : float32 [N]
        Half the side of the view, in halves of the sheet.
    centre : float32 [N, 2]
        x and y, the sheet reaching from -1 to 1.
    """

    angle: torch.Tensor
    zoom: torch.Tensor
    centre: torch.Tensor

    def grid(self, side: int) -> torch.Tensor:
        """Return where to read the sheet, float32 ``[N, side, side, 2]``."""
        cosine, sine = self.angle.cos() * self.zoom, self.angle.sin() * self.zoom
        rows = torch.stack([cosine, -sine, self.centre[:, 0], sine, cosine, self.centre[:, 1]], 1)
        return torch.nn.functional.affine_grid(
            rows.view(-1, 2, 3), [len(rows), 1, side, side], align_corners=False
        )


def uniform(
    count: int, low: float, high: float, generator: torch.Generator, *shape: int
) -> torch.Tensor:
    """Draw float32 ``[count, *shape]`` from `low` to `high`."""
    return torch.rand(count, *shape, generator=generator) * (high - low) + low


def scene_poses(scenes: int, views: int, generator: torch.Generator) -> Poses:
    """Draw a pose for each scene, and views that differ from it a little.

    Returns
    -------
    Poses
        ``scenes * views`` of them, those of one scene in a row.
    """
    angle = uniform(scenes, -math.pi, math.pi, generator)
    zoom = torch.exp(uniform(scenes, math.log(0.45), math.log(1.0), generator))
    centre = uniform(scenes, -0.6, 0.6, generator, 2) * (1.05 - zoom)[:, None]
    loose = uniform(scenes, 0.2, 1.5, generator).repeat_interleave(views)
    number = scenes * views
    turn = 0.12 * loose * torch.randn(number, generator=generator)
    shift = 0.05 * loose[:, None] * torch.randn(number, 2, generator=generator)
    growth = 0.03 * loose * torch.randn(number, generator=generator)
    zoom = zoom.repeat_interleave(views)
    return Poses(
        angle.repeat_interleave(views) + turn,
        zoom * growth.exp(),
        centre.repeat_interleave(views, 0) + shift * zoom[:, None],
    )


def read_views(sheets: torch.Tensor, poses: Poses, side: int) -> torch.Tensor:
    """Read views from sheets.

    Parameters
    ----------
    sheets : float32 [N, C, S, S]
    side : int
        Of the views, px.

    Returns
    -------
    float32 [N, C, side, side]
    """
    return torch.nn.functional.grid_sample(
        sheets, poses.grid(side), padding_mode="reflection", align_corners=False
    )


def exposed(views: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change light, colour cast, sharpness and noise of each view, float32 0 to 1."""
    number, _, side, _ = views.shape

    def each(low: float, high: float) -> torch.Tensor:
        return uniform(number, low, high, generator).view(-1, 1, 1, 1)

    soft = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(views, (1, 1, 1, 1), mode="replicate"), 3, stride=1
    )
    views = torch.lerp(views, soft, each(-0.4, 1.0))
    axis = torch.linspace(-1, 1, side)
    slope = each(-0.1, 0.1) * axis.view(1, 1, -1, 1) + each(-0.1, 0.1) * axis.view(1, 1, 1, -1)
    cast = 1 + uniform(number, -0.03, 0.03, generator, 3).view(-1, 3, 1, 1)
    views = views.clamp(0, 1).pow(each(-0.25, 0.25).exp()) * (each(0.8, 1.15) * cast * (1 + slope))
    views = views + each(-0.06, 0.06)
    grain = torch.randn(number, 3, side, side, generator=generator)
    sigma = each(0, 1).square() * 0.04
    return (views + grain * sigma).clamp(0, 1)


def normalised(views: torch.Tensor) -> torch.Tensor:
    """Bring views of 0 to 1 to what the backbone expects, channels last."""
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return ((views - mean) / std).contiguous(memory_format=torch.channels_last)
