//! Settings of the regions of a prompt: merged words, painted corrections, factors on the guidance, and owners.
//!
//! Apart from the recipe because three parts of it name regions. A region is named by the position of its token in the
//! encoded prompt; a region of several tokens by the first of them. A position at which no word stands names the
//! background. Which positions these are follows from the tokens that the model gives, not from the recipe.

use serde::{Deserialize, Serialize};

use super::{options::Owner, paint::Paint};

/// The user's own factor on the guidance of one region (`override` in the loop's formula).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionFactor {
    /// Position of the token that owns the region, in the encoded prompt.
    pub position: usize,
    /// 0 to 10; 1 changes nothing, 0 leaves the region unguided.
    pub factor: f32,
}

/// Tokens that count as one region: "red" and "balloon".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegionGroup {
    /// Positions in the encoded prompt, ascending. The first names the region. A group of one token only has a name.
    pub positions: Vec<usize>,
    /// The region's display name; empty: its words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Elements that a brush added to a region or took from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionPaint {
    /// Position of the token that names the region.
    pub position: usize,
    /// Above 0: the region owns the element regardless of the attention; below 0: it never does.
    pub cells: Paint,
}

/// Who draws a region in a fusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionOwner {
    /// Position of the token that names the region.
    pub position: usize,
    pub owner: Owner,
}

/// The group that contains a position.
pub fn group_of(groups: &[RegionGroup], position: usize) -> Option<&RegionGroup> {
    groups.iter().find(|group| group.positions.contains(&position))
}

/// The position that names the region of a token: the first of its group, else its own.
pub fn first_of(groups: &[RegionGroup], position: usize) -> usize {
    group_of(groups, position).and_then(|group| group.positions.first().copied()).unwrap_or(position)
}
