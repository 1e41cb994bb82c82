#!/usr/bin/env python3
"""Drives the studio as a user would: hour.py BINARY --out FOLDER [--size 1280x800]

Needs Xvfb, xdotool and ImageMagick's import. Generates, edits, undoes, fuses, compares, queues, saves without a portal,
discards and cancels, kills, recovers, reopens and exports in the real window, with a home of its own. Each stage leaves a
screenshot in FOLDER; what it says of files is checked, and the exit status is 1 if anything is not as it should be."""
import argparse, contextlib, glob, json, os, pathlib, signal, subprocess, sys, tempfile, time

DISPLAY = ":94"
# The window is found, and a picture rendered, within so many seconds.
OPENING, RENDERING = 120, 600


class Studio:
    """One run of the program on the display."""

    def __init__(self, binary, home, size, *arguments):
        self.home, self.log = home, home / "log"
        # Neither a session bus nor zenity: the system has no file dialog.
        self.environment = dict(os.environ, DISPLAY=DISPLAY, HOME=str(home), XDG_STATE_HOME=str(home / "state"),
                                XDG_RUNTIME_DIR=str(home), DBUS_SESSION_BUS_ADDRESS="", RUST_LOG="sextant=info")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary, "--device", "cpu", *map(str, arguments)], env=self.environment, stderr=log, cwd=home)
        found = self.xdotool("search", "--sync", "--onlyvisible", "--name", "Sextant", timeout=OPENING)
        self.window = found.split()[0]
        self.xdotool("windowsize", "--sync", self.window, *size)
        self.xdotool("windowmove", self.window, 0, 0)
        self.xdotool("windowfocus", self.window)
        time.sleep(4)

    def xdotool(self, *words, timeout=60):
        run = subprocess.run(["xdotool", *map(str, words)], env=self.environment, capture_output=True, text=True, timeout=timeout)
        return run.stdout

    def keys(self, *names, pause=0.8):
        for name in names:
            self.xdotool("key", name)
            time.sleep(pause)

    def type(self, text, pause=0.8):
        self.xdotool("type", "--delay", "25", text)
        time.sleep(pause)

    def click(self, x, y, pause=0.8):
        self.xdotool("mousemove", x, y, "click", 1)
        time.sleep(pause)

    def command(self, name):
        """A command by its name, through the palette."""
        self.keys("ctrl+k")
        self.type(name)
        self.keys("Return", pause=1.5)

    def pictures(self):
        return self.log.read_text(errors="replace").count("a picture after")

    def until_rendered(self, more=1, before=None):
        """Waits until so many more pictures than `before` are rendered."""
        wanted = (self.pictures() if before is None else before) + more
        until = time.monotonic() + RENDERING
        while self.pictures() < wanted:
            if self.process.poll() is not None:
                raise SystemExit(f"the program ended: {self.log.read_text()[-2000:]}")
            if time.monotonic() > until:
                raise SystemExit("a picture was not rendered in time")
            time.sleep(0.5)
        time.sleep(2.5)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Hour:
    def __init__(self, binary, home, out, size):
        self.binary, self.home, self.out, self.size = binary, home, out, size
        self.wrong, self.shots = [], 0

    def open(self, *arguments):
        return Studio(self.binary, self.home, self.size, *arguments)

    def shot(self, name):
        self.shots += 1
        file = self.out / f"{self.size[0]}x{self.size[1]}-{self.shots:02}-{name}.png"
        subprocess.run(["import", "-display", DISPLAY, "-window", "root", str(file)], check=True)

    def check(self, holds, sentence):
        if not holds:
            self.wrong.append(sentence)
            print(f"WRONG: {sentence}", flush=True)

    def recipe(self, file):
        read = subprocess.run([self.binary, "recipe", file, "--json"], capture_output=True, text=True)
        self.check(read.returncode == 0, f"{file} cannot be read: {read.stderr.strip()}")
        return json.loads(read.stdout) if read.returncode == 0 else {}

    def left_behind(self):
        return glob.glob(str(self.home / "state/**/*.ron"), recursive=True)

    def edit(self, studio):
        """Words at the end of the prompt."""
        before = studio.pictures()
        studio.click(100, 100)
        studio.keys("ctrl+End")
        studio.type(" with rain", pause=0.2)
        studio.keys("Escape")
        studio.until_rendered(before=before)
        self.shot("edited")
        studio.keys("ctrl+z", pause=2.0)
        self.shot("undone")
        studio.keys("ctrl+shift+z", pause=2.0)

    def fuse_and_compare(self, studio):
        width, height = self.size
        before = studio.pictures()
        studio.keys("3")
        studio.until_rendered(before=before)
        self.shot("fused")
        studio.click(50, height - 50)
        studio.keys("a")
        studio.command("Compare: Side by side")
        self.shot("side-by-side")
        studio.command("Compare: Difference")
        self.shot("difference")
        studio.command("Compare: Single")
        # A pixel says why it is as it is.
        studio.click(width // 2, height // 3, pause=1.5)
        self.shot("why")
        studio.keys("Escape")

    def queue(self, studio):
        before = studio.pictures()
        studio.keys("ctrl+shift+Return")
        studio.command("Show the queue")
        self.shot("queue")
        studio.keys("Escape")
        studio.keys("F1", pause=1.5)
        self.shot("keys")
        studio.keys("Escape")
        self.check(studio.pictures() >= before, "the queue lost a picture")

    def save(self, studio, path):
        studio.keys("ctrl+s", pause=2.0)
        self.shot("save-dialog")
        studio.keys("ctrl+a")
        studio.type(str(path))
        studio.keys("Return", pause=3.0)
        self.shot("saved")
        self.check(path.exists(), f"{path} was not written")
        self.check("rain" in self.recipe(path).get("prompt", ""), "the saved prompt is another one")

    def discard_and_cancel(self, studio):
        studio.keys("3", pause=2.5)
        left = len(self.left_behind())
        self.check(left > 0, "nothing is kept for a crash")
        studio.keys("ctrl+o", pause=1.5)
        self.shot("asked")
        # Cancel, Save first, Discard changes.
        studio.keys("Tab", "Tab", "Tab", "Return", pause=0.6)
        time.sleep(1.5)
        self.shot("open-dialog")
        studio.keys("Escape", pause=1.5)
        self.check(len(self.left_behind()) == left, "a cancelled dialog took the recovery file away")
        self.shot("cancelled")

    def export(self, studio, path):
        studio.keys("ctrl+e", pause=2.0)
        studio.keys("ctrl+a")
        studio.type(str(path))
        studio.keys("Return", pause=3.0)
        self.shot("exported")
        self.check(path.exists(), f"{path} was not written")
        if path.exists():
            self.check("rain" in self.recipe(path).get("prompt", ""), "the exported picture has another recipe")

    def run(self):
        (self.home / "state/sextant").mkdir(parents=True)
        (self.home / "state/sextant/welcomed").touch()
        session, picture = self.home / "day.sextant.ron", self.home / "day.png"
        studio = self.open()
        self.shot("opened")
        studio.keys("ctrl+Return", pause=2.0)
        self.edit(studio)
        self.fuse_and_compare(studio)
        self.queue(studio)
        self.save(studio, session)
        self.discard_and_cancel(studio)
        studio.kill()
        self.check(bool(self.left_behind()), "nothing was kept of what was not saved")
        studio = self.open()
        self.shot("recovered")
        studio.kill()
        studio = self.open(session)
        self.shot("reopened")
        before = studio.pictures()
        studio.keys("ctrl+Return", pause=1.0)
        # The picture of the session is there, or is rendered.
        with contextlib.suppress(SystemExit):
            if not before and studio.process.poll() is None:
                time.sleep(8)
        self.export(studio, picture)
        self.check(studio.process.poll() is None, "the program ended by itself")
        studio.kill()
        return self.wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", type=pathlib.Path)
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--size", default="1280x800")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    size = tuple(map(int, options.size.split("x")))
    screen = f"{size[0]}x{size[1]}x24"
    display = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", screen, "-noreset"], stderr=subprocess.DEVNULL)
    time.sleep(1)
    try:
        with tempfile.TemporaryDirectory() as home:
            wrong = Hour(options.binary.resolve(), pathlib.Path(home), options.out, size).run()
    finally:
        display.terminate()
    print(f"{len(wrong)} things are wrong" if wrong else "all is as it should be")
    sys.exit(bool(wrong))


main()
