#!/usr/bin/env python3
"""Everything about a graphics card in five minutes of it: card.py --bin FOLDER [--out FOLDER] [--cases FOLDER] [--quick]

FOLDER of --bin holds the stripped programs `sextant` and, from `cargo bench --bench peer --bench window --no-run`, `peer`
and `window`; what is missing is said, and the rest measured. Needs nothing but Python's library: no network, no Rust. Where
torch finds the card too, Stable Diffusion 1.5's U-Net is timed in it as well (torch_unet.py).
Each part has a share of the time; what it leaves goes to those after it. After every part and row, card.json and card.md are
written anew to --out (or $OUT, or here), so that whatever ended the script leaves what was measured until then.
--cases: a folder of recorded runs, as tests/fixtures, repeated on the card through the program and compared.
--quick: few steps and tiny latents, to rehearse on a software rasteriser."""
import argparse, collections, gzip, json, os, pathlib, random, re, shutil, signal, statistics, struct, subprocess, sys
import tempfile, threading, time, zlib

import cases

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMPT = ["--prompt", "a red car on a city street at sunset", "--seed", "7"]
METHODS = ["unguided", "cfg", "s-cfg", "sega 1", "sega 3", "snb"]
PRECISIONS = ["f32", "f16"]


class Left(Exception):
    """Why something was left out."""


class Late(Left):
    """The part's time is over."""


def reason(lines):
    """What a program said last: of a Rust panic its message, not the stack."""
    said = [line.strip() for line in lines if line.strip()]
    panics = [after for line, after in zip(said, said[1:]) if "panicked at" in line]
    return (panics or said or ["nothing was said"])[-1][:300]


class Bench:
    """What all parts share: programs, scratch folder, and when the running part must end."""

    def __init__(self, options, scratch):
        self.programs, self.scratch, self.quick, self.cases = options.bin.resolve(), scratch, options.quick, options.cases
        self.deadline = 0.0

    def left(self, doing=""):
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise Late(f"the part's time is over {doing}".strip())
        return seconds

    def program(self, name):
        path = self.programs / name
        if not os.access(path, os.X_OK):
            raise Left(f"there is no program {name} in the folder of --bin")
        return str(path)

    def environment(self, cache, **more):
        """Every driver's and the program's own cache in one folder, and nothing of the user's touched."""
        folder = self.scratch / cache
        names = ["MESA_SHADER_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"]
        for name in names:
            (folder / name).mkdir(parents=True, exist_ok=True)
        # NVIDIA's driver keeps nothing for root unless it is told to.
        return {**os.environ, **{name: str(folder / name) for name in names}, "__GL_SHADER_DISK_CACHE": "1", **more}

    def follow(self, words, cache="warm", folder=None, **more):
        """The lines of a program, both streams, each with the seconds since its start."""
        begun = time.monotonic()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", env=self.environment(cache, **more),
                                   cwd=folder or self.scratch)
        watch, last = threading.Timer(self.left(), process.kill), collections.deque(maxlen=100)
        watch.start()
        try:
            for line in process.stdout:
                yield time.monotonic() - begun, line.rstrip()
                last.append(line)
            status = process.wait()
            self.left(f"after: {reason(last)}")
            if status != 0:
                raise Left(f"ended with status {status}: {reason(last)}")
        finally:
            watch.cancel()
            process.kill()
            process.wait()
            process.stdout.close()


class Peer:
    """A program that reads a command per line, carries it out, and prints its seconds."""

    def __init__(self, bench, words, cache="warm"):
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        self.bench, self.process = bench, subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=bench.environment(cache), cwd=bench.scratch)

    def ask(self, line):
        watch = threading.Timer(self.bench.left(), self.process.kill)
        watch.start()
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            return float(self.process.stdout.readline())
        except (OSError, ValueError):
            self.close()
            self.bench.left(f"in `{line}`")
            self.errors.seek(0)
            raise Left(f"`{line}` ended it: {reason(self.errors)}") from None
        finally:
            watch.cancel()

    def close(self):
        self.process.kill()
        self.process.wait()


def query(what):
    """One line of nvidia-smi, or None."""
    try:
        return subprocess.run(["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"], capture_output=True,
                              text=True, check=True, timeout=10).stdout.splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return None


