"""Texts of the overview."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "overview_title": ("AE, PaDiM and PatchCore side by side", "AE, PaDiM, PatchCore 비교"),
    "overview_lead": (
        "Three ways of finding defects in pictures of parts, measured on the same pictures with "
        "the same metrics.",
        "부품 사진에서 결함을 찾는 세 가지 방법을 같은 사진, 같은 지표로 비교합니다.",
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
    "column_category": ("Category", "카테고리"),
    "column_method": ("Method", "방법"),
    "column_image_auroc": ("Image AUROC", "이미지 AUROC"),
    "column_interval": ("95 % interval", "95 % 구간"),
    "column_pixel_auroc": ("Pixel AUROC", "픽셀 AUROC"),
    "column_aupro": ("AUPRO 30 %", "AUPRO 30 %"),
    "column_fit_s": ("Fit (s)", "학습 (초)"),
    "column_score_s": ("Score (s)", "채점 (초)"),
    "column_runtime_s": ("Runtime (s)", "실행 시간 (초)"),
    "column_ms_per_image": ("In batches (ms per picture)", "묶음 (사진당 ms)"),
    "column_latency_ms": ("One picture, median (ms)", "한 장, 중앙값 (ms)"),
    "column_latency_p95_ms": ("One picture, 95th percentile (ms)", "한 장, 95백분위수 (ms)"),
    "column_model_mb": ("Model (MB)", "모델 (MB)"),
    "column_peak_memory_mb": ("Peak memory (MB)", "최대 메모리 (MB)"),
    "column_weights": ("Backbone weights", "백본 가중치"),
    "column_settings": ("Settings", "설정"),
    "column_data": ("Data", "데이터"),
    "default_settings": ("default", "기본"),
    "overview_data_title": ("Data", "데이터"),
    "overview_data_totals": (
        "{root} · categories: {categories} · training pictures: {train} · test pictures: {good} "
        "good, {defective} defective",
        "{root} · 카테고리 {categories}개 · 학습 사진 {train}장 · 시험 사진 양품 {good}장, "
        "불량 {defective}장",
    ),
    "overview_no_data": (
        "There is no data folder; give one in the sidebar. Results that are on disk are shown.",
        "데이터 폴더가 없습니다. 왼쪽에 폴더를 적어 주세요. 디스크에 있는 결과는 볼 수 있습니다.",
    ),
    "overview_data_table": ("Pictures per category", "카테고리별 사진 수"),
    "overview_train": ("Training", "학습"),
    "overview_test_good": ("Test, good", "시험 양품"),
    "overview_test_defective": ("Test, defective", "시험 불량"),
    "overview_defect_types": ("Defect types", "결함 유형 수"),
    "overview_defect_names": ("Test pictures per defect type", "결함 유형별 시험 사진 수"),
    "overview_counts_explained": (
        "Counted by file name, without opening the files; an evaluation also checks every file.",
        "파일을 열지 않고 이름으로 센 수입니다. 평가할 때는 모든 파일을 열어 확인합니다.",
    ),
    "overview_no_picture": (
        "No good picture that can be read: {names}",
        "읽을 수 있는 양품 사진이 없는 카테고리: {names}",
    ),
    "overview_first_pictures": (
        "Pictures of the first {count} categories.",
        "처음 {count}개 카테고리의 사진입니다.",
    ),
    "overview_tab_auroc": ("AUROC", "AUROC 표"),
    "overview_tab_all": ("All columns", "전체 열"),
    "overview_over_seeds_help": (
        "One row per category, method and setting; ± is one standard deviation over its seeds.",
        "카테고리, 방법, 설정마다 한 줄입니다. ±는 시드에 따른 표준편차입니다.",
    ),
    "overview_download_seeds": (
        "Download the means over seeds (CSV)",
        "시드 평균 내려받기 (CSV)",
    ),
    "overview_means_title": ("**Mean of each method**", "**방법별 평균**"),
    "overview_categories_title": ("**Each category**", "**카테고리별**"),
    "overview_column_categories": ("Categories", "카테고리 수"),
    "overview_column_image": ("{method} image", "{method} 이미지"),
    "overview_column_pixel": ("{method} pixel", "{method} 픽셀"),
    "overview_real_data": ("your data", "실제 데이터"),
    "overview_colours": (
        "AUROC; orange below 0.9, blue from 0.9 on, darker the further away. Steps at 0.7, 0.8, "
        "0.9, 0.95 and 0.99. n/a: undefined, or not evaluated (see the run matrix). Press a "
        "heading to sort.",
        "AUROC 값이 0.9보다 낮으면 주황색, 0.9 이상이면 파란색이고, 멀어질수록 진해집니다. 색은 "
        "0.7, 0.8, 0.9, 0.95, 0.99에서 바뀝니다. n/a는 값이 정의되지 않거나 아직 평가하지 않은 "
        "칸입니다(실행 현황 참고). 열 제목을 누르면 정렬됩니다.",
    ),
    "overview_download": ("Download this table (CSV)", "이 표 내려받기 (CSV)"),
    "overview_shared": (
        "Over the categories that all methods have finished ({count}), image / pixel AUROC: "
        "{values}.",
        "모든 방법이 끝낸 카테고리 {count}개의 평균(이미지 / 픽셀 AUROC): {values}.",
    ),
    "overview_defined": (
        "Means leave out what is undefined: {counts}.",
        "값이 정의되지 않은 카테고리는 평균에서 뺐습니다. 평균에 쓴 카테고리: {counts}.",
    ),
    "overview_defined_in": (
        "{method} {metric} {defined} of {count} categories",
        "{method} {metric} {count}개 중 {defined}개",
    ),
    "overview_machine": ("{cpu}, {threads} threads", "{cpu}, 스레드 {threads}개"),
    "overview_choice_title": ("Which one?", "무엇을 쓸까요?"),
    "overview_choice_lead": (
        "What can you afford on {category}? Two limits name the method that misses the fewest "
        "defects.",
        "{category}에서 무엇까지 감당할 수 있나요? 두 가지 한도를 정하면 결함을 가장 적게 놓치는 "
        "방법을 알려 드립니다.",
    ),
    "overview_ms_limit": ("Milliseconds per part", "부품당 시간 (ms)"),
    "overview_ms_unlimited": ("no limit", "제한 없음"),
    "overview_ms_help": (
        "The most time that one part may take, in milliseconds: one picture scored alone, without "
        "reading the file. The limit holds for the median; the 95th percentile stands beside it. "
        "Empty: no limit.",
        "부품 하나에 쓸 수 있는 최대 시간(ms)입니다. 사진을 한 장씩 채점한 시간의 중앙값과 "
        "비교하고 95백분위수도 함께 보여 줍니다. 파일 읽기는 뺍니다. 비워 두면 제한이 없습니다.",
    ),
    "overview_best": (
        "**{method}** misses the fewest defects on {category}: {missed}, against {others}.",
        "{category}에서 결함을 가장 적게 놓친 방법: **{method}** {missed}. 나머지: {others}.",
    ),
    "overview_paired": (
        "The intervals overlap, but all methods judged the same pictures, and compared picture by "
        "picture the difference is more than chance.",
        "구간은 겹치지만, 같은 사진을 하나씩 짝지어 비교하면 우연으로 보기 어려운 차이입니다.",
    ),
    "overview_only": (
        "Within the limits only **{method}** is left on {category}; it misses {missed}.",
        "{category}에서 한도 안에 남은 방법은 하나뿐입니다: **{method}**, 놓친 결함 {missed}.",
    ),
    "overview_tied_overlap": (
        "On {category} the intervals overlap and nothing can be told apart: missed defects of "
        "{methods}.",
        "{category}에서는 구간이 겹쳐 우열을 가릴 수 없습니다. 놓친 결함: {methods}.",
    ),
    "overview_tied": (
        "On {category} these methods cannot be told apart picture by picture: missed defects of "
        "{methods}.",
        "{category}에서는 사진별로 비교해도 다음 방법들의 우열을 가릴 수 없습니다. 놓친 결함: "
        "{methods}.",
    ),
    "overview_quickest": (
        "The quickest of them: **{method}**, {time} per part.",
        "이 가운데 가장 빠른 방법: **{method}**, 부품당 {time}.",
    ),
    "overview_worse": (
        "Clearly more were missed by {methods}.",
        "확실히 더 많이 놓친 방법: {methods}.",
    ),
    "overview_none_left": (
        "No method is left within the limits on {category}.",
        "{category}에서 한도 안에 남은 방법이 없습니다.",
    ),
    "overview_no_defective": (
        "{category} has no defective test pictures, so missed defects cannot be counted.",
        "{category}에는 불량 시험 사진이 없어 놓친 결함을 셀 수 없습니다.",
    ),
    "overview_over_limit": (
        "Promise and reality differ: clearly more than {rate} of the good test pictures were "
        "reported, so these are left out: {methods}.",
        "약속과 실제가 다릅니다. 양품 시험 사진의 오경보가 {rate}보다 확실히 많아 다음 방법은 "
        "뺐습니다: {methods}.",
    ),
    "overview_unchecked": (
        "False alarms could not be checked: there are no good test pictures for {methods}.",
        "양품 시험 사진이 없어 오경보를 확인할 수 없는 방법: {methods}.",
    ),
    "overview_alarms_of": ("{method} {alarms}", "{method} 오경보 {alarms}"),
    "overview_without_threshold": (
        "No threshold for {rate} false alarms: {methods}. It takes at least {needed} good "
        "pictures that are held out of the model.",
        "오경보 {rate}에 맞는 임계값을 정할 수 없는 방법: {methods}. 모델에서 빼 둔 양품 사진이 "
        "{needed}장 이상 필요합니다.",
    ),
    "overview_held_out_of": ("{method} has {count}", "{method} {count}장"),
    "overview_too_slow": (
        "Slower than {limit} ms per part: {methods}.",
        "부품당 {limit} ms보다 느린 방법: {methods}.",
    ),
    "overview_often_slow": (
        "Within {limit} ms by the median, but more than one part in twenty takes longer: "
        "{methods}.",
        "중앙값은 {limit} ms 안이지만 5 % 넘는 부품이 더 오래 걸리는 방법: {methods}.",
    ),
    "overview_count_of": ("{count} of {total}", "{total}개 중 {count}개"),
    "overview_missed": ("Missed defects", "놓친 결함"),
    "overview_alarms_asked": ("False alarms allowed", "허용한 오경보"),
    "overview_alarms_realised": ("False alarms, test", "시험 오경보"),
    "overview_p": ("p", "p값"),
    "overview_p_help": (
        "Exact McNemar test against the best method on the same defective pictures, two-sided. "
        "From 0.05 on, the two cannot be told apart. n/a: they judged different pictures; then "
        "the intervals decide.",
        "같은 불량 사진에서 가장 좋은 방법과 짝지어 비교한 정확 맥니마 검정(양측)의 p값입니다. "
        "0.05 이상이면 우열을 가릴 수 없습니다. n/a는 서로 다른 사진을 판정한 경우이며, 그때는 "
        "구간으로 비교합니다.",
    ),
    "overview_ms_origin": (
        "Thresholds from good training pictures held out of the model; counts from the test "
        "pictures, with exact 95 % intervals. ms: one picture scored alone (a batch of one), "
        "without reading the file, median and 95th percentile over up to {most} test pictures. "
        "{timed}.",
        "임계값은 모델에서 빼 둔 양품 학습 사진에서, 개수는 시험 사진에서 얻었고, 구간은 정확한 "
        "95 % 구간입니다. ms는 사진을 한 장씩(배치 크기 1) 채점한 시간으로, 시험 사진 최대 "
        "{most}장의 중앙값과 95백분위수이며 파일 읽기는 뺐습니다. {timed}.",
    ),
    "overview_ms_older": (
        "Evaluated before single pictures were timed: {methods}. The time shown is that of all "
        "test pictures in batches, divided by their number, and not what one part takes. Run the "
        "cell again with “Repeat finished cells” to measure it.",
        "한 장씩 시간을 재기 전에 평가한 방법: {methods}. 표시한 시간은 모든 시험 사진을 묶음으로 "
        "채점한 시간을 사진 수로 나눈 값이라, 부품 하나에 걸리는 시간이 아닙니다. ‘끝난 셀도 다시 "
        "계산’으로 다시 실행하면 잴 수 있습니다.",
    ),
    "overview_timed_in": (
        "{cells} on {machine}, {finished}",
        "{cells}: {machine}, {finished} 측정",
    ),
    "overview_from_demo": (
        "From demo data, not from real parts: {methods}.",
        "실제 부품이 아닌 데모 데이터의 결과: {methods}.",
    ),
    "overview_from_random": (
        "From random backbone weights, which say nothing about the method: {methods}.",
        "방법의 좋고 나쁨을 말할 수 없는 무작위 백본 가중치의 결과: {methods}.",
    ),
    "overview_from_lite0": (
        "From EfficientNet-Lite0, while published numbers are for ResNets: {methods}.",
        "EfficientNet-Lite0의 결과(논문 수치는 ResNet): {methods}.",
    ),
    "overview_matrix_title": ("Run matrix", "실행 현황"),
    "means_mixed": (
        "Means are taken over the categories that each method has finished: {counts}.",
        "평균은 방법마다 끝난 카테고리에 대해 계산합니다: {counts}.",
    ),
    "download_summary": ("Download summary.csv", "summary.csv 내려받기"),
    "failed_cells": ("Cells that failed", "실패한 셀"),
    "unreadable_cells": ("Results that cannot be read", "읽을 수 없는 결과"),
    "data_findings": ("Remarks on the data ({count})", "데이터에 대한 알림 ({count})"),
}
