//! Labels of the regions of a run: which words they are made of, and what they are called.

use std::sync::Arc;

use crate::{
    engine::{ScfgReport, Token, TokenKind},
    recipe::{Recipe, RegionGroup, first_of, group_of},
    studio::document::track::Track,
    tensor::background_position,
};

/// The name of the region that belongs to no word.
const NO_WORD: &str = "background";

/// The tokens of a run, and which of them count as one region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegionLabels {
    tokens: Arc<Vec<Token>>,
    groups: Vec<RegionGroup>,
}

impl RegionLabels {
    pub fn new(tokens: Arc<Vec<Token>>, groups: Vec<RegionGroup>) -> Self {
        Self { tokens, groups }
    }

    /// The labels of a run, under the names that `recipe`, which is being edited, gives to the same words.
    pub fn of(track: &Track, recipe: &Recipe) -> Self {
        let mut groups = track.recipe.groups.clone();
        if track.recipe.prompt == recipe.prompt {
            groups.retain(|group| group.positions.len() > 1);
            for named in &recipe.groups {
                if let Some(group) = groups.iter_mut().find(|group| group.positions == named.positions) {
                    group.name.clone_from(&named.name);
                } else if named.positions.len() == 1 && group_of(&groups, named.positions[0]).is_none() {
                    groups.push(named.clone());
                }
            }
        }
        Self::new(track.tokens.clone(), groups)
    }

    pub fn is_word(&self, position: usize) -> bool {
        self.tokens.iter().any(|t| t.position == position && t.kind == TokenKind::Word)
    }

    /// The position that names the background: the region of all tokens that are no word.
    pub fn background(&self) -> usize {
        background_position(&self.tokens)
    }

    /// The region that a token belongs to: its group's first word, its own, or the background.
    pub fn region_of(&self, position: usize) -> usize {
        if self.is_word(position) { first_of(&self.groups, position) } else { self.background() }
    }

    /// The positions of a region's words; none for the background.
    pub fn words_of(&self, region: usize) -> Vec<usize> {
        match group_of(&self.groups, region) {
            Some(group) => group.positions.clone(),
            None if self.is_word(region) => vec![region],
            None => Vec::new(),
        }
    }

    /// The name of a token's region: the one that it was given, else its words.
    pub fn name(&self, position: usize) -> String {
        if !self.is_word(position) {
            return NO_WORD.to_owned();
        }
        let given = group_of(&self.groups, position).map(|group| group.name.trim()).filter(|name| !name.is_empty());
        given.map_or_else(|| self.joined(&self.words_of(position)), str::to_owned)
    }

    /// The words at `positions`, in the order of the prompt.
    pub fn joined(&self, positions: &[usize]) -> String {
        let words = self.tokens.iter().filter(|t| positions.contains(&t.position)).map(|t| t.text.trim());
        words.collect::<Vec<_>>().join(" ")
    }

    /// The position that gives a token's region its colour, the same at every step and in every take: its group's first
    /// word; `None` for what is no word.
    pub fn color_position(&self, position: usize) -> Option<usize> {
        self.is_word(position).then(|| first_of(&self.groups, position))
    }

    /// The regions of the prompt's words in their order: position and name.
    pub fn regions(&self) -> Vec<(usize, String)> {
        let words = self.tokens.iter().filter(|t| t.kind == TokenKind::Word).map(|t| t.position);
        words.filter(|&p| self.region_of(p) == p).map(|p| (p, self.name(p))).collect()
    }

    /// The share of each region that occurs, largest first.
    pub fn shares(&self, scfg: &ScfgReport) -> Vec<(usize, f32)> {
        let mut shares: Vec<(usize, f32)> = Vec::new();
        for &(position, share) in &scfg.shares {
            let region = self.region_of(position);
            match shares.iter_mut().find(|(known, _)| *known == region) {
                Some((_, sum)) => *sum += share,
                None => shares.push((region, share)),
            }
        }
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        shares
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::tensor::Plane;

    pub fn tokens(prompt: &str) -> Arc<Vec<Token>> {
        let token = |position, text: &str, kind| Token { position, text: text.to_owned(), kind };
        let start = token(0, "", TokenKind::Start);
        let words = prompt.split_whitespace().enumerate().map(|(i, text)| token(i + 1, text, TokenKind::Word));
        Arc::new(std::iter::once(start).chain(words).collect())
    }

    fn merged(positions: &[usize], name: &str) -> RegionLabels {
        let group = RegionGroup { positions: positions.to_vec(), name: name.into() };
        RegionLabels::new(tokens("a cat and a red balloon"), vec![group])
    }

    #[test]
    fn merged_words_have_one_name_one_colour_and_one_share() {
        let names = merged(&[5, 6], "");
        assert_eq!((names.name(5), names.name(6)), ("red balloon".into(), "red balloon".into()));
        assert_eq!((names.region_of(6), names.region_of(2), names.region_of(31)), (5, 2, 0));
        assert_eq!((names.color_position(6), names.color_position(0)), (Some(5), None));
        let region = Plane::new(1, 5, vec![2, 5, 6, 0, 31]);
        let attention = Default::default();
        let shares = [2, 5, 6, 0, 31].map(|p| (p, 0.2)).to_vec();
        let report =
            ScfgReport { foreground: region.map(|_| 1), rate: region.map(f32::from), region, shares, attention };
        assert_eq!(names.shares(&report), [(0, 0.4), (5, 0.4), (2, 0.2)]);
        assert_eq!(merged(&[5, 6], "  the prize ").name(6), "the prize");
    }

    #[test]
    fn the_background_is_named_by_a_position_without_a_word() {
        let word = |position| Token { position, text: "a".into(), kind: TokenKind::Word };
        let padding = Token { position: 2, text: String::new(), kind: TokenKind::Padding };
        let labels = |tokens: Vec<Token>| RegionLabels::new(Arc::new(tokens), Vec::new());
        let padded = labels(vec![word(0), word(1), padding]);
        assert_eq!((padded.background(), padded.region_of(0), padded.region_of(7)), (2, 0, 2));
        let words = labels(vec![word(0), word(1)]);
        assert_eq!((words.background(), words.name(0), words.name(2)), (2, "a".into(), NO_WORD.into()));
        assert_eq!(labels(tokens("a cat").to_vec()).background(), 0, "the start token");
    }

    #[test]
    fn a_take_is_read_under_the_names_that_are_given_now() {
        let recipe = Recipe {
            groups: vec![RegionGroup { positions: vec![2], name: "Tom".into() }],
            prompt: "a cat".into(),
            ..Recipe::default()
        };
        let track = Track {
            recipe: Recipe { groups: Vec::new(), ..recipe.clone() },
            tokens: tokens("a cat"),
            ..Track::default()
        };
        assert_eq!(RegionLabels::of(&track, &recipe).name(2), "Tom");
        let other = Recipe { prompt: "a dog".into(), ..recipe };
        assert_eq!(RegionLabels::of(&track, &other).name(2), "cat");
    }
}
