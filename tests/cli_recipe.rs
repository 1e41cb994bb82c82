//! `sextant recipe` and `sextant verify`, run as commands.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use sextant::session::{self, Document, Metadata, decode_picture, encode_picture, read_fingerprint, read_recipe};
use tempfile::TempDir;

fn sextant(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sextant")).current_dir(folder).args(args).output().expect("the binary starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One sentence on standard error with the word in it, nothing on standard output, status 2.
fn assert_refused(output: &Output, word: &str) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let complaints: Vec<&str> = said.lines().filter(|l| l.starts_with("sextant: ")).collect();
    assert!(complaints.len() == 1 && complaints[0].contains(word), "{said}");
    assert!(out(output).is_empty() && !said.contains("panicked"), "{said}");
}

const A1111: &str = "a cat\nNegative prompt: dog\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7.3, Seed: 42, Size: \
                     512x768, Model: other";

#[test]
fn recipe_prints_json_under_the_names_of_the_flags() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.txt"), A1111).unwrap();
    let output = sextant(folder.path(), &["recipe", "a.txt", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let json: Value = serde_json::from_str(&out(&output)).expect("JSON");
    for (key, want) in [
        ("prompt", Value::from("a cat")),
        ("negative", "dog".into()),
        ("steps", 30.into()),
        ("sampler", "dpmpp-2m".into()),
        ("schedule", "karras".into()),
        ("cfg", 7.3.into()),
        ("seed", 42.into()),
        ("width", 512.into()),
        ("height", 768.into()),
        ("profile", "fixed".into()),
        ("not_restored", vec!["Model: other"].into()),
    ] {
        assert_eq!(json[key], want, "{key}");
    }
    let ron = sextant(folder.path(), &["recipe", "a.txt"]);
    assert_eq!(ron.status.code(), Some(0));
    let recipe: sextant::recipe::Recipe = ron::from_str(&out(&ron)).expect("RON");
    assert_eq!((recipe.prompt.as_str(), recipe.steps, recipe.height), ("a cat", 30, 768));
    assert!(out(&ron).contains("\"Model: other\""), "{}", out(&ron));
}

#[test]
fn recipe_refuses_files_without_one() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.txt"), "nothing to see").unwrap();
    fs::write(folder.path().join("a.png"), "no picture").unwrap();
    for (file, word) in [("a.txt", "a.txt"), ("a.png", "a.png"), ("gone.png", "gone.png"), (".", "cannot read")] {
        for command in ["recipe", "verify"] {
            assert_refused(&sextant(folder.path(), &[command, file]), word);
        }
    }
}

/// Renders a small picture and returns its bytes.
fn rendered(folder: &Path, name: &str, more: &[&str]) -> Vec<u8> {
    let args = ["render", "--device", "cpu", "--prompt", "a red car", "--seed", "7", "--steps", "3", "--width", "96"];
    let output = sextant(folder, &[&args, &["--height", "64", "--out", name][..], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(folder.join(name)).unwrap()
}

fn verify(folder: &Path, name: &str) -> (Option<i32>, String) {
    let output = sextant(folder, &["verify", name, "--device", "cpu"]);
    (output.status.code(), out(&output))
}

#[test]
fn a_fresh_picture_is_identical_and_a_changed_one_is_not() {
    let folder = TempDir::new().unwrap();
    let bytes = rendered(folder.path(), "a.png", &["--concept", "blue; warmup=1", "--guidance", "s-cfg"]);
    let (status, said) = verify(folder.path(), "a.png");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.starts_with("identical: ") && said.contains("all 3 steps are the same"), "{said}");

    let recipe = read_recipe(&folder.path().join("a.png")).unwrap();
    let run = read_fingerprint(&bytes, "a.png").expect("a fingerprint");
    assert_eq!(run.steps.len(), 3);
    let mut picture = decode_picture(&bytes, "a.png").unwrap();
    picture.rgb[5] ^= 0x40;
    picture.rgb[900] ^= 1;
    let metadata = Metadata { recipe: &recipe, model_hash: None, run: Some(&run) };
    fs::write(folder.path().join("b.png"), encode_picture(&picture, Some(metadata)).unwrap()).unwrap();
    let (status, said) = verify(folder.path(), "b.png");
    assert_eq!(status, Some(1), "{said}");
    let words = ["different: 2 of 18432 values, by 64 of 255 at most", "all 3 steps are the same"];
    assert!(words.iter().all(|word| said.contains(word)), "{said}");

    // With another recipe than that of the recorded steps, the runs part at once, or at the step that it changes.
    let mut other = recipe.clone();
    other.concepts[0].warmup = 2;
    let metadata = Metadata { recipe: &other, model_hash: None, run: Some(&run) };
    fs::write(folder.path().join("c.png"), encode_picture(&picture, Some(metadata)).unwrap()).unwrap();
    let (status, said) = verify(folder.path(), "c.png");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.starts_with("different: ") && said.contains("step 2 of 3 is the first"), "{said}");
    let mut small = picture.clone();
    (small.height, small.rgb) = (32, small.rgb[..9216].to_vec());
    session::save_picture(&folder.path().join("d.png"), &small, Some(metadata)).unwrap();
    let (status, said) = verify(folder.path(), "d.png");
    assert!(status == Some(1) && said.contains("96x32"), "{said}");
}

