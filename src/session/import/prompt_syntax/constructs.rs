//! The constructs of a prompt syntax that were found, as the lines that report them.
//!
//! They stand apart because every syntax reports in the same way.

/// Constructs by kind: the first of them as written, and their number.
#[derive(Default)]
pub(super) struct Constructs(Vec<(Kind, Vec<String>, usize)>);

/// A kind of construct.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Lora,
    Hypernetwork,
    Emphasis,
    Switching,
    Break,
    And,
    Tag,
    Wildcard,
    Blend,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Lora => "LoRA",
            Self::Hypernetwork => "hypernetwork",
            Self::Emphasis => "emphasis",
            Self::Switching => "switching",
            Self::Break => "BREAK",
            Self::And => "AND",
            Self::Tag => "tag",
            Self::Wildcard => "wildcard",
            Self::Blend => "blending",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Lora | Self::Hypernetwork => "not loaded",
            Self::Emphasis => "not applied: the words count as they stand",
            Self::Switching => "not applied: all the words count in every step",
            Self::Break => "not applied: the text is encoded as one",
            Self::And => "not applied: the parts are encoded as one text",
            Self::Tag | Self::Wildcard | Self::Blend => "not understood here: left in the prompt as it stands",
        }
    }
}

/// The number of constructs of a kind that are written out.
const SHOWN: usize = 12;
/// The number of characters of each that are written out.
const LETTERS: usize = 80;

impl Constructs {
    pub fn add(&mut self, kind: Kind, what: &str) {
        let at = self.0.iter().position(|(k, ..)| *k == kind).unwrap_or_else(|| {
            self.0.push((kind, Vec::new(), 0));
            self.0.len() - 1
        });
        let (_, shown, count) = &mut self.0[at];
        *count += 1;
        if shown.len() < SHOWN {
            let mut chars = what.chars().map(|c| if c == '\n' { ' ' } else { c });
            let mut text: String = chars.by_ref().take(LETTERS).collect();
            text.extend(chars.next().map(|_| '…'));
            shown.push(text);
        }
    }

    /// Without the constructs that a recipe takes over as they are.
    pub fn without_applied(mut self) -> Self {
        let is_applied = |kind| matches!(kind, Kind::Emphasis | Kind::Switching | Kind::Break);
        self.0.retain(|(kind, ..)| !is_applied(*kind));
        self
    }

    pub fn lines(self) -> Vec<String> {
        let line = |(kind, shown, count): (Kind, Vec<String>, usize)| {
            let more = count - shown.len();
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("{}: {}{more} ({})", kind.title(), shown.join(", "), kind.reason())
        };
        self.0.into_iter().map(line).collect()
    }
}
