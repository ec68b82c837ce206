"""Texts of the tradeoff page."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "tradeoff_heading": ("Time against accuracy", "시간과 정확도"),
    "tradeoff_empty": (
        "No results yet. Press **Run full evaluation** in the sidebar; every finished cell "
        "becomes a point here.",
        "아직 결과가 없습니다. 왼쪽의 **전체 평가 실행**을 누르면 끝난 셀이 하나씩 점으로 "
        "나타납니다.",
    ),
    "tradeoff_group": ("Results to compare", "비교할 결과"),
    "tradeoff_group_help": (
        "Generated and real pictures, and trained networks, the filter bank and random weights, "
        "are never put into one mean or one front.",
        "생성한 그림과 실제 사진, 그리고 학습된 신경망, 필터 뱅크, 무작위 가중치는 하나의 평균이나 "
        "파레토 경계에 섞지 않습니다.",
    ),
    "tradeoff_data_real": ("real pictures", "실제 사진"),
    "tradeoff_data_demo": ("demo data", "데모 데이터"),
    "tradeoff_weights_trained": ("trained backbone weights", "학습된 백본 가중치"),
    "tradeoff_weights_untrained": ("filter bank", "필터 뱅크"),
    "tradeoff_weights_random": ("RANDOM backbone weights", "무작위 백본 가중치"),
    "tradeoff_group_name": (
        "{data}, {weights} ({count} cells)",
        "{data}, {weights} (셀 {count}개)",
    ),
    "tradeoff_shown_group": ("Shown: {name}.", "표시 중: {name}."),
    "tradeoff_settings": ("Settings", "설정"),
    "tradeoff_points": ("Points", "점"),
    "tradeoff_view_mean": ("mean per method", "방법별 평균"),
    "tradeoff_view_category": ("{category} only", "{category}만"),
    "tradeoff_view_cells": ("every cell", "모든 셀"),
    "tradeoff_gain": ("Accuracy", "정확도"),
    "tradeoff_image_auroc": ("image AUROC", "이미지 AUROC"),
    "tradeoff_pixel_auroc": ("pixel AUROC", "픽셀 AUROC"),
    "tradeoff_image_auroc_axis": ("Image AUROC (0 to 1)", "이미지 AUROC (0~1)"),
    "tradeoff_pixel_auroc_axis": ("Pixel AUROC (0 to 1)", "픽셀 AUROC (0~1)"),
    "tradeoff_cost": ("Time", "시간"),
    "tradeoff_runtime_s": ("Fit + score (s)", "학습 + 채점 (초)"),
    "tradeoff_fit_s": ("Fit (s)", "학습 (초)"),
    "tradeoff_score_s": ("Score all test pictures (s)", "시험 사진 전체 채점 (초)"),
    "tradeoff_latency_ms": (
        "One picture (batch of one), median (ms)",
        "사진 한 장씩 채점, 중앙값 (ms)",
    ),
    "tradeoff_ms_per_image": ("In batches, per picture (ms)", "묶음 채점, 사진당 (ms)"),
    "tradeoff_chart_title": (
        "Time (log) against {gain}",
        "시간(로그)과 {gain}",
    ),
    "tradeoff_front": ("Pareto front (outlined)", "파레토 경계 (굵은 테두리)"),
    "tradeoff_hover": (
        "<b>{series}</b> · {category}<br>image AUROC {image}<br>pixel AUROC {pixel}<br>"
        "fit {fit} s + score {score} s = {runtime} s<br>"
        "one picture {latency} ms (95th percentile {p95} ms)<br>in batches {ms} ms per picture<br>"
        "model {model} MB<br>weights: {weights}",
        "<b>{series}</b> · {category}<br>이미지 AUROC {image}<br>픽셀 AUROC {pixel}<br>"
        "학습 {fit}초 + 채점 {score}초 = {runtime}초<br>"
        "사진 한 장 {latency} ms(95백분위수 {p95} ms)<br>묶음으로 사진당 {ms} ms<br>"
        "모델 {model} MB<br>가중치: {weights}",
    ),
    "tradeoff_mean_of": ("mean of {count} categories", "카테고리 {count}개 평균"),
    "tradeoff_reading": (
        "Up and to the left is better. On the Pareto front (dotted, points with a thick outline) "
        "stands what nothing else beats: no other point is as fast and more accurate, or as "
        "accurate and faster. The larger the marker, the larger the model: {smallest} to {largest} "
        "MB on disk, without the backbone.",
        "왼쪽 위로 갈수록 좋습니다. 파레토 경계(점선과 굵은 테두리)에는 더 나은 것이 없는 점만 "
        "있습니다. 같은 시간에 더 정확하거나, 같은 정확도에 더 빠른 점이 없다는 뜻입니다. 표시가 "
        "클수록 모델이 큽니다: 디스크에서 {smallest}~{largest} MB(백본 제외).",
    ),
    "tradeoff_time_meaning": (
        "Fit + score includes one full pass of the backbone each, as if the method had run alone; "
        "reading pictures, calibration, metrics and writing are not in it.",
        "학습 + 채점에는 방법마다 혼자 실행했을 때와 같은 백본 통과 시간이 모두 들어 있습니다. "
        "사진 읽기, 보정, 지표 계산, 파일 쓰기는 빠져 있습니다.",
    ),
    "tradeoff_mean_over": (
        "Means over the categories in which every shown method has this metric and time: {names}.",
        "표시된 모든 방법에 이 지표와 시간이 있는 카테고리의 평균: {names}.",
    ),
    "tradeoff_mean_none": (
        "There is no category in which every shown method has this metric and time, so there are "
        "no means to compare. Choose every cell, or run the missing ones.",
        "표시된 모든 방법에 이 지표와 시간이 있는 카테고리가 없어 평균을 비교할 수 없습니다. ‘모든 "
        "셀’을 고르거나 빠진 셀을 실행하세요.",
    ),
    "tradeoff_front_per_category": (
        "Every category has a front of its own, because an easy category proves nothing about a "
        "harder one.",
        "쉬운 카테고리로 어려운 카테고리를 판단할 수 없으므로 파레토 경계는 카테고리마다 따로 "
        "그립니다.",
    ),
    "tradeoff_intervals": (
        "Bars: 95 % interval of the image AUROC.",
        "세로 막대: 이미지 AUROC의 95 % 구간.",
    ),
    "tradeoff_not_available": (
        "Not shown, because accuracy or time is n/a: {cells}.",
        "정확도나 시간이 n/a라서 표시하지 않음: {cells}.",
    ),
    "tradeoff_click": (
        "Click a point to open its samples.",
        "점을 누르면 그 셀의 샘플이 열립니다.",
    ),
    "tradeoff_mean_clicked": (
        "A mean has no samples of its own: choose every cell, or one category, and click a point "
        "there.",
        "평균에는 열어 볼 샘플이 없습니다. ‘모든 셀’이나 한 카테고리를 고른 뒤 점을 눌러 주세요.",
    ),
    "tradeoff_settings_clicked": (
        "{category} / {method} was made with other settings ({settings}); the Samples page shows "
        "cells with default settings only.",
        "{category} / {method} 셀은 다른 설정({settings})으로 만들었습니다. 샘플 보기에는 기본 "
        "설정의 셀만 나옵니다.",
    ),
    "tradeoff_machine": ("Times are from: {machine}.", "시간을 측정한 컴퓨터: {machine}."),
    "machine_unknown": ("a machine that is not recorded", "기록되지 않은 컴퓨터"),
    "tradeoff_other": ("Compare with another summary.csv", "다른 summary.csv와 비교"),
    "tradeoff_other_file": ("summary.csv from elsewhere", "다른 곳에서 만든 summary.csv"),
    "tradeoff_other_help": (
        "The outputs folder of a colleague or of another machine has one. It is only shown, not "
        "stored.",
        "동료나 다른 컴퓨터의 결과 폴더에 있는 파일입니다. 보여 주기만 하고 저장하지 않습니다.",
    ),
    "tradeoff_other_refused": (
        "Give a summary.csv that this version has written.",
        "이 버전이 만든 summary.csv를 골라 주세요.",
    ),
    "tradeoff_other_note": (
        "{count} rows, drawn hollow: {origin}. Times of two machines say nothing about the "
        "methods, and each machine has a front of its own.",
        "행 {count}개, 속이 빈 점: {origin}. 서로 다른 컴퓨터의 시간으로는 방법을 비교할 수 없어 "
        "파레토 경계를 따로 그립니다.",
    ),
    "tradeoff_other_clicked": (
        "This point is from {origin}; its pictures are not here.",
        "{origin}의 점이라 사진은 여기에 없습니다.",
    ),
    "tradeoff_column_origin": ("From", "출처"),
    "tradeoff_machines_differ": (
        "These times come from different machines, so they do not compare: {machines}. Run all "
        "cells on one machine with “Repeat finished cells”.",
        "서로 다른 컴퓨터에서 잰 시간이라 비교할 수 없습니다: {machines}. 한 컴퓨터에서 ‘끝난 "
        "셀도 다시 계산’으로 모두 실행하세요.",
    ),
    "tradeoff_random": (
        "Random backbone weights: these accuracies say nothing about PaDiM and PatchCore.",
        "무작위 백본 가중치: 이 정확도로는 PaDiM과 PatchCore의 좋고 나쁨을 말할 수 없습니다.",
    ),
    "tradeoff_untrained": (
        "Filter bank: these accuracies are not comparable with published ones.",
        "필터 뱅크: 이 정확도는 논문 수치와 비교할 수 없습니다.",
    ),
    "tradeoff_phases_title": ("Where the time goes", "시간이 쓰이는 곳"),
    "tradeoff_phases_chart": ("Seconds by phase", "단계별 시간"),
    "tradeoff_seconds_axis": ("Time (s)", "시간 (초)"),
    "tradeoff_total": ("{total:.3g} s", "{total:.3g}초"),
    "tradeoff_phase_decode": ("reading pictures", "사진 읽기"),
    "tradeoff_phase_backbone": ("backbone", "백본"),
    "tradeoff_phase_fit": ("fit", "학습"),
    "tradeoff_phase_calibrate": ("calibration", "보정"),
    "tradeoff_phase_score": ("score", "채점"),
    "tradeoff_phase_metrics": ("metrics", "지표 계산"),
    "tradeoff_phase_write": ("writing files", "파일 쓰기"),
    "tradeoff_phase_other": ("other", "기타"),
    "tradeoff_phase_hover": (
        "<b>%{{y}}</b><br>{phase}: %{{x:.2f}} s (%{{customdata}})<extra></extra>",
        "<b>%{{y}}</b><br>{phase}: %{{x:.2f}}초 (%{{customdata}})<extra></extra>",
    ),
    "tradeoff_phases_over": (
        "Per category, mean over: {names}.",
        "카테고리당 시간, 다음의 평균: {names}.",
    ),
    "tradeoff_phases_note": (
        "PaDiM and PatchCore share one pass of the backbone over every picture; its time is "
        "charged in full to each. Reading pictures is shared likewise, and short where they were "
        "in the cache.",
        "PaDiM과 PatchCore는 백본을 사진마다 한 번만 통과시켜 함께 쓰지만, 그 시간은 두 방법에 "
        "각각 전부 계산합니다. 사진 읽기도 함께 쓰며, 캐시에 있으면 짧아집니다.",
    ),
    "tradeoff_numbers": ("The numbers of this chart", "이 그래프의 숫자"),
    "tradeoff_column_front": ("On the front", "파레토 경계에 있음"),
}