def memory():
    """MiB of the card that are taken, by whatever process, or None."""
    used = query("memory.used")
    return int(used) if used and used.isdigit() else None


def adapters(bench):
    yield "processor threads", os.cpu_count()
    yield "nvidia-smi", query("name,driver_version,memory.total,power.limit") or "not there"
    if shutil.which("vulkaninfo"):
        wanted = r"(deviceName|apiVersion|driverName|driverInfo|deviceType|shaderFloat16|cooperativeMatrix|subgroupSize" \
                 r"|maxStorageBufferRange|maxComputeSharedMemorySize|maxBufferSize)\s+= (.+)"
        seen = set()
        for words in (["vulkaninfo", "--summary"], ["vulkaninfo"]):
            for _, line in bench.follow(words):
                found = re.search(wanted, line)
                if found and found.groups() not in seen:
                    seen.add(found.groups())
                    yield f"vulkaninfo, {found[1]}", found[2]
    else:
        yield "vulkaninfo", "not there"
    for seconds, line in bench.follow([bench.program("sextant"), "check-card"], "first"):
        if line.startswith(("card ", "failed ")):
            yield "sextant calls it", line.split(" ", 1)[1]
            yield "opened after", (seconds, "s")
            break


def self_test(bench):
    for precision in PRECISIONS:
        for start in ("cold", "warm"):
            title = f"{precision}, {start}"
            times = {}
            try:
                for seconds, line in bench.follow([bench.program("sextant"), "check-card", "--precision", precision],
                                                  f"check-{precision}"):
                    if re.match(r"(card|kernel|step|passed|failed)\b", line):
                        times[line] = seconds
            except Left as why:
                yield title, next((line for line in times if line.startswith("failed")), str(why))
                if isinstance(why, Late):
                    yield from check_rows(title, times)
                    raise
            yield from check_rows(title, times)


def check_rows(title, times):
    """When a check got where, and which of its kernels took longest."""
    kernels = [(line, seconds) for line, seconds in times.items() if line.startswith("kernel ")]
    taken = [(seconds - before, line.split()[1]) for (_, before), (line, seconds) in zip(kernels, kernels[1:])]
    for line, seconds in times.items():
        word = line.split()[0]
        if word in ("card", "passed", "step"):
            yield f"{title}: {'step, ' + line.split()[1][:6] + ' s itself,' if word == 'step' else word} after", (seconds, "s")
    if taken:
        yield f"{title}: {len(taken)} kernels after", (kernels[-1][1], "s")
        longest = [f"{number}: {seconds:.2f} s" for seconds, number in sorted(taken, reverse=True)[:5]]
        yield f"{title}: longest kernels", ", ".join(longest)
        yield f"{title}: each kernel's milliseconds", " ".join(f"{1e3 * seconds:.0f}" for seconds, _ in taken)


def first_pictures(bench):
    pictures = {}
    for title in ("wgpu, cold", "wgpu, warm", "cpu", "auto, warm"):
        path = bench.scratch / f"{title.replace(', ', '-')}.png"
        words = [bench.program("sextant"), "render", *PROMPT, "--steps", "2" if bench.quick else "20", "--out", str(path),
                 "--device", title.split(",")[0]]
        begun = time.monotonic()
        try:
            for seconds, line in bench.follow(words, "start"):
                if line.startswith("step 1/"):
                    yield f"{title}: first step after", (seconds, "s")
        except Late:
            raise
        except Left as why:
            yield title, f"left out: {why}"
            continue
        yield f"{title}: picture after", (time.monotonic() - begun, "s")
        pictures[title] = png(path.read_bytes())
    for title in [name for name in pictures if name.startswith("wgpu") and "cpu" in pictures]:
        ours, theirs = pictures[title], pictures["cpu"]
        off = [abs(a - b) for a, b in zip(ours[1], theirs[1])]
        size = ours[0][0] * ours[0][1]
        width = len(off) // size
        pixels = sum(any(off[i:i + width]) for i in range(0, len(off), width))
        yield f"{title} against cpu", f"{pixels} of {size} pixels differ, by at most {max(off)}/255"


