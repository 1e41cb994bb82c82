//! Recovery files: owned by one living window each, found again when it ended without clearing them.

use std::path::Path;

use sextant::{
    recipe::Recipe,
    session::{Document, Recovery},
};

fn document(seed: u64, original: Option<&Path>) -> Document {
    let mut document = Document::new(Recipe { seed, ..Recipe::default() });
    document.original = original.map(Path::to_owned);
    document
}

fn seed(left: Option<Document>) -> Option<u64> {
    left.map(|document| document.recipe.seed)
}

#[test]
fn a_dead_windows_session_is_taken_over_once_and_a_living_ones_never() {
    let folder = tempfile::tempdir().expect("a folder");
    let (living, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(left, None);
    living.keep(&document(1, None)).expect("written");
    let (other, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(left, None, "the first window still lives");
    drop(living);
    let (heir, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(seed(left), Some(1));
    let (_, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(left, None, "it has an heir");
    heir.keep(&document(2, None)).expect("written");
    drop(heir);
    let (heir, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(seed(left), Some(2), "an heir may die as well");
    heir.finish();
    other.finish();
    Recovery::open(folder.path(), None).expect("a place").0.finish();
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "orderly ends leave nothing");
}

#[test]
fn a_named_session_gets_only_its_own_work_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("beach.sextant.ron.saved");
    std::fs::write(&file, "").expect("written");
    let place = folder.path().join("state");
    let (window, _) = Recovery::open(&place, None).expect("a place");
    window.keep(&document(5, Some(&file))).expect("written");
    drop(window);
    let (stranger, left) = Recovery::open(&place, Some(&folder.path().join("other.ron"))).expect("a place");
    assert_eq!(left, None);
    stranger.finish();
    let roundabout = place.join("..").join("beach.sextant.ron.saved");
    let (_, left) = Recovery::open(&place, Some(&roundabout)).expect("a place");
    assert_eq!(seed(left), Some(5));
}

#[test]
fn what_cannot_be_read_is_set_aside_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("window-1-0.sextant.ron"), "(broken").expect("written");
    let (window, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(left, None);
    let [note] = window.notes() else { panic!("{:?}", window.notes()) };
    let kept = folder.path().join("set-aside").join("window-1-0.sextant.ron");
    assert!(note.contains("was set aside") && note.contains(&kept.display().to_string()), "{note}");
    assert_eq!(std::fs::read(&kept).expect("kept"), b"(broken");
    window.keep(&document(3, None)).expect("written");
    drop(window);
    let (window, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!((seed(left), window.notes().len()), (Some(3), 0));
}

/// A start with a session that ends the program before its window has settled.
fn failed_start(folder: &Path) -> Option<u64> {
    let (window, left) = Recovery::open(folder, None).expect("a place");
    drop(window);
    seed(left)
}

#[test]
fn a_session_that_ends_the_program_is_set_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let (window, _) = Recovery::open(folder.path(), None).expect("a place");
    window.keep(&document(3, None)).expect("written");
    drop(window);
    // Whoever ends the program at its start loses nothing by that.
    assert_eq!(failed_start(folder.path()), Some(3));
    assert_eq!(failed_start(folder.path()), Some(3));
    let (window, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(seed(left), None, "two starts have failed with it");
    assert!(window.notes()[0].contains("has failed with it before"), "{:?}", window.notes());
    assert!(folder.path().join("set-aside").read_dir().expect("a folder").count() == 1);
}

#[test]
fn with_a_panic_on_record_the_second_start_sets_it_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let (window, _) = Recovery::open(folder.path(), None).expect("a place");
    window.keep(&document(3, None)).expect("written");
    drop(window);
    assert_eq!(failed_start(folder.path()), Some(3));
    std::fs::write(folder.path().join("crash-2000000000.txt"), "a report").expect("written");
    assert_eq!(failed_start(folder.path()), None);
}

#[test]
fn a_window_that_has_settled_may_be_killed_any_number_of_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let (window, _) = Recovery::open(folder.path(), None).expect("a place");
    window.keep(&document(3, None)).expect("written");
    drop(window);
    for _ in 0..5 {
        let (window, left) = Recovery::open(folder.path(), None).expect("a place");
        assert_eq!(seed(left), Some(3));
        window.settled();
    }
}

#[cfg(unix)]
#[test]
fn only_the_user_may_read_what_is_not_saved() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("state");
    let (window, _) = Recovery::open(&place, None).expect("a place");
    window.keep(&document(3, None)).expect("written");
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    let entries = std::fs::read_dir(&place).expect("a folder").flatten().map(|entry| entry.path());
    let sessions: Vec<_> = entries.filter(|path| path.to_string_lossy().ends_with(".ron")).collect();
    assert_eq!((sessions.len(), mode(&sessions[0])), (1, 0o600));
}
