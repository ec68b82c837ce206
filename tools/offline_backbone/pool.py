"""A pool of sheets that is renewed all the time: every step reads some and replaces a few."""

from __future__ import annotations

import numpy as np
import torch

from tools.offline_backbone.drawings.sheet import SIDE, draw_sheet


class Pool:
    """The sheets of one step; after any break the same step sees the same sheets.

    Parameters
    ----------
    seed : int
    size : int
        Sheets held.
    renewed : int
        Sheets replaced per step, the oldest first.
    """

    def __init__(self, seed: int, size: int = 256, renewed: int = 4) -> None:
        self.seed, self.size, self.renewed = seed, size, renewed
        self._pixels = np.empty((size, 4, SIDE, SIDE), np.uint8)
        self._next = 0

    def advance(self, step: int) -> None:
        """Draw what is missing for `step`."""
        last = step * self.renewed + self.size
        for number in range(max(self._next, last - self.size), last):
            sheet = draw_sheet(self.seed, number)
            self._pixels[number % self.size, :3] = sheet.picture.transpose(2, 0, 1)
            self._pixels[number % self.size, 3] = sheet.kinds
        self._next = last

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Return `count` different sheets, uint8 ``[count, 4, SIDE, SIDE]``: colours and kinds."""
        chosen = torch.randperm(self.size, generator=generator)[:count]
        return torch.from_numpy(self._pixels[chosen.numpy()])
