"""PyTorch's side of the benchmark: answers on a loopback socket, so that both sides run in turn.

Usage: torch_times.py PORT. Each request is a line of a CSV, `seconds,dtype,threads,what`, then the
fields of a row of shapes.csv; the answer is the median of the calls that fit into `seconds`.
`what` is "forward" or "training" (forward and the gradients of input, weight and bias).
"""
import socket
import statistics
import sys
import time

import torch
import torch.nn.functional as F

FIELDS = ("layer batch c_in c_out groups in kernel stride padding dilation output_padding").split()


def numbers(text, n):
    values = [int(x) for x in text.split("x")]
    return tuple(values * n if len(values) == 1 else values)


def prepared(row, dtype, what):
    """A function without arguments that makes one call."""
    n = int(row["layer"][-2])
    transposed = "transpose" in row["layer"]
    batch, c_in, c_out, groups = (int(row[k]) for k in ("batch", "c_in", "c_out", "groups"))
    kernel = numbers(row["kernel"], n)
    weight_dim = (c_in, c_out // groups) if transposed else (c_out, c_in // groups)
    training = what == "training"
    x = torch.randn((batch, c_in) + numbers(row["in"], n), dtype=dtype, requires_grad=training)
    w = torch.randn(weight_dim + kernel, dtype=dtype, requires_grad=training)
    b = torch.randn(c_out, dtype=dtype, requires_grad=training)
    arguments = {k: numbers(row[k], n) for k in ("stride", "padding", "dilation")}
    if transposed:
        arguments["output_padding"] = numbers(row["output_padding"], n)
    function = getattr(F, row["layer"])

    def forward():
        return function(x, w, b, groups=groups, **arguments)

    if not training:
        return forward
    grad = torch.ones_like(forward())
    return lambda: torch.autograd.grad(forward(), (x, w, b), grad)


def median_seconds(call, budget):
    call()
    times = []
    # A few calls at least, but for very slow ones.
    while sum(times) < budget and len(times) < 1000 or len(times) < 3 and sum(times) < 10 * budget:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    with socket.create_connection(("localhost", int(sys.argv[1]))) as connection:
        stream = connection.makefile("rw")
        for line in stream:
            seconds, dtype, threads, what, *values = line.strip().split(",")
            torch.set_num_threads(int(threads))
            row = dict(zip(FIELDS, values))
            call = prepared(row, getattr(torch, dtype), what)
            stream.write(f"{median_seconds(call, float(seconds))}\n")
            stream.flush()


main()
