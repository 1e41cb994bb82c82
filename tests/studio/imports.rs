//! Pictures of other programs, opened in the window.

use egui_kittest::kittest::Queryable;
use sextant::{recipe::PromptSyntax, studio::command::Command};

use crate::window::Window;

/// A JPEG file whose comment is `text`.
fn jpeg(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len() + 2).expect("a short text").to_be_bytes();
    [b"\xff\xd8\xff\xfe", &length[..], text.as_bytes(), b"\xff\xd9"].concat()
}

#[test]
fn a_picture_restores_what_it_can_and_says_what_it_could_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cat.jpg");
    let text = "a (red:1.3) cat <lora:fur:0.8>\nNegative prompt: dog\nSteps: 12, Sampler: Euler a, CFG scale: 6, Seed: 5, \
                Size: 256x192, Model: other, Clip skip: 2, Version: v1.10.1";
    std::fs::write(&path, jpeg(text)).expect("a file");
    let mut window = Window::rendered();
    window.discard_changes();
    window.send(Command::OpenFile(path));
    window.until("opened", |document| document.recipe().seed == 5);
    window.harness.run_steps(3);
    let recipe = &window.recipe();
    assert_eq!((recipe.prompt.as_str(), recipe.negative.as_str()), ("a (red:1.3) cat", "dog"));
    assert_eq!((recipe.steps, recipe.width, recipe.height), (12, 256, 192));
    assert_eq!((recipe.clip_skip, recipe.prompt_syntax), (Some(2), PromptSyntax::A1111));
    assert!(window.document().file().path.is_none() && !window.document().is_unsaved());
    let banner = window.document().notices().shown.clone().expect("a notice");
    assert!(
        !banner.is_error && banner.message.contains("cat.jpg, but for 3 things: Model: other"),
        "{}",
        banner.message
    );
    window.harness.get_by_label("Show what is missing").click();
    window.harness.run_steps(3);
    let line = "LoRA: fur, weight 0.8 (not loaded)";
    assert!(window.harness.query_by_label(line).is_some() && window.document().notices().shown.is_none());

    let silent = folder.path().join("silent.jpg");
    std::fs::write(&silent, jpeg("a holiday")).expect("a file");
    window.send(Command::OpenFile(silent));
    window.until("refused", |document| document.notices().shown.as_ref().is_some_and(|notice| notice.is_error));
    assert_eq!(window.recipe().seed, 5, "what was open stays");
}
