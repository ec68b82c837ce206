"""Texts of the page that inspects new pictures."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "inspection_title": ("Inspect: {category}", "직접 검사: {category}"),
    "inspection_lead": (
        "Score pictures of your own, or damage a test picture and see which method notices. "
        "Pictures take the same way as in the evaluation and are not stored.",
        "직접 고른 사진을 채점하거나, 시험 사진에 흠을 내어 어떤 방법이 알아채는지 확인하세요. "
        "사진은 평가 때와 똑같은 과정을 거치며 저장되지 않습니다.",
    ),
    "inspection_no_category": (
        "Choose a category in the sidebar.",
        "왼쪽에서 카테고리를 골라 주세요.",
    ),
    "inspection_source": ("Picture from", "사진 가져오기"),
    "inspection_from_files": ("files", "파일"),
    "inspection_from_camera": ("camera", "카메라"),
    "inspection_from_test": ("damage a test picture", "시험 사진에 흠 내기"),
    "inspection_upload": (
        "One picture, or up to {count} at once",
        "사진 한 장 또는 한 번에 최대 {count}장",
    ),
    "inspection_upload_help": (
        "PNG, JPEG, BMP or TIFF, at most {size} million pixels each.",
        "PNG, JPEG, BMP, TIFF 형식, 한 장에 최대 {size}백만 픽셀까지 읽습니다.",
    ),
    "inspection_upload_hint": (
        "Choose a picture of {category} to have it scored.",
        "{category} 사진을 고르면 바로 채점합니다.",
    ),
    "inspection_take_photo": ("Take a picture", "사진 찍기"),
    "inspection_photo": ("camera picture", "카메라 사진"),
    "inspection_too_many": (
        "{given} files were chosen; only the first {count} are scored. Score the rest in "
        "another go.",
        "파일 {given}개를 고르셨지만 앞의 {count}개만 채점합니다. 나머지는 나누어 올려 주세요.",
    ),
    "inspection_too_large": (
        "{given} files were chosen; only the first {count} are scored and kept, as together they "
        "may take {size} MB. Score the rest in another go.",
        "파일 {given}개를 고르셨지만 합쳐서 {size} MB까지만 받으므로 앞의 {count}개만 채점하고 "
        "보관합니다. 나머지는 나누어 올려 주세요.",
    ),
    "inspection_how_cropped": (
        "{name}: {width} x {height} px; like every picture of {category}, resized to a shorter "
        "side of {side} px, then cropped to the centre {to_width} x {to_height} px.",
        "{name}: {width} x {height} px. {category}의 모든 사진처럼 짧은 변을 {side} px로 줄인 뒤 "
        "가운데 {to_width} x {to_height} px를 잘라 냅니다.",
    ),
    "inspection_how_whole": (
        "{name}: {width} x {height} px; like every picture of {category}, resized as a whole to "
        "{to_width} x {to_height} px.",
        "{name}: {width} x {height} px. {category}의 모든 사진처럼 전체를 {to_width} x "
        "{to_height} px로 맞춥니다.",
    ),
    "inspection_other_shape_cropped": (
        "This picture has another shape than those of {category} ({width} x {height} px): what "
        "lies outside the centre crop is not inspected.",
        "이 사진은 {category}의 사진({width} x {height} px)과 모양이 다릅니다. 가운데로 잘라 낸 "
        "부분 밖은 검사하지 않습니다.",
    ),
    "inspection_other_shape_whole": (
        "This picture has another shape than those of {category} ({width} x {height} px) and is "
        "squeezed to theirs, which alone can raise its score.",
        "이 사진은 {category}의 사진({width} x {height} px)과 모양이 달라 비율이 바뀝니다. "
        "그것만으로 점수가 높아질 수 있습니다.",
    ),
    "inspection_other_size": (
        "{cell} was evaluated on pictures of another size ({size}) than the other methods; "
        "evaluate it again.",
        "{cell}: 다른 방법들과 크기가 다른 사진({size})으로 평가했습니다. 다시 평가해 주세요.",
    ),
    "inspection_test_picture": ("Test picture", "시험 사진"),
    "inspection_no_test_picture": (
        "The results hold no test picture that can be shown; evaluate this category again.",
        "결과에 보여 줄 시험 사진이 없습니다. 이 카테고리를 다시 평가해 주세요.",
    ),
    "inspection_damage": ("Damage", "흠"),
    "inspection_none": ("none", "없음"),
    "inspection_scratch": ("scratch", "긁힘"),
    "inspection_stain": ("stain", "얼룩"),
    "inspection_hole": ("hole", "구멍"),
    "inspection_draw": ("draw freely", "직접 그리기"),
    "inspection_across": ("Across (% of the width)", "가로 위치 (너비의 %)"),
    "inspection_down": ("Down (% of the height)", "세로 위치 (높이의 %)"),
    "inspection_size": ("Size (% of the shorter side)", "크기 (짧은 변의 %)"),
    "inspection_angle": ("Direction (degrees)", "방향 (도)"),
    "inspection_strength": ("Strength (%)", "세기 (%)"),
    "inspection_seed": ("Shape number", "모양 번호"),
    "inspection_seed_help": (
        "The same number gives the same shape.",
        "같은 번호를 쓰면 같은 모양이 나옵니다.",
    ),
    "inspection_canvas": ("Picture to draw on", "그림을 그릴 사진"),
    "inspection_brush": ("Brush (px)", "붓 (px)"),
    "inspection_colour": ("Colour", "색"),
    "inspection_undo": ("Undo", "되돌리기"),
    "inspection_clear": ("Clear", "모두 지우기"),
    "inspection_canvas_hint": (
        "Draw with mouse, pen or finger; the picture is scored after each stroke.",
        "마우스나 펜, 손가락으로 그리세요. 한 획을 그릴 때마다 다시 채점합니다.",
    ),
    "inspection_loading": ("Loading the models ...", "모델을 불러오는 중 ..."),
    "inspection_scoring": ("Scoring ...", "채점하는 중 ..."),
    "inspection_explaining": (
        "Reading the training pictures ...",
        "학습 사진을 읽는 중 ...",
    ),
    "inspection_progress": ("{done} of {count} pictures", "사진 {count}장 중 {done}장"),
    "inspection_result": ("Result", "결과"),
    "inspection_view": ("Show", "보기"),
    "inspection_heatmap": ("heatmap", "히트맵"),
    "inspection_overlay": ("overlay", "겹쳐 보기"),
    "inspection_outline": ("outline above threshold", "임계값을 넘은 부분의 윤곽"),
    "inspection_picture": ("Picture", "사진"),
    "inspection_score": ("Score {score:.4g}", "점수 {score:.4g}"),
    "inspection_score_before": (
        "undamaged {before:.4g}",
        "흠 내기 전 {before:.4g}",
    ),
    "inspection_defective": ("reported defective", "불량으로 판정"),
    "inspection_good": ("passed as good", "양품으로 판정"),
    "inspection_undecided": ("no verdict", "판정 없음"),
    "inspection_threshold": (
        "Threshold {threshold:.4g} for {rate:g} % false alarms, from {count} held-out good "
        "pictures.",
        "임계값 {threshold:.4g}: 빼 둔 양품 사진 {count}장으로 정한, 오경보 {rate:g} %의 "
        "기준입니다.",
    ),
    "inspection_no_threshold": (
        "No threshold: {rate:g} % false alarms need {needed} held-out good pictures, there are "
        "{count}.",
        "임계값 없음: 오경보 {rate:g} %에는 빼 둔 양품 사진이 {needed}장 필요하지만 "
        "{count}장뿐입니다.",
    ),
    "inspection_scale": (
        "The bar below each map shows its colours, the same for every picture of the cell, and "
        "the threshold as a tick.",
        "히트맵 아래 막대는 그 색의 범위이며 셀의 모든 사진에 똑같이 쓰입니다. 눈금은 "
        "임계값입니다.",
    ),
    "inspection_hottest_inside": (
        "Hottest spot: inside the damage",
        "가장 뜨거운 곳: 흠 안쪽",
    ),
    "inspection_hottest_away": (
        "Hottest spot: {distance:.0f} px from the damage",
        "가장 뜨거운 곳: 흠에서 {distance:.0f} px 떨어진 곳",
    ),
    "inspection_units": (
        "Higher scores are more anomalous. Each method has a unit of its own, so scores of two "
        "methods cannot be compared: {units}.",
        "점수가 높을수록 이상합니다. 방법마다 단위가 달라 서로의 점수를 비교할 수 없습니다: "
        "{units}.",
    ),
    "inspection_why": ("Why this score", "이 점수가 나온 까닭"),
    "inspection_patch_own": ("strangest patch here", "가장 낯선 조각"),
    "inspection_patch_good": ("nearest good patch", "가장 가까운 양품 조각"),
    "inspection_patch_line": (
        "Distance {distance:.4g} before smoothing. The good patch is from {file}. The frame is "
        "one grid cell ({rows} x {columns} grid); the network saw more around it.",
        "두 조각의 거리는 {distance:.4g}입니다(부드럽게 하기 전). 양품 조각은 {file}에서 왔습니다. "
        "틀은 격자({rows} x {columns}) 한 칸이며, 신경망은 그 둘레까지 함께 봅니다.",
    ),
    "inspection_patch_unknown": (
        "The nearest good patch cannot be shown: {reason}",
        "가장 가까운 양품 조각을 보여 줄 수 없습니다: {reason}",
    ),
    "inspection_redrawn": (
        "What the autoencoder redraws ({width} x {height} px). What it cannot redraw raises the "
        "score.",
        "오토인코더가 다시 그린 사진({width} x {height} px)입니다. 다시 그리지 못한 부분이 점수를 "
        "높입니다.",
    ),
    "inspection_grid": (
        "Mahalanobis distance at each of {rows} x {columns} positions, before smoothing: "
        "{low:.3g} to {high:.3g}. The map's colours.",
        "{rows} x {columns}개 위치 각각의 마할라노비스 거리입니다(부드럽게 하기 전): "
        "{low:.3g}~{high:.3g}. 색은 히트맵과 같습니다.",
    ),
    "inspection_batch": ("{count} pictures", "사진 {count}장"),
    "inspection_column_file": ("File", "파일"),
    "inspection_column_score": ("{method} score", "{method} 점수"),
    "inspection_column_verdict": ("{method} verdict", "{method} 판정"),
    "inspection_not_read": ("not read", "읽지 못함"),
    "inspection_batch_line": (
        "{method}: {reported} of {count} reported defective",
        "{method}: {count}장 중 {reported}장 불량 판정",
    ),
    "inspection_batch_undecided": (
        "{method}: no threshold",
        "{method}: 임계값 없음",
    ),
    "inspection_download": ("Download as CSV", "CSV로 내려받기"),
    "inspection_look_at": ("Look at", "자세히 보기"),
}
