//! What the process that checks a card says to the one that started it: lines of text.
//!
//! Apart because both ends read it.

use std::{fmt, str::FromStr};

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A card that this machine has, by its name for people: one line for each, the preferred one first.
    Found(String),
    /// The name of the card that is checked.
    Card(String),
    /// So many checks of kernels have passed, of so many.
    Kernel { done: usize, total: usize },
    /// The bundled model's prediction at its own size passed, and took so many seconds.
    Step { seconds: f64 },
    /// Everything passed.
    Passed,
    /// The card must not be used: why.
    Failed(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(name) => write!(f, "found {name}"),
            Self::Card(name) => write!(f, "card {name}"),
            Self::Kernel { done, total } => write!(f, "kernel {done} {total}"),
            Self::Step { seconds } => write!(f, "step {seconds}"),
            Self::Passed => f.write_str("passed"),
            Self::Failed(reason) => write!(f, "failed {}", reason.replace('\n', " ")),
        }
    }
}

impl FromStr for Line {
    type Err = ();

    /// Lines that are none of these come from libraries, and mean nothing here.
    fn from_str(line: &str) -> Result<Self, ()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Ok(match word {
            "found" => Self::Found(rest.to_owned()),
            "card" => Self::Card(rest.to_owned()),
            "kernel" => {
                let (done, total) = rest.split_once(' ').ok_or(())?;
                Self::Kernel { done: done.parse().map_err(drop)?, total: total.parse().map_err(drop)? }
            }
            "step" => Self::Step { seconds: rest.parse().map_err(drop)? },
            "passed" => Self::Passed,
            "failed" => Self::Failed(rest.to_owned()),
            _ => return Err(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let lines = [
            Line::Found("Quadro 4".into()),
            Line::Card("Quadro 4 (Vulkan)".into()),
            Line::Kernel { done: 3, total: 40 },
            Line::Step { seconds: 0.25 },
            Line::Passed,
            Line::Failed("a kernel computes wrongly".into()),
        ];
        for line in lines {
            assert_eq!(line.to_string().parse(), Ok(line));
        }
        for other in ["", "warning: this is not a conformant driver", "kernel x 3", "step"] {
            assert_eq!(other.parse::<Line>(), Err(()), "{other}");
        }
        assert_eq!(Line::Failed("two\nlines".into()).to_string().lines().count(), 1);
    }
}
