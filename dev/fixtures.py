"""Makes tests/testthat/fixtures/ from tests/testthat/cases/*.csv by PyTorch, in double precision.

    /usr/bin/python3 dev/fixtures.py    (Debian: python3-torch; the tests themselves need no Python)

Per cases file NAME.csv this writes
    NAME.bin.xz   little-endian doubles, arrays in R's (column-major) order, complex as (re, im)
    NAME.csv      where each array lies: id, part, dim, complex (0/1), offset (in doubles, from 0)

Inputs are not stored: tests/testthat/helper-cases.R draws the same numbers from the same generator.
"""

import csv
import lzma
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

TESTS = Path(__file__).resolve().parent.parent / "tests" / "testthat"
MODULUS = 2**31 - 1


class Stream:
    """The values of one case: a Lehmer generator whose start is a hash of the id."""

    def __init__(self, case):
        self.dtype, self.data = case["dtype"], case["data"]
        self.state = 1
        for byte in case["id"].encode():
            self.state = (31 * self.state + byte) % MODULUS

    def uniform(self, count):
        states = np.empty(count)
        for i in range(count):
            self.state = 16807 * self.state % MODULUS
            states[i] = self.state
        return states / MODULUS

    def array(self, dim):
        is_complex = self.dtype.startswith("complex")
        values = self.uniform(int(np.prod(dim)) * (1 + is_complex))
        values = np.floor(7 * values) - 3 if self.data == "integer" else 2 * values - 1
        if self.dtype in ("float32", "complex64"):
            values = values.astype(np.float32).astype(np.float64)
        if is_complex:
            values = values.view(np.complex128)
        array = np.ascontiguousarray(values.reshape(dim, order="F"))
        return torch.from_numpy(array).requires_grad_()


def numbers(text):
    return [int(v) for v in text.split("x")]


def per_dimension(text, ndim):
    values = numbers(text)
    return values * ndim if len(values) == 1 else values


def pairs(padding, kernel, dilation):
    """The padding before and after, per spatial dimension."""
    totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
    if padding == "valid":
        return [(0, 0) for _ in totals]
    if padding == "same":
        return [(t // 2, t - t // 2) for t in totals]
    if padding == "causal":
        return [(t, 0) for t in totals]
    if ":" in padding:
        return [tuple(map(int, pair.split(":"))) for pair in padding.split("x")]
    return [(p, p) for p in per_dimension(padding, len(kernel))]


def pad(x, lengths, mode="constant", value=0.0):
    """F.pad, also for complex and for unbatched x where torch 1.13 lacks the mode."""
    if mode != "constant" and x.ndim == len(lengths) // 2 + 1:
        return pad(x[None], lengths, mode)[0]
    if x.is_complex():
        return torch.complex(pad(x.real, lengths, mode, value), pad(x.imag, lengths, mode))
    return F.pad(x, lengths, mode, value if mode == "constant" else None)


def conv_transpose(function, x, w, b, *geometry):
    """F.conv_transpose*d, also for complex operands, which torch 1.13 lacks."""
    if not x.is_complex():
        return function(x, w, b, *geometry)

    def product(p, q):
        return function(p, q, None, *geometry)

    y = torch.complex(product(x.real, w.real) - product(x.imag, w.imag),
                      product(x.real, w.imag) + product(x.imag, w.real))
    return y if b is None else y + b.reshape([-1] + [1] * (w.ndim - 2))


def last_first(spatial_pairs):
    return [v for pair in reversed(spatial_pairs) for v in pair]


def layer_results(case):
    ndim = int(case["layer"][-2])
    transposed = "transpose" in case["layer"]
    c_in, c_out, groups = (int(case[key]) for key in ("c_in", "c_out", "groups"))
    columns = ("in", "kernel", "stride", "dilation", "output_padding")
    size, kernel, stride, dilation, output_padding = (
        per_dimension(case[column], ndim) for column in columns)
    padding = pairs(case["padding"], kernel, dilation)

    stream = Stream(case)
    batch = [int(case["batch"])] if case["batch"] else []
    x = stream.array(batch + [c_in] + size)
    w = stream.array(([c_in, c_out // groups] if transposed else [c_out, c_in // groups]) + kernel)
    b = stream.array([c_out]) if case["bias"] == "1" else None

    function = getattr(F, case["layer"])
    if transposed and ":" in case["padding"]:
        y = conv_transpose(function, x, w, b, stride, 0, output_padding, groups, dilation)
        y = pad(y, [-v for v in last_first(padding)])
    elif transposed:
        cut = [lo for lo, _ in padding]
        y = conv_transpose(function, x, w, b, stride, cut, output_padding, groups, dilation)
    elif case["padding_mode"] == "zeros" and all(lo == hi for lo, hi in padding):
        y = function(x, w, b, stride, [lo for lo, _ in padding], dilation, groups)
    else:
        mode = case["padding_mode"].replace("zeros", "constant")
        y = function(pad(x, last_first(padding), mode), w, b, stride, 0, dilation, groups)

    y.backward(stream.array(list(y.shape)).detach())
    results = {"output": y.detach(), "grad_input": x.grad, "grad_weight": w.grad}
    if b is not None:
        results["grad_bias"] = b.grad
    return results


def pad_results(case):
    x = Stream(case).array(numbers(case["in"])).detach()
    return {"output": pad(x, numbers(case["pad"]), case["mode"], float(case["value"]))}


def write_fixtures(cases_file):
    with open(cases_file, newline="") as file:
        cases = list(csv.DictReader(file))
    chunks, index, offset = [], ["id,part,dim,complex,offset"], 0
    for case in cases:
        results = pad_results(case) if "pad" in case else layer_results(case)
        for part, tensor in results.items():
            is_complex = tensor.is_complex()
            array = tensor.resolve_conj().numpy().astype("<c16" if is_complex else "<f8")
            chunk = array.ravel(order="F").view("<f8")
            dim = "x".join(str(v) for v in array.shape)
            index.append(f"{case['id']},{part},{dim},{int(is_complex)},{offset}")
            chunks.append(chunk)
            offset += chunk.size

    target = TESTS / "fixtures" / cases_file.name
    target.write_text("\n".join(index) + "\n")
    data = b"".join(chunk.tobytes() for chunk in chunks)
    data = lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)
    target.with_suffix(".bin.xz").write_bytes(data)
    print(f"{cases_file.name}: {len(cases)} cases, {offset} numbers, {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    torch.set_num_threads(2)
    for path in sorted((TESTS / "cases").glob("*.csv")):
        write_fixtures(path)
