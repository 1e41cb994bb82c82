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
fn what_cannot_be_read_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("window-1-0.sextant.ron"), "(broken").expect("written");
    let (window, left) = Recovery::open(folder.path(), None).expect("a place");
    assert_eq!(left, None);
    window.keep(&document(3, None)).expect("written");
    drop(window);
    assert_eq!(seed(Recovery::open(folder.path(), None).expect("a place").1), Some(3));
}
