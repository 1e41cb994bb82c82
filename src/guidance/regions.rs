//! The regions that a recipe's settings refer to: attention's own, with words merged and elements painted.
//!
//! Attention gives every element to one token. Merged words count as the first of them. An element that the user gave to
//! a region belongs to whichever of the region's tokens has the largest map there; one that the user took away belongs to
//! the best of all the others. Without groups and paint the segmentation stays as it is. Apart from `scfg` because no
//! paper has these settings.

use std::sync::Arc;

use super::{resample::painted, scfg::Segmentation};
use crate::{
    recipe::{Concept, Owner, Paint, Profile, Recipe, RegionOwner, first_of},
    tensor::{Plane, Token, TokenKind},
};

/// The region of all that is no word: start, end and padding. Not a position, because a text need not have a start
/// token whose position could stand for it.
const BACKGROUND: u16 = u16::MAX;

/// How the tokens of one prompt are regions of one recipe, on one latent grid.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    /// The position that each token's elements are counted under: its group's first, else its own.
    united: Vec<u16>,
    /// The region of each token: the same, and [`BACKGROUND`] for all that is no word.
    named: Vec<u16>,
    /// Whether words were merged.
    merged: bool,
    /// By region: above 0 where it owns the element, below 0 where it never does.
    painted: Vec<(u16, Paint)>,
    /// The painted factor; `None` where nothing is painted.
    factor: Option<Plane>,
}

impl Regions {
    /// For `tokens`, position by position, and latents of `size`, height and width.
    pub fn new(recipe: &Recipe, tokens: &[Token], size: [usize; 2]) -> Self {
        let united: Vec<u16> = tokens.iter().map(|t| first_of(&recipe.groups, t.position) as u16).collect();
        // A word that is merged with what is no word belongs to the background, too.
        let is_word = |position: usize| tokens.get(position).is_some_and(|t| t.kind == TokenKind::Word);
        let name = |token: &Token| match first_of(&recipe.groups, token.position) {
            first if is_word(token.position) && is_word(first) => first as u16,
            _ => BACKGROUND,
        };
        let mut regions = Self {
            named: tokens.iter().map(name).collect(),
            merged: united.iter().zip(tokens).any(|(&first, token)| usize::from(first) != token.position),
            united,
            painted: Vec::new(),
            factor: None,
        };
        let [h, w] = size;
        let layers = recipe.painted.iter().filter(|layer| !layer.cells.is_empty());
        regions.painted = layers.map(|layer| (regions.region(layer.position), layer.cells.resized(h, w))).collect();
        regions.factor = painted(&recipe.painted_factor, size).map(|map| map.map(|level| 1.0 + level));
        regions
    }

    /// The region that a setting means by a position: the background where no word stands.
    fn region(&self, position: usize) -> u16 {
        self.named.get(position).copied().unwrap_or(BACKGROUND)
    }

    /// The segmentation with the user's groups and paint applied; the same `Arc` where there are none.
    pub fn correct(&self, profile: Profile, segmentation: Arc<Segmentation>) -> Arc<Segmentation> {
        if !self.merged && self.painted.is_empty() {
            return segmentation;
        }
        Arc::new(segmentation.with_owners(profile, &self.united, &|element| self.may_own(element)))
    }

    /// Which tokens may own an element; `None` where nothing is painted, and where every token is excluded.
    fn may_own(&self, element: usize) -> Option<Vec<bool>> {
        let levels = self.painted.iter().map(|(region, cells)| (*region, cells.levels()[element]));
        let painted: Vec<(u16, i16)> = levels.filter(|(_, level)| *level != 0).collect();
        let given = painted.iter().find(|(_, level)| *level > 0);
        let allowed = |region: &u16| match given {
            Some((owner, _)) => region == owner,
            None => !painted.iter().any(|(taken, _)| taken == region),
        };
        let allowed: Vec<bool> = self.named.iter().map(allowed).collect();
        (!painted.is_empty() && allowed.contains(&true)).then_some(allowed)
    }

    /// The region of every element, from its owning token.
    pub fn of_owners(&self, owners: &Plane<u16>) -> Plane<u16> {
        owners.map(|position| self.region(usize::from(position)))
    }

    /// The user's factors, element by element: the region's times the painted one; `None` where all are 1. `regions` is
    /// what [`Regions::of_owners`] gave.
    pub fn factors(&self, recipe: &Recipe, regions: &Plane<u16>) -> Option<Plane> {
        let chosen: Vec<(u16, f32)> = recipe.regions.iter().map(|r| (self.region(r.position), r.factor)).collect();
        let own = |region: u16| chosen.iter().find(|(r, _)| *r == region).map_or(1.0, |(_, factor)| *factor);
        match &self.factor {
            Some(painted) => {
                let values = regions.values.iter().zip(&painted.values).map(|(&region, p)| own(region) * p).collect();
                Some(Plane::new(regions.height, regions.width, values))
            }
            None => (!chosen.is_empty()).then(|| regions.map(own)),
        }
    }

