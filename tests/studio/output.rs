//! Where results land: the output folder and the clipboard.

use egui::OutputCommand;
use egui_kittest::kittest::Queryable;
use sextant::{
    engine::handle::Request,
    session::{OutputRule, OutputSettings},
    studio::{command::Command, io::session_store::SessionStore},
};

use crate::window::Window;

fn files(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    // What is being written is no file yet.
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// A window that writes its files to a real disk.
fn on_disk() -> (Window, Request) {
    use std::sync::Arc;
    let builder = egui_kittest::Harness::builder();
    let (mut window, request) = Window::open_with(builder, |app| app.with_store(Arc::new(SessionStore::default())));
    window.play(&request);
    (window, request)
}

fn set(window: &mut Window, rule: OutputRule, folder: &std::path::Path) {
    let output = OutputSettings { rule, folder: Some(folder.join("new")), pattern: "{seed}".into() };
    window.harness.state_mut().send(Command::SetOutput(output));
    window.harness.run_ok();
}

fn wait_for(folder: &std::path::Path, count: usize) -> Vec<String> {
    for _ in 0..200 {
        if files(folder).len() >= count {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    files(folder)
}

#[test]
fn every_take_is_written_once_as_it_settles() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, first_request) = on_disk();
    set(&mut window, OutputRule::All, folder.path());
    let inside = folder.path().join("new");
    let first = window.document().recipe().seed;
    assert_eq!(wait_for(&inside, 1), [format!("{first}.png")]);
    window.play(&first_request);
    window.harness.run_ok();
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    window.harness.run_ok();
    let mut expected = vec![format!("{first}.png"), "8.png".into()];
    expected.sort();
    assert_eq!(wait_for(&inside, 2), expected);
    let recipe = sextant::session::import(&inside.join("8.png")).expect("our own picture").into_plain_recipe();
    assert_eq!(recipe.seed, 8);
}

#[test]
fn only_starred_takes_are_written_where_that_is_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, _) = on_disk();
    set(&mut window, OutputRule::Starred, folder.path());
    assert!(files(&folder.path().join("new")).is_empty());
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run_ok();
    window.harness.key_press(egui::Key::S);
    window.harness.run_ok();
    assert_eq!(wait_for(&folder.path().join("new"), 1).len(), 1);
}

#[test]
fn a_take_that_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    // This window's disk is full.
    let mut window = Window::rendered();
    set(&mut window, OutputRule::All, folder.path());
    window.until("the failure is said", |document| {
        document.notices().shown.as_ref().is_some_and(|notice| notice.message.contains("was not written"))
    });
}

#[test]
fn picture_and_settings_are_copied() {
    let mut window = Window::rendered();
    let copied = |window: &mut Window, command| {
        window.harness.state_mut().send(command);
        window.harness.step();
        window.harness.output().platform_output.commands.clone()
    };
    let picture = copied(&mut window, Command::CopyPicture);
    assert!(picture.iter().any(|command| matches!(command, OutputCommand::CopyImage(image) if image.width() > 1)));
    let prompt = window.document().recipe().prompt.clone();
    let text = copied(&mut window, Command::CopySettings);
    assert!(text.iter().any(|command| matches!(command, OutputCommand::CopyText(text) if text.starts_with(&prompt))));
}
