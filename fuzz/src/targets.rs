//! The targets: what the program does with a file of each kind, without the rest of the program.
//!
//! `tests/fuzz_corpus.rs` of the main package compiles this file too and gives the kept corpora to the same functions.
//! `crate::inner` is what the two packages reach differently.

use std::{cell::RefCell, collections::HashMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    files::{self, decode_text},
    inner,
    nets::{ClipConfig, Tokenizer, TokenizerSettings, UNetConfig, VaeConfig},
    recipe::{ModelRef, Recipe, Sampler, Schedule},
    sampling::{self, ScheduleConfig},
    session::{self, Document, Infotext, Packed, Settings, UnpackBudget},
    studio::{document::track::Track, io::steps},
    weights::{ModelFiles, Outline},
};

/// What a target makes of an input; an error is a promise that was not kept.
pub type Run = fn(&[u8]) -> Result<(), String>;

pub const ALL: &[(&str, Run)] = &[
    ("picture", picture),
    ("exif", exif),
    ("xmp", xmp),
    ("stealth", stealth),
    ("parameters", parameters),
    ("json", json),
    ("session", session),
    ("settings", settings),
    ("steps", kept_steps),
    ("checkpoint", checkpoint),
    ("lora", lora),
    ("config", config),
    ("folder", folder),
    ("tokenizer", tokenizer),
    ("vocabulary", vocabulary),
];

thread_local! {
    static SCRATCH: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

/// Calls `work` with a folder to write into.
fn with_scratch<T>(work: impl FnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
    SCRATCH.with_borrow_mut(|folder| {
        if folder.is_none() {
            *folder = Some(tempfile::tempdir().map_err(|error| error.to_string())?);
        }
        folder.as_ref().map_or(Err("no folder".to_owned()), |folder| work(folder.path()))
    })
}

/// Errors are shown as one sentence.
fn is_sentence(error: &impl ToString) -> Result<(), String> {
    let text = error.to_string();
    if text.is_empty() || text.contains('\n') { Err(format!("an error of several lines: {text:?}")) } else { Ok(()) }
}

/// Whatever was read can be rendered, kept and read again.
fn sound(recipe: &Recipe) -> Result<(), String> {
    let said = recipe.clone().bring_within_limits();
    if !said.is_empty() {
        return Err(format!("it is beyond limits: {said:?}"));
    }
    recipe.validate().map_err(|error| format!("it cannot be rendered: {error}"))?;
    let _ = recipe.canonical().same_settings(recipe);
    let _ = (recipe.cfg_at(0), recipe.cfg_at(recipe.steps));
    let _ = recipe.painted_factor.resized(24, 24).over(&recipe.painted_factor);
    let kept = Document::new(recipe.clone()).to_text().map_err(|error| error.to_string())?;
    let again = Document::from_text(&kept, Path::new("kept")).map_err(|error| format!("{error} in {kept}"))?;
    if again.recipe != recipe.clone().with_concept_ids() {
        return Err(format!("it is kept as another: {recipe:?} and {:?}", again.recipe));
    }
    let shown = session::parameters_text(recipe, Some("0123456789abcdef"));
    let restored = session::import_bytes(shown.as_bytes(), Path::new("shown"));
    restored.map(drop).or_else(|error| is_sentence(&error))
}

/// Imports a file; what it gives is a recipe to keep.
fn import(bytes: &[u8]) -> Result<(), String> {
    match session::import_bytes(bytes, Path::new("file")) {
        Ok(imported) => {
            sound(&imported.recipe)?;
            imported
                .into_plain_recipe()
                .validate()
                .map_err(|error| format!("its plain form cannot be rendered: {error}"))
        }
        Err(error) => is_sentence(&error),
    }
}

/// Imports the same settings in another file.
fn import_again(bytes: &[u8]) -> Result<(), String> {
    session::import_bytes(bytes, Path::new("again")).map(drop).or_else(|error| is_sentence(&error))
}

fn picture(bytes: &[u8]) -> Result<(), String> {
    import(bytes)?;
    let name = "file";
    session::read_texts(bytes, name).map(drop).or_else(|error| is_sentence(&error))?;
    let _ = session::read_fingerprint(bytes, name);
    session::decode_picture(bytes, name).map(drop).or_else(|error| is_sentence(&error))?;
    session::thumbnail_picture(&BASE64.encode(bytes)).map(drop).or_else(|error| is_sentence(&error))?;
    with_scratch(|folder| {
        let path = folder.join("mask.png");
        fs::write(&path, bytes).map_err(|error| error.to_string())?;
        session::read_mask(&path).map(drop).or_else(|error| is_sentence(&error))?;
        session::read_recipe(&path).map(drop).or_else(|error| is_sentence(&error))
    })
}

/// A JPEG file with one segment.
fn jpeg(content: &[u8]) -> Vec<u8> {
    let content = &content[..content.len().min(65_533)];
    let length = (content.len() as u16 + 2).to_be_bytes();
    [b"\xff\xd8\xff\xe1", &length[..], content, b"\xff\xda\0\x02\xff\xd9"].concat()
}

/// A PNG file with one chunk.
fn png(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(content);
        [&(content.len() as u32).to_be_bytes()[..], kind, content, &sum.sum().to_be_bytes()].concat()
    };
    let header = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
    [&b"\x89PNG\r\n\x1a\n"[..], &header, &chunk(kind, content), &chunk(b"IEND", b"")].concat()
}

