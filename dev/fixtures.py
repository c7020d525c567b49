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

    def product(p, q, b=None):
        return function(p, q, b, *geometry)

    bias = (None, None) if b is None else (b.real, b.imag)
    return torch.complex(product(x.real, w.real, bias[0]) - product(x.imag, w.imag),
                         product(x.real, w.imag, bias[1]) + product(x.imag, w.real))


def last_first(spatial_pairs):
    return [v for pair in reversed(spatial_pairs) for v in pair]


def layer_output(case, x, w, b):
    ndim = int(case["layer"][-2])
    transposed = "transpose" in case["layer"]
    groups, kernel = int(case["groups"]), list(w.shape[2:])
    stride, dilation, output_padding = (
        per_dimension(case[column], ndim) for column in ("stride", "dilation", "output_padding"))
    padding = pairs(case["padding"], kernel, dilation)

    function = getattr(F, case["layer"])
    if transposed and ":" in case["padding"]:
        y = conv_transpose(function, x, w, b, stride, 0, output_padding, groups, dilation)
        return pad(y, [-v for v in last_first(padding)])
    if transposed:
        cut = [lo for lo, _ in padding]
        return conv_transpose(function, x, w, b, stride, cut, output_padding, groups, dilation)
    if case["padding_mode"] == "zeros" and case["padding"] in ("valid", "same"):
        return function(x, w, b, stride, case["padding"], dilation, groups)
    if case["padding_mode"] == "zeros" and all(lo == hi for lo, hi in padding):
        return function(x, w, b, stride, [lo for lo, _ in padding], dilation, groups)
    mode = case["padding_mode"].replace("zeros", "constant")
    return function(pad(x, last_first(padding), mode), w, b, stride, 0, dilation, groups)


def layer_results(case):
    ndim = int(case["layer"][-2])
    c_in, c_out, groups = (int(case[key]) for key in ("c_in", "c_out", "groups"))
    size, kernel = (per_dimension(case[column], ndim) for column in ("in", "kernel"))
    channels = [c_in, c_out // groups] if "transpose" in case["layer"] else [c_out, c_in // groups]

    stream = Stream(case)
    batch = [int(case["batch"])] if case["batch"] else []
    x = stream.array(batch + [c_in] + size)
    w = stream.array(channels + kernel)
    b = stream.array([c_out]) if case["bias"] == "1" else None
    y = layer_output(case, x, w, b)
    y.backward(stream.array(list(y.shape)).detach())
    return with_gradients(y, x, w, b)


def with_gradients(y, x, w, b):
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
    results = pad_results if "pad" in cases_file.name else layer_results
    arrays = [(case["id"], part, array) for case in cases for part, array in results(case).items()]
    index, data = packed(arrays)
    target = TESTS / "fixtures" / cases_file.name
    target.write_text(index)
    data = lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)
    target.with_suffix(".bin.xz").write_bytes(data)
    print(f"{cases_file.name}: {len(cases)} cases, {len(data) / 1000:.0f} kB")


def packed(arrays):
    """The index and the data of (id, part, tensor)s."""
    chunks, index, offset = [], ["id,part,dim,complex,offset"], 0
    for case_id, part, tensor in arrays:
        is_complex = tensor.is_complex()
        array = tensor.resolve_conj().numpy().astype("<c16" if is_complex else "<f8")
        chunk = array.ravel(order="F").view("<f8")
        dim = "x".join(str(v) for v in array.shape)
        index.append(f"{case_id},{part},{dim},{int(is_complex)},{offset}")
        chunks.append(chunk.tobytes())
        offset += chunk.size
    return "\n".join(index) + "\n", b"".join(chunks)


if __name__ == "__main__":
    torch.set_num_threads(2)
    for path in sorted((TESTS / "cases").glob("*.csv")):
        write_fixtures(path)
