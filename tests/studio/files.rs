//! Files in the window: its own dialog, failures and successes that are said, and what is never lost.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{Key, Modifiers};
use egui_kittest::{Harness, kittest::Queryable};
use sextant::{
    recipe::Recipe,
    session::{self, Document as Session, Metadata, Recovery},
    studio::{
        command::Command,
        document::edit::Edit,
        io::{
            autosave::{self, Autosave},
            session_store::SessionStore,
        },
    },
    tensor::Picture,
};

use crate::window::Window;

/// A rendered window that asks for files in a dialog of its own.
fn window() -> Window {
    let mut window = Window::rendered();
    window.look(|view| view.appearance.own_dialogs = true);
    window
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run_steps(3);
}

/// Renders the recipe that is there.
fn play(window: &mut Window) {
    let request = window.request();
    window.play(&request);
}

#[test]
fn a_session_is_saved_in_the_windows_own_dialog_and_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window();
    window.edit(|recipe| recipe.seed = 8);
    play(&mut window);
    press(&mut window, Modifiers::COMMAND, Key::S);
    assert!(window.shows("Save the session"));
    let field = window.harness.get_by_label("File name or path");
    assert_eq!(field.value().as_deref(), Some("cat-red-balloon-beach-sunset.sextant.ron"), "a telling name");
    window.answer(&folder.path().join("beach").display().to_string());
    window.until("saved", |document| !document.is_unsaved());
    let path = folder.path().join("beach.sextant.ron");
    assert_eq!(window.document().file().path.as_ref(), Some(&path));
    assert_eq!(window.notice(), format!("Saved to {}.", path.display()));
    window.harness.run_steps(2);
    assert!(window.harness.query_by_label("Show").is_some());
    assert_eq!(window.harness.state().settings().folders, [folder.path().to_owned()]);
    // A confirmation goes by itself.
    window.harness.run_steps(90);
    assert_eq!(window.notice(), "");
}

#[test]
fn a_taken_name_is_asked_about_and_escape_leaves_step_by_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("taken.sextant.ron");
    std::fs::write(&path, "something").expect("written");
    let mut window = window();
    window.edit(|recipe| recipe.seed = 8);
    play(&mut window);
    press(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    window.answer(&folder.path().join("taken").display().to_string());
    for _ in 0..100 {
        window.harness.step();
        std::thread::sleep(Duration::from_millis(5));
        if window.shows("is there already") {
            break;
        }
    }
    assert!(window.shows("taken.sextant.ron is there already. Replace it?"));
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Replace it?") && window.shows("Save the session"), "Esc takes the question back");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Save the session") && window.document().is_unsaved());
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), "something");
}

#[test]
fn the_dialog_shows_what_is_there_before_it_is_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("holidays")).expect("a folder");
    let recipe = Recipe { prompt: "a red house".into(), seed: 9, ..Recipe::default() };
    let red = Picture { width: 8, height: 8, rgb: [200, 0, 0].repeat(64) };
    let metadata = Metadata { recipe: &recipe, model_hash: None, run: None };
    session::save_picture(&folder.path().join("house.png"), &red, Some(metadata)).expect("written");
    let mut window = window();
    window.discard_changes();
    press(&mut window, Modifiers::COMMAND, Key::O);
    window.answer(&folder.path().display().to_string());
    let until = |window: &mut Window, label: &str| {
        let begun = Instant::now();
        while window.harness.query_by_label(label).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(5), "never {label}");
            window.harness.step();
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    until(&mut window, "File house.png");
    assert!(window.harness.query_by_label("Folder holidays").is_some());
    for _ in 0..2 {
        press(&mut window, Modifiers::NONE, Key::ArrowDown);
    }
    until(&mut window, "Preview");
    assert!(window.shows("\"a red house\"") && window.shows("seed 9"));
    press(&mut window, Modifiers::NONE, Key::Enter);
    window.until("opened", |document| document.recipe().seed == 9);
}

