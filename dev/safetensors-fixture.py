"""Makes tests/testthat/fixtures/safetensors/ by PyTorch: a small network and what it makes of R's logo.

    /usr/bin/python3 dev/safetensors-fixture.py    (Debian: python3-torch, r-cran-png)

    DTYPE.safetensors   the state of the network in float64, float32, float16, bfloat16, with torch's
                        order of dimensions, as safetensors.torch.save_file() would write it
    DTYPE.bin           the network's output with these weights, computed in double precision:
                        little-endian floats in R's (column-major) order
    types.safetensors   tensors of every other type that is read, and odd shapes

The package safetensors of Python is not needed: the format is a header in JSON and the bytes.
"""

import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import torch
from torch import nn

FIXTURES = Path(__file__).resolve().parent.parent / "tests/testthat/fixtures/safetensors"
TYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint8: "U8", torch.bool: "BOOL",
}


def save(state, path, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in state.items():
        tensor = tensor.detach().contiguous()
        words = tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor
        raw = words.numpy().tobytes()
        header[name] = {
            "dtype": TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def logo():
    code = (
        'x <- png::readPNG(system.file("img", "Rlogo.png", package = "png"));'
        'writeBin(c(dim(x), x), pipe("cat", "wb"))'
    )
    numbers = np.frombuffer(subprocess.check_output(["Rscript", "-e", code]), dtype="<f8")
    dim = numbers[:3].astype(int)
    image = numbers[3:].reshape(dim, order="F")
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(4, 6, (5, 3), stride=4, padding=(2, 1)), nn.BatchNorm2d(6), nn.ReLU(),
        )
        self.up = nn.ConvTranspose2d(6, 2, 4, stride=2, padding=1, groups=2)
        for parameter in self.features[1].parameters():
            nn.init.uniform_(parameter, -1, 1)

    def forward(self, x):
        return self.up(self.features(x))


def main():
    FIXTURES.mkdir(exist_ok=True)
    torch.manual_seed(1)
    network, image = Network().double(), logo()
    network(image)  # the batch norm's running statistics
    state = {name: tensor.clone() for name, tensor in network.eval().state_dict().items()}
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        stored = {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in state.items()
        }
        name = str(dtype).split(".")[1]
        save(stored, FIXTURES / f"{name}.safetensors", {"format": "pt"})
        network.load_state_dict(stored)
        output = network(image).detach().numpy()
        output.astype("<f4").ravel(order="F").tofile(FIXTURES / f"{name}.bin")

    save(
        {
            "int64": torch.tensor([[-(2**53) + 1, -1, 0], [1, 2**32, 2**53 - 1]]),
            "int32": torch.tensor([-(2**31), -1, 0, 2**31 - 1], dtype=torch.int32),
            "int16": torch.tensor([-(2**15), -1, 0, 2**15 - 1], dtype=torch.int16),
            "int8": torch.tensor([-128, -1, 0, 127], dtype=torch.int8),
            "uint8": torch.tensor([0, 255], dtype=torch.uint8),
            "bool": torch.tensor([[True, False, True]]),
            "float16": torch.tensor([0.0, -0.0, 2**-24, 65504, np.inf, -np.inf, np.nan]).half(),
            "bfloat16": torch.tensor([1 / 3, -3e38, 1e-40, np.inf, np.nan]).bfloat16(),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
            "cube": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4),
            "größe/名": torch.tensor([1.0]),
        },
        FIXTURES / "types.safetensors",
        {"author": "Müller", "empty": ""},
    )


if __name__ == "__main__":
    main()
