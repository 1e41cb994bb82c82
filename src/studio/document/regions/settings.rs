//! What a recipe says of single regions: factors, locks, owners.
//!
//! A value that says nothing (factor 1, no owner) is not kept, so that equal settings are equal recipes.

use crate::recipe::{Owner, Recipe, RegionFactor, RegionOwner};

/// Sets the user's own factor on a region's guidance.
pub fn set_factor(recipe: &mut Recipe, position: usize, factor: f32) {
    recipe.regions.retain(|region| region.position != position);
    if (factor - 1.0).abs() > 1e-4 {
        recipe.regions.push(RegionFactor { position, factor });
        recipe.regions.sort_by_key(|region| region.position);
    }
}

/// Adds a region to a lock, or takes it out.
pub fn toggle_lock(lock: &mut Vec<usize>, position: usize) {
    match lock.iter().position(|p| *p == position) {
        Some(at) => drop(lock.remove(at)),
        None => lock.push(position),
    }
    lock.sort_unstable();
}

/// Sets which model of a fusion draws a region.
pub fn set_owner(owners: &mut Vec<RegionOwner>, region: usize, owner: Owner) {
    owners.retain(|o| o.position != region);
    if owner != Owner::Saliency {
        owners.push(RegionOwner { position: region, owner });
        owners.sort_by_key(|o| o.position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_of_one_is_not_kept() {
        let mut recipe = Recipe::default();
        set_factor(&mut recipe, 5, 1.4);
        set_factor(&mut recipe, 2, 0.5);
        assert_eq!((recipe.region_factor(2), recipe.region_factor(5)), (0.5, 1.4));
        set_factor(&mut recipe, 5, 1.0);
        assert_eq!(recipe.regions, [RegionFactor { position: 2, factor: 0.5 }]);
    }

    #[test]
    fn a_region_without_an_owner_is_not_kept() {
        let mut owners = Vec::new();
        set_owner(&mut owners, 5, Owner::Expert);
        set_owner(&mut owners, 2, Owner::General);
        set_owner(&mut owners, 5, Owner::General);
        let list = [2, 5].map(|position| RegionOwner { position, owner: Owner::General });
        assert_eq!(owners, list);
        set_owner(&mut owners, 2, Owner::Saliency);
        assert_eq!(owners, list[1..]);
    }
}
