//! What is not saved survives the program's sudden end.

use std::{path::Path, sync::Arc, time::Duration};

use egui_kittest::{Harness, kittest::Queryable};
use sextant::{
    session::{Document, Recovery},
    studio::{
        command::Command,
        document::edit::Edit,
        io::{
            autosave::{self, Autosave},
            session_store::SessionStore,
        },
    },
};

use crate::window::Window;

/// A rendered window that keeps what is not saved in `folder`.
fn window(folder: &Path) -> (Window, Option<Document>) {
    let (recovery, left) = Recovery::open(folder, None).expect("a folder to write to");
    let store = Arc::new(SessionStore::default());
    let autosave = Autosave::start(recovery, store).expect("a thread");
    let (mut window, request) = Window::open_with(Harness::builder(), |app| app.with_autosave(autosave));
    window.play(&request);
    (window, left)
}

/// The only session in `folder`, as it is on disk.
fn kept(folder: &Path) -> Option<Document> {
    let mut found = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let path = found.find(|path| path.to_string_lossy().ends_with("sextant.ron"))?;
    Some(Document::load(&path).expect("always whole"))
}

/// Runs frames for at most a second until the kept session meets the condition.
fn within_a_second(window: &mut Window, folder: &Path, condition: impl Fn(Option<&Document>) -> bool) {
    for _ in 0..100 {
        window.harness.step();
        if condition(kept(folder).as_ref()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not kept within a second: {:?}", kept(folder).map(|d| d.recipe));
}

#[test]
fn a_change_is_on_disk_within_a_second_also_in_the_middle_of_a_drag() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, left) = window(folder.path());
    assert_eq!(left, None);
    window.harness.run_steps(3);
    assert_eq!(kept(folder.path()), None, "a picture that the window rendered by itself is no work to lose");
    let rect = window.harness.get_by_label("Guidance scale").rect();
    let at = |t: f32| egui::pos2(rect.left() + t * rect.width(), rect.center().y);
    window.harness.drag_at(at(0.3));
    window.harness.step();
    window.harness.hover_at(at(0.6));
    window.harness.step();
    let held = window.recipe().cfg;
    assert!(held > 10.0);
    within_a_second(&mut window, folder.path(), |kept| kept.is_some_and(|d| d.recipe.cfg == held));
    window.harness.drop_at(at(0.6));
    window.harness.run_steps(3);
    window.discard_changes();
    within_a_second(&mut window, folder.path(), |kept| kept.is_none());
}

#[test]
fn an_orderly_end_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut window, _) = window(folder.path());
    window.edit(|recipe| recipe.seed = 77);
    within_a_second(&mut window, folder.path(), |kept| kept.is_some());
    drop(window);
    let entries = std::fs::read_dir(folder.path()).expect("a folder").flatten();
    // The prompts that were used lately are among the settings, which stay.
    let left: Vec<_> = entries.map(|entry| entry.file_name()).filter(|name| name != "settings.ron").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_was_left_behind_is_opened_and_can_be_discarded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut first, _) = window(folder.path());
    first.set_path("beach.sextant.ron".into());
    first.look(|view| view.appearance.dark = false);
    first.send(Command::Edit(Edit::ToggleStar(first.takes()[0].id)));
    first.edit(|recipe| recipe.seed = 77);
    let request = first.request();
    first.play(&request);
    within_a_second(&mut first, folder.path(), |kept| kept.is_some_and(|d| d.takes.len() == 2));
    assert_eq!(Recovery::open(folder.path(), None).expect("a folder").1, None, "its window still lives");
    let document = kept(folder.path()).expect("it is there");
    drop(first);

    let (mut second, request) = Window::open();
    second.play(&request);
    second.harness.state_mut().recover(autosave::recovered(document));
    second.harness.run_ok();
    let takes = second.takes();
    assert_eq!((second.recipe().seed, takes.len(), second.view().appearance.dark), (77, 2, false));
    assert_eq!((takes[0].starred, takes[1].parent), (true, Some(takes[0].id)));
    let document = second.document();
    assert!(document.file().path.as_ref().is_some_and(|path| path.ends_with("beach.sextant.ron")));
    assert!(document.is_unsaved(), "it is not saved yet");
    let request = second.request();
    assert_eq!(request.recipe.seed, 77);
    second.play(&request);
    assert_eq!(second.takes().len(), 2, "rendering it again gives its take the steps back");
    assert!(second.harness.query_by_label_contains("Recovered the session \"beach.sextant.ron\"").is_some());
    second.click("Discard");
    assert!(second.takes().is_empty() && !second.document().is_unsaved());
    assert_eq!(second.request().recipe.seed, 3, "the file was never written: the demo again");
}
