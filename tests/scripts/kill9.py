#!/usr/bin/env python3
"""Kills the studio in the middle of editing, again and again: kill9.py BINARY [--times 50]

Needs Xvfb and xdotool. Each time the real window is opened, its first concept slider is dragged without pause, and the
process is killed with SIGKILL at a random moment. What the recovery file then holds must be a whole session that is at
most a second older than the last edit. Exit status 1 if it ever is not."""
import argparse, glob, os, pathlib, random, re, signal, subprocess, sys, tempfile, time

DISPLAY = ":93"
# Where the rail of the demo's first concept lies in a window of 1440 x 900, and its knob.
RAIL, KNOB = 279, 1351


def newest(state):
    files = glob.glob(str(state / "**/*.ron"), recursive=True)
    return max(files, key=os.path.getmtime) if files else None


def attempt(binary, folder, seed):
    state = folder / f"state{seed}"
    (state / "sextant").mkdir(parents=True)
    # As at every start but the first, whose hints would lie over the panels.
    (state / "sextant/welcomed").touch()
    environment = dict(os.environ, DISPLAY=DISPLAY, XDG_STATE_HOME=str(state), XDG_RUNTIME_DIR=str(folder))
    window = subprocess.Popen([binary], env=environment, stderr=subprocess.DEVNULL, cwd=folder)
    # The window is there, and has had time to draw itself.
    subprocess.run(["xdotool", "search", "--sync", "--onlyvisible", "--name", "Sextant"], env=environment,
                   check=True, capture_output=True)
    time.sleep(3)
    def mouse(*words):
        subprocess.run(["xdotool", *map(str, words)], env=environment, check=True, stderr=subprocess.DEVNULL)
    dice = random.Random(seed)
    until = time.monotonic() + dice.uniform(1.2, 4.0)
    mouse("mousemove", KNOB, RAIL, "mousedown", 1)
    while time.monotonic() < until:
        mouse("mousemove", dice.randint(1240, 1365), RAIL)
        edited = time.time()
        time.sleep(0.03)
    window.send_signal(signal.SIGKILL)
    killed = time.time()
    window.wait()
    # The display outlives the window, and would hold the button down for the next one.
    mouse("mouseup", 1)
    path = newest(state)
    if path is None:
        return f"nothing was kept (killed {killed - edited:.2f} s after an edit)"
    read = subprocess.run([binary, "recipe", path, "--json"], capture_output=True, text=True)
    if read.returncode != 0:
        return f"the recovery file cannot be read: {read.stderr.strip()}"
    age = killed - os.path.getmtime(path)
    return None if age <= 1.0 + 0.1 else f"the newest state that was kept is {age:.2f} s old"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", type=pathlib.Path)
    arguments.add_argument("--times", type=int, default=50)
    options = arguments.parse_args()
    display = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1440x900x24", "-noreset"], stderr=subprocess.DEVNULL)
    time.sleep(1)
    bad = 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(options.times):
                wrong = attempt(options.binary.resolve(), pathlib.Path(folder), seed)
                bad += wrong is not None
                if wrong:
                    print(f"kill {seed}: {wrong}", flush=True)
    finally:
        display.terminate()
    print(f"{options.times} kills, {bad} bad")
    sys.exit(bad > 0)


main()
