//! Several words as one region, and regions with names of their own: what that changes in a recipe.

use crate::recipe::{Recipe, RegionGroup, first_of, group_of};

/// Makes one region of the words at `positions` and of all that were merged with them before. Settings of any of them
/// hold for all; where they differ, those of the first word hold.
pub fn merge(recipe: &mut Recipe, positions: &[usize]) {
    let parts = positions.iter().map(|&p| (p, group_of(&recipe.groups, p)));
    let mut all: Vec<usize> =
        parts.flat_map(|(p, group)| group.map_or_else(|| vec![p], |group| group.positions.clone())).collect();
    all.sort_unstable();
    all.dedup();
    let name =
        recipe.groups.iter().filter(|g| all.contains(&g.positions[0])).map(|g| g.name.clone()).find(|n| !n.is_empty());
    recipe.groups.retain(|group| !all.contains(&group.positions[0]));
    recipe.groups.push(RegionGroup { positions: all, name: name.unwrap_or_default() });
    recipe.groups.sort_by_key(|group| group.positions[0]);
    gather(recipe);
}

/// Keeps settings for first words only, once each.
pub(super) fn gather(recipe: &mut Recipe) {
    let groups = recipe.groups.clone();
    let first = |position: usize| first_of(&groups, position);
    once(&mut recipe.regions, |r| &mut r.position, &first, |_, _| {});
    once(
        &mut recipe.painted,
        |layer| &mut layer.position,
        &first,
        |kept, other| {
            kept.cells = kept.cells.over(&other.cells);
        },
    );
    for concept in &mut recipe.concepts {
        once(&mut concept.lock, |position| position, &first, |_, _| {});
    }
    if let Some(fusion) = &mut recipe.fusion {
        once(&mut fusion.owners, |o| &mut o.position, &first, |_, _| {});
    }
}

/// Moves settings to the first positions of their groups. Of several settings for one group the first is kept, and the
/// others are given to `join`.
fn once<T>(said: &mut Vec<T>, position: fn(&mut T) -> &mut usize, first: &dyn Fn(usize) -> usize, join: fn(&mut T, T)) {
    let mut all: Vec<(usize, usize, T)> = Vec::new();
    for mut one in said.drain(..) {
        let own = *position(&mut one);
        *position(&mut one) = first(own);
        all.push((first(own), own, one));
    }
    all.sort_by_key(|(region, own, _)| (*region, *own));
    let mut last = None;
    for (region, _, one) in all {
        match said.last_mut().filter(|_| last == Some(region)) {
            Some(kept) => join(kept, one),
            None => said.push(one),
        }
        last = Some(region);
    }
}

/// Splits a merged region into its words. Each keeps factor, locks and owner; paint stays with the first.
pub fn split_up(recipe: &mut Recipe, region: usize) {
    let Some(at) = recipe.groups.iter().position(|group| group.positions.contains(&region)) else { return };
    let positions = recipe.groups.remove(at).positions;
    spread(&mut recipe.regions, |r| &mut r.position, &positions);
    for concept in &mut recipe.concepts {
        spread(&mut concept.lock, |position| position, &positions);
    }
    if let Some(fusion) = &mut recipe.fusion {
        spread(&mut fusion.owners, |o| &mut o.position, &positions);
    }
}

/// Copies the setting of the first position to all others.
fn spread<T: Copy>(said: &mut Vec<T>, position: fn(&mut T) -> &mut usize, positions: &[usize]) {
    let Some(mut one) = said.iter().copied().find(|one| *position(&mut one.clone()) == positions[0]) else { return };
    for &other in &positions[1..] {
        *position(&mut one) = other;
        said.push(one);
    }
    said.sort_by_key(|one| *position(&mut one.clone()));
}

/// Gives the region of `positions` a name; an empty one gives it back its words.
pub fn rename(recipe: &mut Recipe, positions: &[usize], name: &str) {
    let at = recipe.groups.iter().position(|group| group.positions == positions);
    match at {
        Some(at) if name.is_empty() && positions.len() == 1 => drop(recipe.groups.remove(at)),
        Some(at) => recipe.groups[at].name = name.to_owned(),
        None => recipe.groups.push(RegionGroup { positions: positions.to_vec(), name: name.to_owned() }),
    }
    recipe.groups.sort_by_key(|group| group.positions[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Concept, Fusion, Owner, Paint, RegionFactor, RegionOwner, RegionPaint};
    use crate::studio::document::regions::labels::{RegionLabels, tests::tokens};

    fn names(prompt: &str, recipe: &Recipe) -> RegionLabels {
        RegionLabels::new(tokens(prompt), recipe.groups.clone())
    }

    fn cells(x: usize) -> Paint {
        let mut paint = Paint::blank(1, 4);
        paint.set(0, x, 1);
        paint
    }

    fn said() -> Recipe {
        Recipe {
            regions: vec![RegionFactor { position: 6, factor: 1.5 }],
            painted: vec![RegionPaint { position: 5, cells: cells(0) }, RegionPaint { position: 6, cells: cells(2) }],
            concepts: vec![Concept { lock: vec![2, 6], ..Concept::default() }],
            fusion: Some(Fusion {
                owners: vec![RegionOwner { position: 6, owner: Owner::Expert }],
                ..Fusion::default()
            }),
            ..Recipe::default()
        }
    }

    #[test]
    fn what_was_said_of_a_word_is_said_of_the_merged_region() {
        let mut recipe = said();
        merge(&mut recipe, &[6, 5]);
        assert_eq!(recipe.groups[0].positions, [5, 6]);
        assert_eq!(recipe.regions, [RegionFactor { position: 5, factor: 1.5 }]);
        assert_eq!(recipe.concepts[0].lock, [2, 5]);
        assert_eq!(recipe.painted.len(), 1);
        assert_eq!(recipe.painted[0].cells.to_string(), "1x4: 1*1 0*1 1*1");
        assert_eq!(recipe.fusion.as_ref().map(|f| f.owners[0].position), Some(5));
        assert_eq!(recipe.validate(), Ok(()));
        split_up(&mut recipe, 6);
        assert!(recipe.groups.is_empty());
        assert_eq!((recipe.region_factor(5), recipe.region_factor(6)), (1.5, 1.5));
        assert_eq!(recipe.concepts[0].lock, [2, 5, 6]);
    }

    #[test]
    fn merging_a_merged_region_takes_all_of_it_and_keeps_its_name() {
        let mut recipe = Recipe::default();
        merge(&mut recipe, &[5, 6]);
        rename(&mut recipe, &[5, 6], "prize");
        merge(&mut recipe, &[2, 6]);
        assert_eq!(recipe.groups, [RegionGroup { positions: vec![2, 5, 6], name: "prize".into() }]);
    }

    #[test]
    fn a_single_word_has_a_name_only_while_it_is_given_one() {
        let mut recipe = Recipe::default();
        rename(&mut recipe, &[2], "Tom");
        assert_eq!(names("a cat", &recipe).name(2), "Tom");
        rename(&mut recipe, &[2], "");
        assert!(recipe.groups.is_empty());
    }
}
