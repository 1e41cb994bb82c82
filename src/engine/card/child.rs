//! Starts the check of a card in a child process of the same binary, and waits for its lines.
//!
//! Apart so that whatever a driver does to that process, this one goes on.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use super::protocol::Line;
use crate::nets::Precision;

/// How long the child may say nothing: the slowest kernel on the slowest driver took a tenth of it.
const SILENCE: Duration = Duration::from_secs(120);
/// How often it is looked whether the check is still needed.
const POLL: Duration = Duration::from_millis(100);

/// How to start the check.
#[derive(Clone, Debug)]
pub struct Checker {
    /// This program: it has the subcommand `check-card`.
    pub program: PathBuf,
    /// How long the child may say nothing.
    pub silence: Duration,
}

/// What a passed check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    pub name: String,
    /// Of one prediction of the bundled model.
    pub step_seconds: f64,
}

impl Checker {
    /// The program that runs now. Tests shorten the silence by `SEXTANT_CARD_SILENCE`, in seconds.
    ///
    /// # Errors
    /// Where the operating system does not say which file it runs.
    pub fn this_program() -> std::io::Result<Self> {
        let seconds = std::env::var("SEXTANT_CARD_SILENCE").ok().and_then(|text| text.parse().ok());
        Ok(Self { program: std::env::current_exe()?, silence: seconds.map_or(SILENCE, Duration::from_secs) })
    }

    /// Runs the check of the chosen card, or of the best one, to its end, or until `is_needed` says no, which ends the child.
    /// Each line goes to `progress`.
    ///
    /// # Errors
    /// One sentence: why the card must not be used.
    pub fn run(
        &self,
        chosen: Option<&str>,
        precision: Precision,
        is_needed: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Line),
    ) -> Result<Passed, String> {
        let mut child =
            self.start(chosen, precision).map_err(|error| format!("the card's check did not start ({error})"))?;
        let lines = lines_of(&mut child);
        let outcome = self.follow(&lines, is_needed, progress);
        // It may have ended already; then there is nothing to end.
        drop(child.kill());
        let status = child.wait();
        outcome.map_err(|why| match why {
            Ended::Said(reason) => reason,
            Ended::NotNeeded => "the check of the card was stopped".into(),
            Ended::Silent => {
                let seconds = self.silence.as_secs();
                format!("the graphics card's driver did not answer for {seconds} seconds, so the processor computes")
            }
            Ended::Gone => {
                let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                format!("the graphics card's driver crashed in its check ({how}), so the processor computes")
            }
        })
    }

    /// At low priority: pictures are drawn beside it.
    fn start(&self, chosen: Option<&str>, precision: Precision) -> std::io::Result<Child> {
        let mut words = vec!["check-card".to_owned(), "--precision".to_owned(), precision.to_string()];
        words.extend(chosen.map(|name| format!("--card={name}")));
        let command = |mut command: Command| {
            command.args(&words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
        };
        #[cfg(unix)]
        {
            let mut nice = Command::new("nice");
            nice.args(["-n", "15"]).arg(&self.program);
            // Where there is no such command, the check is worth more than its priority.
            command(nice).or_else(|_| command(Command::new(&self.program)))
        }
        #[cfg(windows)]
        {
            use std::os::windows::process::CommandExt as _;
            const BELOW_NORMAL_PRIORITY_CLASS: u32 = 0x4000;
            let mut program = Command::new(&self.program);
            program.creation_flags(BELOW_NORMAL_PRIORITY_CLASS);
            command(program)
        }
        #[cfg(not(any(unix, windows)))]
        command(Command::new(&self.program))
    }

    fn follow(
        &self,
        lines: &Receiver<Line>,
        is_needed: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Line),
    ) -> Result<Passed, Ended> {
        let (mut name, mut step_seconds, mut heard) = (String::new(), f64::INFINITY, Instant::now());
        loop {
            match lines.recv_timeout(POLL) {
                Ok(line) => {
                    heard = Instant::now();
                    progress(&line);
                    match line {
                        Line::Card(found) => name = found,
                        Line::Step { seconds } => step_seconds = seconds,
                        Line::Found(_) | Line::Kernel { .. } => {}
                        Line::Passed => return Ok(Passed { name, step_seconds }),
                        Line::Failed(reason) => return Err(Ended::Said(reason)),
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Ended::Gone),
                Err(RecvTimeoutError::Timeout) if !is_needed() => return Err(Ended::NotNeeded),
                Err(RecvTimeoutError::Timeout) if heard.elapsed() > self.silence => return Err(Ended::Silent),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Why a check ended without passing.
enum Ended {
    /// It said why.
    Said(String),
    NotNeeded,
    Silent,
    /// Without a word.
    Gone,
}

/// The child's lines, read on a thread of their own: reading waits.
fn lines_of(child: &mut Child) -> Receiver<Line> {
    let (sender, receiver) = channel();
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            for line in lines.filter_map(|line| line.parse().ok()) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that ignores its arguments and does what `script` says.
    fn acting(script: &str, silence: Duration) -> (tempfile::TempDir, Checker) {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("child.sh");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("a program");
        (folder, Checker { program, silence })
    }

    fn run(script: &str, is_needed: bool) -> (Result<Passed, String>, Vec<Line>) {
        let (_folder, checker) = acting(script, Duration::from_millis(600));
        let mut lines = Vec::new();
        let outcome = checker.run(None, Precision::F32, &|| is_needed, &mut |line| lines.push(line.clone()));
        (outcome, lines)
    }

    #[test]
    fn a_check_that_passes_is_heard() {
        let (outcome, lines) = run("echo card Test; echo noise; echo kernel 1 2; echo step 0.5; echo passed", true);
        assert_eq!(outcome, Ok(Passed { name: "Test".into(), step_seconds: 0.5 }));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn a_crash_a_hang_and_a_wrong_result_are_one_sentence_each() {
        let (crashed, lines) = run("echo kernel 1 2; kill -ABRT $$", true);
        assert!(crashed.as_ref().is_err_and(|why| why.contains("crashed")), "{crashed:?}");
        assert_eq!(lines, [Line::Kernel { done: 1, total: 2 }]);

        let begun = Instant::now();
        let (silent, _) = run("echo kernel 1 2; exec sleep 30", true);
        assert!(silent.as_ref().is_err_and(|why| why.contains("did not answer")), "{silent:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));

        let (wrong, _) = run("echo failed it computes wrongly", true);
        assert_eq!(wrong, Err("it computes wrongly".into()));
    }

    #[test]
    fn one_that_is_no_longer_needed_is_ended_at_once() {
        let begun = Instant::now();
        let (stopped, _) = run("exec sleep 30", false);
        assert!(stopped.is_err());
        assert!(begun.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_program_that_is_not_there_is_said() {
        let checker = Checker { program: "/no/such/program".into(), silence: Duration::from_secs(1) };
        assert!(checker.run(None, Precision::F32, &|| true, &mut |_| {}).is_err());
    }
}
