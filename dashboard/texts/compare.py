"""Texts of the compare page."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "compare_title": ("Compare: {category}", "나란히 비교: {category}"),
    "compare_lead": (
        "The same test picture as each method sees it, at one common false-alarm rate.",
        "같은 시험 사진을 모든 방법이 어떻게 보는지, 같은 오경보 비율에서 비교합니다.",
    ),
    "compare_evaluate": (
        "Evaluate {methods} on {category} now",
        "{category}에서 {methods} 평가 시작",
    ),
    "compare_evaluate_hint": (
        "Runs as a process of its own; the sidebar shows how far it is.",
        "별도 프로세스로 실행되며, 진행 상황은 왼쪽에 나타납니다.",
    ),
    "compare_unlike": (
        "Evaluated under different conditions: {what}. Some of the differences shown may come from "
        "that.",
        "평가 조건이 서로 다릅니다: {what}. 보이는 차이 중 일부는 여기서 왔을 수 있습니다.",
    ),
    "compare_unlike_root": ("data folder ({values})", "데이터 폴더({values})"),
    "compare_unlike_pictures": (
        "the pictures in the data folder have changed in between",
        "그사이 데이터 폴더의 사진이 바뀌었습니다",
    ),
    "compare_unlike_geometry": ("picture size ({values})", "사진 크기({values})"),
    "size_whole": ("{height} x {width} px", "{height} x {width} px"),
    "size_cropped": (
        "{height} x {width} px, cropped from a shorter side of {side} px",
        "{height} x {width} px, 짧은 변 {side} px에서 자름",
    ),
    "compare_unlike_weights": ("backbone weights ({values})", "백본 가중치({values})"),
    "compare_hit": ("hit", "결함을 찾음"),
    "compare_missed": ("missed defect", "놓친 결함"),
    "compare_passed": ("right: passed as good", "맞음: 양품으로 판정"),
    "compare_false_alarm": ("false alarm", "오경보"),
    "compare_no_threshold": (
        "no threshold (needs {needed} good pictures, has {count})",
        "임계값 없음 (양품 사진 {needed}장 필요, 현재 {count}장)",
    ),
    "compare_not_judged": ("n/a", "판정 없음"),
    "compare_score": ("Score **{score}** ({unit})", "점수 **{score}** ({unit})"),
    "compare_threshold": (
        "Threshold {threshold:.4g}, from {count} held-out good training pictures",
        "임계값 {threshold:.4g}, 빼 둔 양품 학습 사진 {count}장으로 정함",
    ),
    "compare_rank": (
        "Rank {rank:.0f} %: above that share of the {count} test pictures",
        "백분위 {rank:.0f}: 시험 사진 {count}장 중 {rank:.0f} %보다 점수가 높음",
    ),
    "compare_colours": ("Colours: {low:.3g} to {high:.3g}", "색: {low:.3g}~{high:.3g}"),
    "compare_not_scored": (
        "{name} is not among the results of {method}. Evaluate it again to add it.",
        "{method}의 결과에 없는 사진: {name}. 다시 평가하면 추가됩니다.",
    ),
    "compare_scales": (
        "Scores and colours have each method’s own unit and fixed scale, so compare places and "
        "verdicts, not numbers. The outline on the overlay encloses what scores above the "
        "method’s threshold.",
        "점수와 색은 방법마다 단위와 척도가 다르므로 숫자가 아니라 위치와 판정을 비교하세요. "
        "겹쳐 보기의 윤곽선은 그 방법의 임계값보다 점수가 높은 곳을 둘러쌉니다.",
    ),
    "compare_open_samples": ("Open in Samples", "샘플 보기에서 열기"),
    "compare_finder": ("Where the methods disagree", "방법마다 의견이 갈리는 사진"),
    "compare_finder_note": (
        "Rank: the share of the {count} test pictures that score lower with the same method "
        "(equal scores count half); 100 % is the most anomalous. Spread: largest minus smallest "
        "rank. Ranks compare across methods although scores do not. Tick a row to open it above.",
        "백분위: 같은 방법에서 시험 사진 {count}장 중 점수가 더 낮은 사진의 비율입니다(같은 "
        "점수는 절반으로 셈). 100 %에 가까울수록 이상합니다. 차이: 가장 큰 백분위에서 가장 작은 "
        "백분위를 뺀 값입니다. 점수와 달리 백분위는 방법끼리 비교할 수 있습니다. 행의 왼쪽 칸을 "
        "누르면 위에 열립니다.",
    ),
    "compare_shared_only": (
        "{left_out} test pictures that only some of the methods have scored take no part.",
        "일부 방법만 채점한 시험 사진 {left_out}장은 제외했습니다.",
    ),
    "compare_nothing_shared": (
        "The methods have no test picture in common, so there is nothing to rank.",
        "모든 방법이 함께 채점한 시험 사진이 없어 백분위를 비교할 수 없습니다.",
    ),
    "compare_nothing_shared_here": (
        "No picture of this choice was scored by all methods.",
        "이 보기에는 모든 방법이 함께 채점한 사진이 없습니다.",
    ),
    "compare_needs_two": (
        "This needs the results of at least two methods.",
        "두 가지 이상의 방법을 평가해야 볼 수 있습니다.",
    ),
    "compare_column_sample": ("Sample", "샘플"),
    "compare_column_spread": ("Spread", "차이"),
    "compare_column_spread_help": (
        "Largest minus smallest rank, in percentage points",
        "가장 큰 백분위에서 가장 작은 백분위를 뺀 값(%p)",
    ),
    "compare_column_rank_help": (
        "Rank with {method}: per cent of the test pictures that score lower",
        "{method}의 백분위: 점수가 더 낮은 시험 사진의 비율(%)",
    ),
    "compare_column_verdict_help": (
        "Verdict of {method} at the allowed false alarms",
        "허용 오경보 비율에서 {method}의 판정",
    ),
    "compare_short_hit": ("✓ hit", "✓ 찾음"),
    "compare_short_passed": ("✓ passed", "✓ 통과"),
    "compare_short_missed": ("✗ missed", "✗ 놓침"),
    "compare_short_false_alarm": ("! alarm", "! 오경보"),
    "compare_together": ("Where all are wrong together", "모두 함께 틀린 사진"),
    "compare_together_note": (
        "Judged by {methods} at {rate} allowed false alarms. Click on a name to open it above.",
        "{methods}의 판정, 허용 오경보 {rate}. 이름을 누르면 위에 열립니다.",
    ),
    "compare_left_out": (
        "Left out, because there is no threshold at this rate: {methods}.",
        "이 비율에서 임계값이 없어 제외한 방법: {methods}.",
    ),
    "compare_needs_two_thresholds": (
        "This needs at least two methods with a threshold at {rate} allowed false alarms. "
        "Allow more, or add good training pictures.",
        "허용 오경보 {rate}에서 임계값이 있는 방법이 둘 이상이어야 합니다. 허용 비율을 "
        "높이거나 양품 학습 사진을 추가하세요.",
    ),
    "compare_all_missed": ("Missed by all ({count})", "모두 놓친 결함 ({count})"),
    "compare_none_missed": (
        "None: every defective picture shown here is found by at least one method.",
        "없습니다. 여기 있는 불량 사진은 모두 한 가지 이상의 방법이 찾았습니다.",
    ),
    "compare_no_defective": (
        "No defective pictures in this choice.",
        "이 보기에는 불량 사진이 없습니다.",
    ),
    "compare_all_alarms": ("False alarm of all ({count})", "모두의 오경보 ({count})"),
    "compare_none_alarms": (
        "None: every good picture shown here is passed by at least one method.",
        "없습니다. 여기 있는 양품 사진은 모두 한 가지 이상의 방법이 통과시켰습니다.",
    ),
    "compare_no_good": (
        "No good pictures in this choice.",
        "이 보기에는 양품 사진이 없습니다.",
    ),
}
