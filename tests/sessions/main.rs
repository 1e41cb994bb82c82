//! Sessions and pictures on disk: nothing is lost on the way, and what cannot be read or written is told in one
//! sentence.

mod dice;
mod earlier;
mod gestures;
mod identity;
mod limits;

use std::{fs, path::Path};

use sextant::{
    recipe::{Concept, Fusion, Key, ModelRef, Recipe, Sampler, Schedule},
    session::{
        self, Document, Layout, Metadata, ModelUse, SessionError, Take, TakeId, decode_picture, encode_picture,
        parameters_text, read_recipe, read_texts, save_picture, thumbnail, thumbnail_picture,
    },
    tensor::Picture,
};
use tempfile::TempDir;

/// A recipe that uses every kind of field, with text that is hard to quote.
fn full_recipe() -> Recipe {
    let concept = Concept {
        text: "glasses, \"round\"".into(),
        strength: -4.25,
        cooldown: Some(17),
        keys: vec![Key { step: 4, factor: 0.3 }],
        ..Concept::default()
    };
    let muted = Concept { text: "mûrier \u{301}".into(), enabled: false, weight: 0.1, ..Concept::default() };
    Recipe {
        prompt: "a fox \\ \"in\" snow,\nNegative prompt: not really\n#\"# 狐 🦊\u{7}".into(),
        negative: "blurry: very, (bad:1.2)".into(),
        model: ModelRef::Folder("/models/my, model".into()),
        sampler: Sampler::DpmPp2M,
        schedule: Schedule::Karras,
        seed: u64::MAX,
        cfg: 7.5,
        cfg_keys: vec![Key { step: 0, factor: 1.0 }, Key { step: 20, factor: 0.1 }],
        concepts: vec![concept, muted],
        fusion: Some(Fusion { prompt: Some("a drawn fox".into()), k_g: 0.3, ..Fusion::default() }),
        ..Recipe::default()
    }
    .with_concept_ids()
}

fn full_document() -> Document {
    let mut document = Document::new(full_recipe());
    document.models = vec![ModelUse { name: "pocket".into(), content_hash: Some("ab".repeat(32)) }];
    let first = Take { id: TakeId(1), name: "first \"one\"".into(), created: 1_790_000_000, ..Take::default() };
    let picture = thumbnail(&picture(40, 24), 16).unwrap();
    let second = Take {
        id: TakeId(7),
        parent: Some(TakeId(1)),
        starred: true,
        recipe: full_recipe(),
        thumbnail: Some(picture),
        ..Take::default()
    };
    document.takes = vec![first, second];
    document.layout =
        Layout { overlay: "regions".into(), overlay_opacity: 0.35, left_width: Some(310.5), ..Layout::default() };
    document
}

fn picture(width: usize, height: usize) -> Picture {
    let rgb = (0..3 * width * height).map(|i| (i * 37 % 251) as u8).collect();
    Picture { width, height, rgb }
}

