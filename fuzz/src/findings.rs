//! What counts as a finding, and how findings are kept.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use crate::{corpus, instrument, targets::Run};

/// An input may take this many bytes of memory, and more for each of its own.
const LEAST_MEMORY: usize = 64 << 20;
const MEMORY_PER_BYTE: usize = 50;
/// An input may take a second of the processor, and another for each 10 MB.
const LEAST_TIME: Duration = Duration::from_secs(1);
const BYTES_PER_SECOND: u64 = 10_000_000;
/// After so much time the process is ended.
const MOST_TIME: Duration = Duration::from_secs(20);
/// So many inputs are kept of findings of one kind.
const KEPT: usize = 6;

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics leave their message and place instead of printing it.
pub fn catch_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("no message").chars().take(300).collect::<String>();
        PANIC.set(Some(format!("{place}: {message}")));
    }));
}

/// What is wrong with an input: its kind, under which equal findings are counted, and a description.
pub struct Finding {
    pub kind: String,
    pub what: String,
}

/// Runs an input. Time is watched from elsewhere.
pub fn check(run: Run, input: &[u8]) -> Option<Finding> {
    let (result, peak) = instrument::measured(|| panic::catch_unwind(AssertUnwindSafe(|| run(input))));
    let allowed = LEAST_MEMORY + MEMORY_PER_BYTE * input.len();
    match result {
        Err(_) => {
            let what = PANIC.take().unwrap_or_else(|| "on another thread".to_owned());
            let place: String = what.split(": ").next().unwrap_or_default().to_owned();
            Some(Finding { kind: format!("panic {place}"), what })
        }
        Ok(Err(what)) => Some(Finding { kind: format!("promise {}", what.chars().take(24).collect::<String>()), what }),
        Ok(Ok(())) if peak > allowed => {
            let what = format!("{peak} bytes of memory for {} bytes, {allowed} are allowed", input.len());
            Some(Finding { kind: "memory".to_owned(), what })
        }
        Ok(Ok(())) => None,
    }
}

/// Findings on disk.
pub struct Kept {
    folder: PathBuf,
    counts: HashMap<String, usize>,
}

impl Kept {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, counts: HashMap::new() }
    }

    /// Keeps one, unless there are many of its kind. Returns whether it was the first.
    pub fn add(&mut self, finding: &Finding, input: &[u8]) -> bool {
        let count = self.counts.entry(finding.kind.clone()).or_default();
        *count += 1;
        if *count > KEPT {
            return false;
        }
        let is_letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let kind: String =
            finding.kind.chars().rev().take(60).map(is_letter).collect::<Vec<_>>().iter().rev().collect();
        let name = format!("{kind}-{}", corpus::name_of(input));
        let text = format!("{}\n{}\n", finding.kind, finding.what);
        let kept = corpus::keep(&self.folder, &name, input);
        let described = corpus::keep(&self.folder, &format!("{name}.txt"), text.as_bytes());
        if let Err(error) = kept.and(described) {
            eprintln!("a finding could not be kept: {error}");
        }
        *count == 1
    }
}

/// An input with its length before it, as the worker writes it: what follows may be of an earlier input.
pub fn framed(file: &[u8]) -> &[u8] {
    let Some((length, rest)) = file.split_first_chunk::<4>() else { return &[] };
    rest.get(..u32::from_le_bytes(*length) as usize).unwrap_or(rest)
}

/// The number of the input that is being run; even between two.
pub struct Turn(AtomicU64);

impl Turn {
    pub fn next(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// The time that this thread has taken of the processor; callable from any thread.
pub fn processor_time() -> impl Fn() -> Duration + Send + 'static {
    let task = fs::read_link("/proc/thread-self").unwrap_or_default();
    let file = PathBuf::from("/proc").join(task).join("schedstat");
    move || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0))
    }
}

/// Watches the time that this thread takes of the processor for one input: other programs' is not counted.
pub fn watch_time(current: PathBuf, folder: PathBuf) -> Arc<Turn> {
    let turn = Arc::new(Turn(AtomicU64::new(0)));
    let (watched, used) = (turn.clone(), processor_time());
    thread::spawn(move || {
        let mut kept = Kept::new(folder);
        let (mut last, mut before, mut is_told) = (0, Duration::ZERO, false);
        loop {
            thread::sleep(Duration::from_millis(100));
            let now = watched.0.load(Relaxed);
            if now != last || now % 2 == 0 {
                (last, before, is_told) = (now, used(), false);
                continue;
            }
            let taken = used().saturating_sub(before);
            let input = fs::read(&current).unwrap_or_default();
            let input = framed(&input);
            if taken > LEAST_TIME + Duration::from_secs(input.len() as u64 / BYTES_PER_SECOND) && !is_told {
                let what = format!("more than {taken:?} for {} bytes", input.len());
                kept.add(&Finding { kind: "time".to_owned(), what }, input);
                is_told = true;
            }
            if taken > MOST_TIME {
                eprintln!("it does not end");
                std::process::exit(77);
            }
        }
    });
    turn
}
