//! What is known of the graphics card, for people.
//!
//! Apart as what a window sees of its preparation.

/// Which device a user prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// The graphics card once it is ready, unless the processor is faster with a model.
    #[default]
    Fastest,
    Processor,
    /// The graphics card once it is ready.
    Card,
}

/// How far the graphics card is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CardState {
    /// There is none, or none is asked for.
    #[default]
    Absent,
    /// A child process compiles its kernels and compares their results with the processor's.
    Checking {
        done: usize,
        total: usize,
    },
    /// It passed, and is opened in this process.
    Preparing {
        name: String,
    },
    Ready {
        name: String,
    },
    /// It cannot be used: one sentence.
    Failed {
        reason: String,
    },
}

impl CardState {
    /// A short text for the status line; `None` where there is nothing to say.
    pub fn title(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Checking { done, total: 0 } | Self::Checking { done: done @ 0, .. } if *done == 0 => {
                Some("card: being opened".into())
            }
            Self::Checking { done, total } => Some(format!("card: {done} of {total} kernels")),
            Self::Preparing { .. } => Some("card: being prepared".into()),
            Self::Ready { .. } => Some("card: ready".into()),
            Self::Failed { .. } => Some("card: not used".into()),
        }
    }

    /// One sentence for the menu.
    pub fn sentence(&self) -> String {
        match self {
            Self::Absent => "No graphics card was found that this program can compute on.".into(),
            Self::Checking { done, total } => {
                format!(
                    "The graphics card's kernels are compiled and checked in a process of their own: {done} of {total}."
                )
            }
            Self::Preparing { name } => format!("{name} passed the check and is being prepared."),
            Self::Ready { name } => format!("{name} is ready."),
            Self::Failed { reason } => reason.clone(),
        }
    }
}
