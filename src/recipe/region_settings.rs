//! The settings of one region in a recipe, and whether two recipes divide their pictures in the same way.
//!
//! Apart from the data of regions because it reads settings from several parts of the recipe.

use super::{
    recipe::Recipe,
    regions::{RegionFactor, first_of},
};

impl Recipe {
    /// The user's own factor on the guidance of a region, and on that of every word in its group.
    pub fn region_factor(&self, position: usize) -> f32 {
        let region = first_of(&self.groups, position);
        let own = |r: &&RegionFactor| first_of(&self.groups, r.position) == region;
        self.regions.iter().find(own).map_or(1.0, |r| r.factor)
    }

    /// Whether a setting names regions, so that every step has to be segmented.
    pub fn speaks_of_regions(&self) -> bool {
        !self.regions.is_empty()
            || self.active_concepts().any(|c| !c.lock.is_empty())
            || self.active_fusion().is_some_and(|f| !f.owners.is_empty())
    }

    /// Whether two recipes give the same regions for the same attention. Names of regions do not count.
    pub fn divides_like(&self, other: &Self) -> bool {
        let groups = |r: &Self| -> Vec<Vec<usize>> {
            let several = r.groups.iter().filter(|g| g.positions.len() > 1);
            several.map(|g| g.positions.clone()).collect()
        };
        groups(self) == groups(other) && self.painted == other.painted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Fusion, Owner, Paint, RegionGroup, RegionOwner, RegionPaint};

    #[test]
    fn a_group_answers_to_each_of_its_words() {
        let group = RegionGroup { positions: vec![6, 7], name: "balloon".into() };
        let mut recipe = Recipe { groups: vec![group], ..Recipe::default() };
        recipe.regions = vec![RegionFactor { position: 7, factor: 1.5 }];
        assert_eq!([5, 6, 7, 8].map(|p| recipe.region_factor(p)), [1.0, 1.5, 1.5, 1.0]);
        let owners = vec![RegionOwner { position: 6, owner: Owner::Expert }];
        let fusion = Fusion { owners, ..Fusion::default() };
        assert_eq!(fusion.region_owner(&recipe.groups, 7), Owner::Expert);
        assert_eq!(fusion.region_owner(&[], 7), Owner::Saliency);
    }

    #[test]
    fn what_is_said_of_regions_reads_well_and_comes_back() {
        let plain = ron::to_string(&Recipe { fusion: Some(Fusion::default()), ..Recipe::default() }).unwrap();
        for new in ["groups", "painted", "owners", "bias"] {
            assert!(!plain.contains(new), "{new} in an untouched recipe: {plain}");
        }
        let mut paint = Paint::blank(4, 4);
        paint.set(1, 2, -150);
        let fusion = Fusion {
            owners: vec![RegionOwner { position: 2, owner: Owner::Expert }],
            bias: paint.clone(),
            ..Fusion::default()
        };
        let recipe = Recipe {
            groups: vec![RegionGroup { positions: vec![6, 7], name: "prize".into() }],
            painted: vec![RegionPaint { position: 6, cells: paint.clone() }],
            painted_factor: paint,
            fusion: Some(fusion),
            ..Recipe::default()
        };
        let text = ron::to_string(&recipe).unwrap();
        assert!(text.contains("cells:\"4x4: 0*6 -150*1\"") && text.contains("owner:expert"), "{text}");
        assert_eq!(ron::from_str::<Recipe>(&text), Ok(recipe.clone()));
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
    }

    #[test]
    fn a_name_divides_nothing() {
        let group = |positions: &[usize], name: &str| RegionGroup { positions: positions.into(), name: name.into() };
        let with = |groups: Vec<RegionGroup>| Recipe { groups, ..Recipe::default() };
        assert!(with(vec![group(&[2], "tom")]).divides_like(&Recipe::default()));
        assert!(with(vec![group(&[2, 3], "tom")]).divides_like(&with(vec![group(&[2, 3], "")])));
        assert!(!with(vec![group(&[2, 3], "")]).divides_like(&Recipe::default()));
    }
}
