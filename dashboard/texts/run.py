"""Texts of the run page and of the run matrix."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "matrix_done": ("done", "완료"),
    "matrix_running": ("running", "실행 중"),
    "matrix_waiting": ("waiting", "대기 중"),
    "matrix_failed": ("failed", "실패"),
    "matrix_stale": ("stale", "오래됨"),
    "matrix_missing": ("missing", "없음"),
    "matrix_done_means": ("its result is on disk", "결과가 저장되어 있습니다"),
    "matrix_running_means": ("being evaluated now", "지금 평가하고 있습니다"),
    "matrix_waiting_means": (
        "planned by the running evaluation, no result yet",
        "실행 중인 평가에서 차례를 기다리며 아직 결과가 없습니다",
    ),
    "matrix_failed_means": (
        "the last try failed or the result is damaged; the next run makes it again",
        "마지막 시도가 실패했거나 결과가 손상되었습니다. 다음 실행에서 다시 계산합니다",
    ),
    "matrix_stale_means": (
        "finished; the data folder or the program may have changed since",
        "결과가 있지만 그 뒤에 데이터 폴더나 프로그램이 바뀌었을 수 있습니다",
    ),
    "matrix_missing_means": ("not evaluated yet", "아직 평가하지 않았습니다"),
    "matrix_other_version": (
        "made by another version of the method; the next run makes it again.",
        "방법의 다른 버전으로 만든 결과입니다. 다음 실행에서 다시 계산합니다.",
    ),
    "matrix_other_data": (
        "made from another data folder ({detail}); only “Repeat finished cells” replaces it.",
        "다른 데이터 폴더({detail})로 만든 결과입니다. ‘끝난 셀도 다시 계산’을 켜야 바뀝니다.",
    ),
    "matrix_changed_data": (
        "the folder {detail} has changed since; the next run checks it.",
        "그 뒤에 {detail} 폴더가 바뀌었습니다. 다음 실행에서 확인합니다.",
    ),
    "matrix_kept": ("The earlier result is kept.", "이전 결과는 남아 있습니다."),
    "matrix_nothing": (
        "There is no category to show; give a data folder in the sidebar.",
        "보여 줄 카테고리가 없습니다. 왼쪽에 데이터 폴더를 적어 주세요.",
    ),
    "run_worker": ("Process {name}", "프로세스 {name}"),
    "run_here": ("This machine", "이 컴퓨터"),
    "run_workers": ("{count} at work at the same time", "동시에 {count}개가 일하고 있습니다"),
    "run_more_workers": ("and {count} more at work", "그 밖에 {count}개가 일하고 있습니다"),
    "run_cluster": ("The cluster's own page", "클러스터 자체 화면"),
    "phase_cluster": (
        "waiting for workers of the cluster",
        "클러스터의 워커를 기다리는 중",
    ),
    "run_scheduler_refused": (
        "The cluster {address} is not the one that {variable} names on this machine; run the "
        "command in a shell, or set the variable.",
        "{address} 클러스터는 이 컴퓨터의 {variable}에 적힌 것이 아닙니다. 셸에서 실행하거나 "
        "변수를 정해 주세요.",
    ),
    "runpage_workers": ("Processes", "프로세스 수"),
    "runpage_workers_help": (
        "How many processes of this machine make cells at the same time, each with its share of "
        "the cores. Cells of a category that share a backbone stay together.",
        "이 컴퓨터에서 셀을 동시에 계산할 프로세스 수입니다. 코어는 나누어 씁니다. 한 카테고리에서 "
        "백본이 같은 셀들은 한 프로세스가 함께 계산합니다.",
    ),
    "runpage_cluster": (
        "On the cluster {address} instead",
        "대신 {address} 클러스터에서 실행",
    ),
    "runpage_title": ("Run evaluations", "평가 실행"),
    "runpage_lead": (
        "The evaluation is a program of its own: it goes on when this page is closed or the app "
        "is restarted, and finished cells (one category with one method) are never lost.",
        "평가는 별도의 프로그램으로 돌아갑니다. 이 화면을 닫거나 앱을 다시 시작해도 계속되고, 끝난 "
        "셀(카테고리 하나와 방법 하나의 결과)은 사라지지 않습니다.",
    ),
    "runpage_job_title": ("Current or last run", "지금 또는 마지막 실행"),
    "runpage_matrix_title": ("State of every cell", "셀별 상태"),
    "runpage_new_title": ("New run", "새로 실행"),
    "history_title": ("History", "기록"),
    "runpage_no_job": (
        "Nothing has been run in this outputs folder yet.",
        "이 결과 폴더에서는 아직 아무것도 실행하지 않았습니다.",
    ),
    "runpage_running_for": (
        "running for {time} · process {pid}",
        "{time}째 실행 중 · 프로세스 {pid}",
    ),
    "runpage_last": (
        "Started {started}, ran for {time} · {done} new, {skipped} unchanged, {failed} failed, "
        "{left} not reached.",
        "{started} 시작, {time} 동안 실행 · 새로 {done}개, 그대로 {skipped}개, 실패 {failed}개, "
        "하지 못한 것 {left}개.",
    ),
    "runpage_job_settings": (
        "Cells of this run with settings other than the default ones ({names}) do not stand in "
        "the table of states but under “History”.",
        "기본값이 아닌 설정({names})으로 만드는 셀은 상태표가 아니라 ‘기록’에 나타납니다.",
    ),
    "runpage_resume": ("Resume", "이어서 실행"),
    "runpage_resume_help": (
        "Starts the same run again; finished cells are skipped, failed ones are tried again.",
        "같은 실행을 다시 시작합니다. 끝난 셀은 건너뛰고 실패한 셀은 다시 시도합니다.",
    ),
    "run_argument_refused": (
        "The evaluation is not started: '{argument}' is not an option that the app hands on, or "
        "has the wrong number of values. Rename a category that begins with a hyphen.",
        "평가를 시작하지 않았습니다. 앱이 넘겨주지 않는 옵션이거나 값의 수가 맞지 않습니다: "
        "‘{argument}’. 붙임표로 시작하는 카테고리는 이름을 바꿔 주세요.",
    ),
    "run_path_refused": (
        "The evaluation is not started: {path} is outside the allowed folders.",
        "평가를 시작하지 않았습니다. 이 컴퓨터에서 열려 있지 않은 위치입니다: {path}.",
    ),
    "runpage_log": ("Log, last {count} lines", "로그, 마지막 {count}줄"),
    "runpage_no_log": (
        "No log: nothing written yet, or the run was started in a shell, which shows it there.",
        "로그가 없습니다. 아직 기록된 것이 없거나, 셸에서 시작해 그쪽에 표시되는 실행입니다.",
    ),
    "runpage_backbones": ("Backbones", "백본"),
    "runpage_backbones_help": (
        "The networks that PaDiM and PatchCore read, one or several. auto: resnet18, or "
        "efficientnet_lite0 (installed with the project) where its weights are neither on this "
        "machine nor downloadable. Larger ones are slower and need weights of their own.",
        "PaDiM과 PatchCore가 쓰는 신경망입니다. auto는 resnet18이며, 그 가중치가 없고 받을 수도 "
        "없으면 함께 설치된 efficientnet_lite0입니다. 큰 것은 더 느리고, 그에 맞는 가중치가 "
        "필요합니다.",
    ),
    "runpage_all_channels": ("PaDiM with all channels", "PaDiM에 모든 채널 사용"),
    "runpage_all_channels_help": (
        "PaDiM reads every channel of the network instead of a random 100: often better, without a "
        "seed, but a model of 567 MB with ResNet-18 and 9 GB with ResNet-50, and several times the "
        "time (see the Trade-off page).",
        "무작위로 고른 100개 대신 신경망의 모든 채널을 읽습니다. 대개 더 정확하고 시드가 없지만, "
        "모델이 ResNet-18에서 567 MB, ResNet-50에서 9 GB이고 시간이 몇 배 걸립니다.",
    ),
    "runpage_weights": ("Weights file (optional)", "가중치 파일 (선택)"),
    "runpage_weights_none": ("ImageNet weights of torchvision", "torchvision의 ImageNet 가중치"),
    "runpage_weights_help": (
        "A torchvision state dict that fits the backbone, or the word random. Leave empty for "
        "the file that {variable} names, else torchvision's ImageNet weights, downloaded once. "
        "Cells made with other weights are kept unless finished cells are repeated.",
        "백본에 맞는 torchvision state dict 파일 경로, 또는 random이라고 적어 주세요. 비워 두면 "
        "{variable}에 지정한 파일을, 없으면 torchvision의 ImageNet 가중치를 한 번 내려받아 "
        "씁니다. 다른 가중치로 만든 셀은 ‘끝난 셀도 다시 계산’을 켜지 않으면 그대로 둡니다.",
    ),
    "runpage_weights_wrong": (
        "There is no weights file {path}; give the path of a file, or leave it empty.",
        "찾을 수 없는 가중치 파일: {path}. 파일 경로를 적거나 비워 두세요.",
    ),
    "runpage_ratios": ("Coreset ratios of PatchCore", "PatchCore의 코어셋 비율"),
    "runpage_ratios_help": (
        "Share of patches kept in the memory bank: above 0, at most 1. Default 0.01. Several, "
        "such as 0.01 0.1, are evaluated side by side; the largest is chosen once for all.",
        "메모리 뱅크에 남길 패치의 비율입니다. 0보다 크고 1 이하이며 기본값은 0.01입니다. "
        "0.01 0.1처럼 여럿을 적으면 나란히 평가하며, 가장 큰 것을 한 번만 골라 함께 씁니다.",
    ),
    "runpage_ratios_wrong": (
        "Coreset ratios must be numbers above 0 and at most 1, such as: 0.01 0.1",
        "코어셋 비율은 0보다 크고 1 이하인 숫자여야 합니다. 예: 0.01 0.1",
    ),
    "runpage_size": ("Image size (px)", "이미지 크기 (px)"),
    "runpage_size_default": ("default", "기본값"),
    "runpage_size_help": (
        "MVTec AD's own categories: the shorter side before the centre crop of 224 px, default "
        "256. Your own categories: the whole picture covers about this size squared, default 224.",
        "MVTec AD의 카테고리에서는 가운데 224 px를 잘라 내기 전의 짧은 변이며 기본값은 256입니다. "
        "직접 준비한 카테고리에서는 사진 전체를 이 크기의 정사각형과 비슷한 넓이로 맞추며 기본값은 "
        "224입니다.",
    ),
    "runpage_size_wrong": (
        "The image size must be from {low} to {high} px for these categories.",
        "이 카테고리들의 이미지 크기는 {low}~{high} px여야 합니다.",
    ),
    "runpage_seeds": ("Seeds", "시드"),
    "runpage_seeds_help": (
        "Same seed, same numbers. Default 0. Several, such as 0 1 2, give a mean and a spread.",
        "시드가 같으면 숫자도 같습니다. 기본값은 0입니다. 0 1 2처럼 여럿을 적으면 평균과 변동을 알 "
        "수 있습니다.",
    ),
    "runpage_seeds_wrong": (
        "Seeds must be whole numbers from 0 to {most}, such as: 0 1 2",
        "시드는 0부터 {most}까지의 정수여야 합니다. 예: 0 1 2",
    ),
    "runpage_weights_one": (
        "A weights file fits one backbone; choose one, or leave the file away.",
        "가중치 파일은 백본 하나에만 맞습니다. 백본을 하나만 고르거나 파일을 비워 두세요.",
    ),
    "runpage_sweep": (
        "{count} cells per category. Those with other than the default settings go to {folder} in "
        "the outputs folder, each setting in a folder of its own.",
        "카테고리마다 셀 {count}개. 기본 설정이 아닌 것은 결과 폴더의 {folder}에 설정별로 나누어 "
        "저장합니다.",
    ),
    "runpage_no_data": (
        "There is no data folder to evaluate; give one in the sidebar.",
        "평가할 데이터 폴더가 없습니다. 왼쪽에 데이터 폴더를 적어 주세요.",
    ),
    "runpage_command": (
        "The same in a shell, in the project's folder:",
        "프로젝트 폴더의 셸에서는 다음과 같습니다:",
    ),
    "runpage_goes_to": (
        "{method}: these are not the default settings; its results go to {folder} in the outputs "
        "folder and the default ones stay.",
        "{method}: 기본 설정이 아니므로 결과는 결과 폴더의 {folder}에 저장되고, 기본 설정의 결과는 "
        "그대로 남습니다.",
    ),
    "runpage_start": ("Start this run", "이대로 실행"),
    "runpage_busy": (
        "Another run is going on; wait for it or cancel it.",
        "다른 실행이 진행 중입니다. 끝나기를 기다리거나 취소해 주세요.",
    ),
    "history_lead": (
        "Every finished cell in {folder}, the latest first. Tick cells to remove them.",
        "{folder}에 있는 끝난 셀을 최근 것부터 보여 줍니다. 지우려면 셀을 선택하세요.",
    ),
    "history_none": ("No cell has been finished yet.", "아직 끝난 셀이 없습니다."),
    "history_remove": ("Remove {count} cells", "셀 {count}개 지우기"),
    "history_question": (
        "Remove these cells with their pictures, scores and model? This cannot be undone: {cells}",
        "이 셀을 사진, 점수, 모델과 함께 지울까요? 되돌릴 수 없습니다: {cells}",
    ),
    "history_yes": ("Yes, remove", "지우기"),
    "history_no": ("No, keep", "그대로 두기"),
    "history_removed": ("Removed: {count} cells.", "지운 셀: {count}개."),
    "column_finished": ("Finished (UTC)", "끝난 시각 (UTC)"),
    "column_wall_s": ("Duration (s)", "걸린 시간 (초)"),
}