/// The message of an error that must be one sentence and name the file.
fn sentence(error: &SessionError, path: &Path) -> String {
    let message = error.to_string();
    assert!(!message.contains('\n') && message.contains(&path.display().to_string()), "{message}");
    message
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_session_comes_back_as_it_was_saved() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sextant.ron");
    for document in [Document::default(), full_document()] {
        document.save(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let loaded = Document::load(&path).unwrap();
        assert_eq!(loaded, document);
        loaded.save(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(names_in(folder.path()), ["a.sextant.ron"], "something was left beside it");
    }
}

#[test]
fn a_session_of_an_older_version_opens() {
    let path = Path::new("old.sextant.ron");
    let text =
        "(format: \"sextant-session\", version: 0, recipe: (prompt: \"a fox\", gone: [1, (2)]), takes: [(id: (3))])";
    let document = Document::from_text(text, path).unwrap();
    assert_eq!(document.recipe, Recipe { prompt: "a fox".into(), ..Recipe::default() });
    assert_eq!(document.takes, [Take { id: TakeId(3), ..Take::default() }]);
    assert_eq!(document.layout, Layout::default());
    let saved = document.to_text().unwrap();
    assert!(saved.contains(&format!("version: {}", session::VERSION)), "{saved}");
}

#[test]
fn a_session_of_a_newer_version_is_refused_even_if_it_holds_unknown_things() {
    let path = Path::new("new.sextant.ron");
    let text = "(format: \"sextant-session\", version: 999, recipe: (sampler: \"telepathy\"), orbit: Some([1, 2]))";
    let error = Document::from_text(text, path).unwrap_err();
    assert!(matches!(error, SessionError::Newer { found: 999, known: session::VERSION, .. }), "{error:?}");
    assert!(sentence(&error, path).contains("newer Sextant"));
}

#[test]
fn a_session_cut_anywhere_is_refused_with_its_place() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cut.sextant.ron");
    let text = full_document().to_text().unwrap();
    let whole = text.trim_end().len();
    let mut with_place = 0;
    for cut in (0..whole).step_by(97) {
        fs::write(&path, &text.as_bytes()[..cut]).unwrap();
        let error = Document::load(&path).expect_err("a cut session was read");
        sentence(&error, &path);
        match error {
            SessionError::Damaged { line, column, .. } => {
                assert!(line >= 1 && column >= 1 && line <= text.lines().count(), "cut at {cut}: {line}:{column}");
                with_place += 1;
            }
            other => assert!(cut < 40 && matches!(other, SessionError::NotASession { .. }), "cut at {cut}: {other}"),
        }
    }
    assert!(with_place > 30, "only {with_place} cuts were tried");
}

#[test]
fn other_files_and_damaged_ones_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.sextant.ron");
    for foreign in ["", "hello", "(format: \"something-else\", version: 1)", "{\"format\": 1}"] {
        fs::write(&path, foreign).unwrap();
        let error = Document::load(&path).unwrap_err();
        assert!(matches!(error, SessionError::NotASession { .. }), "{foreign:?}: {error:?}");
        sentence(&error, &path);
    }
    let good = full_document().to_text().unwrap();
    fs::write(&path, good.replacen("steps: 20", "steps: many", 1)).unwrap();
    let error = Document::load(&path).unwrap_err();
    let line = 1 + good.lines().position(|l| l.contains("steps: 20")).unwrap();
    assert!(sentence(&error, &path).contains(&format!(".ron:{line}:")), "{error}");

    let mut bytes = good.clone().into_bytes();
    let at = good.find("a fox").unwrap();
    bytes[at] = 0xFF;
    fs::write(&path, bytes).unwrap();
    let error = Document::load(&path).unwrap_err();
    let line = good[..at].lines().count();
    assert!(matches!(error, SessionError::Damaged { line: l, .. } if l == line), "{error:?}, not line {line}");

    let deep = format!("(format: \"sextant-session\", version: 1, models: {}", "[".repeat(100_000));
    fs::write(&path, deep).unwrap();
    sentence(&Document::load(&path).unwrap_err(), &path);
    sentence(&Document::load(folder.path()).unwrap_err(), folder.path());
    let missing = folder.path().join("missing.ron");
    assert!(matches!(Document::load(&missing), Err(SessionError::Read { .. })));
}

#[test]
fn takes_that_do_not_fit_together_are_refused() {
    let path = Path::new("t.sextant.ron");
    for (takes, word) in [
        ("[(id: (1)), (id: (1))]", "take 1 is there twice"),
        ("[(id: (1), parent: Some((2)))]", "take 1 has the parent 2"),
        ("[(id: (1)), (id: (5), parent: Some((9)))]", "take 5 has the parent 9"),
        ("[(id: (1), parent: Some((2))), (id: (2), parent: Some((1)))]", "its own descendants"),
        ("[(id: (1)), (id: (3), parent: Some((3)))]", "its own descendants"),
    ] {
        let text = format!("(format: \"sextant-session\", version: 1, takes: {takes})");
        let error = Document::from_text(&text, path).expect_err(takes);
        assert!(sentence(&error, path).contains(word), "{takes}: {error}");
    }
}

#[test]
fn what_cannot_be_written_leaves_the_old_file_alone() {
    let folder = TempDir::new().unwrap();
    let protected = folder.path().join("protected.sextant.ron");
    fs::write(&protected, "precious").unwrap();
    let mut permissions = fs::metadata(&protected).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&protected, permissions).unwrap();
    let occupied = folder.path().join("occupied.sextant.ron");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("inside"), "precious").unwrap();
    let below_a_file = protected.join("a.sextant.ron");
    let nowhere = folder.path().join("nowhere/a.sextant.ron");
    for path in [&protected, &occupied, &below_a_file, &nowhere] {
        let error = full_document().save(path).expect_err(&path.display().to_string());
        assert!(matches!(error, SessionError::Write { .. }), "{error:?}");
        sentence(&error, path);
    }
    assert_eq!(fs::read_to_string(&protected).unwrap(), "precious");
    assert_eq!(fs::read_to_string(occupied.join("inside")).unwrap(), "precious");
    assert_eq!(names_in(folder.path()), ["occupied.sextant.ron", "protected.sextant.ron"]);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_leaves_the_old_file_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sextant.ron");
    fs::write(&path, "precious").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // An administrator may write everywhere: then saving must simply succeed.
    let privileged = fs::write(folder.path().join("probe"), "").is_ok();
    let saved = Document::default().save(&path);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(saved.is_ok(), privileged, "{saved:?}");
    if !privileged {
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        assert_eq!(names_in(folder.path()), ["a.sextant.ron"]);
    }
}

#[cfg(unix)]
#[test]
fn saving_follows_a_link_and_keeps_the_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let (real, link) = (folder.path().join("real.ron"), folder.path().join("link.ron"));
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    Document::default().save(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(Document::load(&real).unwrap(), Document::default());
}

