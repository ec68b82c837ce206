"""Texts of the comparison with a baseline."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "difference_title": ("Is a difference real? {category}", "차이가 진짜인가? {category}"),
    "difference_baseline": ("Baseline", "기준"),
    "difference_help": (
        "What the other results of this category are compared with.",
        "이 카테고리의 다른 결과를 비교할 기준입니다.",
    ),
    "difference_better": (
        "**{ours} is better than {baseline}**: image AUROC higher by {size:.3f} (95 % interval "
        "{low:+.3f} to {high:+.3f}; {pictures} pictures, seeds: {seeds} and {baseline_seeds}).",
        "**{ours}: 기준({baseline})보다 나음.** 이미지 AUROC {size:.3f} 높음 "
        "(95 % 구간 {low:+.3f} ~ {high:+.3f}, 사진 {pictures}장, 시드 {seeds}개와 "
        "{baseline_seeds}개).",
    ),
    "difference_worse": (
        "**{ours} is worse than {baseline}**: image AUROC lower by {size:.3f} (95 % interval "
        "{low:+.3f} to {high:+.3f}; {pictures} pictures, seeds: {seeds} and {baseline_seeds}).",
        "**{ours}: 기준({baseline})보다 못함.** 이미지 AUROC {size:.3f} 낮음 "
        "(95 % 구간 {low:+.3f} ~ {high:+.3f}, 사진 {pictures}장, 시드 {seeds}개와 "
        "{baseline_seeds}개).",
    ),
    "difference_none": (
        "**{ours} and {baseline} cannot be told apart**: image AUROC differs by {signed:+.3f} "
        "(95 % interval {low:+.3f} to {high:+.3f}; {pictures} pictures, seeds: {seeds} and "
        "{baseline_seeds}).",
        "**{ours}: 기준({baseline}) 대비 구별할 수 없음.** 이미지 AUROC 차이 {signed:+.3f} "
        "(95 % 구간 {low:+.3f} ~ {high:+.3f}, 사진 {pictures}장, 시드 {seeds}개와 "
        "{baseline_seeds}개).",
    ),
    "difference_undefined": (
        "{ours} and {baseline} cannot be compared: an image AUROC needs good and defective test "
        "pictures.",
        "{ours}, {baseline}: 비교할 수 없음. 이미지 AUROC에는 양품과 불량 시험 사진이 모두 "
        "필요합니다.",
    ),
    "difference_other_pictures": (
        "- {ours} and {baseline} were not evaluated on the same pictures; evaluate both again.",
        "- {ours}, {baseline}: 같은 사진으로 평가되지 않았습니다. 둘 다 다시 평가하세요.",
    ),
    "difference_one_seed": (
        "With one seed the spread over seeds is not known; more seeds (--seeds 0 1 2) would show "
        "it.",
        "시드가 하나뿐이면 시드에 따른 변동을 알 수 없습니다. 시드를 늘리면(--seeds 0 1 2) "
        "드러납니다.",
    ),
    "difference_explained": (
        "Paired bootstrap over the test pictures, and the spread over seeds added to it. A single "
        "comparison is wrong in about one of twenty cases; among many, some will look real by "
        "chance.",
        "시험 사진을 짝지어 다시 뽑은 부트스트랩에 시드에 따른 변동을 더한 구간입니다. 비교 하나는 "
        "스무 번에 한 번꼴로 틀리므로, 여럿을 비교하면 우연히 진짜처럼 보이는 것이 생깁니다.",
    ),
    "difference_numbers": ("Differences from {baseline}", "{baseline} 대비 차이"),
    "difference_column": ("Difference in image AUROC", "이미지 AUROC 차이"),
    "difference_column_low": ("95 % from", "95 % 하한"),
    "difference_column_high": ("95 % to", "95 % 상한"),
    "difference_column_seeds": ("Seeds", "시드 수"),
    "tradeoff_over_seeds": ("Mean over seeds", "시드 평균"),
    "tradeoff_over_seeds_help": (
        "One point per setting. In the image AUROC the bar is one standard deviation over the "
        "seeds to either side.",
        "설정마다 점 하나입니다. 이미지 AUROC의 막대는 시드에 따른 표준편차를 위아래로 나타냅니다.",
    ),
    "tradeoff_seed_bars_of_means": (
        "The bars are one standard deviation of this mean over the seeds.",
        "막대는 이 평균의 시드에 따른 표준편차입니다.",
    ),
    "tradeoff_seed_bars": (
        "The bars are one standard deviation over the seeds; where there is one seed only, the "
        "95 % interval of its image AUROC.",
        "막대는 시드에 따른 표준편차입니다. 시드가 하나뿐이면 이미지 AUROC의 95 % 구간입니다.",
    ),
}
