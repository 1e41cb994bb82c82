//! The process that runs inputs: it keeps those that reach new code, and makes new ones of them.

use std::{
    collections::HashSet,
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Plan, corpus,
    findings::{self, Kept, Turn},
    formats::{self, Format},
    instrument,
    mutate::{self, Material},
    random::Random,
};

/// The stack of the threads that read files in the program.
const STACK: usize = 2 << 20;
/// Inputs that are made of one before another is chosen.
const TURNS: usize = 48;

/// Of so many chosen texts one is stretched too.
const STRETCHES: usize = 12;

struct Worker<'a> {
    plan: &'a Plan,
    pool: Vec<Vec<u8>>,
    /// Indices of the smallest inputs for each edge.
    favoured: Vec<usize>,
    /// By edge: the ranges of counts that were seen, one bit each, and the smallest input.
    seen: Vec<u8>,
    smallest: Vec<(u32, u32)>,
    counters: Vec<u8>,
    current: File,
    turn: std::sync::Arc<Turn>,
    kept: Kept,
    executions: u64,
}

/// Runs inputs until the time is over.
///
/// # Errors
/// What the system reports.
pub fn work(plan: &Plan) -> Result<(), String> {
    findings::catch_panics();
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || {
            let current = File::create(plan.current()).map_err(|error| error.to_string())?;
            let turn = findings::watch_time(plan.current(), plan.findings());
            Worker::new(plan, current, turn).run()
        });
        worker.map_err(|error| error.to_string())?.join().unwrap_or(Err("the worker itself failed".to_owned()))
    })
}

/// Runs files once each and says what is found.
///
/// # Errors
/// A file that cannot be read.
pub fn run_files(plan: &Plan) -> Result<(), String> {
    findings::catch_panics();
    for path in &plan.files {
        let input = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let begun = Instant::now();
        let (found, peak) = instrument::measured(|| findings::check(plan.run, &input));
        let what = found.map_or("fine".to_owned(), |finding| format!("{}: {}", finding.kind, finding.what));
        println!(
            "{}: {} bytes, {:?}, at most {peak} bytes of memory: {what}",
            path.display(),
            input.len(),
            begun.elapsed()
        );
    }
    Ok(())
}

impl<'a> Worker<'a> {
    fn new(plan: &'a Plan, current: File, turn: std::sync::Arc<Turn>) -> Self {
        let kept = Kept::new(plan.findings());
        let (pool, favoured, seen, smallest, counters) = Default::default();
        Self { plan, pool, favoured, seen, smallest, counters, current, turn, kept, executions: 0 }
    }

    fn run(mut self) -> Result<(), String> {
        let (begun, used) = (Instant::now(), findings::processor_time());
        let end = begun + Duration::from_secs(self.plan.seconds);
        let before = Statistics::read(&self.plan.statistics());
        let inputs = self.load();
        let (format, most, more) = formats::of(&self.plan.target);
        let words = corpus::words(&inputs, more);
        let mut random =
            Random::new(begun.elapsed().as_nanos() as u64 ^ u64::from(std::process::id()) ^ before.executions);
        for input in inputs {
            self.try_input(&input, false);
        }
        if self.pool.is_empty() {
            self.pool.push(Vec::new());
        }
        let mut told = Instant::now();
        while Instant::now() < end {
            let parent = self.chosen(&mut random);
            self.execute(&parent);
            let comparisons = instrument::comparisons();
            for _ in 0..TURNS {
                let other = self.pool[random.below(self.pool.len())].clone();
                let material = Material { format, words: &words, other: &other, comparisons: &comparisons, most };
                let input = mutate::mutated(&mut random, &parent, &material);
                self.try_input(&input, true);
            }
            if format == Format::Text && random.one_in(STRETCHES) {
                let input = mutate::stretched(&mut random, &parent);
                self.execute(&input);
            }
            if told.elapsed().as_secs() >= 5 {
                told = Instant::now();
                self.write(&before, used())?;
            }
        }
        self.write(&before, used())
    }

