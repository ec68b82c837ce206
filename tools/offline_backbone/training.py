"""Train the offline backbone on drawn pictures, in steps that survive being stopped.

Each step depends on the seed and its own number alone, so a run that was stopped and continued
gives the numbers of an unbroken one. The exported weights are a running average of the trained
ones over about the last twentieth of all steps, in place of a falling learning rate: training
may end, or go on, at any time.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file

from data_utils.pictures import Pictures
from tools.offline_backbone.checkpoint import Counters, Training, restore, save
from tools.offline_backbone.episodes import Artist, Settings
from tools.offline_backbone.network import exported_state, new_trunk
from tools.offline_backbone.objective import Episodes, Heads, losses
from tools.offline_backbone.transfer import (
    TUNED_ON,
    category_pictures,
    extractor,
    transfer,
    watched_figure,
)

WEIGHTS = {
    "episode1": 0.5,
    "episode2": 0.5,
    "episode3": 0.5,
    "episode": 1.0,
    "kinds": 0.2,
    "marks": 0.5,
    "repeats": 1.0,
}
WARM_UP_STEPS = 100
WEIGHT_DECAY = 0.01
AVERAGE_DELAY = 20
LARGEST_GRADIENT = 5.0
LOGGED_EVERY = 25
LOSSES = "losses.csv"
TRANSFERS = "transfer.csv"
BEST = "best.safetensors"
WATCHED_EVERY = 3  # of the good pictures


def new_training(settings: Settings) -> Training:
    """Start from random weights."""
    width, seed = int(settings["width"]), int(settings["seed"])
    trunk, average = new_trunk(width, seed), new_trunk(width, seed)
    torch.manual_seed(seed)
    heads = Heads(width)
    parameters = [*trunk.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=float(settings["learning_rate"]), weight_decay=WEIGHT_DECAY
    )
    return Training(trunk, average, heads, optimizer, Counters())


def train_step(training: Training, episodes: Episodes, peak: float) -> dict[str, float]:
    """Make one step at learning rate `peak`, or on the way to it; return the parts of the loss."""
    counters = training.counters
    rate = peak * min(1.0, (counters.step + 1) / WARM_UP_STEPS)
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    training.trunk.train()
    parts = losses(training.trunk(episodes.pictures), training.heads, episodes)
    total = torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum()
    training.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(total)
    torch.nn.utils.clip_grad_norm_(training.trunk.parameters(), LARGEST_GRADIENT)
    training.optimizer.step()
    counters.step += 1
    counters.seen += len(episodes.pictures)
    _average(training)
    return {name: float(part.detach()) for name, part in {"total": total, **parts}.items()}


@torch.no_grad()
def _average(training: Training) -> None:
    share = AVERAGE_DELAY / (AVERAGE_DELAY + training.counters.step)
    own = training.average.state_dict()
    for key, value in training.trunk.state_dict().items():
        if value.is_floating_point():
            own[key].lerp_(value, share)
        else:
            own[key].copy_(value)


def keep_rows(path: Path, last: int) -> None:
    """Drop the rows of a CSV after step `last`: they belong to steps that are made again."""
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        kept = [row for i, row in enumerate(rows) if i == 0 or int(row[0]) <= last]
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(kept)


def add_row(path: Path, row: dict[str, int | float | str]) -> None:
    """Append a row, below a heading if the file is new."""
    fresh = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def train(given: argparse.Namespace) -> int:
    """Train until the time is over, the views are seen, or the watched figure has stopped."""
    names = ("seed", "width", "side", "scenes", "views", "damaged", "learning_rate")
    settings: Settings = {name: getattr(given, name) for name in names}
    training = new_training(settings)
    restore(given.out, training, settings)
    counters = training.counters
    for name in (LOSSES, TRANSFERS):
        keep_rows(given.out / name, counters.step)
    given.out.mkdir(parents=True, exist_ok=True)
    watched = [(n, category_pictures(given.data, n)) for n in TUNED_ON] if given.data else []
    artist = Artist(settings, given.draw_ahead)
    until = time.perf_counter() + given.minutes * 60
    saved = time.perf_counter()
    recent: list[dict[str, float]] = []
    while time.perf_counter() < until and counters.seen < given.pictures:
        if watched and _stopped_rising(counters, given.patience):
            print(f"no rise since {counters.best_seen} views; the best was {counters.best:.4f}")
            break
        started = time.perf_counter()
        episodes = artist.episodes(counters.step)
        recent.append(train_step(training, episodes, given.learning_rate))
        counters.seconds += time.perf_counter() - started
        if counters.step % LOGGED_EVERY == 0:
            _log_losses(given.out / LOSSES, counters, recent)
            recent = []
        due = counters.seen % given.measure_every < int(settings["scenes"] * settings["views"])
        if watched and due:
            _watch(given.out, training, watched)
        if due or time.perf_counter() - saved > given.save_minutes * 60:
            save(given.out, training, settings)
            saved = time.perf_counter()
    save(given.out, training, settings)
    print(f"step {counters.step}, {counters.seen} views, {counters.seconds:.0f} s of training")
    return 0


def _stopped_rising(counters: Counters, patience: int) -> bool:
    return counters.best_seen > 0 and counters.seen - counters.best_seen > patience


def _log_losses(path: Path, counters: Counters, recent: Sequence[dict[str, float]]) -> None:
    means = {name: sum(row[name] for row in recent) / len(recent) for name in recent[0]}
    figures = {name: f"{value:.4f}" for name, value in means.items()}
    rate = f"{counters.seen / counters.seconds:.0f}"
    add_row(path, {"step": counters.step, "seen": counters.seen, "per_second": rate, **figures})


def _watch(folder: Path, training: Training, watched: Sequence[tuple[str, Pictures]]) -> None:
    """Measure the averaged trunk and keep the best one as ``best.safetensors``."""
    extract = extractor(training.average)
    rows = [row for name, own in watched for row in transfer(extract, name, own, WATCHED_EVERY)]
    counters = training.counters
    figure = watched_figure(rows)
    areas = {
        f"{row.category}_{row.method}_{sort}": f"{value:.4f}"
        for row in rows
        for sort, value in (("image", row.image_auroc), ("pixel", row.pixel_auroc))
    }
    place: dict[str, int | float | str] = {"step": counters.step, "seen": counters.seen}
    seconds = f"{counters.seconds:.0f}"
    add_row(folder / TRANSFERS, {**place, "seconds": seconds, "figure": f"{figure:.4f}", **areas})
    print(f"{counters.seen} views, {seconds} s: {figure:.4f}", areas, flush=True)
    if figure > counters.best:
        counters.best, counters.best_seen = figure, counters.seen
        unfinished = folder / f"{BEST}.part"
        save_file(
            exported_state(training.average), unfinished, {"counters": json.dumps(asdict(counters))}
        )
        unfinished.replace(folder / BEST)


def main() -> int:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and logs")
    parser.add_argument("--data", type=Path, help="folder with bottle and screw, to watch")
    parser.add_argument("--minutes", type=float, default=180, help="stop after this long (180)")
    parser.add_argument("--pictures", type=int, default=10_000_000, help="stop after this many")
    parser.add_argument("--patience", type=int, default=120_000, help="views without a rise")
    parser.add_argument("--measure-every", type=int, default=20_000, help="views (20000)")
    parser.add_argument("--save-minutes", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--draw-ahead", action="store_true", help="in a thread of its own, on a second core"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=64, help="channels of layer 1 (64)")
    parser.add_argument("--side", type=int, default=96, help="of a view, px (96)")
    parser.add_argument("--scenes", type=int, default=6, help="per step (6)")
    parser.add_argument("--views", type=int, default=4, help="per scene (4)")
    parser.add_argument("--damaged", type=int, default=2, help="of the views of a scene (2)")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    return train(given)


if __name__ == "__main__":
    sys.exit(main())
