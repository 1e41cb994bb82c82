//! The sum of what a file holds: small files never take much memory, and large ones are read in time.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sextant::{
    recipe::{Concept, Paint, Recipe},
    session::{Document, SessionError, Take, TakeId, encode_picture, thumbnail_picture},
    studio::io::session_store::saved_session,
    tensor::Picture,
};

fn read(fields: &str) -> Result<Document, SessionError> {
    let text = format!("(format: \"sextant-session\", version: 3, {fields})");
    Document::from_text(&text, Path::new("hostile.sextant.ron"))
}

fn refusal(fields: &str) -> String {
    let begun = Instant::now();
    let said = read(fields).map_or_else(|error| error.to_string(), |_| panic!("it was read"));
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    assert!(said.contains("hostile.sextant.ron") && said.contains("more memory than its size justifies"), "{said}");
    said
}

#[test]
fn lists_of_nothing_do_not_become_gigabytes() {
    refusal(&format!("takes: [{}]", "(),".repeat(400_000)));
    // Below the limit of a file, what no recipe has is cut off and said.
    let read = read(&format!("recipe: (concepts: [{}])", "(),".repeat(10_000))).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((read.recipe.concepts.len(), read.adjusted[0].as_str()), (256, "10000 concepts, now the first 256"));
}

#[test]
fn painted_maps_count_as_what_they_become() {
    let one = "(position: 1, cells: \"256x256:\"),";
    refusal(&format!("recipe: (painted: [{}])", one.repeat(1000)));
    // Spread over takes, each of which is small.
    let take = |id: usize| format!("(id: ({id}), recipe: (painted: [{}])),", one.repeat(4));
    refusal(&format!("takes: [{}]", (1..=300).map(take).collect::<String>()));
    assert!(read(&format!("recipe: (painted: [{}])", one.repeat(8))).is_ok(), "as many as a person paints");
}

#[test]
fn small_pictures_of_takes_are_small() {
    use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
    let flat = |side: usize| {
        let picture = Picture { width: side, height: side, rgb: vec![9; 3 * side * side] };
        BASE64.encode(encode_picture(&picture, None).expect("encoded"))
    };
    assert!(thumbnail_picture(&flat(1024)).is_ok());
    assert!(thumbnail_picture(&flat(1025)).is_err(), "none that the program writes is so large");
    // Each is a few kilobytes that become three megabytes: beyond the budget they are left out, and nothing else is.
    let take = |id| Take { id: TakeId(id), thumbnail: Some(flat(1024)), ..Take::default() };
    let mut document = Document::default();
    document.takes = (1..=100).map(take).collect();
    let saved = saved_session(document);
    let shown =
        |side| saved.takes.iter().filter(|take| take.track.picture.as_ref().is_some_and(|p| p.width == side)).count();
    assert_eq!(saved.takes.len(), 100);
    assert!((20..30).contains(&shown(1024)), "{} are decoded", shown(1024));
    assert_eq!(shown(1024) + shown(64), 100);
}

#[test]
fn twenty_thousand_takes_are_read_and_written_in_time() {
    let recipe =
        Recipe { prompt: "a cat on a beach".into(), concepts: vec![Concept::default(); 3], ..Recipe::default() };
    let mut document = Document::new(recipe.clone());
    let parent = |id: u64| (id > 1).then_some(TakeId(id - 1));
    let take = |id| Take {
        id: TakeId(id),
        parent: parent(id),
        name: format!("take {id}"),
        recipe: recipe.clone(),
        ..Take::default()
    };
    document.takes = (1..=20_000).map(take).collect();
    let text = document.to_text().expect("written");
    let begun = Instant::now();
    let read = Document::from_text(&text, Path::new("long.sextant.ron")).expect("read");
    let saved = saved_session(read);
    let took = begun.elapsed();
    assert_eq!(saved.takes.len(), 20_000);
    assert_eq!(saved.takes[19_999].parent, Some(19_998));
    // 3 s for a build that is optimised; this may be one that is not, on a busy machine.
    assert!(took < Duration::from_secs(20), "it took {took:?}");
    println!("20,000 takes ({} MB) in {took:?}", text.len() / 1_000_000);
}

#[test]
fn a_painted_map_of_the_programs_own_comes_back() {
    let mut painted = Paint::blank(24, 24);
    painted.set(3, 4, 1);
    let recipe = Recipe { painted_factor: painted.clone(), ..Recipe::default() };
    let text = Document::new(recipe).to_text().expect("written");
    let read = Document::from_text(&text, Path::new("a.sextant.ron")).expect("read");
    assert_eq!(read.recipe.painted_factor, painted);
}