#[test]
fn a_picture_carries_its_recipe() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.png");
    let original = picture(48, 32);
    for recipe in [Recipe::default(), full_recipe()] {
        let hash = "0123456789abcdef";
        let metadata = Metadata { recipe: &recipe, model_hash: Some(hash), run: None };
        save_picture(&path, &original, Some(metadata)).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes, encode_picture(&original, Some(metadata)).unwrap(), "not the same bytes again");
        assert!(decode_picture(&bytes, "a.png").unwrap() == original, "pixels changed");
        assert_eq!(read_recipe(&path).unwrap(), recipe);
        let texts = read_texts(&bytes, "a.png").unwrap();
        let (_, parameters) = texts.iter().find(|(keyword, _)| keyword == "parameters").unwrap();
        assert_eq!(*parameters, parameters_text(&recipe, Some(hash)));
    }
    let bare = encode_picture(&original, None).unwrap();
    assert_eq!(read_texts(&bare, "bare").unwrap(), []);
}

#[test]
fn pictures_without_a_readable_recipe_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.png");
    save_picture(&path, &picture(8, 8), None).unwrap();
    let error = read_recipe(&path).unwrap_err();
    assert!(matches!(error, SessionError::NoRecipe { .. }), "{error:?}");
    sentence(&error, &path);
    fs::write(&path, "not a picture").unwrap();
    let error = read_recipe(&path).unwrap_err();
    assert!(matches!(error, SessionError::NotAPicture { .. }), "{error:?}");
    sentence(&error, &path);
    let recipe = full_recipe();
    let bytes =
        encode_picture(&picture(48, 32), Some(Metadata { recipe: &recipe, model_hash: None, run: None })).unwrap();
    let mut read = 0;
    for cut in (0..bytes.len()).step_by(97) {
        fs::write(&path, &bytes[..cut]).unwrap();
        match read_recipe(&path) {
            Ok(found) => {
                assert_eq!(found, recipe, "cut at {cut}");
                read += 1;
            }
            Err(error) => drop(sentence(&error, &path)),
        }
    }
    assert!(read > 0, "the recipe stands before the pixels, so it outlives a cut in them");
    let odd = Picture { width: 4, height: 4, rgb: vec![0; 5] };
    for error in [encode_picture(&odd, None).map(|_| ()), thumbnail(&odd, 2).map(|_| ())] {
        assert!(matches!(error, Err(SessionError::NotEncoded { .. })), "{error:?}");
    }
}

#[test]
fn the_parameters_text_is_what_other_tools_write() {
    let recipe = Recipe {
        prompt: "portrait of a woman in a garden".into(),
        negative: "blurry".into(),
        sampler: Sampler::DpmPp2M,
        schedule: Schedule::Karras,
        steps: 30,
        seed: 42,
        width: 512,
        height: 512,
        cfg: 7.0,
        concepts: vec![
            Concept { text: "smile".into(), ..Concept::default() },
            Concept { text: "glasses".into(), ..Concept::default() },
        ],
        ..Recipe::default()
    }
    .with_concept_ids();
    let text = parameters_text(&recipe, Some("6ce0161689b3853acaa03779ec93eafe"));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["portrait of a woman in a garden", "Negative prompt: blurry"]);
    let expected = "Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x512, \
                    Model hash: 6ce0161689, Model: Pocket, RNG: CPU, Guidance profile: fixed, SEGA Active: True, \
                    SEGA Prompt: \"smile, glasses\", Sextant: \"{";
    assert!(lines[2].starts_with(expected), "{}", lines[2]);
    assert_eq!(lines.len(), 3);
    // A reader takes the quoted value through a JSON parse and finds the whole recipe.
    let quoted = &lines[2][lines[2].find("Sextant: ").unwrap() + "Sextant: ".len()..];
    let json: String = serde_json::Deserializer::from_str(quoted).into_iter().next().unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    let plain = parameters_text(&Recipe { cfg: 7.5, ..Recipe::default() }, None);
    assert!(plain.starts_with("Steps: 20, Sampler: DDIM, CFG scale: 7.5, Seed: 0, Size: 192x192, Model: Pocket, RNG"));
}

#[test]
fn a_thumbnail_is_small_and_shows_the_picture() {
    let half = |x: usize| if x < 50 { [200, 10, 30] } else { [0, 100, 250] };
    let rgb = (0..100 * 60).flat_map(|p| half(p % 100)).collect();
    let original = Picture { width: 100, height: 60, rgb };
    let small = thumbnail_picture(&thumbnail(&original, 20).unwrap()).unwrap();
    assert_eq!((small.width, small.height), (20, 12));
    assert_eq!((&small.rgb[..3], &small.rgb[57..60]), (&half(0)[..], &half(99)[..]));
    let kept = thumbnail_picture(&thumbnail(&original, 200).unwrap()).unwrap();
    assert!(kept == original);
    assert!(thumbnail_picture("%%%").is_err());
}
