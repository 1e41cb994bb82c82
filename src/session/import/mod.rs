//! Recipes from what other programs, and this one, have written: pictures, sessions and texts.
//!
//! A picture may say the same thing several times. What we wrote ourselves is believed first: the recipe chunk, then
//! the recipe inside the `parameters` text; then the plain settings of that text; then other tools' own forms.
//! Nothing that is found is dropped in silence: what a recipe cannot hold is listed.

mod comfy;
mod exif;
mod extensions;
mod files;
mod flat;
mod json;
mod names;
mod parameters;
mod settings;
mod stealth;
mod words;
mod xmp;

use std::{fmt, fs::File, io::Read as _, path::Path};

use serde::Serialize;

use self::files::{Carried, Picture};
use super::{Document, SessionError, document::FORMAT, error::one_line, png::RECIPE_KEYWORD};
use crate::{files::decode_text, recipe::Recipe};

/// Larger files are refused before they are read.
const MAX_BYTES: u64 = 1 << 29;

/// As much of a text beside a picture is read.
const MAX_BESIDE: u64 = 1 << 20;

/// A recipe that was found in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Imported {
    pub recipe: Recipe,
    pub found: Source,
    /// What the file says beyond the recipe, as "Key: value", and what could not be taken over with the reason.
    pub not_restored: Vec<String>,
    /// The prompts without the signs that another tool gives a meaning and this program does not, where there are any.
    /// The recipe has them as they are in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain: Option<PlainWords>,
}

/// Prompts of which only the words are left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlainWords {
    pub prompt: String,
    pub negative: String,
}

impl Imported {
    /// The recipe to render: with prompts in plain words.
    pub fn into_plain_recipe(self) -> Recipe {
        match self.plain {
            Some(PlainWords { prompt, negative }) => Recipe { prompt, negative, ..self.recipe },
            None => self.recipe,
        }
    }

    /// A recipe that nothing is missing from.
    fn whole(recipe: Recipe, found: Source) -> Self {
        Self { recipe, found, not_restored: Vec::new(), plain: None }
    }
}

/// What kind of writing a recipe was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Source {
    /// A session's current recipe.
    Session,
    /// The recipe chunk of a picture that this program wrote.
    Recipe,
    /// The recipe of this program inside a `parameters` text.
    ParametersRecipe,
    /// The settings of a `parameters` text.
    Parameters,
    ComfyUi,
    SwarmUi,
    Fooocus,
    InvokeAi,
    NovelAi,
    DrawThings,
    /// Settings as JSON, of an unknown tool.
    Json,
}

impl Source {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Session => "a Sextant session",
            Self::Recipe => "the Sextant recipe",
            Self::ParametersRecipe => "the Sextant recipe in the parameters text",
            Self::Parameters => "the parameters text",
            Self::ComfyUi => "a ComfyUI graph",
            Self::SwarmUi => "SwarmUI settings",
            Self::Fooocus => "Fooocus settings",
            Self::InvokeAi => "InvokeAI settings",
            Self::NovelAi => "NovelAI settings",
            Self::DrawThings => "Draw Things settings",
            Self::Json => "settings in JSON",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Reads the recipe that a file carries: a PNG, JPEG, WebP or GIF picture, a session, or a text with settings. For a
/// file that carries none, the text beside it is read, of the same name but for the ending `.txt`.
///
/// # Errors
/// One sentence: a file that cannot be read, is damaged, or says nothing about how a picture was made.
pub fn import(path: &Path) -> Result<Imported, SessionError> {
    let unreadable = |source| SessionError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(nothing(path, "it is larger than 512 MiB"));
    }
    let imported = import_bytes(&bytes, path);
    if matches!(imported, Err(SessionError::NothingToImport { .. })) {
        return beside(path).map_or(imported, Ok);
    }
    imported
}

/// What the text beside a file says about it.
fn beside(path: &Path) -> Option<Imported> {
    let text = path.with_extension("txt");
    let mut bytes = Vec::new();
    File::open(&text).ok()?.take(MAX_BESIDE).read_to_end(&mut bytes).ok()?;
    settings(&decode_text(&bytes).ok()?, Need::Settings)
}

/// [`import`] of a file's bytes; `path` is for error messages.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(bytes: &[u8], path: &Path) -> Result<Imported, SessionError> {
    if let Some(picture) = files::picture(bytes, path)? {
        return from_picture(&picture, path);
    }
    let Ok(text) = decode_text(bytes) else {
        return Err(nothing(path, "it is no PNG, JPEG, WebP or GIF picture, no session and no text"));
    };
    if text.contains(FORMAT) {
        let recipe = Document::from_text(&text, path)?.recipe;
        return Ok(Imported::whole(recipe, Source::Session));
    }
    settings(&text, Need::Settings).ok_or_else(|| nothing(path, "its text names no settings"))
}

/// How much a text must say to pass for one about a picture.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    /// A prompt is enough: the place it was found in says what it is.
    Prompt,
    /// A settings line: comments and text files may be about anything.
    Settings,
}

fn from_picture(picture: &Picture<'_>, path: &Path) -> Result<Imported, SessionError> {
    let mut unread = None;
    let found = from_texts(&picture.sound, &mut unread);
    let found = found.or_else(|| from_texts(&picture.damaged, &mut unread));
    let Some(mut imported) = found.or_else(|| from_texts(&picture.hidden(), &mut unread)) else {
        return Err(match unread {
            Some(what) => SessionError::DamagedRecipe { name: path.display().to_string(), what },
            None => nothing(path, "it says nothing about how it was made"),
        });
    };
    let unread = unread.map(|what| format!("the Sextant recipe chunk: it cannot be read ({what})"));
    let damaged = picture.damaged.keywords().map(|keyword| format!("the text \"{keyword}\": its checksum is wrong"));
    imported.not_restored.splice(0..0, unread.into_iter().chain(damaged));
    Ok(imported)
}

/// What texts say: our own recipe, or the first other one that tells how the picture was made. `unread` becomes what is
/// wrong with our recipe.
fn from_texts(carried: &Carried, unread: &mut Option<String>) -> Option<Imported> {
    if let Some(ron) = carried.text(RECIPE_KEYWORD) {
        match ron::from_str(ron) {
            Ok(recipe) => return Some(Imported::whole(recipe, Source::Recipe)),
            Err(error) => *unread = Some(one_line(error)),
        }
    }
    from_other_texts(carried)
}

/// The first of a picture's texts that tells how it was made.
fn from_other_texts(carried: &Carried) -> Option<Imported> {
    let by_keyword = |keyword: &str| carried.text(keyword).and_then(|text| json::read(text, None));
    // NovelAI keeps the prompt apart from the other settings.
    let novel_ai = || json::read(carried.text("Comment")?, carried.text("Description"));
    carried
        .text("parameters")
        .and_then(|text| settings(text, Need::Prompt))
        .or_else(|| by_keyword("invokeai_metadata"))
        .or_else(|| by_keyword("sd-metadata"))
        .or_else(|| by_keyword("prompt"))
        .or_else(novel_ai)
        .or_else(|| carried.comments.iter().find_map(|text| settings(text, Need::Settings)))
}

/// Settings in either of the two forms that stand in one text: JSON, or the `parameters` text.
fn settings(text: &str, need: Need) -> Option<Imported> {
    // A prompt, too, may begin with a brace.
    json::read(text, None).or_else(|| parameters::read(text, need))
}

fn nothing(path: &Path, what: &'static str) -> SessionError {
    SessionError::NothingToImport { path: path.to_owned(), what }
}
