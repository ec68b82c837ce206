"""Texts of the roc page."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "roc_heading": (
        "ROC and operating point: {category}",
        "ROC와 판정 기준: {category}",
    ),
    "roc_lead": (
        "Every threshold trades missed defects against false alarms; the curve shows all of them, "
        "the marker the one that the slider asks for.",
        "임계값을 어디에 두느냐에 따라 놓친 결함과 오경보가 달라집니다. 곡선은 가능한 모든 "
        "임계값을, 큰 표시는 슬라이더로 고른 임계값을 나타냅니다.",
    ),
    "roc_curves": ("Curve", "곡선"),
    "roc_view_roc": ("ROC", "ROC 곡선"),
    "roc_view_pr": ("Precision and recall", "정밀도와 재현율"),
    "roc_log": ("Stretch low false-positive rates", "낮은 거짓 양성률 확대(로그 축)"),
    "roc_log_help": (
        "Logarithmic axis. Rates too low for it stand at its left edge.",
        "가로축을 로그로 바꿉니다. 표시할 수 없을 만큼 낮은 값은 왼쪽 끝에 모읍니다.",
    ),
    "roc_title_image": ("ROC, pictures", "ROC, 사진 단위"),
    "roc_title_pixel": ("ROC, pixels", "ROC, 픽셀 단위"),
    "roc_fpr_image": (
        "False-positive rate (% of good pictures)",
        "거짓 양성률 (양품 사진 중 %)",
    ),
    "roc_fpr_pixel": (
        "False-positive rate (% of normal pixels)",
        "거짓 양성률 (정상 픽셀 중 %)",
    ),
    "roc_tpr_image": (
        "True-positive rate (% of defective pictures)",
        "참 양성률 (불량 사진 중 %)",
    ),
    "roc_tpr_pixel": (
        "True-positive rate (% of defective pixels)",
        "참 양성률 (결함 픽셀 중 %)",
    ),
    "roc_pr_title_image": ("Precision-recall, pictures", "정밀도–재현율, 사진 단위"),
    "roc_pr_title_pixel": ("Precision-recall, pixels", "정밀도–재현율, 픽셀 단위"),
    "roc_recall_image": ("Recall (% of defective pictures)", "재현율 (불량 사진 중 %)"),
    "roc_recall_pixel": ("Recall (% of defective pixels)", "재현율 (결함 픽셀 중 %)"),
    "roc_precision_image": (
        "Precision (% of reported pictures)",
        "정밀도 (불량 판정 사진 중 %)",
    ),
    "roc_precision_pixel": (
        "Precision (% of reported pixels)",
        "정밀도 (결함 판정 픽셀 중 %)",
    ),
    "roc_chance": ("guessing", "무작위 판정"),
    "roc_base_rate": ("base rate {rate}", "기저율 {rate}"),
    "roc_asked": ("asked: {rate}", "허용: {rate}"),
    "roc_above_all": ("above every score", "모든 점수보다 높음"),
    "roc_mark": ("{method}, operating point", "{method}, 현재 판정 기준"),
    "roc_hover_image": (
        "<b>{method}</b><br>threshold %{{text}}<br>"
        "false-positive rate %{{customdata[0]:.2%}}<br>"
        "true-positive rate (recall) %{{customdata[1]:.2%}}<br>"
        "precision %{{customdata[2]:.2%}}<extra></extra>",
        "<b>{method}</b><br>임계값 %{{text}}<br>"
        "거짓 양성률 %{{customdata[0]:.2%}}<br>"
        "참 양성률(재현율) %{{customdata[1]:.2%}}<br>"
        "정밀도 %{{customdata[2]:.2%}}<extra></extra>",
    ),
    "roc_hover_pixel": (
        "<b>{method}</b><br>threshold on the map %{{text}}<br>"
        "false-positive rate %{{customdata[0]:.4%}}<br>"
        "true-positive rate (recall) %{{customdata[1]:.2%}}<br>"
        "precision %{{customdata[2]:.2%}}<extra></extra>",
        "<b>{method}</b><br>이상 맵의 임계값 %{{text}}<br>"
        "거짓 양성률 %{{customdata[0]:.4%}}<br>"
        "참 양성률(재현율) %{{customdata[1]:.2%}}<br>"
        "정밀도 %{{customdata[2]:.2%}}<extra></extra>",
    ),
    "roc_curves_note": (
        "The brackets give the 95 % interval of the image AUROC. The marker on the pixel curve is "
        "the same threshold put on every pixel of the maps, read off the nearest of at most "
        "2,000 stored points.",
        "괄호 안은 이미지 AUROC의 95 % 구간입니다. 픽셀 곡선의 표시는 같은 임계값을 이상 맵의 "
        "모든 픽셀에 적용한 것으로, 저장된 최대 2,000개 점 중 가장 가까운 점에서 읽었습니다.",
    ),
    "roc_pr_note": (
        "AP: average precision, the area under the steps. Precision depends on how many defective "
        "pictures the test set holds (base rate); on a line with few defects it is lower.",
        "AP는 평균 정밀도, 곧 계단 아래의 넓이입니다. 정밀도는 시험 사진 중 불량의 비율(기저율)에 "
        "따라 달라지므로, 불량이 드문 생산 라인에서는 더 낮아집니다.",
    ),
    "roc_no_pixels": (
        "No pixel curves: {category} has no usable masks of its defects.",
        "픽셀 곡선 없음: {category}에는 쓸 수 있는 결함 마스크가 없습니다.",
    ),
    "roc_no_pictures": (
        "No picture curves: the test set of {category} does not hold both good and defective "
        "pictures.",
        "사진 곡선 없음: {category}의 시험 사진에 양품과 불량이 모두 있어야 합니다.",
    ),
    "roc_point_title": ("What the threshold does", "임계값에 따른 판정 결과"),
    "roc_missed": ("Missed defects", "놓친 결함"),
    "roc_alarms": ("False alarms", "오경보"),
    "roc_count_of": ("{count} of {total}", "{total}장 중 {count}장"),
    "roc_share": (
        "{share} (95 % interval {interval})",
        "{share} (95 % 구간 {interval})",
    ),
    "roc_share_unknown": ("n/a: no such test pictures", "n/a: 해당하는 시험 사진이 없음"),
    "roc_alarm_share": (
        "target {asked}, observed {share} (95 % interval {interval})",
        "허용 {asked} 이하, 실제 {share} (95 % 구간 {interval})",
    ),
    "roc_precision_line": (
        "Precision {precision} · recall {recall}",
        "정밀도 {precision} · 재현율 {recall}",
    ),
    "roc_matrix_head": ("pictures", "사진 수"),
    "roc_matrix_passed": ("passed as good", "양품 판정"),
    "roc_matrix_reported": ("reported defective", "불량 판정"),
    "roc_matrix_good": ("good parts", "실제 양품"),
    "roc_matrix_defective": ("defective parts", "실제 불량"),
    "roc_matrix_right": ("{count} right", "{count} 맞음"),
    "roc_matrix_alarm": ("{count} false alarms", "{count} 오경보"),
    "roc_matrix_missed": ("{count} missed", "{count} 놓침"),
    "roc_matrix_found": ("{count} found", "{count} 찾음"),
    "roc_origin": (
        "Threshold {threshold:.4g} ({unit}): from {count} good training pictures held out of "
        "the model, never from the test set. A new good part of the same kind exceeds it "
        "with a probability of at most {asked} (split conformal).",
        "임계값 {threshold:.4g} ({unit}): 모델에서 빼 둔 양품 학습 사진 {count}장으로 "
        "정했으며 시험 사진은 쓰지 않았습니다. 같은 종류의 새 양품이 이 값을 넘을 확률은 "
        "{asked} 이하입니다(분할 컨포멀).",
    ),
    "roc_too_few": (
        "No threshold at {asked}: only {count} held-out good training pictures, and at least "
        "{needed} are needed. Allow more false alarms, or add good training pictures.",
        "오경보 {asked}에 맞는 임계값이 없습니다. 빼 둔 양품 학습 사진이 {count}장뿐인데 "
        "최소 {needed}장이 필요합니다. 허용 비율을 높이거나 양품 학습 사진을 추가하세요.",
    ),
    "roc_conformal_note": (
        "The promise holds for good parts like the training pictures. Where many more false "
        "alarms come out than asked, the good test pictures differ from the training pictures "
        "(light, camera, batch), or there are few of them: see the interval.",
        "이 약속은 학습 사진과 같은 종류의 양품에만 성립합니다. 실제 오경보가 허용값보다 훨씬 "
        "많다면 시험용 양품이 학습 사진과 다르거나(조명, 카메라, 생산 시점) 장수가 적은 "
        "것입니다. 구간을 함께 확인하세요.",
    ),
    "roc_scores_title": ("Raw scores", "원점수"),
    "roc_scores_note": (
        "Raw scores in each method’s own unit: they cannot be compared between methods. Bars are "
        "shares of the good and of the defective test pictures; the outline shows the held-out "
        "good training pictures that the threshold comes from.",
        "방법마다 단위가 다른 원점수이므로 방법끼리 값을 비교할 수 없습니다. 막대는 시험 사진 중 "
        "양품과 불량 각각에서 차지하는 비율이고, 윤곽선은 임계값을 정한 양품 학습 사진입니다.",
    ),
    "roc_scores_good": ("good", "양품"),
    "roc_scores_defective": ("defective", "불량"),
    "roc_scores_held_out": ("held-out good", "빼 둔 양품"),
    "roc_threshold": ("threshold {threshold:.4g}", "임계값 {threshold:.4g}"),
    "roc_score_axis": ("Score<br>({unit})", "점수<br>({unit})"),
    "roc_share_axis": ("Share of pictures (%)", "사진 비율 (%)"),
    "roc_hover_scores": (
        "<b>{kind}</b><br>score %{{customdata[1]}}<br>%{{customdata[0]}} of {total} pictures"
        "<extra></extra>",
        "<b>{kind}</b><br>점수 %{{customdata[1]}}<br>사진 {total}장 중 %{{customdata[0]}}장"
        "<extra></extra>",
    ),
    "roc_weights": ("Backbone weights: {weights}", "백본 가중치: {weights}"),
    "roc_different_data": (
        "The methods were evaluated on different pictures or image sizes, so these curves do not "
        "compare. **Run full evaluation** brings them in line.",
        "방법마다 평가한 사진이나 이미지 크기가 달라 곡선을 서로 비교할 수 없습니다. **전체 평가 "
        "실행**으로 맞춰 주세요.",
    ),
    "roc_download": ("Curves as CSV", "곡선 데이터 CSV"),
}
