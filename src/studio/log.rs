//! The log, as the window shows it: its last lines, kept beside what goes to standard error.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// As many lines are kept.
pub const KEPT: usize = 200;

/// What was logged, the oldest first.
static LINES: Mutex<VecDeque<Line>> = Mutex::new(VecDeque::new());

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// The part of the program that said it.
    pub target: String,
    pub message: String,
}

/// Hands every record on, and keeps those that are at least a warning or the program's own.
struct Kept<L>(L);

impl<L: Log> Log for Kept<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_kept(metadata) || self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if is_kept(record.metadata()) {
            keep(Line {
                level: record.level(),
                target: record.target().to_owned(),
                message: record.args().to_string(),
            });
        }
        if self.0.enabled(record.metadata()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

fn is_kept(metadata: &Metadata<'_>) -> bool {
    metadata.level() <= Level::Warn || (metadata.level() <= Level::Info && metadata.target().starts_with("sextant"))
}

fn keep(line: Line) {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.len() == KEPT {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// Makes `forward` the program's logger, with the window's log beside it. A second call changes nothing.
pub fn install(forward: impl Log + 'static, level: LevelFilter) {
    if log::set_boxed_logger(Box::new(Kept(forward))).is_ok() {
        log::set_max_level(level.max(LevelFilter::Info));
    }
}

/// The last lines, the oldest first.
pub fn lines() -> Vec<Line> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Log for Nobody {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            false
        }
        fn log(&self, _: &Record<'_>) {}
        fn flush(&self) {}
    }

    #[test]
    fn the_last_lines_are_kept_and_chatter_is_not() {
        let logger = Kept(Nobody);
        let say = |level, target: &str, text: &str| {
            logger.log(&Record::builder().level(level).target(target).args(format_args!("{text}")).build());
        };
        for i in 0..KEPT + 5 {
            say(Level::Warn, "sextant::test", &format!("line {i}"));
        }
        say(Level::Info, "elsewhere", "chatter");
        let lines = lines();
        assert_eq!(lines.len(), KEPT);
        assert_eq!((lines[0].message.as_str(), lines[KEPT - 1].message.as_str()), ("line 5", "line 204"));
    }
}
