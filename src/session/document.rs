//! The session document, `*.sextant.ron`: recipes, takes and layout as readable text.
//!
//! Apart from its parts because it is what has a version, and what is read and written whole.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};

use super::{
    error::{SessionError, one_line},
    files::write_whole,
    layout::Layout,
    packed::KeptSteps,
    take::{Take, TakeId, check_tree},
};
use crate::{
    files::{NotText, charged_list, decode_text, read_regular, within_budget},
    recipe::Recipe,
};

/// The version that this program writes; it reads this one and all before it.
///
/// * Version 2 may carry the steps of takes. A program that knows version 1 alone would drop them when it saves.
/// * Version 3 names concepts by id, in recipes and in the layout, and has one signed strength a concept. A program that
///   knows version 2 alone would read every strength as the default.
pub const VERSION: u32 = 3;

/// The format name that every session begins with.
pub(super) const FORMAT: &str = "sextant-session";

/// The largest session file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 29;

/// A session as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    format: String,
    version: u32,
    /// The program version that wrote the file.
    #[serde(default)]
    app: String,
    /// The current recipe.
    #[serde(default)]
    pub recipe: Recipe,
    /// The models that the recipes name.
    #[serde(default, deserialize_with = "charged_list")]
    pub models: Vec<ModelUse>,
    /// Results, oldest first.
    #[serde(default, deserialize_with = "charged_list")]
    pub takes: Vec<Take>,
    #[serde(default)]
    pub layout: Layout,
    /// In a recovery file: the session file that was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<PathBuf>,
    /// What was brought within limits when this was read, in a few words each.
    #[serde(skip)]
    pub adjusted: Vec<String>,
    /// The steps of takes, if the session keeps them. Last, so that the readable part comes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "charged_list")]
    pub steps: Vec<KeptSteps>,
}

/// A model that a session used. The hash tells when another model has taken its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUse {
    /// As in the recipe.
    pub name: String,
    /// SHA-256 of the weights, in hex.
    pub content_hash: Option<String>,
}

/// The fields that every version of the format has.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    format: String,
    version: u32,
}

impl Default for Document {
    fn default() -> Self {
        Self::new(Recipe::default())
    }
}

impl Document {
    /// A session with one recipe and no takes. Concepts without an id get one.
    pub fn new(recipe: Recipe) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            app: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: recipe.with_concept_ids(),
            models: Vec::new(),
            takes: Vec::new(),
            layout: Layout::default(),
            original: None,
            adjusted: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Reads a session and brings an older version up to date.
    ///
    /// # Errors
    /// One sentence with the file, and line and column where they are known: a file that cannot be read, is not a
    /// session, is newer than this program, is truncated or damaged, or whose takes are inconsistent.
    pub fn load(path: &Path) -> Result<Self, SessionError> {
        let unreadable = |source| SessionError::Read { path: path.to_owned(), source };
        let bytes = fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(SessionError::TooLarge { path: path.to_owned(), bytes });
        }
        let bytes = read_regular(path, MAX_BYTES).map_err(unreadable)?;
        let text = decode_text(&bytes).map_err(|NotText { line, column }| SessionError::Damaged {
            path: path.to_owned(),
            line,
            column,
            what: "this is not text".to_owned(),
        })?;
        Self::from_text(&text, path)
    }

    /// Reads the text of a session; `path` is for error messages.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn from_text(text: &str, path: &Path) -> Result<Self, SessionError> {
        let damaged = |error: ron::error::SpannedError| SessionError::Damaged {
            path: path.to_owned(),
            line: error.span.start.line,
            column: error.span.start.col,
            what: one_line(error.code),
        };
        let header: Header = ron::from_str(text).map_err(|error| {
            if text.contains(FORMAT) { damaged(error) } else { SessionError::NotASession { path: path.to_owned() } }
        })?;
        if header.format != FORMAT {
            return Err(SessionError::NotASession { path: path.to_owned() });
        }
        if header.version > VERSION {
            return Err(SessionError::Newer { path: path.to_owned(), found: header.version, known: VERSION });
        }
        let mut read: Self = within_budget(text.len(), || ron::from_str(text)).map_err(damaged)?;
        check_tree(&read.takes).map_err(|(take, what)| SessionError::Inconsistent {
            path: path.to_owned(),
            take: take.0,
            what,
        })?;
        if header.version < 3 {
            read.layout.update_from_version_2(&read.recipe);
        }
        read.bring_within_limits();
        // The document is now of the version that this program writes.
        Ok(Self { format: FORMAT.to_owned(), version: VERSION, app: env!("CARGO_PKG_VERSION").to_owned(), ..read })
    }

    /// Nothing runs over a number of a file: recipes, times and the layout are brought within their limits.
    fn bring_within_limits(&mut self) {
        self.adjusted = self.recipe.bring_within_limits();
        for take in &mut self.takes {
            let adjusted = take.bring_within_limits();
            self.adjusted.extend(adjusted.into_iter().map(|what| format!("take {}: {what}", take.id.0)));
        }
        self.layout.bring_within_limits();
    }

    /// Writes the session atomically.
    ///
    /// # Errors
    /// [`SessionError::Write`]; an existing file is then unchanged.
    pub fn save(&self, path: &Path) -> Result<(), SessionError> {
        write_whole(path, self.to_text()?.as_bytes())
    }

    /// The session as readable RON.
    ///
    /// # Errors
    /// [`SessionError::Unwritable`], which no session of this program causes.
    pub fn to_text(&self) -> Result<String, SessionError> {
        let style = PrettyConfig::new().new_line("\n").indentor("  ");
        let text = ron::ser::to_string_pretty(self, style).map_err(|e| SessionError::Unwritable(one_line(e)))?;
        Ok(text + "\n")
    }

    /// Adds the steps that `saved`, an earlier state of this session, keeps of takes that both have.
    pub fn adopt_steps(&mut self, saved: &Self) {
        let kept: HashMap<TakeId, &KeptSteps> = saved.steps.iter().map(|kept| (kept.take, kept)).collect();
        let mut before: HashMap<u64, Vec<&Take>> = HashMap::new();
        for take in saved.takes.iter().filter(|take| kept.contains_key(&take.id)) {
            before.entry(take.created).or_default().push(take);
        }
        let own: HashSet<TakeId> = self.steps.iter().map(|kept| kept.take).collect();
        for take in self.takes.iter().filter(|take| !own.contains(&take.id)) {
            let at_once = before.get(&take.created).into_iter().flatten();
            let same = at_once.into_iter().find(|before| before.recipe.same_settings(&take.recipe));
            if let Some(kept) = same.and_then(|before| kept.get(&before.id)) {
                self.steps.push(KeptSteps { take: take.id, steps: kept.steps.clone() });
            }
        }
    }
}
