//! Settings of regions name words by their position in the prompt; when the prompt changes, they follow their words.

use super::parked::{ParkedSettings, position_of, word_at};
use crate::{
    engine::Token,
    recipe::{Recipe, first_of, group_of},
    tensor::background_position,
};

/// Moves every setting of a region from a word of the old prompt (`before`) to the same word of the new one (`now`).
/// Settings of words that are gone are parked until the words are there again.
pub fn follow_words(recipe: &mut Recipe, parked: &mut ParkedSettings, before: &[Token], now: &[Token]) {
    parked.park(recipe, before, now);
    move_along(recipe, before, now);
    parked.give_back(recipe, before, now);
}

fn move_along(recipe: &mut Recipe, before: &[Token], now: &[Token]) {
    let moved = |position: usize| -> Option<usize> {
        let Some(word) = word_at(before, position) else {
            // What is no word belongs to the background in every prompt.
            let known = before.iter().any(|t| t.position == position)
                || !before.is_empty() && position == background_position(before);
            return known.then(|| background_position(now));
        };
        position_of(now, &word)
    };
    let merged = recipe.groups.clone();
    for group in &mut recipe.groups {
        group.positions = group.positions.iter().filter_map(|&p| moved(p)).collect();
        group.positions.sort_unstable();
    }
    recipe.groups.retain(|g| g.positions.len() > 1 || (g.positions.len() == 1 && !g.name.is_empty()));
    recipe.groups.sort_by_key(|group| group.positions[0]);
    // Settings of a merged region stay with those of its words that are left.
    let groups = recipe.groups.clone();
    let moved = |position: usize| {
        let left = match group_of(&merged, position) {
            Some(group) => group.positions.iter().find_map(|&p| moved(p)),
            None => moved(position),
        };
        left.map(|p| first_of(&groups, p))
    };
    keep(&mut recipe.regions, |r| &mut r.position, &moved);
    keep(&mut recipe.painted, |layer| &mut layer.position, &moved);
    for concept in &mut recipe.concepts {
        keep(&mut concept.lock, |position| position, &moved);
    }
    if let Some(fusion) = &mut recipe.fusion {
        keep(&mut fusion.owners, |o| &mut o.position, &moved);
    }
}

/// Moves settings to new positions, in order; drops those whose position is gone.
fn keep<T>(said: &mut Vec<T>, position: fn(&mut T) -> &mut usize, moved: &dyn Fn(usize) -> Option<usize>) {
    said.retain_mut(|one| match moved(*position(one)) {
        Some(now) => {
            *position(one) = now;
            true
        }
        None => false,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Concept, Fusion, Owner, Paint, RegionFactor, RegionGroup, RegionOwner, RegionPaint};
    use crate::studio::document::regions::labels::tests::tokens;

    fn said() -> Recipe {
        Recipe {
            regions: vec![RegionFactor { position: 2, factor: 1.5 }, RegionFactor { position: 5, factor: 0.5 }],
            concepts: vec![Concept { lock: vec![0, 2, 5], ..Concept::default() }],
            ..Recipe::default()
        }
    }

    #[test]
    fn factors_and_locks_stay_with_their_words() {
        let mut recipe = said();
        follow_words(
            &mut recipe,
            &mut ParkedSettings::default(),
            &tokens("a cat and a balloon"),
            &tokens("a big balloon near a cat"),
        );
        assert_eq!((recipe.region_factor(6), recipe.region_factor(3)), (1.5, 0.5));
        assert_eq!(recipe.concepts[0].lock, [0, 6, 3], "the background is in every prompt");
        follow_words(
            &mut recipe,
            &mut ParkedSettings::default(),
            &tokens("a big balloon near a cat"),
            &tokens("a dog"),
        );
        assert!(recipe.regions.is_empty() && recipe.concepts[0].lock == [0]);
    }

    #[test]
    fn merged_words_paint_and_owners_follow_too() {
        let mut recipe = Recipe {
            groups: vec![RegionGroup { positions: vec![5, 6], name: String::new() }],
            painted: vec![RegionPaint { position: 5, cells: Paint::blank(2, 2) }],
            fusion: Some(Fusion {
                owners: vec![RegionOwner { position: 2, owner: Owner::Expert }],
                ..Fusion::default()
            }),
            ..Recipe::default()
        };
        follow_words(
            &mut recipe,
            &mut ParkedSettings::default(),
            &tokens("a cat and a red balloon"),
            &tokens("red balloon and cat"),
        );
        assert_eq!((recipe.groups[0].positions.as_slice(), recipe.painted[0].position), (&[1, 2][..], 1));
        assert_eq!(recipe.fusion.as_ref().map(|f| f.owners[0].position), Some(4));
        follow_words(&mut recipe, &mut ParkedSettings::default(), &tokens("red balloon and cat"), &tokens("a balloon"));
        assert!(recipe.groups.is_empty());
        assert_eq!(recipe.painted[0].position, 2, "red is gone, the balloon is not");
        assert_eq!(recipe.fusion.map(|f| f.owners), Some(Vec::new()));
    }
}