def png(data):
    """Size and bytes of a picture with 8 bits a channel."""
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    assert depth == 8, "a picture of 8 bits a channel"
    step = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    raw, row, pixels = zlib.decompress(packed), bytearray(width * step), bytearray()
    for y in range(height):
        begin = y * (len(row) + 1)
        above, filtered, kind = row, raw[begin + 1:begin + 1 + len(row)], raw[begin]
        row = bytearray(len(above))
        for x, value in enumerate(filtered):
            left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
            row[x] = (value + predicted(kind, left, above[x], corner)) & 255
        pixels += row
    return (width, height), pixels


def predicted(kind, left, up, corner):
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    near = {way: abs(left + up - corner - way) for way in (corner, up, left)}
    return min((left, up, corner), key=near.get)


def kernels(bench):
    """What the runtime compiles for a picture with all methods, and which of its kernels take longest."""
    steps = "1" if bench.quick else "4"
    concept = ["--concept", "night; scale=5; warmup=0"]
    fusion = ["--expert", "pocket-toon", "--fusion", "t0=0; kg=1; ke=4; mode=2"]
    words = [bench.program("sextant"), "render", *PROMPT, "--steps", steps, "--guidance", "s-cfg", *concept, *fusion, "--device",
             "wgpu", "--out", str(bench.scratch / "all.png")]
    names, tunings, ended = set(), 0, None
    try:
        for _, line in bench.follow(words, "start", RUST_LOG="pliron::pass=debug,cubecl_runtime::tune=info"):
            names.update(re.findall(r"builtin\.func @(\w+)", line))
            tunings += "cubecl_runtime::tune" in line
    except Left as why:
        ended = why
    yield "kernels compiled for Pocket with all methods", len(names)
    yield "tunings", tunings
    yield "their names", ", ".join(sorted(names))
    if ended:
        raise ended
    log = bench.scratch / "profile.log"
    for _ in bench.follow(words, "start", CUBECL_DEBUG_LOG=str(log), CUBECL_DEBUG_OPTION="profile"):
        pass
    for name, share in shares(log.read_text() if log.exists() else ""):
        yield f"share of {name}", (100 * share, "%")


def shares(log):
    """The kernels of a profile, `| 12.3µs | name` each, with their shares of the whole, the largest first."""
    units = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
    total = collections.Counter()
    for amount, unit, name in re.findall(r"\| ([\d.]+)(ns|µs|ms|s) *\| (.+)$", log, re.MULTILINE):
        total[name.strip()[:120]] += float(amount) * units[unit]
    everything = sum(total.values())
    return [(name, seconds / everything) for name, seconds in total.most_common(15)]


def speeds(bench, model, title, commands, rounds):
    """Rows for each command of `peer`, which counts so many steps. A process that ends takes its command along, no other."""
    before, peer = memory(), None
    try:
        for name, command, steps in commands:
            if peer is None:
                peer = Peer(bench, [bench.program("peer")])
                yield f"{title}: loading", (peer.ask(f"load {model}"), "s")
            try:
                yield f"{title}, {name}: first time", (peer.ask(command), "s")
                seconds = statistics.median(peer.ask(command) for _ in range(rounds))
                yield f"{title}, {name}", (steps / seconds, "steps/s") if steps else (seconds, "s")
            except Late:
                raise
            except Left as why:
                yield f"{title}, {name}", f"left out: {why}"
                peer = None
        if before is not None and peer:
            yield f"{title}: memory of the card", (memory() - before, "MiB")
    except Late:
        raise
    except Left as why:
        yield title, f"left out: {why}"
    finally:
        if peer:
            peer.close()


def pocket(bench):
    side, count = (64, 1) if bench.quick else (192, 20)
    commands = [(name, f"steps {name} at {side} {count}", count) for name in METHODS]
    if not bench.quick:
        commands.append(("picture of 20 steps", "render", 0))
    for precision in PRECISIONS:
        yield from speeds(bench, f"pocket wgpu {precision}", f"Pocket, {precision}", commands, 1 if bench.quick else 3)


