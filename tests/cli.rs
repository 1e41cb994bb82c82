//! The command line, through the binary: the same command gives the same bytes, and bad input gives one sentence.
//!
//! Separate from `cli_recipe`, which tests the subcommands that read pictures.

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn sextant(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sextant")).current_dir(folder).args(args).output().expect("the binary starts")
}

fn render(folder: &Path, args: &[&str]) -> Output {
    let mut all = vec!["render", "--device", "cpu"];
    all.extend(args);
    sextant(folder, &all)
}

/// Asserts that the command ends with `status`, writes one line of error with all of `words`, and leaves no picture.
fn assert_refused(folder: &Path, args: &[&str], status: i32, words: &[&str]) {
    let mut all = args.to_vec();
    if !args.contains(&"--out") {
        all.extend(["--out", "refused.png"]);
    }
    let output = render(folder, &all);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{args:?}: {stderr}");
    let errors: Vec<&str> = stderr.lines().filter(|l| l.starts_with("sextant: ")).collect();
    assert_eq!(errors.len(), 1, "{args:?} must give one sentence, not: {stderr}");
    for word in words {
        assert!(errors[0].contains(word), "{args:?}: \"{}\" does not say \"{word}\"", errors[0]);
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!folder.join("refused.png").exists(), "{args:?} left a picture");
}

#[test]
fn the_same_command_twice_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a.png", "b.png"] {
        let output = render(
            folder.path(),
            &["--prompt", "a red car on a city street", "--seed", "7", "--steps", "4", "--out", name],
        );
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let [a, b] = ["a.png", "b.png"].map(|name| fs::read(folder.path().join(name)).expect("a picture"));
    assert!(a.len() > 1000 && a == b);
    let size = image::load_from_memory(&a).expect("a PNG").to_rgb8().dimensions();
    assert_eq!(size, (192, 192), "the bundled model's own size");
}

/// Graphics drivers write to standard error as well, such as Mesa's where `XDG_RUNTIME_DIR` is not set.
#[test]
fn a_render_writes_only_its_own_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let is_ours = |line: &&str| line.starts_with("Reading ") || line.starts_with("step ");
    for device in ["cpu", "auto"] {
        let output = Command::new(env!("CARGO_BIN_EXE_sextant"))
            .current_dir(folder.path())
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DISPLAY")
            .args(["render", "--device", device, "--prompt", "a cat", "--steps", "2", "--out", "cat.png"])
            .output()
            .expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && output.stdout.is_empty(), "{said}");
        let foreign: Vec<&str> = said.lines().filter(|line| !is_ours(line)).collect();
        assert!(foreign.is_empty(), "--device {device}: {foreign:?}");
        assert_eq!(said.lines().count(), 3, "one line for the model, one a step: {said}");
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let p = ["--prompt", "x"];
    for (args, words) in [
        (vec!["--width", "100"], vec!["width", "100", "multiple of 8"]),
        (vec!["--height", "0"], vec!["height", "multiple of 8"]),
        (vec!["--steps", "0"], vec!["steps", "between 1"]),
        (vec!["--sampler", "warp"], vec!["warp", "ddim", "dpmpp-2m"]),
        (vec!["--sampler", "ddim-karras"], vec!["ddim", "karras"]),
        (vec!["--cfg", "nan"], vec!["guidance scale"]),
        (vec!["--guidance", "pag"], vec!["pag", "s-cfg"]),
        (vec!["--concept", "hat; threshold=2"], vec!["threshold", "hat", "between 0 and 1"]),
        (vec!["--concept", "hat; size=2"], vec!["size=2"]),
        (vec!["--concept", "hat; keys=5:1,2:1"], vec!["hat", "after step 5", "later step"]),
        (vec!["--cfg-keys", "0:1,9:11"], vec!["guidance scale", "step 9", "between 0 and 10"]),
        (vec!["--cfg-keys", "0=1"], vec!["0=1", "STEP:FACTOR"]),
        (vec!["--fusion", "kg=1"], vec!["--expert"]),
        (vec!["--expert", "pocket-toon", "--fusion", "mode=7"], vec!["7", "mode"]),
        (vec!["--profile", "best"], vec!["best", "reference", "fixed"]),
        (vec!["--momentum-beta", "1"], vec!["beta"]),
    ] {
        assert_refused(folder.path(), &[&p[..], &args].concat(), 2, &words);
    }
}

#[test]
fn missing_files_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_refused(folder.path(), &["--model", "no/such/model"], 2, &["no/such/model"]);
    assert_refused(folder.path(), &["--session", "gone.sextant.ron"], 2, &["gone.sextant.ron"]);
    assert_refused(folder.path(), &["--init-latents", "gone.safetensors"], 2, &["gone.safetensors"]);
    assert_refused(folder.path(), &["--out", "no/folder/x.png"], 2, &["no/folder"]);
    assert_refused(folder.path(), &["--prompt", "x", "--expert", "no/expert"], 2, &["no/expert"]);
}

#[test]
fn broken_models_are_refused_with_file_and_tensor() {
    let source = common::model("tiny-sd15");
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    common::copy_folder(&source, &model);
    let unet = model.join("unet/diffusion_pytorch_model.safetensors");
    let whole = fs::read(&unet).expect("the weights");

    fs::write(&unet, &whole[..whole.len() / 2]).expect("a write");
    assert_refused(
        folder.path(),
        &["--model", "model", "--prompt", "x"],
        2,
        &["unet", "diffusion_pytorch_model.safetensors"],
    );

    // The same file with one tensor renamed.
    let text = String::from_utf8_lossy(&whole[8..]).into_owned();
    assert!(text.contains("conv_in.bias"));
    let mut renamed = whole.clone();
    let at = whole.windows(12).position(|w| w == b"conv_in.bias").expect("a tensor name");
    renamed[at..at + 12].copy_from_slice(b"conv_in.bxas");
    fs::write(&unet, &renamed).expect("a write");
    assert_refused(
        folder.path(),
        &["--model", "model", "--prompt", "x"],
        2,
        &["conv_in.bias", "diffusion_pytorch_model"],
    );

    fs::write(&unet, &whole).expect("a write");
    let config = model.join("unet/config.json");
    let json = fs::read_to_string(&config).expect("the config");
    fs::write(&config, json.replace("channels\": 4,", "channels\": 5,")).expect("a write");
    assert_refused(folder.path(), &["--model", "model", "--prompt", "x"], 2, &["conv_in.weight", "[32, 4, 3, 3]"]);
    fs::write(&config, &json[..json.len() / 2]).expect("a write");
    assert_refused(folder.path(), &["--model", "model", "--prompt", "x"], 2, &["config.json"]);
}

#[test]
fn initial_latents_must_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = common::travelling().join("cases/sampler_ddim.safetensors");
    let case = case.to_str().expect("a path");
    assert_refused(folder.path(), &["--prompt", "x", "--init-latents", case], 2, &["init_latents"]);
}

#[test]
fn sessions_that_cannot_be_read_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = sextant::session::Document::default();
    let path = folder.path().join("s.sextant.ron");
    document.save(&path).expect("a session");
    let text = fs::read_to_string(&path).expect("text");

    fs::write(&path, &text[..text.len() / 2]).expect("a write");
    assert_refused(folder.path(), &["--session", "s.sextant.ron"], 2, &["s.sextant.ron"]);
    fs::write(&path, text.replacen(&format!("version: {}", sextant::session::VERSION), "version: 99", 1))
        .expect("a write");
    assert_refused(folder.path(), &["--session", "s.sextant.ron"], 2, &["s.sextant.ron", "newer"]);
}
