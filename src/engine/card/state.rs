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
    Checking { done: usize, total: usize },
    /// It passed; the worker opens it when it is first used.
    Ready { name: String },
    /// It cannot be used: one sentence.
    Failed { reason: String },
}

impl Preference {
    /// All of them, with their names in files.
    const NAMES: [(Self, &str); 3] = [(Self::Fastest, "fastest"), (Self::Processor, "processor"), (Self::Card, "card")];

    /// The name in files.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(preference, _)| *preference == self).map_or("", |(_, name)| name)
    }

    /// The preference of a name; `None` for a name that is none of them.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(preference, _)| *preference)
    }
}

impl CardState {
    /// A short text for the status line; `None` where there is nothing to say.
    pub fn title(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Checking { done: 0, .. } => Some("card: being opened".into()),
            Self::Checking { done, total } => Some(format!("card: {done} of {total} kernels")),
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
            Self::Ready { name } => format!("{name} is ready."),
            Self::Failed { reason } => reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_files_are_read_back() {
        for preference in [Preference::Fastest, Preference::Processor, Preference::Card] {
            assert_eq!(Preference::named(preference.name()), Some(preference));
        }
        assert_eq!(Preference::named(""), None);
    }

    #[test]
    fn only_a_card_that_is_spoken_of_has_a_title() {
        assert_eq!(CardState::Absent.title(), None);
        assert_eq!(CardState::Checking { done: 0, total: 0 }.title().as_deref(), Some("card: being opened"));
        assert_eq!(CardState::Checking { done: 31, total: 45 }.title().as_deref(), Some("card: 31 of 45 kernels"));
        let failed = CardState::Failed { reason: "It computes wrongly.".into() };
        assert_eq!(
            (failed.title().as_deref(), failed.sentence().as_str()),
            (Some("card: not used"), "It computes wrongly.")
        );
    }
}
