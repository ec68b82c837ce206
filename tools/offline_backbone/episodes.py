"""The pictures of every step, drawn while the step before still computes, if wanted."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch

from tools.offline_backbone.alterations import altered
from tools.offline_backbone.objective import Episodes
from tools.offline_backbone.pool import Pool
from tools.offline_backbone.views import exposed, normalised, read_views, scene_poses

Settings = dict[str, int | float]


def draw_episodes(pool: Pool, settings: Settings, step: int) -> Episodes:
    """Draw the pictures of one step; they depend on the seed and the step alone."""
    generator = torch.Generator().manual_seed(int(settings["seed"]) * 1_000_003 + step)
    pool.advance(step)
    scenes, views, side = (int(settings[name]) for name in ("scenes", "views", "side"))
    spoilt = int(settings["damaged"])
    sheets = pool.sample(scenes, generator)
    poses = scene_poses(scenes, views, generator)
    repeated = sheets.repeat_interleave(views, 0)
    pictures = read_views(repeated[:, :3].float() / 255, poses, side)
    kinds = torch.nn.functional.grid_sample(
        repeated[:, 3:].float(),
        poses.grid(side // 4),
        mode="nearest",
        padding_mode="reflection",
        align_corners=False,
    )
    by_scene = pictures.view(scenes, views, 3, side, side)
    damaged, cover = altered(by_scene[:, :spoilt].flatten(0, 1), generator)
    by_scene[:, :spoilt] = damaged.view(scenes, spoilt, 3, side, side)
    pictures = normalised(exposed(pictures, generator))
    return Episodes(pictures, kinds[:, 0].long(), cover.view(scenes, spoilt, side, side))


class Artist:
    """Draws the episodes of one step after the other.

    Parameters
    ----------
    settings : dict
        Of the training.
    ahead : bool
        Draw the next step's in a thread of its own; worth it where a second core is free.
    """

    def __init__(self, settings: Settings, ahead: bool = False) -> None:
        self._settings = settings
        self._pool = Pool(int(settings["seed"]))
        self._thread = ThreadPoolExecutor(1) if ahead else None
        self._next: Future[Episodes] | None = None

    def episodes(self, step: int) -> Episodes:
        """Return the episodes of `step`; steps are asked for one after the other."""
        if self._thread is None:
            return self._drawn(step)
        drawing = self._next or self._thread.submit(self._drawn, step)
        self._next = self._thread.submit(self._drawn, step + 1)
        return drawing.result()

    def _drawn(self, step: int) -> Episodes:
        return draw_episodes(self._pool, self._settings, step)
