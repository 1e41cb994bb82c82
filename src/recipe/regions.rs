//! What the user says of the regions of a prompt: which words count as one, whose cells were painted, how strongly each
//! is guided, and who draws it.
//!
//! A region is named by the position of its token in the encoded prompt; one of several tokens by the first of them.

use serde::{Deserialize, Serialize};

use super::{Fusion, Owner, Paint, Recipe};

/// The region of everything that is no word: start, end and padding.
pub const BACKGROUND: usize = 0;

/// The user's own factor on the guidance of one region (`override` in the loop's formula).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionFactor {
    /// Position of the token that owns the region, in the encoded prompt.
    pub position: usize,
    /// 1 changes nothing, 0 leaves the region unguided.
    pub factor: f32,
}

/// Tokens that count as one region: "red" and "balloon".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegionGroup {
    /// Positions in the encoded prompt, ascending. The first names the region; one alone only gives it a name.
    pub positions: Vec<usize>,
    /// What the region is called; empty: its words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// What a brush gave to a region or took from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionPaint {
    pub position: usize,
    /// Above 0: the region owns the element whatever attention says; below 0: it never does.
    pub cells: Paint,
}

/// Who draws a region in a fusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionOwner {
    pub position: usize,
    pub owner: Owner,
}

/// The group that a position belongs to.
pub fn group_of(groups: &[RegionGroup], position: usize) -> Option<&RegionGroup> {
    groups.iter().find(|group| group.positions.contains(&position))
}

/// The position that names the region of a word: its group's first, else its own.
pub fn first_of(groups: &[RegionGroup], position: usize) -> usize {
    group_of(groups, position).and_then(|group| group.positions.first().copied()).unwrap_or(position)
}

impl Recipe {
    /// The user's own factor on the guidance of a region, and on that of every word in its group.
    pub fn region_factor(&self, position: usize) -> f32 {
        let region = first_of(&self.groups, position);
        let own = |r: &&RegionFactor| first_of(&self.groups, r.position) == region;
        self.regions.iter().find(own).map_or(1.0, |r| r.factor)
    }

    /// Whether a setting names regions, so that every step must be segmented.
    pub fn speaks_of_regions(&self) -> bool {
        !self.regions.is_empty()
            || self.active_concepts().any(|c| !c.lock.is_empty())
            || self.active_fusion().is_some_and(|f| !f.owners.is_empty())
    }

    /// Whether two recipes cut their pictures into the same regions where attention is the same: names do not count.
    pub fn divides_like(&self, other: &Self) -> bool {
        let groups = |r: &Self| -> Vec<Vec<usize>> {
            let several = r.groups.iter().filter(|g| g.positions.len() > 1);
            several.map(|g| g.positions.clone()).collect()
        };
        groups(self) == groups(other) && self.painted == other.painted
    }
}

impl Fusion {
    /// Who draws a region: an owner that was chosen, else the contest decides.
    pub fn region_owner(&self, groups: &[RegionGroup], position: usize) -> Owner {
        let region = first_of(groups, position);
        let own = |o: &&RegionOwner| first_of(groups, o.position) == region;
        self.owners.iter().find(own).map_or(Owner::Contest, |o| o.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_answers_to_each_of_its_words() {
        let group = RegionGroup { positions: vec![6, 7], name: "balloon".into() };
        let mut recipe = Recipe { groups: vec![group], ..Recipe::default() };
        recipe.regions = vec![RegionFactor { position: 7, factor: 1.5 }];
        assert_eq!([5, 6, 7, 8].map(|p| recipe.region_factor(p)), [1.0, 1.5, 1.5, 1.0]);
        let owners = vec![RegionOwner { position: 6, owner: Owner::Expert }];
        let fusion = Fusion { owners, ..Fusion::default() };
        assert_eq!(fusion.region_owner(&recipe.groups, 7), Owner::Expert);
        assert_eq!(fusion.region_owner(&[], 7), Owner::Contest);
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