#[test]
fn a_failure_is_said_until_the_same_thing_succeeds() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window();
    press(&mut window, Modifiers::COMMAND, Key::E);
    window.answer(&folder.path().join("picture.png").display().to_string());
    window.until("refused", |document| document.notices().shown.is_some());
    assert!(window.notice().starts_with("The disk is full"), "{}", window.notice());
    window.edit(|recipe| recipe.seed = 8);
    play(&mut window);
    assert!(window.notice().starts_with("The disk is full"), "a rendered picture is no export");
    press(&mut window, Modifiers::COMMAND, Key::S);
    window.answer(&folder.path().join("full").display().to_string());
    window.until("refused", |document| {
        document.notices().shown.as_ref().is_some_and(|notice| notice.message.contains("save to another place"))
    });
    assert!(window.document().is_unsaved());
    press(&mut window, Modifiers::COMMAND, Key::S);
    window.answer(&folder.path().join("empty").display().to_string());
    window.until("saved", |document| !document.is_unsaved());
    assert!(window.notice().starts_with("Saved to "), "the failure is gone: {}", window.notice());
}

#[test]
fn discarded_changes_are_lost_only_once_another_session_is_there() {
    let mut window = window();
    window.edit(|recipe| recipe.seed = 77);
    play(&mut window);
    let open = |window: &mut Window| {
        press(window, Modifiers::COMMAND, Key::O);
        window.click("Discard changes");
        window.harness.run_steps(3);
    };
    open(&mut window);
    assert!(window.shows("Open a session or a picture"));
    press(&mut window, Modifiers::NONE, Key::Escape);
    window.harness.run_steps(3);
    assert!(window.document().is_unsaved(), "a cancelled dialog leaves everything as it was");
    open(&mut window);
    let nonsense = tempfile::NamedTempFile::with_suffix(".ron").expect("a file");
    window.answer(&nonsense.path().display().to_string());
    window.until("refused", |document| document.notices().shown.as_ref().is_some_and(|notice| notice.is_error));
    assert_eq!((window.recipe().seed, window.document().is_unsaved()), (77, true), "so does a file that is none");
    // What is done while the dialog is open was not given up.
    let other = tempfile::tempdir().expect("a folder");
    let path = other.path().join("other.sextant.ron");
    Session::new(Recipe { seed: 5, ..Recipe::default() }).save(&path).expect("written");
    open(&mut window);
    window.send(Command::Edit(Edit::Prompt("something else".into())));
    window.answer(&path.display().to_string());
    for _ in 0..100 {
        window.harness.step();
        std::thread::sleep(Duration::from_millis(5));
        if window.shows("Leave this session?") {
            break;
        }
    }
    assert_eq!(window.recipe().prompt, "something else");
    window.click("Discard changes");
    window.until("opened", |document| document.recipe().seed == 5);
    assert!(!window.document().is_unsaved());
}

#[test]
fn a_half_typed_prompt_is_work_that_is_asked_about() {
    let mut window = window();
    window.harness.get_by_role_and_label(egui::Role::MultilineTextInput, "Prompt").focus();
    window.harness.run_steps(2);
    window.harness.event(egui::Event::Text(" with rain".into()));
    window.harness.step();
    assert!(!window.document().is_unsaved(), "it is not settled yet");
    press(&mut window, Modifiers::COMMAND, Key::N);
    assert!(window.shows("Leave this session?") && window.recipe().prompt.contains("rain"));
}

/// A save that ends when another session is open already is not where that one lies.
#[test]
fn a_slow_save_of_one_session_says_nothing_of_the_next() {
    let mut window = window();
    window.set_path("slow.sextant.ron".into());
    window.edit(|recipe| recipe.seed = 8);
    play(&mut window);
    let state = window.harness.state_mut();
    state.send(Command::SaveSession);
    state.send(Command::Discard(Box::new(Command::NewSession)));
    window.harness.run_steps(2);
    window.until("said", |document| document.notices().shown.is_some());
    assert!(window.notice().contains("slow.sextant.ron"), "{}", window.notice());
    assert_eq!(window.document().file().path, None, "the new session has no file yet");
}