def shape(bench, kind, title, side):
    """A U-Net of Stable Diffusion's sizes, f16 first."""
    folder = model_folder(bench, kind)
    side, count = (8, 1) if bench.quick else (side, 4)
    commands = [("U-Net, two branches", f"unet {side}", 1), ("decoder", f"decode {side}", 0)]
    commands += [(name, f"steps {name} at {8 * side} {count}", count) for name in METHODS]
    for precision in reversed(PRECISIONS):
        yield from speeds(bench, f"{folder} wgpu {precision}", f"{title}, {precision}", commands, 1)


def model_folder(bench, kind):
    """A model of that size with random weights in f16, made of benches/shapes; once."""
    folder, parts = bench.scratch / kind, json.loads(gzip.decompress((ROOT / f"benches/shapes/{kind}.json.gz").read_bytes()))
    index = parts.pop("model_index.json")
    if (folder / "model_index.json").exists():
        return folder
    blocks = {}
    for name, content in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".safetensors"):
            weights(folder / name, content, blocks, bench)
        else:
            (folder / name).write_text(json.dumps(content))
    for name in index:
        if name.startswith("tokenizer"):
            shutil.copytree(ROOT / "tests/fixtures/models/tiny-sd15/tokenizer", folder / name)
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def weights(path, shapes, blocks, bench):
    """Norms of 1 and 0; else uniform within 1 / sqrt(inputs), as torch begins, from a block that repeats: a prime long, so
    that no two rows are the same. Numbers that are drawn one by one would take minutes."""
    header, at = {}, 0
    for name, dimensions in shapes.items():
        size = 2
        for dimension in dimensions:
            size *= dimension
        header[name] = {"dtype": "F16", "shape": dimensions, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, entry in header.items():
            bench.left()
            begin, end = entry["data_offsets"]
            repeated = block(name, entry["shape"], blocks)
            file.write((repeated * -(-(end - begin) // len(repeated)))[:end - begin])


def block(name, dimensions, blocks, length=65537):
    if len(dimensions) < 2:
        return struct.pack("<e", 1.0 if name.endswith("weight") else 0.0) * 4096
    inputs = 1
    for dimension in dimensions[1:]:
        inputs *= dimension
    if inputs not in blocks:
        draw = random.Random(inputs).uniform
        bound = inputs ** -0.5
        blocks[inputs] = struct.pack(f"<{length}e", *(draw(-bound, bound) for _ in range(length)))
    return blocks[inputs]


def against_torch(bench):
    """Ours and torch's U-Net of SD 1.5 in turn; torch's compiled one last, because compiling it takes longest."""
    try:
        import torch
    except ImportError:
        raise Left("there is no torch") from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not bench.quick:
        raise Left("torch finds no graphics card here")
    yield "torch", f"{torch.__version__}, {torch.cuda.get_device_name() if device == 'cuda' else 'on the processor, in f32'}"
    folder, side, rounds = model_folder(bench, "sd15"), 8 if bench.quick else 64, 1 if bench.quick else 7
    peers = {}
    try:
        words = [sys.executable, str(ROOT / "benches/torch_unet.py"), str(folder), str(side), "--device", device]
        peers["torch"] = Peer(bench, words)
        try:
            peers["ours"] = Peer(bench, [bench.program("peer")])
            peers["ours"].ask(f"load {folder} wgpu f16")
            peers["ours"].ask(f"unet {side}")
        except Late:
            raise
        except Left as why:
            yield "ours", f"left out: {why}"
            peers.pop("ours", None)
        for kind in ("plain", "compiled"):
            yield f"torch {kind}: first step after", (peers["torch"].ask(kind), "s")
            times = [{who: peer.ask(kind if who == "torch" else f"unet {side}") for who, peer in peers.items()}
                     for _ in range(rounds)]
            median = {who: statistics.median(row[who] for row in times) for who in peers}
            for who, seconds in median.items():
                yield f"{who}, beside torch {kind}", (1 / seconds, "steps/s")
            if "ours" in median:
                yield f"seconds of ours / torch {kind}", (median["ours"] / median["torch"], "")
    finally:
        for peer in peers.values():
            peer.close()


def frames(bench):
    """The window's own report while the card samples."""
    for _, line in bench.follow([bench.program("window"), "--device", "wgpu"], "start"):
        if re.search(r": .*(\d ms|\d of \d)", line):
            yield tuple(line.split(": ", 1))


def recorded(bench):
    if bench.cases is None:
        raise Left("no --cases")
    passed = total = 0
    folder, scratch = bench.cases.resolve(), bench.scratch
    for name, words, file in cases.runs(folder, scratch):
        words = [bench.program("sextant"), "render", *words, "--device", "wgpu", "--init-latents", str(file),
                 "--trace", str(scratch / "trace"), "--out", str(scratch / "picture.png")]
        try:
            for _ in bench.follow(words, "start", folder):
                pass
            off = "; ".join(cases.differences(file, scratch / "trace")[:3])
        except Late:
            raise
        except Left as why:
            off = str(why)
        total += 1
        passed += not off
        if off:
            yield name, off
        # Told after every case, because the limit may end the part.
        yield "as recorded", f"{passed} of {total}"


PARTS = [("Adapters and features", 10, adapters), ("Self-test, cold and warm", 50, self_test),
         ("First and second start to the picture", 30, first_pictures), ("Kernels", 20, kernels), ("Pocket", 35, pocket),
         ("SD 1.5, 512 x 512", 40, lambda bench: shape(bench, "sd15", "SD 1.5", 64)),
         ("SDXL, 1024 x 1024", 45, lambda bench: shape(bench, "sdxl", "SDXL", 128)),
         ("SD 1.5's U-Net in plain torch, fp16", 40, against_torch), ("Frame times while sampling", 15, frames),
         ("Recorded cases", 15, recorded)]


def markdown(results):
    """One table a part; a value with a unit is a number."""
    show = lambda value: f"{value[0]:.4g} {value[1]}".strip() if isinstance(value, (tuple, list)) else str(value)
    clean = lambda text: show(text).replace("|", "/").replace("\n", " ")
    lines = []
    for part in results:
        lines += [f"## {part['part']} ({part['seconds']:.0f} s)", "", "| what | found |", "|---|---|"]
        lines += [f"| {clean(what)} | {clean(value)} |" for what, value in part["rows"].items()]
        lines += [f"| stopped | {clean(part['stopped'])} |"] if part["stopped"] else []
        lines.append("")
    return "\n".join(lines)


def run(bench, part, action, save):
    begun = time.monotonic()
    save()
    try:
        for what, value in action(bench):
            part["rows"][what] = value
            part["seconds"] = time.monotonic() - begun
            save()
    except Left as why:
        part["stopped"] = str(why)
    except Exception as error:  # of this script: the other parts are still worth their time
        part["stopped"] = f"{type(error).__name__}: {error}"
    part["seconds"] = time.monotonic() - begun
    save()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bin", type=pathlib.Path, required=True)
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path(os.environ.get("OUT", ".")))
    arguments.add_argument("--cases", type=pathlib.Path)
    arguments.add_argument("--scratch", type=pathlib.Path, help="for models and caches, 10 GB; removed at the end")
    arguments.add_argument("--minutes", type=float, help="5, or with --quick 60")
    arguments.add_argument("--parts", default="1-10", help="3, or 2-4: only these, in their order")
    arguments.add_argument("--quick", action="store_true")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    first, last = (int(number) for number in (options.parts + "-" + options.parts).split("-")[:2])
    parts, results = PARTS[first - 1:last], []
    total = sum(share for _, share, _ in parts)
    minutes = options.minutes or (60 if options.quick else 5)

    def save():
        for name, text in (("card.json", json.dumps(results, indent=1)), ("card.md", markdown(results))):
            (options.out / (name + ".new")).write_text(text)
            (options.out / (name + ".new")).replace(options.out / name)

    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        bench, end, behind = Bench(options, pathlib.Path(scratch)), time.monotonic() + 60 * minutes, total
        for title, share, action in parts:
            behind -= share
            bench.deadline = end - 60 * minutes * behind / total
            results.append({"part": title, "seconds": 0.0, "rows": {}, "stopped": None})
            run(bench, results[-1], action, save)
            print(markdown(results[-1:]), flush=True)


if __name__ == "__main__":
    main()
