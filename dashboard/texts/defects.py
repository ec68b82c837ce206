"""Texts of the defects page."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "defects_title": ("Defect types: {category}", "결함 유형: {category}"),
    "defects_no_category": (
        "Choose a category in the sidebar.",
        "왼쪽에서 카테고리를 골라 주세요.",
    ),
    "defects_types_header": ("AUROC by defect type", "결함 유형별 AUROC"),
    "defects_metric": ("AUROC of", "AUROC 종류"),
    "defects_image_auroc": ("image AUROC", "이미지 AUROC"),
    "defects_pixel_auroc": ("pixel AUROC", "픽셀 AUROC"),
    "defects_types_title": (
        "{metric} by defect type: {category}",
        "결함 유형별 {metric}: {category}",
    ),
    "defects_type_axis": ("Defect type (test pictures)", "결함 유형 (시험 사진 수)"),
    "defects_all_types": ("all types", "모든 유형"),
    "defects_pictures": ("{count} pictures", "사진 {count}장"),
    "defects_types_caption": (
        "Each cell takes the defective test pictures of one type against all good test pictures "
        "of the category; the number of defective pictures stands in brackets, and with few of "
        "them an AUROC is rough. Hardest type first, by the mean over the methods; the last row "
        "is the whole category. No unit: 1 is perfect, 0.5 is guessing. Origin: cell.json of each "
        "method.",
        "각 칸은 한 유형의 불량 시험 사진을 카테고리의 모든 양품 시험 사진과 비교한 값입니다. "
        "괄호 안은 불량 사진 수이며, 적을수록 AUROC도 대략적입니다. 방법들의 평균이 낮은(어려운) "
        "유형부터 보여 주고, 마지막 줄은 카테고리 전체입니다. 단위 없음: 1이면 완벽, 0.5면 동전 "
        "던지기입니다. 출처: 각 방법의 cell.json.",
    ),
    "defects_types_na": (
        "n/a: undefined, because these pictures have no masks or there is no good test picture, "
        "or because the method has no result for this type.",
        "n/a: 이 사진들에 마스크가 없거나 양품 시험 사진이 없어 정의되지 않거나, 이 유형에 대한 "
        "결과가 없는 방법입니다.",
    ),
    "defects_no_types": (
        "The results of {category} name no defect types: there are no defective test pictures.",
        "{category}의 결과에는 결함 유형이 없습니다. 불량 시험 사진이 없기 때문입니다.",
    ),
    "defects_hardest": (
        "Hardest defect types over all evaluated categories ({count} values)",
        "평가한 모든 카테고리에서 가장 어려운 결함 유형 (값 {count}개)",
    ),
    "defects_hardest_caption": (
        "Lowest {metric} first; results with default settings.",
        "기본 설정의 결과, 낮은 순서: {metric}.",
    ),
    "defects_column_defect": ("Defect type", "결함 유형"),
    "defects_column_pictures": ("Pictures", "사진 수"),
    "defects_size_header": ("Recall by size of the defect", "결함 크기별 재현율"),
    "defects_size_title": (
        "Recall by marked area at {rate} false alarms: {category}",
        "표시된 면적별 재현율 (오경보 {rate}): {category}",
    ),
    "defects_size_axis": (
        "Marked area (px of the transformed picture, % of it)",
        "표시된 면적 (변환한 사진의 px, 사진 대비 %)",
    ),
    "defects_recall_axis": ("Recall (% of defective pictures)", "재현율 (불량 사진 중 %)"),
    "defects_size_0": ("small", "작음"),
    "defects_size_1": ("medium", "중간"),
    "defects_size_2": ("large", "큼"),
    "defects_size_group": ("Marked area", "표시된 면적"),
    "defects_size_caption": (
        "Recall: the share of defective pictures whose score lies above the threshold, which "
        "comes from held-out good training pictures, not from the test set. The lines are exact "
        "95 % intervals (Clopper-Pearson). {used} of {defective} defective pictures are split "
        "at the terciles of their marked area, {limits}; pictures of equal area always share "
        "a group. Origin: scores.csv of each method; picture size {height} x {width} px.",
        "재현율은 점수가 임계값보다 높은 불량 사진의 비율입니다. 임계값은 시험 사진이 아니라 "
        "따로 빼 둔 양품 학습 사진에서 정합니다. 세로선은 정확 95 % 구간(Clopper-Pearson)입니다. "
        "불량 사진 {defective}장 중 {used}장을 표시된 면적의 삼분위({limits})로 나누며, 면적이 "
        "같은 사진은 항상 같은 묶음에 들어갑니다. 출처: 각 방법의 scores.csv, 사진 크기 {height} x "
        "{width} px.",
    ),
    "defects_size_limit": ("up to {area} px", "{area} px까지"),
    "defects_size_ties": (
        "Many areas are equal, so there are fewer than three groups.",
        "면적이 같은 사진이 많아 묶음이 세 개보다 적습니다.",
    ),
    "defects_without_mask": (
        "{count} defective pictures have no usable mask and are left out.",
        "쓸 수 있는 마스크가 없는 불량 사진 {count}장은 뺐습니다.",
    ),
    "defects_outside": (
        "{count} defective pictures are left out: their defect lies outside the centre crop.",
        "결함이 중앙 자르기 범위 밖에 있는 불량 사진 {count}장은 뺐습니다.",
    ),
    "defects_no_masks": (
        "n/a: none of the {defective} defective test pictures has a mask, so the size of the "
        "defects is not known. Masks belong in ground_truth/<defect>/<name>_mask.png; then run "
        "this category again.",
        "n/a: 불량 시험 사진 {defective}장 모두 마스크가 없어 결함의 크기를 알 수 없습니다. "
        "마스크를 ground_truth/<결함>/<이름>_mask.png에 넣고 이 카테고리를 다시 실행하세요.",
    ),
    "defects_few_masks": (
        "n/a: only {used} of {defective} defective test pictures have a marked area; three sizes "
        "need at least {needed}. Masks belong in ground_truth/<defect>/<name>_mask.png; then run "
        "this category again.",
        "n/a: 불량 시험 사진 {defective}장 중 {used}장에만 표시된 면적이 있습니다. 크기를 세 "
        "묶음으로 나누려면 적어도 {needed}장이 필요합니다. 마스크를 "
        "ground_truth/<결함>/<이름>_mask.png에 넣고 이 카테고리를 다시 실행하세요.",
    ),
    "defects_no_threshold": (
        "{method}: no threshold, so its recall is n/a: {count} held-out good pictures are too few "
        "for {rate} false alarms; at least {needed} are needed. Allow more false alarms above.",
        "{method}: 임계값이 없어 재현율이 n/a입니다. 빼 둔 양품 사진이 {count}장뿐이라 오경보 "
        "{rate}에는 부족하며, 적어도 {needed}장이 필요합니다. 위에서 허용할 오경보를 늘려 보세요.",
    ),
    "defects_other_pictures": (
        "Left out here: {methods}. They were evaluated on other pictures or at another picture "
        "size than the newest result of this category. **Run full evaluation** brings them "
        "together.",
        "여기에서 뺀 방법: {methods}. 이 카테고리의 가장 새로운 결과와 사진이나 사진 크기가 "
        "다릅니다. **전체 평가 실행**으로 맞출 수 있습니다.",
    ),
    "defects_published_header": ("Published against ours", "발표된 값과 우리 값"),
    "defects_published_lead": (
        "AUROC values from papers and repositories beside those computed here. Only a row marked "
        "“yes” was made alike in all that its source states; “unclear” means that something "
        "is not stated or not confirmed, “no” that something is known to differ. One difference "
        "concerns every row of PatchCore’s image AUROC: our picture score is the maximum of the "
        "smoothed map, without the paper’s re-weighting.",
        "논문과 저장소에 실린 AUROC를 여기서 계산한 값과 나란히 봅니다. ‘예’인 행만 출처가 밝힌 "
        "조건이 모두 같습니다. ‘불분명’은 밝히지 않았거나 확인되지 않은 조건이 있다는 뜻이고, "
        "‘아니요’는 다른 점이 알려져 있다는 뜻입니다. PatchCore의 이미지 AUROC에는 모든 행에 "
        "차이가 하나 더 있습니다. 우리 점수는 평활화한 맵의 최댓값이며, 논문의 재가중은 쓰지 "
        "않습니다.",
    ),
    "defects_scope": ("Show", "보기"),
    "defects_scope_category": ("this category", "이 카테고리"),
    "defects_scope_all": ("all evaluated categories", "평가한 모든 카테고리"),
    "defects_not_official": (
        "There are no published values for {category}: only the fifteen categories of MVTec AD "
        "have them.",
        "{category}에는 발표된 값이 없습니다. MVTec AD의 열다섯 카테고리에만 있습니다.",
    ),
    "defects_not_compared": (
        "Nothing to compare yet: {category} has published values, but no results here. Press "
        "**Run full evaluation** in the sidebar.",
        "아직 비교할 값이 없습니다. {category}에는 발표된 값이 있지만 여기 결과가 없습니다. 왼쪽의 "
        "**전체 평가 실행**을 눌러 주세요.",
    ),
    "defects_none_compared": (
        "None of the fifteen categories of MVTec AD has been evaluated here yet.",
        "MVTec AD의 열다섯 카테고리 중 평가한 것이 아직 없습니다.",
    ),
    "defects_disagree": (
        "Published values for {method} with {backbone} on {category} ({metric}) differ among "
        "themselves: {low} to {high} ({sources} sources); a difference of ours within that range "
        "says little.",
        "{category}에서 {backbone} 백본을 쓴 {method}의 발표된 값({metric})은 서로 다릅니다: "
        "{low}~{high} (출처 {sources}개). 이 범위 안에 있는 차이로는 말할 수 있는 것이 "
        "거의 없습니다.",
    ),
    "defects_disagree_many": (
        "Where published values differ among themselves by 0.01 or more ({count})",
        "발표된 값끼리 0.01 이상 다른 곳 ({count}곳)",
    ),
    "defects_mean": ("mean of 15", "15개 평균"),
    "defects_column_metric": ("Metric", "지표"),
    "defects_column_ours": ("Ours", "우리 값"),
    "defects_column_published": ("Published", "발표된 값"),
    "defects_column_difference": ("Difference", "차이"),
    "defects_column_comparable": ("Comparable?", "비교 가능?"),
    "defects_column_reason": ("Why not", "이유"),
    "defects_column_variant": ("Published method", "발표된 방법"),
    "defects_column_source": ("Source", "출처"),
    "defects_table_caption": (
        "AUROC without unit; the difference is ours minus published. Ours: cell.json of each "
        "method. Published: evaluation/published_auroc.csv, with the source of every value.",
        "AUROC는 단위가 없으며, 차이는 우리 값에서 발표된 값을 뺀 것입니다. 우리 값: 각 방법의 "
        "cell.json. 발표된 값: evaluation/published_auroc.csv(값마다 출처 있음).",
    ),
    "defects_download": ("Download this table (CSV)", "이 표 내려받기 (CSV)"),
    "defects_yes": ("yes", "예"),
    "defects_unclear": ("unclear", "불분명"),
    "defects_no": ("no", "아니요"),
    "defects_share_unstated": (
        "{method}, coreset share not stated",
        "{method}, 코어셋 비율 미기재",
    ),
    "defects_reason_demo": ("ours is from demo data", "우리 값은 데모 데이터로 계산"),
    "defects_reason_random": ("ours is from random weights", "우리 값은 무작위 가중치로 계산"),
    "defects_reason_untrained": (
        "ours is from the filter bank",
        "우리 값은 필터 뱅크로 계산",
    ),
    "defects_reason_data": (
        "other data: {category} has {ours} training / good / defective pictures here, officially "
        "{official}",
        "데이터가 다름: {category}의 학습 / 양품 / 불량 사진이 여기서는 {ours}, 공식은 {official}",
    ),
    "defects_reason_masks": (
        "masks are missing here in {category}",
        "여기 {category}에는 마스크가 일부 없음",
    ),
    "defects_reason_network": (
        "another network than our AE: for orientation only",
        "우리 AE와 다른 신경망: 참고용",
    ),
    "defects_reason_backbone": (
        "other backbone (ours {ours}, published {published})",
        "백본이 다름(우리 {ours}, 발표 {published})",
    ),
    "defects_reason_ratio": (
        "other coreset share (ours {ours}, published {published})",
        "코어셋 비율이 다름(우리 {ours}, 발표 {published})",
    ),
    "defects_reason_ratio_unstated": ("coreset share not stated", "코어셋 비율 미기재"),
    "defects_reason_channels": (
        "other number of channels (ours {ours}, the paper {paper})",
        "채널 수가 다름(우리 {ours}, 논문 {paper})",
    ),
    "defects_reason_crop": (
        "other crop (ours: {ours}; the paper: {paper})",
        "자르기가 다름(우리: {ours}, 논문: {paper})",
    ),
    "defects_reason_crop_unstated": ("crop not stated", "자르기 미기재"),
    "defects_reason_unconfirmed": (
        "published value partly unconfirmed",
        "발표된 값이 일부 확인되지 않음",
    ),
    "defects_chart_metric": ("Chart shows", "그래프에 보일 지표"),
    "defects_chart_title": (
        "Published and ours, {metric}: {category}",
        "발표된 값과 우리 값, {metric}: {category}",
    ),
    "defects_chart_axis": ("{metric} (no unit)", "{metric} (단위 없음)"),
    "defects_chart_ours": ("ours: {method}", "우리: {method}"),
    "defects_chart_caption": (
        "Gray: published, one symbol per source. Coloured: ours; filled where at least one "
        "published value of the row may be compared, hollow where none is comparable.",
        "회색: 발표된 값(출처마다 다른 기호). 색: 우리 값. 그 행에 비교할 수 있을 만한 값이 "
        "하나라도 있으면 속이 찬 기호, 하나도 없으면 속이 빈 기호입니다.",
    ),
}
