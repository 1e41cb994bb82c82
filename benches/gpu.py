#!/usr/bin/env python3
"""Sextant against diffusers on one graphics card, in turn, medians: gpu.py [--rounds 5] [--scratch FOLDER]

Needs a card that torch can use and that wgpu finds as a real one, torch, diffusers 0.42.1, transformers and accelerate
(pip). Build our side first:
  cargo bench --bench peer --bench window --no-run
and, to compare, once more with --features spirv, which tensor cores need.
Says where there is no card, and ends with status 2. Else prints steps a second and ratios ours / theirs (below 1 we are
faster) for Pocket and for a U-Net of Stable Diffusion 1.5's shape, against fp32, fp16 and compiled fp16; the start of a
fresh process with and without what the driver kept of an earlier one; the card's memory; frame times of the window while
sampling; and the kernels that take most of a Pocket picture."""
import argparse, collections, pathlib, re, statistics, subprocess, sys, tempfile, time

import torch
from diffusers import UNet2DConditionModel

import peers, shapes

STEPS = 20


def card_memory(pid):
    """MiB that a process holds on an NVIDIA card, or None."""
    try:
        rows = subprocess.run(["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"],
                              capture_output=True, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    held = [int(memory) for owner, memory in (row.split(", ") for row in rows.splitlines()) if int(owner) == pid and memory.isdigit()]
    return sum(held) if held else None


def table(title, line, ours, theirs, rounds, steps):
    """One row for each peer; `steps` of a sampler make one run."""
    ours.do(line)
    for peer in theirs.values():
        for _ in range(2):
            peers.timed(peer)
    times = {name: [] for name in ["ours", *theirs]}
    for _ in range(rounds):
        times["ours"].append(ours.do(line))
        for name, peer in theirs.items():
            times[name].append(peers.timed(peer))
    median = {name: statistics.median(t) for name, t in times.items()}
    print(f"| {title} | ours, {steps / median['ours']:.2f} steps a second | |", flush=True)
    for name in theirs:
        print(f"| {title} | diffusers {name}, {steps / median[name]:.2f} | {median['ours'] / median[name]:.2f} |", flush=True)


def half_table(title, model, line, theirs, rounds, steps, memory):
    """Rows of --precision f16, in a process of its own: a first model's memory is not given back when it goes. Left out, and
    said so, where the card does not compute in f16."""
    ours = peers.Ours()
    try:
        ours.do(f"load {model} wgpu f16")
    except SystemExit:
        print(f"| {title} | ours in f16: left out, see above | |", flush=True)
        return
    table(f"{title}, ours with --precision f16", line, ours, theirs, rounds, steps)
    memory[f"{title}, f16"] = card_memory(ours.process.pid)
    ours.process.kill()


def cold_start():
    """Seconds of a fresh process to its first picture: first with an empty cache folder, then with what the driver kept there."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for _ in range(2):
            begun = time.perf_counter()
            ours = peers.Ours(cwd=folder, XDG_CACHE_HOME=folder)
            ours.do("load pocket wgpu")
            ours.do("render")
            seconds.append(time.perf_counter() - begun)
            ours.process.kill()
            ours.process.wait()
    return seconds


def frames():
    """The window's own report while the card samples."""
    binary = peers.newest("window")
    return subprocess.run([binary, "--device", "wgpu"], capture_output=True, text=True).stdout.strip()


def profile():
    """cubecl's log of every kernel of a Pocket picture, after a first one."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "cubecl.log"
        for environment in ({}, {"CUBECL_DEBUG_LOG": str(log), "CUBECL_DEBUG_OPTION": "profile"}):
            ours = peers.Ours(**environment)
            ours.do("load pocket wgpu")
            ours.do("render")
            ours.process.kill()
            ours.process.wait()
        return log.read_text() if log.exists() else ""


def shares(log):
    """The kernels of a log, `| 12.3µs | name` each, with their shares of the whole, the largest first."""
    units = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
    total = collections.Counter()
    for amount, unit, name in re.findall(r"\| ([\d.]+)(ns|µs|ms|s) *\| (.+)$", log, re.MULTILINE):
        total[name.strip()] += float(amount) * units[unit]
    everything = sum(total.values())
    return [(name, seconds / everything) for name, seconds in total.most_common(15)]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--scratch", type=pathlib.Path, default=pathlib.Path("/tmp"))
    options = arguments.parse_args()
    ours = peers.Ours()
    ours.do("load pocket wgpu")  # ends the script where wgpu finds no real card
    if not torch.cuda.is_available():
        print("torch finds no graphics card here: install a torch that knows yours", file=sys.stderr)
        sys.exit(2)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {options.rounds} rounds in turn, medians\n")
    print("| what | who, steps a second | ours / theirs |\n|---|---|---|")
    half, single = torch.float16, torch.float32
    theirs = {"fp32": peers.pocket(single, False, device="cuda"), "fp16": peers.pocket(half, False, device="cuda"),
              "fp16 compiled": peers.pocket(half, False, True, device="cuda")}
    title = "Pocket, guidance, 192 x 192"
    table(title, "render", ours, theirs, options.rounds, STEPS)
    memory = {title: card_memory(ours.process.pid)}
    half_table(title, "pocket", "render", theirs, options.rounds, STEPS, memory)
    folder = shapes.at(options.scratch / "sd15-shape", shapes.sd15)
    load = lambda: UNet2DConditionModel.from_pretrained(folder / "unet")
    ours.do(f"load {folder} wgpu")
    theirs = {"fp32": peers.guided_step(load(), single, False, device="cuda"),
              "fp16": peers.guided_step(load(), half, True, device="cuda"),
              "fp16 compiled": peers.guided_step(load(), half, True, True, device="cuda")}
    title = "SD 1.5 U-Net, guidance, 512 x 512"
    table(title, "unet 64", ours, theirs, options.rounds, 1)
    memory[title] = card_memory(ours.process.pid)
    ours.process.kill()
    half_table(title, folder, "unet 64", theirs, options.rounds, 1, memory)
    first, second = cold_start()
    print(f"\nfresh process to first Pocket picture: {first:.1f} s, with a warm driver cache {second:.1f} s")
    for name, amount in memory.items():
        print(f"memory of the card, {name}: {'not told by this driver' if amount is None else f'{amount} MiB'}")
    print(f"\n{frames()}\n\nkernels of a Pocket picture, loading included:")
    for name, share in shares(profile()):
        print(f"{share:6.1%}  {name}")


if __name__ == "__main__":
    main()