fn exif(bytes: &[u8]) -> Result<(), String> {
    import(&jpeg(&[b"Exif\0\0", bytes].concat()))?;
    import_again(&png(b"eXIf", bytes))
}

fn xmp(bytes: &[u8]) -> Result<(), String> {
    import(&jpeg(&[b"http://ns.adobe.com/xap/1.0/\0", bytes].concat()))?;
    import_again(&png(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", bytes].concat()))
}

/// The input stands in the lowest bits of alpha, or of the colours if its first bit is set.
fn stealth(bytes: &[u8]) -> Result<(), String> {
    let in_colours = bytes.first().is_some_and(|first| first & 1 == 1);
    let bits: Vec<u8> = bytes.iter().skip(1).flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let per_pixel = if in_colours { 3 } else { 1 };
    let (height, pixels) = (16, bits.len().div_ceil(per_pixel));
    let width = pixels.div_ceil(height).max(1);
    let mut rgba = vec![0x80; width * height * 4];
    for (at, bit) in bits.iter().enumerate() {
        let (pixel, channel) = (at / per_pixel, if in_colours { at % 3 } else { 3 });
        rgba[(pixel % height * width + pixel / height) * 4 + channel] |= bit;
    }
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(::png::ColorType::Rgba);
    encoder.set_compression(::png::Compression::Fastest);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&rgba));
    written.map_err(|error| error.to_string())?;
    import(&file)
}

fn parameters(bytes: &[u8]) -> Result<(), String> {
    import(bytes)?;
    import_again(&png(b"tEXt", &[b"parameters\0", bytes].concat()))?;
    let _ = (files::utf16_of_either_order(bytes), files::utf8_or_latin1(bytes));
    let Ok(text) = decode_text(bytes) else { return Ok(()) };
    let _ = (files::one_printable_line(&text), files::mend_utf8_read_as_latin1(&text));
    if files::printable_lines(&text).contains('\x1b') {
        return Err("a terminal would obey it".to_owned());
    }
    if let Some(parsed) = Infotext::parse(&text) {
        let _ = Infotext::parse(&parsed.to_string());
    }
    Ok(())
}

fn json(bytes: &[u8]) -> Result<(), String> {
    import(bytes)?;
    import_again(&png(b"iTXt", &[b"prompt\0\0\0\0\0", bytes].concat()))?;
    import_again(&png(b"iTXt", &[b"Comment\0\0\0\0\0", bytes].concat()))?;
    import_again(&png(b"iTXt", &[b"parameters\0\0\0\0\0", bytes].concat()))
}

