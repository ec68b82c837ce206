"""Texts of the overview."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
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
}
