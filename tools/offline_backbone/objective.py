"""What the backbone learns: to be what a nearest-neighbour detector needs.

An episode is a scene in some damaged and some good views. PatchCore's own measure is taken
within it: every position of the damaged views is rated by its distance to the nearest position
of the good views, and damaged positions must come out above undamaged ones. Distances
enter as logarithms, so that no layer can win by growing. Beside that: every position names the
kind of drawing it shows, damage is marked from the damaged view alone, and channels are kept
from repeating each other, which PaDiM's covariances profit from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tools.offline_backbone.drawings.sheet import KINDS
from tools.offline_backbone.network import Features

DAMAGED = 0.12
UNDAMAGED = 0.01
MARGIN = 0.3
SOFTNESS = 0.2


class Heads(nn.Module):
    """Linear readings of layers 2 and 3: kind of drawing and damage. Not exported."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.middle = nn.Conv2d(2 * width, KINDS + 1, 1)
        self.deep = nn.Conv2d(4 * width, KINDS + 1, 1)


@dataclass(frozen=True)
class Episodes:
    """Views of scenes; the first few of each scene are damaged.

    Attributes
    ----------
    pictures : float32 [B V, 3, H, H]
    kinds : int64 [B V, H / 4, H / 4]
    cover : float32 [B, D, H, H]
        Where the first D views of each scene are damaged.
    """

    pictures: torch.Tensor
    kinds: torch.Tensor
    cover: torch.Tensor

    @property
    def by_scene(self) -> tuple[int, int]:
        """B and V."""
        return len(self.cover), len(self.pictures) // len(self.cover)


def losses(features: Features, heads: Heads, episodes: Episodes) -> dict[str, torch.Tensor]:
    """Return the parts of the loss by name."""
    averaged = {
        name: functional.avg_pool2d(maps, 3, 1, 1, count_include_pad=False)
        for name, maps in features.items()
    }
    size = averaged["layer2"].shape[2:]
    joined = torch.cat(
        [
            averaged["layer2"],
            functional.interpolate(averaged["layer3"], size=size, mode="bilinear"),
        ],
        1,
    )
    found = {
        "episode1": _episode(averaged["layer1"][..., ::2, ::2], episodes),
        "episode2": _episode(averaged["layer2"], episodes),
        "episode3": _episode(averaged["layer3"], episodes),
        "episode": _episode(joined, episodes),
    }
    damaged = episodes.cover.shape[1]
    kinds, marks = [], []
    for layer, head, step in (("layer2", heads.middle, 2), ("layer3", heads.deep, 4)):
        read = head(features[layer])
        kinds.append(functional.cross_entropy(read[:, :KINDS], episodes.kinds[:, ::step, ::step]))
        seen = read[:, KINDS].reshape(*episodes.by_scene, *read.shape[2:])[:, :damaged]
        cover = _shrunk(episodes.cover, read)
        marks.append(functional.binary_cross_entropy_with_logits(seen, cover))
    found["kinds"] = torch.stack(kinds).mean()
    found["marks"] = torch.stack(marks).mean()
    found["repeats"] = torch.stack([_repeats(maps) for maps in features.values()]).mean()
    return found


def _shrunk(cover: torch.Tensor, to: torch.Tensor) -> torch.Tensor:
    return functional.adaptive_avg_pool2d(cover, (to.shape[2], to.shape[3]))


def _episode(maps: torch.Tensor, episodes: Episodes) -> torch.Tensor:
    """How far damaged positions are from standing above undamaged ones."""
    rows = maps.permute(0, 2, 3, 1).reshape(*episodes.by_scene, -1, maps.shape[1])
    first_good = episodes.cover.shape[1]
    query, bank = rows[:, :first_good].flatten(1, 2), rows[:, first_good:].flatten(1, 2)
    cross = torch.bmm(query, bank.mT)
    squared = query.square().sum(2)[:, :, None] + bank.square().sum(2)[:, None] - 2 * cross
    score = 0.5 * (squared.amin(2).clamp_min(0) + 1e-4).log()
    cover = _shrunk(episodes.cover, maps)
    damaged = cover.flatten(1) > DAMAGED
    sound = functional.max_pool2d(cover, 3, 1, 1).flatten(1) < UNDAMAGED
    pair = damaged[:, :, None] & sound[:, None, :]
    gap = functional.softplus((MARGIN - score[:, :, None] + score[:, None, :]) / SOFTNESS)
    every = (gap * pair).sum((1, 2)) / pair.sum((1, 2)).clamp_min(1)
    low = torch.finfo(score.dtype).min
    hottest = score.masked_fill(~damaged, low).amax(1)
    false = score.masked_fill(~sound, low).amax(1)
    both = damaged.any(1) & sound.any(1)
    top = functional.softplus((MARGIN - hottest + false)[both] / SOFTNESS)
    return SOFTNESS * (every[both].mean() + top.mean()) if both.any() else score.sum() * 0


def _repeats(maps: torch.Tensor) -> torch.Tensor:
    """Mean squared correlation between different channels."""
    rows = maps.permute(1, 0, 2, 3).flatten(1)[:, ::3]
    rows = rows - rows.mean(1, keepdim=True)
    rows = rows / (rows.norm(dim=1, keepdim=True) + 1e-4)
    correlation = rows @ rows.T
    off = correlation - torch.diag(correlation.diagonal())
    return off.square().sum() / (len(off) * (len(off) - 1))