#[test]
fn a_size_far_from_the_models_is_asked_about_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cat.txt");
    let text = "a cat\nSteps: 12, Sampler: Euler a, CFG scale: 6, Seed: 5, Size: 512x512, Version: v1.10.1";
    std::fs::write(&path, text).expect("a file");
    let mut window = window();
    window.discard_changes();
    let open = |window: &mut Window| {
        window.send(Command::OpenFile(path.clone()));
        for _ in 0..100 {
            window.harness.step();
            std::thread::sleep(Duration::from_millis(5));
            if window.shows("In which size?") {
                return;
            }
        }
        panic!("nothing is asked");
    };
    open(&mut window);
    window.click("Cancel");
    assert_eq!(window.recipe().seed, 3, "nothing was opened");
    open(&mut window);
    window.click("Use 192×192");
    assert_eq!((window.recipe().seed, window.recipe().width, window.recipe().height), (5, 192, 192));
    assert_eq!(window.request().recipe.width, 192, "the large one is never begun");
    open(&mut window);
    window.click("Keep 512×512");
    assert_eq!((window.recipe().width, window.recipe().height), (512, 512));
}

#[test]
fn a_session_can_begin_empty() {
    let mut window = window();
    window.send(Command::NewEmptySession);
    window.harness.run_steps(5);
    assert_eq!((window.recipe(), window.takes().len()), (&Recipe::default(), 0));
    assert!(window.document().run().is_none() && !window.document().is_unsaved(), "nothing is rendered by itself");
    window.edit(|recipe| recipe.prompt = "a house".into());
    assert_eq!(window.request().recipe.prompt, "a house");
}

/// A window that keeps what is not saved in `folder`, and whose dialogs are its own.
fn kept_window(folder: &Path) -> Window {
    let (recovery, _) = Recovery::open(folder, None).expect("a folder to write to");
    let autosave = Autosave::start(recovery, Arc::new(SessionStore::default())).expect("a thread");
    let (mut window, request) = Window::open_with(Harness::builder(), |app| app.with_autosave(autosave));
    window.play(&request);
    window.look(|view| view.appearance.own_dialogs = true);
    window
}

/// The only session in `folder`, as a crash would leave it.
fn left(folder: &Path) -> Option<Session> {
    let mut found = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let path = found.find(|path| path.to_string_lossy().ends_with("sextant.ron"))?;
    Some(Session::load(&path).expect("always whole"))
}

/// A sequence of numbers that looks random and is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % sides
    }
}

/// The seed of the recipe stands for the user's work: it is new at every edit.
struct Day {
    window: Window,
    folder: tempfile::TempDir,
    /// Sessions that can be opened.
    others: tempfile::TempDir,
    edits: u64,
    killed: usize,
}

impl Day {
    fn new() -> Self {
        let (folder, others) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let recipe = Recipe { seed: 5, ..Recipe::default() };
        Session::new(recipe).save(&others.path().join("other.ron")).expect("written");
        std::fs::write(others.path().join("broken.ron"), "nonsense").expect("written");
        Self { window: kept_window(folder.path()), folder, others, edits: 1000, killed: 0 }
    }

    fn path(&self, name: &str) -> String {
        self.others.path().join(name).display().to_string()
    }

    fn edit(&mut self) {
        self.edits += 1;
        let seed = self.edits;
        self.window.edit(|recipe| recipe.seed = seed);
        play(&mut self.window);
    }

    /// Asks to open something else, and gives the work up. Returns whether the dialog is there.
    fn begin_to_leave(&mut self) {
        press(&mut self.window, Modifiers::COMMAND, Key::O);
        if self.window.shows("Leave this session?") {
            self.window.click("Discard changes");
        }
        self.window.harness.run_steps(3);
        assert!(self.window.shows("Open a session or a picture"));
    }

