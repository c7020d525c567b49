"""PyTorch's answers to random cases that R drew: torch_answers.py FOLDER (one thread).

FOLDER/cases.csv     cases as in tests/testthat/cases, or of nnf_pad() where there is a `mode`
FOLDER/operands.*    their arrays: an index as dev/fixtures.py writes it, and the data
FOLDER/answers.*     written: the output and the gradients, likewise, and for each array the largest
                     sum of the moduli of its terms, in scales.csv
FOLDER/refused.csv   written: the cases in which PyTorch raised an error, with its words
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from fixtures import layer_output, numbers, packed, pad, with_gradients  # noqa: E402


def read_operands(folder):
    data = np.fromfile(folder / "operands.bin", "<f8")
    operands = {}
    with open(folder / "operands.csv", newline="") as file:
        for row in csv.DictReader(file):
            dim = numbers(row["dim"])
            is_complex = row["complex"] == "1"
            start = int(row["offset"])
            values = data[start:start + int(np.prod(dim)) * (1 + is_complex)]
            values = values.view("<c16") if is_complex else values
            # A copy, for PyTorch crashes on complex numbers that are aligned as real ones.
            array = np.array(values.reshape(dim, order="F"), order="C")
            operands.setdefault(row["id"], {})[row["part"]] = torch.from_numpy(array)
    return operands


def in_precision(case, array):
    """A leaf of the case's precision."""
    if case["dtype"] in ("float32", "complex64"):
        array = array.to(torch.complex64 if array.is_complex() else torch.float32)
    return array.clone().requires_grad_()


def results(case, operands):
    """Real operands of complex results are made complex on the way, so their gradients are real."""
    leaves = {part: in_precision(case, array) for part, array in operands.items()}
    x, w, b = (leaves.get(part) for part in ("input", "weight", "bias"))
    used = (x, w, b)
    if any(leaf is not None and leaf.is_complex() for leaf in used):
        used = [None if a is None else torch.complex(a, 0 * a) if not a.is_complex() else a
                for a in used]
    y = with_pixels(layer_output(case, *used), int(case["layer"][-2]))
    if "grad_output" in leaves:
        y.backward(leaves["grad_output"].detach())
    return with_gradients(y, x, w, b)


def with_pixels(y, dims):
    """A crop may leave nothing, which PyTorch's layers refuse, and its pad does not."""
    if 0 in y.shape[-dims:]:
        raise ValueError("no pixel is left")
    return y


def moduli(case, operands):
    case = {**case, "dtype": "float64"}
    return results(case, {part: array.abs() for part, array in operands.items()})


def answer_layer(case, operands):
    answers = results(case, operands)
    if "grad_output" not in operands:
        return answers, {}
    sums = {part: array.max().item() if array.numel() else 0
            for part, array in moduli(case, operands).items()}
    return answers, sums


def answer_pad(case, operands):
    lengths = numbers(case["pad"])
    y = pad(operands["input"], lengths, case["mode"], float(case["value"]))
    return {"output": with_pixels(y, len(lengths) // 2)}, {"output": 0}


def main(folder):
    operands = read_operands(folder)
    arrays, scales, refused = [], ["id,part,scale"], ["id,words"]
    with open(folder / "cases.csv", newline="") as file:
        for case in csv.DictReader(file):
            answer = answer_pad if "mode" in case else answer_layer
            try:
                answers, sums = answer(case, operands[case["id"]])
            except (RuntimeError, ValueError, IndexError) as error:
                words = str(error).split("\n")[0].replace('"', "'")
                refused.append(f'{case["id"]},"{words}"')
                continue
            arrays += [(case["id"], part, array) for part, array in answers.items()
                       if array is not None]
            scales += [f'{case["id"]},{part},{value!r}' for part, value in sums.items()]
    index, data = packed(arrays)
    (folder / "answers.csv").write_text(index)
    (folder / "answers.bin").write_bytes(data)
    (folder / "scales.csv").write_text("\n".join(scales) + "\n")
    (folder / "refused.csv").write_text("\n".join(refused) + "\n")


torch.set_num_threads(1)
main(Path(sys.argv[1]))
