"""Results as text: tables, CSV, JSON."""

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from actioncnn import files
from actioncnn.errors import printable
from actioncnn.runs.metrics import class_figures, ranking

COLUMNS = ("epoch", "loss", "acc", "val_loss", "val_acc")
History = list[dict[str, float]]  # a row for each epoch, with the COLUMNS as keys
UNSURE = "unsure"  # in place of a class whose probability is below a threshold
HISTORY_BYTES = 4 << 20  # of a history; 2,000 epochs take 100,000
MAX_ROWS = 500_000  # of a table
TOP = 5  # classes named per clip in predictions.csv
# Where a cell begins that a spreadsheet runs, and any quotes before it.
FORMULA = re.compile("(^|[;\r\n])(['\" ]*)(?=[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")


def plain(value: Any) -> Any:
    """Settings as JSON knows them: paths as text, numpy as numbers and lists, numbers that are not finite as null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def write_json(path: Path | str, values: Any, indent: int = 1) -> None:
    text = json.dumps(plain(values), indent=indent)
    files.write(path, f"{text}\n")


def table_text(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Tab-separated table: a header of `columns`, then a line for each row, a dict; floats with 6 decimals."""
    lines = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


def _cell(value):
    if value is None:
        return "nan"
    return f"{value:.6f}" if isinstance(value, float | np.floating) else str(value)


def write_history(path: Path, history: History) -> None:
    """Epochs 1, 2, ... of a run, a row each; history: dicts with the COLUMNS as keys, nan where missing."""
    files.write(path, table_text(COLUMNS, history))


def read_history(path: Path) -> History:
    """The history that `write_history` wrote, rounded to 6 decimals."""
    header, *rows = (line.split("\t") for line in files.read_text(path, HISTORY_BYTES).splitlines())
    return [
        {key: int(cell) if key == "epoch" else float(cell) for key, cell in zip(header, row, strict=True)}
        for row in rows
    ]


def best_classes(
    probabilities: np.ndarray, classes: Sequence[str], top: int, threshold: float = 0.0
) -> list[tuple[str, float]]:
    """[(class, probability)] of the `top` most probable classes; probabilities: (classes,).

    Where the best is below `threshold`, UNSURE comes first, with the probability of the best.
    """
    best = [(classes[label], float(probabilities[label])) for label in ranking(probabilities[None])[0][:top]]
    return [(UNSURE, best[0][1]), *best][:top] if best[0][1] < threshold else best


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows of cells as CSV. Text that a spreadsheet would run is written behind a ', which `csv_rows` takes away.

    Half of the world's spreadsheets begin a new cell at a ; so there too.
    """
    return "".join(_csv_line([marked(cell) if isinstance(cell, str) else cell for cell in row]) for row in rows)


def marked(cell: str) -> str:
    return FORMULA.sub(lambda begin: f"{begin[1]}'{begin[2]}", cell)


def unmarked(cell: str) -> str:
    return FORMULA.sub(lambda begin: begin[1] + begin[2].removeprefix("'"), cell)


def _csv_line(row):
    text = io.StringIO(newline="")
    csv.writer(text).writerow(row)  # with another end of lines it would not quote a name that has \r
    return text.getvalue().removesuffix("\r\n") + "\n"


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows, a dict each, of a file that `csv_text` made; bytes that are no UTF-8 come back as they were.

    OSError: it cannot be read. ValueError: it is no such table.
    """
    lines = csv.reader(io.StringIO(files.read(path).decode("utf-8-sig", "surrogateescape"), newline=""))
    try:
        header, rows = next(lines, []), list(itertools.islice(lines, MAX_ROWS + 1))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if len(set(header)) < len(header) or len(rows) > MAX_ROWS:
        raise ValueError(f"more than {MAX_ROWS} rows" if len(rows) > MAX_ROWS else "two columns have one name")
    if any(len(row) not in (0, len(header)) for row in rows):
        raise ValueError("a line is cut off")
    return [dict(zip(header, map(unmarked, row), strict=True)) for row in rows if row]


def predictions_csv(
    columns: Sequence[str],
    rows: Iterable[tuple[Sequence[Any], np.ndarray]],
    classes: Sequence[str],
    top: int = TOP,
    last: Sequence[Any] = (),
    threshold: float = 0.0,
) -> str:
    """CSV, as text: `columns`, then predicted class, confidence and the next of the first `top` classes.

    rows: (cells of the columns, probabilities (classes,)); last: (name, cells) of a column at the end; threshold: as of
    `best_classes`.
    """
    header = [*columns, "predicted", "confidence"]
    top = min(top, len(classes))
    for rank in range(2, top + 1):
        header += [f"predicted_{rank}", f"confidence_{rank}"]
    lines = [[*header, *last[:1]]]
    for place, (cells, probabilities) in enumerate(rows):
        named = best_classes(probabilities, classes, top, threshold)
        shares = (cell for name, share in named for cell in (name, f"{share:.7g}"))
        lines.append([*map(str, cells), *shares, *(each[place] for each in last[1:])])
    return csv_text(lines)


def write_predictions(
    path: Path,
    videos: Sequence[Path | str],
    classes: Sequence[str],
    truth: Sequence[int] | np.ndarray,
    probabilities: np.ndarray,
    groups: Sequence[str] | None = None,
) -> None:
    """predictions.csv of a test; videos: N names; truth: int (N,); probabilities: float (N, classes).

    groups: those of the videos, N, where their names do not tell them.
    """
    rows = zip(zip(videos, (classes[true] for true in truth)), np.asarray(probabilities), strict=True)
    files.write(
        path, predictions_csv(["file", "true"], rows, classes, last=() if groups is None else ("group", groups))
    )


def write_class_report(path: Path, matrix: np.ndarray, classes: Sequence[str]) -> None:
    """class_report.csv: precision, recall, F1 and number of clips of each class; empty where there is none.

    matrix: as metrics.confusion gives it.
    """
    lines = [["class", "precision", "recall", "f1", "clips"]]
    for name, *shares, clips in zip(classes, *class_figures(matrix), matrix.sum(1)):
        lines.append([name, *("" if np.isnan(share) else f"{share:.6f}" for share in shares), clips])
    files.write(path, csv_text(lines))


def joined_csv(parts: Iterable[Path]) -> str:
    """The rows of CSV files of the same columns, sorted, as the text of one."""
    headers, tables = zip(
        *(part.read_bytes().decode("utf-8", "surrogateescape").split("\n", 1) for part in parts), strict=True
    )
    rows = sorted(csv.reader(io.StringIO("".join(tables), newline="")))
    return headers[0] + "\n" + "".join(map(_csv_line, rows))


def write_confusions(path: Path, matrix: np.ndarray, classes: Sequence[str], count: int = 30) -> None:
    """confusions.txt: the `count` most frequent confusions, worst first; matrix as metrics.confusion gives it."""
    clips, classes = matrix.sum(1), [printable(name) for name in classes]
    wrong = [(matrix[i, j], matrix[i, j] / clips[i], i, j) for i, j in np.argwhere(matrix) if i != j]
    wrong.sort(key=lambda item: (-item[0], -item[1], item[2], item[3]))
    lines = [f"{classes[i]} -> {classes[j]}: {n} of {clips[i]} clips" for n, _, i, j in wrong[:count]]
    if len(wrong) > count:
        lines.append(f"and {len(wrong) - count} more pairs of classes with at most {wrong[count][0]} clips")
    files.write(path, "\n".join(lines or ["no clip is wrong"]) + "\n")