    /// The inputs on disk, without those that are known to end the process.
    fn load(&self) -> Vec<Vec<u8>> {
        let known: HashSet<String> = corpus::known(&self.plan.findings());
        let folders = self.plan.seeds.iter().chain([&self.plan.corpus]);
        let mut inputs: Vec<Vec<u8>> = folders.flat_map(|folder| corpus::load(folder)).collect();
        inputs.retain(|input| !known.contains(&corpus::name_of(input)));
        inputs.sort_by_key(Vec::len);
        inputs
    }

    fn chosen(&self, random: &mut Random) -> Vec<u8> {
        let newest = self.pool.len() - random.below(self.pool.len().min(32)).min(self.pool.len() - 1) - 1;
        let at = match random.below(4) {
            0 => random.below(self.pool.len()),
            1 => newest,
            _ => random.of(&self.favoured).copied().unwrap_or(newest),
        };
        self.pool[at].clone()
    }

    /// Runs an input; the counters are then its own.
    fn execute(&mut self, input: &[u8]) -> bool {
        self.executions += 1;
        let framed = [&(input.len() as u32).to_le_bytes()[..], input].concat();
        // An input that cannot be noted can still be run.
        let _ = self.current.write_all_at(&framed, 0);
        self.turn.next();
        instrument::reset_counters();
        let found = findings::check(self.plan.run, input);
        instrument::counters(&mut self.counters);
        self.turn.next();
        if let Some(finding) = &found
            && self.kept.add(finding, input)
        {
            println!("{}: {}: {}", self.plan.target, finding.kind, finding.what.chars().take(300).collect::<String>());
        }
        found.is_none()
    }

    /// Runs an input and keeps it if it reaches something new.
    fn try_input(&mut self, input: &[u8], is_new: bool) {
        if !self.execute(input) {
            return;
        }
        self.seen.resize(self.counters.len(), 0);
        self.smallest.resize(self.counters.len(), (u32::MAX, 0));
        let (mut reaches_new, mut is_smaller) = (false, false);
        let place = (input.len() as u32, self.pool.len() as u32);
        for (eight, counts) in self.counters.chunks(8).enumerate() {
            if counts == [0; 8] {
                continue;
            }
            for (i, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (edge, bit) = (8 * eight + i, bucket(count));
                reaches_new |= self.seen[edge] & bit == 0;
                self.seen[edge] |= bit;
                if place.0 < self.smallest[edge].0 && (reaches_new || !is_new) {
                    self.smallest[edge] = place;
                    is_smaller = true;
                }
            }
        }
        if reaches_new {
            self.pool.push(input.to_vec());
            if is_smaller || self.pool.len().is_multiple_of(64) {
                let all: HashSet<u32> = self.smallest.iter().filter(|s| s.0 != u32::MAX).map(|s| s.1).collect();
                self.favoured = all.into_iter().map(|at| at as usize).filter(|at| *at < self.pool.len()).collect();
            }
            if is_new && let Err(error) = corpus::keep(&self.plan.corpus, &corpus::name_of(input), input) {
                eprintln!("an input could not be kept: {error}");
            }
        }
    }

    fn write(&self, before: &Statistics, used: Duration) -> Result<(), String> {
        let edges = self.seen.iter().filter(|seen| **seen != 0).count();
        let executions = before.executions + self.executions;
        let milliseconds = before.milliseconds + used.as_millis() as u64;
        let text = format!(
            "{executions} executions, {milliseconds} ms of the processor, {} inputs, {edges} edges\n",
            self.pool.len()
        );
        fs::write(self.plan.statistics(), text).map_err(|error| error.to_string())
    }
}

fn bucket(count: u8) -> u8 {
    1 << match count {
        0..=3 => count.saturating_sub(1),
        4..=7 => 3,
        8..=15 => 4,
        16..=31 => 5,
        32..=127 => 6,
        128.. => 7,
    }
}

/// Of all runs of a target together.
struct Statistics {
    executions: u64,
    milliseconds: u64,
}

impl Statistics {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
        Self { executions: numbers.next().unwrap_or(0), milliseconds: numbers.next().unwrap_or(0) }
    }
}