fn session(bytes: &[u8]) -> Result<(), String> {
    let Ok(text) = decode_text(bytes) else { return Ok(()) };
    let document = match Document::from_text(&text, Path::new("a.sextant.ron")) {
        Ok(document) => document,
        Err(error) => return is_sentence(&error),
    };
    sound(&document.recipe)?;
    let mut budget = UnpackBudget::of(document.steps.iter().map(|kept| &kept.steps));
    files::within_budget(bytes.len(), || {
        for take in &document.takes {
            sound(&take.recipe)?;
            let _ = take.fingerprint();
            let picture = take.thumbnail.as_deref().map(session::thumbnail_picture);
            picture.map_or(Ok(()), |read| read.map(drop).or_else(|error| is_sentence(&error)))?;
            for kept in document.steps.iter().filter(|kept| kept.take == take.id) {
                read_steps(&take.recipe, &kept.steps, &mut budget)?;
            }
        }
        Ok::<(), String>(())
    })?;
    let kept = document.to_text().map_err(|error| error.to_string())?;
    let mut again = Document::from_text(&kept, Path::new("kept")).map_err(|error| format!("{error} in {kept}"))?;
    again.adopt_steps(&document);
    // What was brought within limits is said once.
    again.adjusted.clone_from(&document.adjusted);
    if again == document { Ok(()) } else { Err(format!("it is kept as another: {kept}")) }
}

fn settings(bytes: &[u8]) -> Result<(), String> {
    with_scratch(|folder| {
        fs::write(folder.join("settings.ron"), bytes).map_err(|error| error.to_string())?;
        let read = Settings::load(folder);
        read.save(folder).map_err(|error| error.to_string())?;
        let again = format!("{:?}", Settings::load(folder));
        if again == format!("{read:?}") { Ok(()) } else { Err(format!("{read:?} is kept as {again}")) }
    })
}

/// Kept steps as they come into the window.
fn read_steps(recipe: &Recipe, packed: &Packed, budget: &mut UnpackBudget) -> Result<(), String> {
    let mut track = Track { recipe: recipe.clone(), ..Track::default() };
    match steps::unpack(&mut track, packed, budget) {
        Ok(()) => {
            let shown = track.reports.iter().flatten().all(|report| report.step < report.calls);
            if shown { Ok(()) } else { Err("a step beyond the run".to_owned()) }
        }
        Err(error) => is_sentence(&error),
    }
}

fn kept_steps(bytes: &[u8]) -> Result<(), String> {
    let packed = Packed::of(bytes);
    let recipe = Recipe { concepts: vec![Default::default(); 2], ..Recipe::default() };
    read_steps(&recipe, &packed, &mut UnpackBudget::of([&packed]))?;
    // As it may stand in a session: neither base64 nor zlib.
    let packed = Packed::from(String::from_utf8_lossy(bytes).into_owned());
    let _ = packed.unpack(&mut UnpackBudget::of([&packed]));
    let packed = Packed::from(BASE64.encode(bytes));
    let _ = packed.unpack(&mut UnpackBudget::of([&packed]));
    Ok(())
}

fn checkpoint(bytes: &[u8]) -> Result<(), String> {
    with_scratch(|folder| {
        let path = folder.join("model.safetensors");
        fs::write(&path, bytes).map_err(|error| error.to_string())?;
        let model = ModelRef::Folder(path);
        let files = match ModelFiles::open(&model) {
            Ok(files) => files,
            Err(error) => return is_sentence(&error),
        };
        Outline::read(&model).map(drop).or_else(|error| is_sentence(&error))?;
        for network in ["unet", "text_encoder", "vae"] {
            inner::read_weights(&files, network).or_else(|error| is_sentence(&error))?;
        }
        Ok(())
    })
}

fn lora(bytes: &[u8]) -> Result<(), String> {
    with_scratch(|folder| {
        let path = folder.join("lora.safetensors");
        fs::write(&path, bytes).map_err(|error| error.to_string())?;
        inner::add_lora(&path, bytes).or_else(|error| is_sentence(&error))
    })
}

