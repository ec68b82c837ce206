"""Texts of the samples page."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
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
    "sort_mistakes": ("worst mistakes first", "크게 틀린 순"),
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
        "{name} is missing from the results or damaged; run this cell again.",
        "결과에 {name} 파일이 없거나 손상되었습니다. 이 셀을 다시 실행하세요.",
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
        "Threshold {threshold:.4g}: at most {rate} of good parts are expected above it, from "
        "{count} good training pictures held out of the model.",
        "임계값 {threshold:.4g}: 모델에서 빼 둔 양품 학습 사진 {count}장으로 정했으며, 양품의 "
        "최대 {rate}만 이 값을 넘을 것으로 예상합니다.",
    ),
    "threshold_unknown": (
        "No threshold: {count} held-out good pictures are too few for {rate} false alarms; "
        "at least {needed} are needed.",
        "임계값 없음: 빼 둔 양품 사진이 {count}장뿐이라 오경보 {rate}를 보장할 수 없습니다. "
        "최소 {needed}장이 필요합니다.",
    ),
    "scale_line": (
        "Colour scale {low:.3g} to {high:.3g}, the same for every picture of this cell.",
        "색 척도 {low:.3g}~{high:.3g}, 이 셀의 모든 사진에 똑같이 적용됩니다.",
    ),
    "samples_outline": ("Outline: score above", "윤곽선: 이 점수보다 높은 곳"),
    "samples_outline_help": (
        "A line around every area of the map whose raw score ({unit}) is above this value, drawn "
        "on ground truth and overlay. It starts at the threshold for whole pictures: a picture's "
        "score is the highest in its map, so with the line there a picture is reported if "
        "something is outlined (the stored maps are rounded to about three digits). Without a "
        "threshold it starts in the middle of the scale.",
        "맵에서 원점수({unit})가 이 값보다 높은 영역을 정답과 겹쳐 보기 위에 선으로 둘러쌉니다. "
        "처음 값은 사진 판정에 쓰는 임계값입니다. 사진의 점수는 맵에서 가장 높은 점수이므로, 이 "
        "값에서는 윤곽선이 있는 사진이 곧 불량으로 판정된 사진입니다(저장된 맵은 세 자리쯤으로 "
        "반올림되어 있습니다). 임계값이 없으면 색 척도의 가운데에서 시작합니다.",
    ),
    "samples_opacity": ("Overlay opacity", "겹쳐 보기의 진하기"),
    "samples_overlap": (
        "The outline covers {covered} of the marked defect ({marked:,} px) and {outside:,} px "
        "outside it; intersection over union {iou:.2f}.",
        "윤곽선이 표시된 결함({marked:,} px)의 {covered}를 덮고, 결함 밖으로 {outside:,} px "
        "나갑니다. 교집합/합집합(IoU) {iou:.2f}.",
    ),
    "samples_overlap_good": (
        "The outline encloses {inside:,} of {area:,} px ({share}) of this good part.",
        "윤곽선이 이 양품의 {area:,} px 중 {inside:,} px({share})를 둘러쌉니다.",
    ),
    "samples_overlap_cropped": (
        "The marked defect lies outside the part of the picture that is used; the outline "
        "encloses {inside:,} of {area:,} px ({share}).",
        "표시된 결함이 실제로 쓰이는 영역 밖에 있습니다. 윤곽선은 {area:,} px 중 {inside:,} "
        "px({share})를 둘러쌉니다.",
    ),
    "samples_overlap_no_mask": (
        "The outline encloses {inside:,} of {area:,} px ({share}); without a mask it cannot "
        "be compared with the defect.",
        "윤곽선이 {area:,} px 중 {inside:,} px({share})를 둘러쌉니다. 마스크가 없어 결함과 "
        "비교할 수는 없습니다.",
    ),
    "samples_gallery": ("Test pictures", "시험 사진"),
    "samples_gallery_counts": (
        "{shown} pictures · {missed} missed defects and {alarms} false alarms among them at this "
        "threshold · ● good, ▲ defective",
        "사진 {shown}장 · 이 임계값에서 놓친 결함 {missed}건, 오경보 {alarms}건 · ● 양품, ▲ 불량",
    ),
    "samples_gallery_no_threshold": (
        "{shown} pictures · no threshold, so none is marked as a mistake · ● good, ▲ defective",
        "사진 {shown}장 · 임계값이 없어 오판은 표시하지 않습니다 · ● 양품, ▲ 불량",
    ),
    "samples_gallery_part": (
        "Numbers {first:,} to {last:,} of {count:,} are shown; **Next** and the list lead to the "
        "others.",
        "전체 {count:,}장 가운데 {first:,}번부터 {last:,}번까지 보여 줍니다. 나머지는 **다음**이나 "
        "목록으로 볼 수 있습니다.",
    ),
    "samples_tile": ("{name}: {label}, score {score}", "{name}: {label}, 점수 {score}"),
    "cell_line": (
        "Image AUROC {image} ({low}–{high}) · pixel AUROC {pixel} · AUPRO {aupro} · fit {fit:.1f} "
        "s · one picture {time} · backbone weights: {weights}",
        "이미지 AUROC {image} ({low}–{high}) · 픽셀 AUROC {pixel} · AUPRO {aupro} · 학습 "
        "{fit:.1f}초 · 사진 한 장 {time} · 백본 가중치: {weights}",
    ),
    "not_evaluated": (
        "{category} has not been evaluated with {method} yet.",
        "아직 평가하지 않음: {category} · {method}.",
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
        "{category} · {method}: 학습하고 시험 사진을 채점하는 중 ...",
    ),
    "session_only": (
        "Fitted in this session and not saved; “Run full evaluation” adds metrics and files. "
        "Backbone weights: {weights}",
        "이번 접속에서 학습한 결과라 저장되지 않았습니다. ‘전체 평가 실행’을 하면 지표와 "
        "파일이 만들어집니다. 백본 가중치: {weights}",
    ),
    "only_results": (
        "{category} is not in the data folder, but its results are still here.",
        "데이터 폴더에 없지만 결과는 남아 있는 카테고리: {category}.",
    ),
}