    fn cancel(&mut self) {
        self.begin_to_leave();
        press(&mut self.window, Modifiers::NONE, Key::Escape);
        self.window.harness.run_steps(2);
    }

    fn fail(&mut self) {
        self.begin_to_leave();
        let path = self.path("broken.ron");
        self.window.answer(&path);
        self.window.until("refused", |document| {
            document.notices().shown.as_ref().is_some_and(|notice| notice.message.contains("broken.ron"))
        });
        self.window.click("Dismiss message");
    }

    fn open(&mut self) {
        self.begin_to_leave();
        let path = self.path("other.ron");
        self.window.answer(&path);
        self.window.until("opened", |document| document.recipe().seed == 5);
        play(&mut self.window);
    }

    fn save(&mut self, name: &str) {
        press(&mut self.window, Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
        let path = self.path(name);
        self.window.answer(&path);
        self.window.until_answered();
        self.window.until("said", |document| document.notices().shown.is_some());
        self.window.harness.run_steps(2);
        self.window.click("Dismiss message");
    }

    /// The program is ended from outside and started again.
    fn kill(&mut self) {
        let (seed, unsaved) = (self.window.recipe().seed, self.window.document().is_unsaved());
        let begun = Instant::now();
        let is_kept = |session: &Option<Session>| session.as_ref().is_some_and(|kept| kept.recipe.seed == seed);
        while is_kept(&left(self.folder.path())) != unsaved {
            assert!(begun.elapsed() < Duration::from_secs(3), "seed {seed}, unsaved: {unsaved}");
            self.window.harness.step();
            std::thread::sleep(Duration::from_millis(10));
        }
        let session = left(self.folder.path());
        self.folder = tempfile::tempdir().expect("a folder");
        self.window = kept_window(self.folder.path());
        if let Some(session) = session {
            self.window.harness.state_mut().recover(autosave::recovered(session));
            self.window.harness.run_steps(3);
            play(&mut self.window);
            self.window.click("Dismiss message");
        }
        self.killed += 1;
    }
}

/// Whatever comes in whatever order, the user's work is in the window, or saved, or was given up for another session that
/// is there.
#[test]
fn nothing_of_the_users_is_lost_in_any_order() {
    for seed in [11, 22, 33] {
        let (mut dice, mut day) = (Dice(0x9e37_79b9_7f4a_7c15 ^ seed), Day::new());
        let mut log = Vec::new();
        for _ in 0..14 {
            let before = day.window.recipe().seed;
            let unsaved = day.window.document().is_unsaved();
            let (what, work): (&str, fn(&mut Day)) = match dice.roll(8) {
                0..=2 => ("edit", Day::edit),
                3 => ("cancel", Day::cancel),
                4 => ("fail", Day::fail),
                5 => ("open", Day::open),
                6 => ("fail to save", |day| day.save("full.ron")),
                _ if day.killed < 2 => ("kill", Day::kill),
                _ => ("save", |day| day.save("mine.ron")),
            };
            log.push(what);
            work(&mut day);
            let (after, still) = (day.window.recipe().seed, day.window.document().is_unsaved());
            match what {
                "edit" => assert_eq!((after, still), (day.edits, true), "{log:?}"),
                "open" => assert_eq!((after, still), (5, false), "{log:?}"),
                "save" => assert_eq!((after, still), (before, false), "{log:?}"),
                // A saved session is opened again by its name; the window begins with the demo.
                "kill" if !unsaved => assert_eq!(after, 3, "{log:?}"),
                _ => assert_eq!((after, still), (before, unsaved), "{log:?}"),
            }
        }
    }
}

#[test]
fn files_are_browsed_on_request() {
    let mut window = Window::rendered();
    window.send(Command::BrowseFiles);
    assert!(window.shows("Open a session or a picture"), "on request also where the system has a dialog");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Open a session or a picture"));
}
