#!/usr/bin/env python3
"""Whether weights mean the same elsewhere: three networks between Switchyard, PyTorch and ONNX.

  python3 tests/program/travel.py [PROGRAM] [IMAGES]     (default: build/switchyard, 1000; needs PyTorch; with onnxruntime
                                                         or onnx it runs, or checks, the ONNX files too)

For each network: trains some steps, converts, and compares logits on random pictures with PyTorch's from the same file
(load_state_dict, strict) and with the ONNX model's; then the way back, PyTorch's weights in a plain file into Switchyard.
Prints the largest difference of each, relative to the largest logit; above 1e-4 is a failure.
"""
import json, os, struct, subprocess, sys, tempfile, zlib
import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data"))
import golden

PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/switchyard")
IMAGES = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
BOUND = 1e-4
NETWORKS = {
    "wrn-16-2": ('plugin = "wrn"; depth = 16; width = 2;', lambda: golden.Wide(2, 2, 6)),
    "resnet-20": ('plugin = "resnet_cifar"; depth = 20;', lambda: golden.Plain(3, 6)),
    "mobilenetv2-0.5": ('plugin = "mobilenetv2"; width = 0.5;', lambda: golden.Mobile(0.5, 6)),
}
# Compared with an ONNX runtime only.
ONNX_ONLY = {
    "vgg-8": ('plugin = "vgg"; depth = 8;', None),
    "shufflenetv2-0.5": ('plugin = "shufflenetv2"; width = 0.5;', None),
    "densenet": ('plugin = "densenet";', None),
    "mobilenet": ('plugin = "mobilenet";', None),
}


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def write_png(path, pixels):
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + pixels[y].tobytes() for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    notes = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32"
        tensors[name] = torch.from_numpy(np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).copy())
    return tensors, notes


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        bytes_ = tensor.numpy().tobytes()
        kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def ours(weights, pictures, *more):
    lines = run("predict", weights, *pictures, "--json", "--logits", *more).splitlines()
    return np.array([json.loads(line)["logits"] for line in lines])


def theirs(net, x):
    with torch.no_grad():
        return net.eval()(torch.from_numpy(x)).numpy()


def onnx_logits(path, x):
    """Logits, or None where only the checker is there, or 0 where nothing is."""
    try:
        import onnxruntime
    except ImportError:
        try:
            import onnx
        except ImportError:
            return 0
        onnx.checker.check_model(onnx.load(path), full_check=True)
        return None
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": x})[0]


def distance(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())


def config_of(network):
    return ('data: { plugin = "shapes"; classes = 6; batch = 32; train = 960; test = 32; };\n'
            "train: { optimizer: { lr = 0.02; }; };\n"
            f'nodes: {{ net: {{ {network} role = "student"; }}; }};\n')


def images_of(path, pixels):
    """The pictures as the network sees them: normalised by the numbers in the file."""
    notes = read_safetensors(path)[1]
    mean, std = (np.array(json.loads(notes[f"switchyard.{what}"]), np.float32) for what in ("mean", "std"))
    return ((pixels.astype(np.float32) / 255 - mean) / std).transpose(0, 3, 1, 2).copy()


def trained(folder, word, network):
    """Trains some steps; the plain file and the ONNX model."""
    config, plain, model = f"{folder}/{word}.cfg", f"{folder}/{word}.safetensors", f"{folder}/{word}.onnx"
    with open(config, "w") as file:
        file.write(config_of(network))
    run("run", config, "--out", f"{folder}/{word}", "--quiet")
    run("convert", f"{folder}/{word}", plain)
    run("convert", f"{folder}/{word}", model)
    return plain, model


def beside_pytorch(folder, word, plain, make, pixels, pictures):
    """Both ways; figures with their names."""
    tensors, notes = read_safetensors(plain)
    net = make()
    net.load_state_dict(tensors)
    x = images_of(plain, pixels)
    yield "PyTorch reads ours", distance(ours(plain, pictures), theirs(net, x))
    torch.manual_seed(2)
    fresh = make()
    write_safetensors(f"{folder}/fresh.safetensors", fresh.state_dict())
    normalised = [f"data.{what}={json.loads(notes[f'switchyard.{what}'])}" for what in ("mean", "std")]
    back = ours(f"{folder}/fresh.safetensors", pictures, "--net", word, "--classes", "6", "--set", normalised[0],
                "--set", normalised[1])
    yield "we read PyTorch's", distance(back, theirs(fresh, x))


def beside_onnx(word, plain, model, pixels, pictures):
    logits = onnx_logits(model, images_of(plain, pixels))
    if isinstance(logits, np.ndarray):
        yield "ONNX runtime reads ours", distance(logits, ours(plain, pictures))
    else:
        print(f"{word}: ONNX {'passes the checker' if logits is None else 'not looked at: no onnx here'}")


def main():
    worst = 0
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        pixels = rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
        pictures = [f"{folder}/{i}.png" for i in range(IMAGES)]
        for path, picture in zip(pictures, pixels):
            write_png(path, picture)
        for word, (network, make) in {**NETWORKS, **ONNX_ONLY}.items():
            plain, model = trained(folder, word, network)
            figures = list(beside_onnx(word, plain, model, pixels, pictures))
            if make:
                figures += beside_pytorch(folder, word, plain, make, pixels, pictures)
            for what, figure in figures:
                print(f"{word}: {what}: {figure:.1e} on {IMAGES} pictures", flush=True)
                worst = max(worst, figure)
    print(f"largest {worst:.1e}, at most {BOUND:g} allowed")
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