#[test]
fn verify_takes_only_pictures_of_ours() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.txt"), A1111).unwrap();
    assert_refused(&sextant(folder.path(), &["verify", "a.txt"]), "not written by Sextant");
    Document::default().save(&folder.path().join("a.sextant.ron")).unwrap();
    assert_refused(&sextant(folder.path(), &["verify", "a.sextant.ron"]), "session");
    assert_eq!(sextant(folder.path(), &["recipe", "a.sextant.ron"]).status.code(), Some(0));
}

/// A text as editors and shells on Windows leave it: with a byte order mark and CRLF, in UTF-8 and in UTF-16.
fn edited_on_windows(text: &str) -> [(&'static str, Vec<u8>); 3] {
    let windows = text.replace('\n', "\r\n");
    let utf16 = |to: fn(u16) -> [u8; 2]| windows.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    [
        ("utf8", [b"\xef\xbb\xbf", windows.as_bytes()].concat()),
        ("utf16le", [b"\xff\xfe", &utf16(u16::to_le_bytes)[..]].concat()),
        ("utf16be", [b"\xfe\xff", &utf16(u16::to_be_bytes)[..]].concat()),
    ]
}

#[test]
fn files_that_were_edited_on_windows_open_as_before() {
    const SESSION: &str = "(\n  format: \"sextant-session\",\n  version: 2,\n  recipe: (\n    prompt: \"a red cat, mûrier\",\n    \
                           steps: 3,\n    seed: 5,\n    width: 64,\n    height: 64,\n  ),\n)\n";
    let folder = TempDir::new().unwrap();
    for (name, bytes) in edited_on_windows(SESSION) {
        let file = format!("{name}.sextant.ron");
        let path = folder.path().join(&file);
        fs::write(&path, bytes).unwrap();
        let recipe = Document::load(&path).unwrap_or_else(|error| panic!("{error}")).recipe;
        assert_eq!((recipe.prompt.as_str(), recipe.steps, recipe.width), ("a red cat, mûrier", 3, 64));
        let output = sextant(folder.path(), &["recipe", &file, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let json: Value = serde_json::from_str(&out(&output)).expect("JSON");
        assert_eq!(json["prompt"], "a red cat, mûrier", "{file}");
    }
    let args = ["render", "--session", "utf16le.sextant.ron", "--device", "cpu", "--out", "a.png"];
    let output = sextant(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(read_recipe(&folder.path().join("a.png")).unwrap().seed, 5);
    for (name, bytes) in edited_on_windows(A1111) {
        let file = format!("{name}.txt");
        fs::write(folder.path().join(&file), bytes).unwrap();
        let output = sextant(folder.path(), &["recipe", &file, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let json: Value = serde_json::from_str(&out(&output)).expect("JSON");
        assert_eq!((&json["prompt"], &json["negative"], &json["steps"]), (&"a cat".into(), &"dog".into(), &30.into()));
    }
}

#[test]
fn a_session_that_is_not_text_is_refused_with_the_place() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sextant.ron");
    fs::write(&path, b"(\r\n  format: \"sextant-session\", \xff\r\n)").unwrap();
    let error = Document::load(&path).expect_err("not text").to_string();
    assert!(error.contains(":2:30:") && error.contains("not text"), "{error}");
}
