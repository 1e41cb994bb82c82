//! Sessions of strangers: nothing in the program runs over a number of theirs.

use std::path::Path;

use sextant::session::Document;

/// A session whose recipe and take have these fields.
fn session(recipe: &str, take: &str) -> Document {
    let text = format!(
        "(format: \"sextant-session\", version: 3, recipe: ({recipe}), takes: [(id: (1), name: \"a\", recipe: ({recipe}), {take})])"
    );
    Document::from_text(&text, Path::new("hostile.sextant.ron")).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn numbers_without_measure_are_brought_within_and_said() {
    for (recipe, said) in [
        ("steps: 18446744073709551615", "steps 18446744073709551615, now 1000"),
        ("steps: 1000000000, cfg: 0.0", "steps 1000000000, now 1000"),
        ("width: 18446744073709551615", "width 18446744073709551615, now 2048"),
        ("cfg: NaN", "guidance scale NaN, now 5"),
        ("concepts: [(text: \"a\", warmup: 18446744073709551615)]", "now 1000"),
        ("concepts: [(text: \"a\", strength: inf)]", "scale of concept 1 (\"a\") inf, now 1000"),
    ] {
        let read = session(recipe, "seconds: 1.0");
        assert!(read.adjusted[0].contains(said), "{recipe}: {:?}", read.adjusted);
        assert!(read.adjusted[1].starts_with("take 1: "), "{:?}", read.adjusted);
        assert_eq!((read.recipe.validate(), read.takes[0].recipe.validate()), (Ok(()), Ok(())), "{recipe}");
    }
}

#[test]
fn times_that_are_no_times_are_not_known() {
    for seconds in ["NaN", "inf", "-1.0", "1e30"] {
        let read = session("steps: 4", &format!("seconds: {seconds}"));
        assert_eq!(read.takes[0].seconds, 0.0);
        assert_eq!(read.adjusted.len(), 1, "{:?}", read.adjusted);
    }
    assert!(session("steps: 4", "seconds: 12.5").adjusted.is_empty());
}
