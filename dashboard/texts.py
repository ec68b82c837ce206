"""Every text of the app, in English and in Korean."""

from __future__ import annotations

from pathlib import Path

LANGUAGES = {"en": "English", "ko": "한국어"}
DEFAULT_LANGUAGE = "en"

TEXTS: dict[str, tuple[str, str]] = {
    "app_title": ("MVTec Anomaly Detection", "MVTec 이상 탐지"),
    "page_overview": ("Overview", "한눈에 보기"),
    "page_samples": ("Samples", "샘플 보기"),
    # Sidebar
    "language": ("Language", "언어"),
    "data_folder": ("Data folder", "데이터 폴더"),
    "data_folder_help": (
        "The folder that holds the categories: <category>/train/good, <category>/test/<defect>, "
        "<category>/ground_truth/<defect>.",
        "카테고리들이 들어 있는 폴더입니다: <카테고리>/train/good, <카테고리>/test/<결함>, "
        "<카테고리>/ground_truth/<결함>.",
    ),
    "category": ("Category", "카테고리"),
    "method": ("Method", "방법"),
    "demo_badge": ("demo data", "데모 데이터"),
    "demo_notice": (
        "Demo data: generated pictures, not MVTec AD. Give your data folder in the sidebar to "
        "work on real ones.",
        "데모 데이터: MVTec AD가 아니라 프로그램이 그린 그림입니다. 실제 사진을 쓰려면 왼쪽에 "
        "데이터 폴더를 적어 주세요.",
    ),
    "drawing_demo": (
        "Drawing the demo data, once, in a few seconds ...",
        "데모 데이터를 그리는 중입니다. 처음 한 번, 몇 초면 됩니다 ...",
    ),
    "demo_failed": (
        "The demo data could not be drawn: {reason}",
        "데모 데이터를 그리지 못했습니다: {reason}",
    ),
    "random_notice": (
        "Random backbone weights: {cells} ran without ImageNet weights, so these numbers say "
        "nothing about the methods. Give weights with BACKBONE_WEIGHTS (see README), then run "
        "again with “Repeat finished cells”.",
        "무작위 백본 가중치: {cells}은(는) ImageNet 가중치 없이 계산되어, 이 숫자로는 방법의 "
        "좋고 나쁨을 말할 수 없습니다. BACKBONE_WEIGHTS로 가중치를 지정하고(README 참고) "
        "‘끝난 셀도 다시 계산’을 켜고 다시 실행하세요.",
    ),
    # Run control
    "run_full": ("Run full evaluation", "전체 평가 실행"),
    "run_scope": ("What to run", "실행 범위"),
    "run_categories": ("Categories", "카테고리"),
    "run_methods": ("Methods", "방법"),
    "run_everything_help": ("Leave empty for all.", "비워 두면 전부 실행합니다."),
    "run_force": ("Repeat finished cells", "끝난 셀도 다시 계산"),
    "run_force_help": (
        "Otherwise cells whose data and settings are unchanged are skipped.",
        "끄면 데이터와 설정이 그대로인 셀은 건너뜁니다.",
    ),
    "run_cancel": ("Cancel", "취소"),
    "run_running": ("{done} of {total} cells done", "{total}개 셀 중 {done}개 완료"),
    "run_current": ("Now: {cells}", "지금: {cells}"),
    "run_eta": ("about {minutes} left", "약 {minutes} 남음"),
    "run_eta_unknown": ("time left not known yet", "남은 시간은 아직 알 수 없음"),
    "run_done": (
        "Evaluation finished: {done} new, {skipped} unchanged.",
        "평가가 끝났습니다: 새로 {done}개, 그대로 {skipped}개.",
    ),
    "run_failed": ("Evaluation ended with an error: {reason}", "평가 중 오류: {reason}"),
    "run_cancelled": (
        "Evaluation cancelled; finished cells are kept.",
        "평가를 취소했습니다. 끝난 셀은 남아 있습니다.",
    ),
    "run_log": ("Log", "로그"),
    "run_starting": ("starting", "시작하는 중"),
    "minutes_value": ("{minutes} min", "{minutes}분"),
    "seconds_value": ("{seconds} s", "{seconds}초"),
    # Overview
    "overview_title": ("AE, PaDiM and PatchCore side by side", "AE, PaDiM, PatchCore 비교"),
    "overview_lead": (
        "Three ways of finding defects in pictures of parts, measured on the same pictures with "
        "the same metrics.",
        "부품 사진에서 결함을 찾는 세 가지 방법을 같은 사진, 같은 지표로 비교합니다.",
    ),
    "data_caption": (
        "Data: {root} · {count} categories: {names}",
        "데이터: {root} · 카테고리 {count}개: {names}",
    ),
    "results_title": ("Results", "결과"),
    "no_results_title": ("No results yet", "아직 결과가 없습니다"),
    "no_results_hint": (
        "Press **Run full evaluation** in the sidebar, or pick a category and a method and open "
        "**Samples** to try one right away.",
        "왼쪽의 **전체 평가 실행**을 누르거나, 카테고리와 방법을 고르고 **샘플 보기**에서 바로 "
        "하나를 시험해 보세요.",
    ),
    "auroc_explained": (
        "Image AUROC: the chance that a defective picture scores higher than a good one "
        "(1 is perfect, 0.5 is guessing). Pixel AUROC asks the same of defective and normal "
        "pixels. The 95 % interval is that of the image AUROC (bootstrap over pictures).",
        "이미지 AUROC: 불량 사진의 점수가 양품 사진보다 높을 확률입니다(1이면 완벽, 0.5면 "
        "동전 던지기). 픽셀 AUROC는 결함 픽셀과 정상 픽셀에 대해 같은 것을 묻습니다. 95 % 구간은 "
        "이미지 AUROC의 구간(사진 부트스트랩)입니다.",
    ),
    "time_explained": (
        "Runtime = fit + score with one full backbone pass each, without reading pictures, "
        "metrics and writing. Times are from {machine}.",
        "실행 시간 = 학습 + 채점(백본 통과 포함). 사진 읽기, 지표 계산, 파일 쓰기는 뺀 "
        "값입니다. 측정한 컴퓨터: {machine}.",
    ),
    "mean_of": ("mean of {count}", "{count}개 평균"),
    "column_category": ("Category", "카테고리"),
    "column_method": ("Method", "방법"),
    "column_image_auroc": ("Image AUROC", "이미지 AUROC"),
    "column_interval": ("95 % interval", "95 % 구간"),
    "column_pixel_auroc": ("Pixel AUROC", "픽셀 AUROC"),
    "column_aupro": ("AUPRO 30 %", "AUPRO 30 %"),
    "column_fit_s": ("Fit (s)", "학습 (초)"),
    "column_score_s": ("Score (s)", "채점 (초)"),
    "column_runtime_s": ("Runtime (s)", "실행 시간 (초)"),
    "column_ms_per_image": ("ms per picture", "사진당 (ms)"),
    "column_model_mb": ("Model (MB)", "모델 (MB)"),
    "column_peak_memory_mb": ("Peak memory (MB)", "최대 메모리 (MB)"),
    "column_weights": ("Backbone weights", "백본 가중치"),
    "column_settings": ("Settings", "설정"),
    "column_data": ("Data", "데이터"),
    "default_settings": ("default", "기본"),
    "means_mixed": (
        "Means are taken over the categories that each method has finished: {counts}.",
        "평균은 방법마다 끝난 카테고리에 대해 계산합니다: {counts}.",
    ),
    "download_summary": ("Download summary.csv", "summary.csv 내려받기"),
    "failed_cells": ("Cells that failed", "실패한 셀"),
    "unreadable_cells": ("Results that cannot be read", "읽을 수 없는 결과"),
    "data_findings": ("Remarks on the data ({count})", "데이터에 대한 알림 ({count})"),
    # Samples
    "samples_title": ("Samples: {category} · {method}", "샘플: {category} · {method}"),
    "choose_category": (
        "Choose a category and a method in the sidebar.",
        "왼쪽에서 카테고리와 방법을 골라 주세요.",
    ),
    "filter_defect": ("Show", "보기"),
    "everything": ("all", "전체"),
    "sort_by": ("Order", "순서"),
    "sort_name": ("by name", "이름순"),
    "sort_score": ("highest score first", "점수 높은 순"),
    "sample": ("Sample", "샘플"),
    "previous": ("Previous", "이전"),
    "next": ("Next", "다음"),
    "position": ("{position} of {count}", "{position} / {count}"),
    "panel_image": ("Image", "원본"),
    "panel_truth": ("Ground truth", "정답"),
    "panel_heatmap": ("Heatmap", "히트맵"),
    "panel_overlay": ("Overlay", "겹쳐 보기"),
    "no_mask": ("No mask for this picture", "이 사진에는 마스크가 없습니다"),
    "no_defect_marked": ("Good part: nothing to mark", "양품: 표시할 결함 없음"),
    "missing_picture": (
        "{name} is missing from the results; run this cell again.",
        "결과에 {name} 파일이 없습니다. 이 셀을 다시 실행하세요.",
    ),
    "label_good": ("good", "양품"),
    "label_defect": ("defect: {defect}", "결함: {defect}"),
    "score_line": (
        "Score {score:.4g} ({unit}, higher is more anomalous)",
        "점수 {score:.4g} ({unit}, 높을수록 이상)",
    ),
    "unit_ae": ("reconstruction error", "재구성 오차"),
    "unit_padim": ("Mahalanobis distance", "마할라노비스 거리"),
    "unit_patchcore": ("distance to the nearest good patch", "가장 가까운 양품 패치까지의 거리"),
    "unit_other": ("raw score", "원점수"),
    "verdict_defective": ("reported defective", "불량으로 판정"),
    "verdict_good": ("passed as good", "양품으로 판정"),
    "verdict_right": ("right", "맞음"),
    "verdict_missed": ("missed defect", "놓친 결함"),
    "verdict_false_alarm": ("false alarm", "오경보"),
    "threshold_line": (
        "Threshold {threshold:.4g}: at most {rate:.0%} of good parts are expected above it, from "
        "{count} good training pictures held out of the model.",
        "임계값 {threshold:.4g}: 모델에서 빼 둔 양품 학습 사진 {count}장으로 정했으며, 양품의 "
        "최대 {rate:.0%}만 이 값을 넘을 것으로 예상합니다.",
    ),
    "threshold_unknown": (
        "No threshold: {count} held-out good pictures are too few for {rate:.0%} false alarms; "
        "at least {needed} are needed.",
        "임계값 없음: 빼 둔 양품 사진이 {count}장뿐이라 오경보 {rate:.0%}를 보장할 수 없습니다. "
        "최소 {needed}장이 필요합니다.",
    ),
    "scale_line": (
        "Colour scale {low:.3g} to {high:.3g}, the same for every picture of this cell.",
        "색 척도 {low:.3g}~{high:.3g}, 이 셀의 모든 사진에 똑같이 적용됩니다.",
    ),
    "cell_line": (
        "Image AUROC {image} ({low}–{high}) · pixel AUROC {pixel} · AUPRO {aupro} · fit {fit:.1f} "
        "s · {ms:.0f} ms per picture · backbone weights: {weights}",
        "이미지 AUROC {image} ({low}–{high}) · 픽셀 AUROC {pixel} · AUPRO {aupro} · 학습 "
        "{fit:.1f}초 · 사진당 {ms:.0f} ms · 백본 가중치: {weights}",
    ),
    "not_evaluated": (
        "{category} has not been evaluated with {method} yet.",
        "{category}은(는) 아직 {method}(으)로 평가하지 않았습니다.",
    ),
    "fit_now": ("Fit {method} on {category} now", "{category}에 {method} 바로 학습"),
    "fit_now_hint": (
        "Takes some seconds. Shows scores and maps right here; metrics and files come with a full "
        "evaluation.",
        "몇 초 걸립니다. 점수와 히트맵을 바로 보여 주며, 지표와 파일은 전체 평가에서 만듭니다.",
    ),
    "fit_process": (
        "Evaluate {method} on {category} in the background",
        "{category}에 {method} 평가를 백그라운드로 시작",
    ),
    "fit_process_hint": (
        "Training takes a minute or more and runs as a process of its own; you can go on "
        "meanwhile.",
        "학습에 1분 이상 걸려 별도 프로세스로 실행됩니다. 그동안 계속 사용하셔도 됩니다.",
    ),
    "fitting": (
        "Fitting {method} on {category} and scoring its test pictures ...",
        "{category}에 {method}을(를) 학습하고 시험 사진을 채점하는 중 ...",
    ),
    "session_only": (
        "Fitted in this session and not saved; “Run full evaluation” adds metrics and files. "
        "Backbone weights: {weights}",
        "이번 접속에서 학습한 결과라 저장되지 않았습니다. ‘전체 평가 실행’을 하면 지표와 "
        "파일이 만들어집니다. 백본 가중치: {weights}",
    ),
    "made_from": (
        "These results were made from {root}, not from the selected data folder.",
        "이 결과는 선택한 데이터 폴더가 아니라 {root}에서 만든 것입니다.",
    ),
    "demo_results": (
        "Demo data: these results are from generated pictures, not MVTec AD.",
        "데모 데이터: 이 결과는 MVTec AD가 아니라 프로그램이 그린 그림에서 나왔습니다.",
    ),
    "only_results": (
        "{category} is not in the data folder, but its results are still here.",
        "{category}은(는) 데이터 폴더에 없지만 결과는 남아 있습니다.",
    ),
}


MARKDOWN_SIGNS = frozenset(r"\`*_{}[]<>$~|#!")


def plain(text: str) -> str:
    """Escape what Markdown would read as markup; names and reasons come from disk."""
    return "".join(f"\\{sign}" if sign in MARKDOWN_SIGNS else sign for sign in text)


def translate(key: str, language: str, **values: object) -> str:
    """Return the text `key` in `language` as Markdown, with `values` filled in, escaped.

    Raises
    ------
    KeyError
        If there is no such text.
    """
    english, korean = TEXTS[key]
    escaped = {
        name: plain(str(value)) if isinstance(value, (str, Path)) else value
        for name, value in values.items()
    }
    return (korean if language == "ko" else english).format(**escaped)
