//! What is said above the canvas, and what could not be taken over from a file.
//!
//! Apart because errors of the engine, of files and of recipes all end here.

use std::path::{Path, PathBuf};

use crate::session::Source;

/// A sentence above the canvas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub message: String,
    /// An error, not only news.
    pub is_error: bool,
    pub topic: Topic,
    /// What can be done about it.
    pub remedy: Option<Remedy>,
}

/// What a notice is about: a success takes away the failure before it of the same topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topic {
    Rendering,
    Saving,
    /// Unsaved work against a crash.
    Keeping,
    Opening,
    Exporting,
    /// A model, a LoRA or a mask.
    Choosing,
    #[default]
    Other,
}

/// What a notice offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// List what could not be taken over from the file that was opened.
    ShowLeftovers,
    /// Give up what was recovered, for the session as it was last saved.
    DiscardRecovered,
    /// Render the recipe with another seed.
    NewSeed,
    /// Show where a file was written.
    ShowFile(PathBuf),
}

/// Where a recipe comes from that is no session's.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub found: Source,
    pub not_restored: Vec<String>,
    /// The side of the pictures that the recipe's model was trained on, in pixels, where that is known.
    pub native_side: Option<usize>,
}

/// The list of what could not be taken over from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftovers {
    /// The file's name.
    pub name: String,
    pub lines: Vec<String>,
}

/// The current notice with what it refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices {
    pub shown: Option<Notice>,
    pub leftovers: Option<Leftovers>,
}

/// So many leftovers are named in the notice, and so many letters of each.
const NAMED: usize = 3;
const LETTERS: usize = 40;

impl Notice {
    pub fn error(topic: Topic, message: impl Into<String>) -> Self {
        Self { message: message.into(), is_error: true, topic, remedy: None }
    }

    pub fn info(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_error: false, topic: Topic::Other, remedy: None }
    }

    /// Says where a file was written, and offers to show it.
    pub fn written(topic: Topic, path: &Path) -> Self {
        let verb = if topic == Topic::Saving { "Saved" } else { "Exported" };
        let remedy = Some(Remedy::ShowFile(path.to_owned()));
        Self { topic, remedy, ..Self::info(format!("{verb} to {}.", path.display())) }
    }

    /// Says why nothing is rendered, and offers what would give another picture.
    pub fn unchanged() -> Self {
        let message = "Nothing has changed since this picture: the same recipe and seed give the same picture again.";
        Self { topic: Topic::Rendering, remedy: Some(Remedy::NewSeed), ..Self::info(message) }
    }

    /// Whether it is only a confirmation, which may go by itself after a while.
    pub fn is_brief(&self) -> bool {
        !self.is_error && matches!(self.topic, Topic::Saving | Topic::Exporting)
    }
}

impl Notices {
    /// Says what came of a file, unless it was a picture of ours, of which nothing is missing.
    pub(super) fn imported(&mut self, path: &Path, origin: Origin) {
        let Origin { found, not_restored: lines, .. } = origin;
        if found == Source::Recipe && lines.is_empty() {
            return;
        }
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let from = format!("Taken from {found} in {name}");
        let message = match lines.len() {
            0 => format!("{from}."),
            1 => format!("{from}, but for {}.", named(&lines)),
            count => format!("{from}, but for {count} things: {}.", named(&lines)),
        };
        let remedy = (!lines.is_empty()).then_some(Remedy::ShowLeftovers);
        self.leftovers = remedy.is_some().then_some(Leftovers { name, lines });
        self.shown = Some(Notice { remedy, ..Notice::info(message) });
    }
}

/// The first of the lines, each cut short.
fn named(lines: &[String]) -> String {
    let short = |line: &String| {
        let mut letters = line.chars();
        let start: String = letters.by_ref().take(LETTERS).collect();
        if letters.next().is_some() { format!("{}…", start.trim_end()) } else { start }
    };
    let named: Vec<String> = lines.iter().take(NAMED).map(short).collect();
    let more = if lines.len() > NAMED { "; …" } else { "" };
    named.join("; ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_says_what_is_missing() {
        let message = |found, lines: &[&str]| {
            let mut notices = Notices::default();
            let not_restored = lines.iter().map(|line| (*line).to_owned()).collect();
            notices.imported(Path::new("folder/cat.jpg"), Origin { found, not_restored, native_side: None });
            notices.shown.map(|notice| notice.message)
        };
        assert_eq!(message(Source::Recipe, &[]), None);
        assert_eq!(message(Source::Parameters, &[]).as_deref(), Some("Taken from the parameters text in cat.jpg."));
        assert_eq!(
            message(Source::NovelAi, &["sm: false"]).as_deref(),
            Some("Taken from NovelAI settings in cat.jpg, but for sm: false.")
        );
        let long = "LoRA: ".to_owned() + &"é".repeat(60);
        let five = message(Source::ComfyUi, &[&long, "a: 1", "b: 2", "c: 3", "d: 4"]).unwrap_or_default();
        assert!(five.starts_with("Taken from a ComfyUI graph in cat.jpg, but for 5 things: LoRA: éé"), "{five}");
        assert!(five.ends_with("é…; a: 1; b: 2; …."), "{five}");
    }
}
