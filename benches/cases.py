"""Recorded whole runs, repeated on a graphics card through the program: for card.py.

A folder is one of tests/fixtures' kind, whose U-Nets may be stored as the seed that drew them (tests/fixtures/seeded.py).
The rule of comparison is that of tests/common/case.rs, for the tensors that whole runs have."""
import array, json, math, pathlib, shutil, struct, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODES = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "U8": "B", "BOOL": "B"}
OPTIONAL = (".snb.active", ".scfg.chat", ".scfg.fore", "_pooled", "time_ids", ".latents_unblended", ".evals", "final.picture")
EXACT = ("ids", "ids_2", "timestep", ".active")


def load(path):
    """Tensors, (shape, type, values) each, and metadata."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata, found = header.pop("__metadata__", {}), {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw, code = data[8 + size + begin:8 + size + end], CODES[entry["dtype"]]
        found[name] = entry["shape"], entry["dtype"], struct.unpack(f"<{len(raw) // struct.calcsize(code)}{code}", raw)
    return found, metadata


def squeezed(shape):
    lead = next((i for i, side in enumerate(shape[:-1]) if side != 1), max(len(shape) - 1, 0))
    return shape[lead:]


def difference(name, want, got, tolerance):
    """Why a tensor is off, or None."""
    if squeezed(want[0]) != squeezed(got[0]):
        return f"{name} has shape {got[0]}, expected {want[0]}"
    if want[1].startswith("F"):
        distance = math.dist(got[2], want[2]) / (math.hypot(*want[2]) or 1.0)
        limit = tolerance["per_tensor"].get(name, tolerance["float_rel_l2"])
        return None if distance <= limit else f"{name} is {distance:.2e} off (relative L2), allowed {limit:.1e}"
    share = sum(map(int.__eq__, map(int, got[2]), map(int, want[2]))) / max(len(want[2]), 1)
    need = 1.0 if name == "mask" or name.endswith(EXACT) else tolerance["int_agreement"]
    return None if share >= need else f"{name} agrees on {100 * share:.2f} %, needed {100 * need:.2f} %"


def differences(case, trace):
    want, metadata = load(case)
    got, _ = load(trace)
    tolerance = {"per_tensor": {}, **json.loads(metadata["tolerance"])}
    own = json.loads(metadata.get("optional", "[]"))
    optional = lambda name: name.startswith("draw.") or ".expert." in name or name.endswith(OPTIONAL) or any(
        name.endswith(part[:-1]) if part.endswith("$") else part in name for part in own)
    found = []
    for name in want:
        if name in got:
            found.append(difference(name, want[name], got[name], tolerance))
        elif not optional(name):
            found.append(f"{name} is missing")
    return [off for off in found if off]


def expand(stored, whole):
    """Writes the weights that a stored seed stands for."""
    sys.path.insert(0, str(ROOT / "tests/fixtures"))
    from seeded import bound, drawn, generator
    data = stored.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__")
    draws, draw, weights = json.loads(metadata["draws"]), generator(int(metadata["seed"])), {}
    shapes = {name: (shape,) for name, shape in draws}
    for name, shape in draws:
        limit = bound(shapes, name)
        values = (drawn(draw(), limit) for _ in range(math.prod(shape)))
        weights[name] = shape, array.array("f", values)
    for name, entry in header.items():
        weights[name] = entry["shape"], data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]]
    header, body = {}, b""
    for name, (shape, raw) in weights.items():
        raw = raw if isinstance(raw, bytes) else struct.pack(f"<{len(raw)}e", *raw)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    whole.write_bytes(struct.pack("<Q", len(text)) + text + body)


def whole(folder, name, scratch):
    """The model's folder as the program reads it: itself, or a copy with whole weights in `scratch`."""
    model = folder / name
    stored = model / "unet/diffusion_pytorch_model.seed.safetensors"
    if not stored.is_file():
        return model.resolve()
    copy = scratch / pathlib.Path(name).name
    if not copy.exists():
        shutil.copytree(model, copy)
        expand(stored, copy / "unet/diffusion_pytorch_model.safetensors")
        (copy / "unet" / stored.name).unlink()
    return copy


def runs(folder, scratch):
    """Each whole run of a folder: its name, the arguments of `sextant render`, and the recorded file."""
    for case in json.loads((folder / "cases.json").read_text()):
        words, models = case.get("render_args", []), ("--model", "--expert")
        words = [str(whole(folder, word, scratch)) if before in models and (folder / word).is_dir() else word
                 for before, word in zip(["", *words], words)]
        if words:
            yield pathlib.Path(case["file"]).stem, words, folder / case["file"]
