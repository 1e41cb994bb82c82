//! A session file that another window or program changes while it is open here.

use std::{path::PathBuf, sync::Arc};

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use sextant::{
    recipe::Recipe,
    session::Document as Session,
    studio::{command::Command, io::session_store::SessionStore},
};

use crate::window::Window;

/// A window on disk that has opened the session in `folder`.
fn opened(folder: &tempfile::TempDir, locks: bool) -> (Window, PathBuf) {
    let path = folder.path().join("a.sextant.ron");
    if !path.exists() {
        Session::new(Recipe { seed: 5, ..Recipe::default() }).save(&path).expect("written");
    }
    let store = if locks { SessionStore::with_locks(folder.path().join("open")) } else { SessionStore::default() };
    let (mut window, request) = Window::open_with(Harness::builder(), |app| app.with_store(Arc::new(store)));
    window.play(&request);
    window.send(Command::Discard(Box::new(Command::OpenFile(path.clone()))));
    window.until("opened", |document| document.file().path.as_ref() == Some(&path));
    let request = window.request();
    window.play(&request);
    (window, path)
}

fn save(window: &mut Window) {
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::S);
    for _ in 0..100 {
        window.harness.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn on_disk(path: &std::path::Path) -> u64 {
    Session::load(path).expect("whole").recipe.seed
}

/// A window with unsaved work, and a file that holds something else than it has read.
fn overtaken() -> (tempfile::TempDir, Window, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, path) = opened(&folder, false);
    window.edit(|recipe| recipe.seed = 6);
    let request = window.request();
    window.play(&request);
    Session::new(Recipe { seed: 77, ..Recipe::default() }).save(&path).expect("written");
    save(&mut window);
    assert!(window.shows("The file has changed"), "it is asked");
    assert_eq!(on_disk(&path), 77, "and nothing is overwritten meanwhile");
    (folder, window, path)
}

#[test]
fn saving_again_and_again_asks_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, path) = opened(&folder, false);
    for seed in 6..9 {
        window.edit(|recipe| recipe.seed = seed);
        let request = window.request();
        window.play(&request);
        save(&mut window);
        assert!(!window.shows("The file has changed"));
        assert_eq!(on_disk(&path), seed);
    }
}

#[test]
fn mine_can_be_kept() {
    let (_folder, mut window, path) = overtaken();
    window.click("Keep mine");
    window.until("saved", |document| !document.is_unsaved());
    assert_eq!(on_disk(&path), 6);
    window.edit(|recipe| recipe.seed = 7);
    let request = window.request();
    window.play(&request);
    save(&mut window);
    assert_eq!(on_disk(&path), 7, "from then on it is this window's again");
}

#[test]
fn theirs_can_be_taken() {
    let (_folder, mut window, path) = overtaken();
    window.click("Take theirs");
    window.until("opened", |document| document.recipe().seed == 77);
    assert_eq!((on_disk(&path), window.document().is_unsaved()), (77, false));
}

#[test]
fn nothing_happens_when_it_is_cancelled() {
    let (_folder, mut window, path) = overtaken();
    window.click("Cancel");
    assert!(!window.shows("The file has changed"));
    assert_eq!((on_disk(&path), window.recipe().seed, window.document().is_unsaved()), (77, 6, true));
}

#[test]
fn a_second_window_on_one_session_is_told_when_it_opens() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, _) = opened(&folder, true);
    assert!(!first.notice().contains("another window"), "{}", first.notice());
    let (second, _) = opened(&folder, true);
    assert!(second.notice().contains("This session is open in another window too"), "{}", second.notice());
}
