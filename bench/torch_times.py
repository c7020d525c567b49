"""PyTorch's side of the benchmark: answers on a loopback socket, so that both sides run in turn.

    torch_times.py                        prints the version of PyTorch and the BLAS it runs on
    torch_times.py PORT THREADS SECONDS   takes turns; how time is taken is said in bench/clock.R

A request is a line of a CSV, `dtype,what,form`, then the fields of a row of shapes.csv; the answer
is the time of a call. `what` is "forward" or "training" (forward and the gradients of input, weight
and bias), `form` is "functional" or "module".
"""
import functools
import math
import re
import socket
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

FIELDS = "layer batch c_in c_out groups in kernel stride padding dilation output_padding".split()
DEFAULTS = {"stride": "1", "padding": "0", "dilation": "1", "groups": "1", "output_padding": "0"}


def numbers(text):
    values = tuple(int(x) for x in text.split("x"))
    return values if len(values) > 1 else values[0]


def one_call(dtype, what, form, row):
    """A function without arguments that makes one call, its arguments as a user writes them."""
    arguments = {k: numbers(row[k]) for k, default in DEFAULTS.items() if row[k] != default}
    transposed = "transpose" in row["layer"]
    name = "Conv" + ("Transpose" if transposed else "") + row["layer"][-2:]
    sizes = (numbers(row[k]) for k in ("c_in", "c_out", "kernel"))
    module = getattr(torch.nn, name)(*sizes, **arguments).to(dtype)
    x_dim = [int(row[k]) for k in ("batch", "c_in")] + [int(v) for v in row["in"].split("x")]
    training = what == "training"
    x = torch.randn(x_dim, dtype=dtype, requires_grad=training)

    if form == "module":
        forward = functools.partial(module, x)
    else:
        w = module.weight.detach().requires_grad_(training)
        b = module.bias.detach().requires_grad_(training)
        forward = functools.partial(getattr(F, row["layer"]), x, w, b, **arguments)
    if not training:
        return forward

    ones = torch.ones_like(forward())

    def step():
        forward().backward(ones)
        module.zero_grad(set_to_none=True)
        x.grad = None

    if form == "module":
        return step
    return lambda: torch.autograd.grad(forward(), (x, w, b), ones)


def elapsed(call, count):
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start


@functools.lru_cache(maxsize=2)
def contender(request, seconds):
    dtype, what, form, *values = request.split(",")
    call = one_call(getattr(torch, dtype), what, form, dict(zip(FIELDS, values)))
    first = elapsed(call, 1)
    if first > 10 * seconds:
        return lambda: first
    count = 1
    while (took := elapsed(call, count)) < seconds / 10:
        count *= 2
    count = math.ceil(count * seconds / took)
    return lambda: elapsed(call, count) / count


def blas():
    if torch.backends.mkl.is_available():
        return "MKL"
    maps = Path("/proc/self/maps")
    mapped = maps.read_text() if maps.exists() else ""
    return max(re.findall(r"/(lib[^/\s]*bl[ai]s\S*)", mapped), key=len, default="unknown BLAS")


def main(port, threads, seconds):
    torch.set_num_threads(int(threads))
    with socket.create_connection(("localhost", int(port))) as connection:
        stream = connection.makefile("rw")
        for line in stream:
            stream.write(f"{contender(line.strip(), float(seconds))()}\n")
            stream.flush()


if len(sys.argv) > 1:
    main(*sys.argv[1:])
else:
    print(torch.__version__, blas(), sep="\n")
