//! Reading a recipe from a file: which of its texts counts.
//!
//! It stands apart from the forms of settings, each of which is a file of its own. A picture may hold its settings several
//! times. Sources are tried in this order: this program's recipe chunk, its recipe inside the `parameters` text, the plain
//! settings of that text, other tools' own forms. No setting that is found is dropped in silence: what a recipe cannot hold
//! is listed.

use std::{io::Read as _, mem, path::Path};

use super::{
    imported::{Imported, Required, Source},
    json, parameters,
    pictures::{self, EmbeddedTexts, Picture},
};
use crate::{
    files::{decode_text, open_regular, within_budget},
    recipe::Recipe,
    session::{
        document::{Document, FORMAT},
        error::{SessionError, one_line},
        png::RECIPE_KEYWORD,
    },
};

/// Larger files are refused before they are read.
const MAX_BYTES: u64 = 1 << 29;

/// Bytes that are read of a text file beside a picture.
const MAX_SIDECAR: u64 = 1 << 20;

/// Reads the recipe in a file: a PNG, JPEG, WebP or GIF picture, a session, or a text with settings. If a picture has
/// none, the text file of the same name with the extension `.txt` is read.
///
/// # Errors
/// One sentence: the file cannot be read, is damaged, or has no settings.
pub fn import(path: &Path) -> Result<Imported, SessionError> {
    let unreadable = |source| SessionError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    open_regular(path).map_err(unreadable)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(nothing(path, "it is larger than 512 MiB"));
    }
    let imported = import_bytes(&bytes, path);
    if matches!(imported, Err(SessionError::NothingToImport { .. })) {
        return from_sidecar(path).map_or(imported, Ok);
    }
    imported
}

/// The settings in the text file beside a picture.
fn from_sidecar(path: &Path) -> Option<Imported> {
    let text = path.with_extension("txt");
    let mut bytes = Vec::new();
    open_regular(&text).ok()?.take(MAX_SIDECAR).read_to_end(&mut bytes).ok()?;
    settings(&decode_text(&bytes).ok()?, Required::Settings)
}

/// [`import`] of a file's bytes; `path` appears in error messages.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(bytes: &[u8], path: &Path) -> Result<Imported, SessionError> {
    let mut imported = within_budget(bytes.len(), || import_unchecked(bytes, path))?;
    imported.not_restored.extend(imported.recipe.bring_within_limits());
    if let Some(plain) = &mut imported.plain {
        let mut texts = Recipe {
            prompt: mem::take(&mut plain.prompt),
            negative: mem::take(&mut plain.negative),
            ..Recipe::default()
        };
        // What is too long was told of above.
        let _ = texts.bring_within_limits();
        (plain.prompt, plain.negative) = (texts.prompt, texts.negative);
    }
    Ok(imported)
}

fn import_unchecked(bytes: &[u8], path: &Path) -> Result<Imported, SessionError> {
    if let Some(picture) = pictures::read(bytes, path)? {
        return from_picture(&picture, path);
    }
    let Ok(text) = decode_text(bytes) else {
        return Err(nothing(path, "it is no PNG, JPEG, WebP or GIF picture, no session and no text"));
    };
    if text.contains(FORMAT) {
        let Document { recipe, adjusted, .. } = Document::from_text(&text, path)?;
        return Ok(Imported { not_restored: adjusted, ..Imported::complete(recipe, Source::Session) });
    }
    settings(&text, Required::Settings).ok_or_else(|| nothing(path, "its text names no settings"))
}

fn from_picture(picture: &Picture<'_>, path: &Path) -> Result<Imported, SessionError> {
    let mut unread = None;
    let found = from_texts(&picture.intact, &mut unread);
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

/// The recipe chunk of this program, or the first other text with settings. Sets `unread` to what is wrong with a recipe
/// chunk that cannot be read.
fn from_texts(texts: &EmbeddedTexts, unread: &mut Option<String>) -> Option<Imported> {
    if let Some(ron) = texts.text(RECIPE_KEYWORD) {
        match ron::from_str(ron) {
            Ok(recipe) => return Some(Imported::complete(recipe, Source::Recipe)),
            Err(error) => *unread = Some(one_line(error)),
        }
    }
    from_other_texts(texts)
}

/// The first of a picture's texts with settings, in the order of the tools' popularity.
fn from_other_texts(texts: &EmbeddedTexts) -> Option<Imported> {
    let by_keyword = |keyword: &str| texts.text(keyword).and_then(|text| json::read(text, None));
    // NovelAI writes the prompt into a text of its own.
    let novel_ai = || json::read(texts.text("Comment")?, texts.text("Description"));
    texts
        .text("parameters")
        .and_then(|text| settings(text, Required::Prompt))
        .or_else(|| by_keyword("invokeai_metadata"))
        .or_else(|| by_keyword("sd-metadata"))
        .or_else(|| by_keyword("prompt"))
        .or_else(novel_ai)
        .or_else(|| texts.comments.iter().find_map(|text| settings(text, Required::Settings)))
}

/// Settings in either of the two forms that one text may have: JSON, or the `parameters` text.
fn settings(text: &str, required: Required) -> Option<Imported> {
    // A prompt may begin with a brace too.
    json::read(text, None).or_else(|| parameters::read(text, required))
}

fn nothing(path: &Path, what: &'static str) -> SessionError {
    SessionError::NothingToImport { path: path.to_owned(), what }
}
