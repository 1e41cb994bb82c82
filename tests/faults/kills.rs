//! Processes that are killed at random moments of a write.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sextant::{
    recipe::Recipe,
    session::{Document, Recovery, Take, TakeId, decode_picture},
};

use crate::{Checked, require};

/// Names the work of a child of this test.
pub const WORK: &str = "SEXTANT_FAULTS_WORK";

/// How often each test kills.
fn kills() -> usize {
    std::env::var("SEXTANT_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(20)
}

/// Moments that look random and are the same in every run.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        below.mul_f64((self.0 >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// A session of about a megabyte whose seed is its number.
fn numbered(number: u64) -> Document {
    let recipe = Recipe { seed: number, prompt: "a cat ".repeat(40), ..Recipe::default() };
    let mut document = Document::new(recipe.clone());
    document.takes = (1..=600).map(|id| Take { id: TakeId(id), recipe: recipe.clone(), ..Take::default() }).collect();
    document
}

/// The child: writes session after session and says each number once it is written.
pub fn write_until_killed(work: &str) -> ! {
    let (kind, folder) = work.split_once(' ').expect("a kind and a folder");
    let folder = Path::new(folder);
    let (recovery, mut number) = match kind {
        "recovery" => {
            let (recovery, left) = Recovery::open(folder, None).expect("a folder to write to");
            recovery.settled();
            (Some(recovery), left.map_or(0, |left| left.recipe.seed))
        }
        _ => (None, Document::load(&folder.join("a.sextant.ron")).map_or(0, |read| read.recipe.seed)),
    };
    loop {
        number += 1;
        let document = numbered(number);
        match &recovery {
            Some(recovery) => recovery.keep(&document).expect("written"),
            None => document.save(&folder.join("a.sextant.ron")).expect("written"),
        }
        println!("{number}");
    }
}

fn child(kind: &str, folder: &Path) -> Child {
    let program = std::env::current_exe().expect("this test");
    let work = format!("{kind} {}", folder.display());
    Command::new(program).env(WORK, work).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// Kills writers in `folder` again and again. `read` gives the number that is on disk after each.
#[expect(clippy::zombie_processes, reason = "where a read fails, the test fails, and the writer ends with its pipe")]
fn kill_writers(kind: &str, folder: &Path, read: impl Fn() -> Result<u64, String>) -> Checked {
    let mut moments = Moments(7);
    let mut before = 0;
    for kill in 0..kills() {
        let mut writer = child(kind, folder);
        let mut lines = BufReader::new(writer.stdout.take().ok_or("no output")?);
        let mut first = String::new();
        lines.read_line(&mut first)?;
        thread::sleep(moments.next(Duration::from_millis(60)));
        writer.kill()?;
        let mut rest = String::new();
        lines.read_to_string(&mut rest)?;
        writer.wait()?;
        // A last line may be cut by the kill.
        let said = (first + &rest).lines().rev().find_map(|line| line.parse::<u64>().ok()).unwrap_or(0);
        let found = read().map_err(|why| format!("after kill {kill}: {why}"))?;
        require(found >= said && found >= before, format!("kill {kill}: {found} is there, but {said} was written"))?;
        require(found <= said + 1, format!("kill {kill}: {found} is there, and only {said} was written"))?;
        before = found;
    }
    require(before > kills() as u64, format!("{before} sessions were written, so nothing was killed at work"))
}

pub fn sessions() -> Checked {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a.sextant.ron");
    kill_writers("session", folder.path(), || {
        let read = Document::load(&path).map_err(|error| error.to_string())?;
        let whole = read.takes.len() == 600 && read.takes.iter().all(|take| take.recipe.seed == read.recipe.seed);
        if whole { Ok(read.recipe.seed) } else { Err("the session is of two writes".into()) }
    })
}

pub fn recovery() -> Checked {
    let folder = tempfile::tempdir()?;
    kill_writers("recovery", folder.path(), || {
        let (window, left) = Recovery::open(folder.path(), None).map_err(|error| error.to_string())?;
        window.settled();
        if let Some(note) = window.notes().first() {
            return Err(note.clone());
        }
        left.map(|left| left.recipe.seed).ok_or_else(|| "nothing was left behind".to_owned())
    })?;
    // Killed writers leave temporary files; a start that comes a little later removes them.
    thread::sleep(Duration::from_millis(2100));
    drop(Recovery::open(folder.path(), None)?);
    let left =
        fs::read_dir(folder.path())?.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"));
    require(left.count() == 0, "temporary files are left")
}

fn render(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sextant"));
    let args = ["render", "--device", "cpu", "--steps", "1", "--width", "64", "--height", "64", "--prompt", "a cat"];
    command.current_dir(folder).args(args).args(["--out", "a.png", "--trace", "a.safetensors"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The names in a folder, and whether each file of a render is whole.
fn check_render(folder: &Path) -> Checked {
    for entry in fs::read_dir(folder)?.flatten() {
        let (name, bytes) = (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
        let whole = match name.as_str() {
            "a.png" => decode_picture(&bytes, "a.png").is_ok(),
            "a.safetensors" => safetensors::SafeTensors::deserialize(&bytes).is_ok(),
            name => name.starts_with(".sextant-"),
        };
        require(whole, format!("{name} ({} bytes) is not whole", bytes.len()))?;
    }
    Ok(())
}

pub fn renders() -> Checked {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    require(render(folder.path()).status()?.success(), "a render by itself")?;
    let whole = begun.elapsed();
    let mut moments = Moments(11);
    for _ in 0..kills() {
        let mut running = render(folder.path()).spawn()?;
        thread::sleep(moments.next(whole.mul_f64(1.1)));
        // It may have ended by itself.
        let _ = running.kill();
        running.wait()?;
        check_render(folder.path())?;
    }
    thread::sleep(Duration::from_millis(2100));
    require(render(folder.path()).status()?.success(), "a render after all kills")?;
    let names = fs::read_dir(folder.path())?.count();
    require(names == 2, format!("{names} files, where picture and trace belong"))
}

pub fn signals() -> Checked {
    for signal in ["TERM", "INT", "HUP"] {
        let folder = tempfile::tempdir()?;
        let mut running = render(folder.path()).spawn()?;
        thread::sleep(Duration::from_millis(150));
        let _ = Command::new("kill")
            .args([&format!("-{signal}"), &running.id().to_string()])
            .stderr(Stdio::null())
            .status()?;
        running.wait()?;
        check_render(folder.path())?;
    }
    Ok(())
}
