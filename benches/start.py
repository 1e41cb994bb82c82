#!/usr/bin/env python3
"""From start to window to first picture, and peak memory: start.py BINARY [--rounds 5] [--model FOLDER --side 512]

Needs Xvfb and xdotool for the window. Each round opens the real window on a fresh state folder, and waits for the
bundled model's first picture, whose seconds the program's own log tells the moment of. With --model also renders that
model headless, two steps and the picture, and reports the peak. Medians; RSS is the kernel's own high-water mark."""
import argparse, os, pathlib, statistics, subprocess, tempfile, time

DISPLAY = ":94"


def peak(process):
    """MiB at most so far."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def window(binary, folder):
    """Seconds to the window, seconds to the picture, MiB."""
    environment = dict(os.environ, DISPLAY=DISPLAY, XDG_STATE_HOME=folder, XDG_RUNTIME_DIR=folder, RUST_LOG="sextant=info")
    begun = time.monotonic()
    studio = subprocess.Popen([binary], env=environment, stderr=subprocess.PIPE, text=True, cwd=folder)
    try:
        while not subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "Sextant"], env=environment,
                                 capture_output=True).stdout:
            if studio.poll() is not None:
                raise SystemExit(f"the studio ended by itself: {studio.stderr.read()}")
            time.sleep(0.005)
        opened = time.monotonic() - begun
        for line in studio.stderr:
            if "picture after" in line:
                return opened, time.monotonic() - begun, peak(studio)
        raise SystemExit("the studio ended before its first picture")
    finally:
        studio.kill()
        studio.wait()


def headless(binary, folder, words):
    """MiB at most of one render, and seconds."""
    begun = time.monotonic()
    render = subprocess.Popen([binary, "render", *words, "--out", f"{folder}/picture.png"], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(render.pid, 0)
    if status != 0:
        raise SystemExit(f"render {' '.join(words)} ended with status {status}")
    return usage.ru_maxrss / 1024, time.monotonic() - begun


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", type=pathlib.Path)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--model", type=pathlib.Path)
    arguments.add_argument("--side", type=int, default=512)
    options = arguments.parse_args()
    binary = str(options.binary.resolve())
    display = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1440x900x24", "-noreset"], stderr=subprocess.DEVNULL)
    while not pathlib.Path(f"/tmp/.X11-unix/X{DISPLAY[1:]}").exists() and display.poll() is None:
        time.sleep(0.05)
    try:
        rounds = []
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(window(binary, folder))
    finally:
        display.terminate()
        display.wait()
    opened, picture, memory = (statistics.median(column) for column in zip(*rounds))
    print(f"window {opened:.2f} s, first picture {picture:.2f} s, {memory:.0f} MiB at most ({options.rounds} rounds)")
    with tempfile.TemporaryDirectory() as folder:
        prompt = ["--prompt", "a red car", "--device", "cpu"]
        memory, seconds = headless(binary, folder, prompt)
        print(f"headless Pocket render: {memory:.0f} MiB at most, {seconds:.2f} s")
        if options.model:
            words = [*prompt, "--model", str(options.model), "--steps", "2"]
            words += ["--width", str(options.side), "--height", str(options.side)]
            memory, seconds = headless(binary, folder, words)
            size = sum(f.stat().st_size for f in options.model.rglob("*.safetensors")) / 2**20
            print(f"headless {options.model.name} at {options.side}: {memory:.0f} MiB at most, {size:.0f} MiB of weight "
                  f"files, {seconds:.1f} s for loading, two steps and the picture")


main()
