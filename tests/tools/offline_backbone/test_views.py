"""Views, damage and the pool that they are drawn from."""

from __future__ import annotations

import torch

from tools.offline_backbone.alterations import altered
from tools.offline_backbone.drawings.sheet import draw_sheet
from tools.offline_backbone.pool import Pool
from tools.offline_backbone.views import Poses, exposed, read_views, scene_poses


def random_views(count: int = 6, side: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_the_whole_sheet_seen_straight_on_is_the_sheet() -> None:
    sheets = random_views(2)
    poses = Poses(torch.zeros(2), torch.ones(2), torch.zeros(2, 2))
    torch.testing.assert_close(read_views(sheets, poses, 64), sheets, atol=1e-4, rtol=0)


def test_a_quarter_turn_of_the_camera_turns_the_picture() -> None:
    sheets = random_views(1)
    poses = Poses(torch.full((1,), torch.pi / 2), torch.ones(1), torch.zeros(1, 2))
    turned = read_views(sheets, poses, 64)
    torch.testing.assert_close(turned, sheets.rot90(1, (2, 3)), atol=1e-4, rtol=0)


def test_views_of_one_scene_are_closer_than_those_of_two() -> None:
    poses = scene_poses(50, 4, torch.Generator().manual_seed(0))
    centres = poses.centre.view(50, 4, 2)
    within = (centres[:, 0] - centres[:, 1]).norm(dim=1).mean()
    between = (centres[:-1, 0] - centres[1:, 0]).norm(dim=1).mean()
    assert within < between / 2


def test_nothing_changes_where_no_damage_is_marked() -> None:
    views = random_views()
    pictures, cover = altered(views, torch.Generator().manual_seed(1))
    change = (pictures - views).abs().mean(1, keepdim=True)
    assert cover.max() > 0.9
    assert change[cover == 0].mean() < 0.05 * change[cover > 0.9].mean()


def test_exposure_keeps_the_range_and_the_order_of_bright_and_dark() -> None:
    views = torch.zeros(8, 3, 32, 32)
    views[..., 16:] = 0.8
    seen = exposed(views, torch.Generator().manual_seed(2))
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert (seen[..., 20:].mean((1, 2, 3)) > seen[..., :12].mean((1, 2, 3))).all()


def test_a_pool_that_starts_late_holds_what_one_that_never_stopped_holds() -> None:
    steady, late = Pool(4, 8, 3), Pool(4, 8, 3)
    for step in range(5):
        steady.advance(step)
    late.advance(4)
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    first, second = (
        pool.sample(8, own) for pool, own in zip((steady, late), generators, strict=True)
    )
    assert torch.equal(first, second)
    newest = torch.from_numpy(draw_sheet(4, 4 * 3 + 7).kinds)
    assert any(torch.equal(own, newest) for own in first[:, 3])