    /// Where a concept may act; `None`: everywhere.
    pub fn lock(&self, concept: &Concept, regions: &Plane<u16>) -> Option<Plane<bool>> {
        let lock: Vec<u16> = concept.lock.iter().map(|&position| self.region(position)).collect();
        (!lock.is_empty()).then(|| regions.map(|region| lock.contains(&region)))
    }

    /// Which model the user lets draw each element; `None` where no region has an owner.
    pub fn owners(&self, owners: &[RegionOwner], regions: &Plane<u16>) -> Option<Plane<Owner>> {
        let chosen: Vec<(u16, Owner)> = owners.iter().map(|o| (self.region(o.position), o.owner)).collect();
        let own = |region: u16| chosen.iter().find(|(r, _)| *r == region).map_or(Owner::Saliency, |(_, owner)| *owner);
        (!chosen.is_empty()).then(|| regions.map(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        guidance::{
            scfg::{self, Layer},
            tasks::sequential,
        },
        recipe::{RegionFactor, RegionGroup, RegionOwner, RegionPaint, Scfg},
        tensor::HostAttention,
    };

    /// The position of the start token, which names the background.
    const START: usize = 0;

    /// Start token, "red", "balloon", "sky".
    fn tokens() -> Vec<Token> {
        let kind = |position| if position == START { TokenKind::Start } else { TokenKind::Word };
        (0..4).map(|position| Token { position, text: "x".into(), kind: kind(position) }).collect()
    }

    /// A row of eight elements that do not look at each other: two for each token, and each token's second best is the
    /// next one.
    fn segmentation(profile: Profile) -> Arc<Segmentation> {
        let attention = || -> [Layer; 1] {
            let map = |p: usize, k: usize| match (p / 2 + 4 - k) % 4 {
                0 => 0.7,
                3 => 0.2,
                _ => 0.05,
            };
            let cross: Vec<f32> = (0..64 * 4).map(|i| map(i % 64 % 8, i / 64)).collect();
            let own: Vec<f32> = (0..64 * 64).map(|i| f32::from(u8::from(i / 64 == i % 64))).collect();
            [Box::new(HostAttention::new([8, 8], own, cross))]
        };
        let found = scfg::segment(profile, &attention(), &attention(), Some(0), [8, 8], &sequential);
        Arc::new(found.expect("maps on the host"))
    }

    fn owners(recipe: &Recipe, profile: Profile) -> Vec<u16> {
        let regions = Regions::new(recipe, &tokens(), [8, 8]);
        regions.correct(profile, segmentation(profile)).region().values[..8].to_vec()
    }

    fn paint(position: usize, marks: &[(usize, i16)]) -> RegionPaint {
        let mut cells = Paint::blank(8, 8);
        marks.iter().for_each(|&(x, level)| cells.set(0, x, level));
        RegionPaint { position, cells }
    }

    fn merged() -> Recipe {
        Recipe { groups: vec![RegionGroup { positions: vec![1, 2], name: String::new() }], ..Recipe::default() }
    }

    #[test]
    fn what_says_nothing_gives_the_very_same_segmentation() {
        let named = Recipe {
            groups: vec![RegionGroup { positions: vec![2], name: "prize".into() }],
            painted: vec![paint(1, &[])],
            ..Recipe::default()
        };
        for recipe in [Recipe::default(), named] {
            let regions = Regions::new(&recipe, &tokens(), [8, 8]);
            let before = segmentation(Profile::Fixed);
            assert!(Arc::ptr_eq(&before, &regions.correct(Profile::Fixed, before.clone())));
            assert_eq!(regions.factors(&recipe, &before.region()), None);
        }
    }

    #[test]
    fn merged_words_are_one_region_with_one_rate() {
        for profile in [Profile::Fixed, Profile::Reference] {
            assert_eq!(owners(&Recipe::default(), profile), [0, 0, 1, 1, 2, 2, 3, 3], "{profile}");
            assert_eq!(owners(&merged(), profile), [0, 0, 1, 1, 1, 1, 3, 3], "{profile}");
        }
        let segmentation = Regions::new(&merged(), &tokens(), [8, 8]).correct(
            Profile::Fixed,
            // Half of the rows are foreground, so that there is something to compare with.
            segmentation(Profile::Fixed),
        );
        // The difference of the predictions is 1 where "red" is and 3 where "balloon" is: 2 on average.
        let uncond = crate::tensor::Latents::zeros(1, 8, 8);
        let cond = uncond.like((0..64).map(|i| [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 1.0, 1.0][i % 8]).collect());
        let settings = Scfg { rate_min: 0.0, rate_max: 100.0, scale_cap: 1e3, ..Scfg::default() };
        let rate = scfg::rate(Profile::Fixed, &settings, 1.0, &segmentation, &uncond, &cond);
        assert!((rate.at(4, 3) - rate.at(4, 4)).abs() < 1e-5, "one rate for both words: {:?}", &rate.values[..8]);
    }

    #[test]
    fn painted_elements_change_hands() {
        let given = Recipe { painted: vec![paint(3, &[(2, 1)])], ..Recipe::default() };
        assert_eq!(owners(&given, Profile::Fixed), [0, 0, 3, 1, 2, 2, 3, 3]);
        let taken = Recipe { painted: vec![paint(1, &[(3, -1)])], ..Recipe::default() };
        assert_eq!(owners(&taken, Profile::Fixed), [0, 0, 1, 2, 2, 2, 3, 3], "the next best");
        let background = Recipe { painted: vec![paint(START, &[(7, 1), (0, -1)])], ..Recipe::default() };
        assert_eq!(owners(&background, Profile::Fixed), [1, 0, 1, 1, 2, 2, 3, 0]);
        let all = Recipe { painted: (0..4).map(|p| paint(p, &[(2, -1)])).collect(), ..Recipe::default() };
        assert_eq!(owners(&all, Profile::Fixed)[2], 1, "what nobody may have stays");
        let group = Recipe { painted: vec![paint(1, &[(7, 1), (5, -1)])], ..merged() };
        assert_eq!(owners(&group, Profile::Fixed), [0, 0, 1, 1, 1, 3, 3, 1], "given to and taken from both words");
    }

    #[test]
    fn settings_of_a_region_hold_for_all_of_its_words_and_for_painted_places() {
        let mut recipe = merged();
        recipe.regions = vec![RegionFactor { position: 2, factor: 0.5 }];
        recipe.painted_factor = Paint::blank(1, 8);
        recipe.painted_factor.set(0, 7, 100);
        let regions = Regions::new(&recipe, &tokens(), [1, 8]);
        let map = regions.of_owners(&Plane::new(1, 8, vec![0, 0, 1, 1, 2, 2, 3, 3]));
        assert_eq!(map.values, [BACKGROUND, BACKGROUND, 1, 1, 1, 1, 3, 3]);
        let factors = regions.factors(&recipe, &map).map(|f| f.values);
        assert_eq!(factors, Some(vec![1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0]));
        let concept = Concept { lock: vec![2, START], ..Concept::default() };
        let lock = regions.lock(&concept, &map).map(|l| l.values);
        assert_eq!(lock, Some(vec![true, true, true, true, true, true, false, false]));
        assert_eq!(regions.lock(&Concept::default(), &map), None);
        let expert = [RegionOwner { position: 1, owner: Owner::Expert }];
        let owned = regions.owners(&expert, &map).map(|o| o.values[1..4].to_vec());
        assert_eq!(owned, Some(vec![Owner::Saliency, Owner::Expert, Owner::Expert]));
        assert_eq!(regions.owners(&[], &map), None);
    }

    #[test]
    fn a_word_merged_with_the_background_belongs_to_it() {
        let group = RegionGroup { positions: vec![START, 2], name: String::new() };
        let factor = RegionFactor { position: START, factor: 0.5 };
        let recipe = Recipe { groups: vec![group], regions: vec![factor], ..Recipe::default() };
        let regions = Regions::new(&recipe, &tokens(), [1, 4]);
        let map = regions.of_owners(&Plane::new(1, 4, vec![0, 1, 2, 3]));
        assert_eq!(regions.factors(&recipe, &map).map(|f| f.values), Some(vec![0.5, 1.0, 0.5, 1.0]));
    }

    #[test]
    fn without_a_start_token_the_first_word_is_a_region_like_any_other() {
        let word = |position| Token { position, text: "x".into(), kind: TokenKind::Word };
        let end = Token { position: 2, text: String::new(), kind: TokenKind::End };
        let mut recipe = Recipe { regions: vec![RegionFactor { position: 0, factor: 0.5 }], ..Recipe::default() };
        let regions = Regions::new(&recipe, &[word(0), word(1), end], [1, 3]);
        let map = regions.of_owners(&Plane::new(1, 3, vec![0, 1, 2]));
        assert_eq!(regions.factors(&recipe, &map).map(|f| f.values), Some(vec![0.5, 1.0, 1.0]));
        // Any position without a word names the background.
        recipe.regions[0].position = 2;
        assert_eq!(regions.factors(&recipe, &map).map(|f| f.values), Some(vec![1.0, 1.0, 0.5]));
    }
}
