//! The command line before and after the work: where files may be written, and networks whose values are no numbers.
//!
//! Separate from `cli`, which tests what is asked for.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};

/// Status and last line of `sextant render` in `folder`.
fn render(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sextant"));
    command.current_dir(folder).args(["render", "--device", "cpu", "--steps", "1", "--width", "64", "--height", "64"]);
    let output = command.args(args).output().expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code(), stderr.lines().last().unwrap_or_default().to_owned())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn places_are_checked_before_the_work() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("taken")).expect("a folder");
    fs::write(folder.path().join("mine.sextant.ron"), "(format: \"sextant-session\", version: 3)").expect("written");
    for (args, says) in [
        (&["--out", "a.png", "--trace", "./a.png"][..], "--out and --trace both name"),
        (&["--out", "a.png", "--trace", "no/t.safetensors"], "the folder of --trace no/t.safetensors does not exist"),
        (&["--out", "taken"], "--out taken is a folder, a pipe or a device"),
        (&["--session", "mine.sextant.ron", "--out", "mine.sextant.ron"], "--session and --out both name"),
        #[cfg(unix)]
        (&["--out", "/dev/full"], "--out /dev/full is a folder, a pipe or a device"),
    ] {
        let (status, said) = render(folder.path(), args);
        assert_eq!(status, Some(2), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    assert_eq!(names(folder.path()), ["mine.sextant.ron", "taken"], "nothing was written");
}

/// Gives every value of the tensors that `choose` names in a file of weights, in f32.
fn fill(path: &Path, value: f32, choose: impl Fn(&str) -> bool) {
    let bytes = fs::read(path).expect("weights");
    let tensors = SafeTensors::deserialize(&bytes).expect("weights");
    let mut changed = 0;
    let all: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            if !choose(name) {
                return (name.to_owned(), tensor.dtype(), tensor.shape().to_vec(), tensor.data().to_vec());
            }
            changed += 1;
            let data = value.to_le_bytes().repeat(tensor.shape().iter().product());
            (name.to_owned(), Dtype::F32, tensor.shape().to_vec(), data)
        })
        .collect();
    assert!(changed > 0, "nothing in {} is chosen", path.display());
    let views = all.iter().map(|(name, dtype, shape, data)| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), data).expect("the same tensor"))
    });
    fs::write(path, serialize(views, None).expect("weights")).expect("written");
}

/// Status and last line of a render with a model of which one tensor is filled.
fn render_filled(file: &str, tensor: &str, value: f32) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let model: PathBuf = folder.path().join("model");
    fs::create_dir(&model).expect("a folder");
    common::copy_folder(&common::model("tiny-sd15"), &model);
    fill(&model.join(file), value, |name| name.ends_with(tensor));
    let ended = render(folder.path(), &["--model", "model", "--prompt", "a cat", "--out", "a.png"]);
    assert_eq!(names(folder.path()), ["model"], "no picture, and nothing half written");
    ended
}

/// The file of each part, its last weights, and the name that users read.
const PARTS: [(&str, &str, &str); 3] = [
    ("vae/diffusion_pytorch_model.safetensors", "decoder.conv_out.weight", "the VAE"),
    ("unet/diffusion_pytorch_model.safetensors", "conv_out.weight", "the U-Net"),
    ("text_encoder/model.safetensors", "final_layer_norm.weight", "the text encoder"),
];

#[test]
fn weights_that_are_no_numbers_are_refused_by_name() {
    for (file, tensor, _) in PARTS {
        for value in [f32::NAN, f32::INFINITY] {
            let (status, said) = render_filled(file, tensor, value);
            assert_eq!(status, Some(2), "{file} {value}: {said}");
            assert!(said.contains(file) && said.contains(tensor), "{file} {value}: {said}");
        }
    }
}

#[test]
fn values_that_become_no_numbers_name_the_part_they_come_from() {
    for (file, tensor, part) in PARTS {
        // Finite, but nothing can be multiplied by it.
        let (status, said) = render_filled(file, tensor, f32::MAX);
        // The texts are encoded before the work begins, so theirs is a request that cannot be met.
        let ends = if part == "the text encoder" { 2 } else { 1 };
        assert_eq!(status, Some(ends), "{file}: {said}");
        assert!(said.contains(&format!("{part} gave values that are not numbers")), "{file}: {said}");
    }
}