fn config(bytes: &[u8]) -> Result<(), String> {
    UNetConfig::parse(bytes).map(drop).or_else(|error| is_sentence(&error))?;
    ClipConfig::parse(bytes).map(drop).or_else(|error| is_sentence(&error))?;
    VaeConfig::parse(bytes).map(|vae| _ = vae.factor()).or_else(|error| is_sentence(&error))?;
    TokenizerSettings::parse(bytes).map(drop).or_else(|error| is_sentence(&error))?;
    let Ok(value) = serde_json::from_slice(bytes) else { return Ok(()) };
    let config = match ScheduleConfig::from_json(&value) {
        Ok(config) => config,
        Err(error) => return is_sentence(&error),
    };
    let schedules = [Schedule::Normal, Schedule::Karras, Schedule::Exponential];
    for (sampler, schedule) in Sampler::ALL.iter().flat_map(|sampler| schedules.map(|own| (*sampler, own))) {
        for steps in [1, 7, 50, 1000] {
            match sampling::build(sampler, schedule, &config, steps) {
                Err(error) => is_sentence(&error)?,
                Ok(solver) if solver.calls().iter().all(|call| call.sigma.is_finite() && call.timestep.is_finite()) => {
                }
                Ok(solver) => return Err(format!("{sampler:?}, {schedule:?}, {steps} steps: {:?}", solver.calls())),
            }
        }
    }
    Ok(())
}

/// A JSON object of files by their paths; each is a text, or JSON as it stands.
fn folder(bytes: &[u8]) -> Result<(), String> {
    let Ok(files) = serde_json::from_slice::<HashMap<String, serde_json::Value>>(bytes) else { return Ok(()) };
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (path, content) in files.iter().take(32) {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
        let name = path.replace("..", ".");
        if path.is_empty() || path.len() > 80 || !path.chars().all(is_letter) || name.starts_with('/') {
            continue;
        }
        let at = place.path().join(name);
        let made = at.parent().map_or(Ok(()), fs::create_dir_all);
        let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
        // One name may be a folder of another.
        let _ = made.and_then(|()| fs::write(&at, text));
    }
    let model = ModelRef::Folder(place.path().to_owned());
    Outline::read(&model).map(drop).or_else(|error| is_sentence(&error))?;
    let files = ModelFiles::open(&model).map_err(|error| error.to_string())?;
    for network in ["unet", "text_encoder"] {
        inner::read_weights(&files, network).or_else(|error| is_sentence(&error))?;
    }
    Ok(())
}

const TEXTS: [&str; 3] = ["a cat on a beach", "Ünï 狐 it's 12! <|endoftext|>", ""];

fn speaks(built: Result<Tokenizer, impl ToString>) -> Result<(), String> {
    let tokenizer = match built {
        Ok(tokenizer) => tokenizer,
        Err(error) => return is_sentence(&error),
    };
    let _ = tokenizer.whole_words().len();
    for text in TEXTS {
        match tokenizer.encode(text) {
            Ok(encoded) if encoded.ids.len() == tokenizer.length() => {}
            Ok(encoded) => return Err(format!("{} ids instead of {}", encoded.ids.len(), tokenizer.length())),
            Err(error) => is_sentence(&error)?,
        }
        tokenizer.words(text).map(drop).or_else(|error| is_sentence(&error))?;
    }
    Ok(())
}

fn plain_settings() -> Result<TokenizerSettings, String> {
    TokenizerSettings::parse(b"{}").map_err(|error| error.to_string())
}

fn tokenizer(bytes: &[u8]) -> Result<(), String> {
    speaks(Tokenizer::from_json(bytes, &plain_settings()?, 77))
}

/// The vocabulary stands before the first empty line, the merges after it.
fn vocabulary(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let (words, merges) = text.split_once("\n\n").unwrap_or((&text, ""));
    speaks(Tokenizer::from_vocabulary(words.as_bytes(), merges, &plain_settings()?, 77))
}
