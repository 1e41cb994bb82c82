//! Takes as a tree: the parent of a take is the one that its recipe was changed from.
//!
//! Apart from drawing so that the order of takes follows without a window.

use std::collections::{HashMap, HashSet};

use crate::studio::document::takes::{Take, TakeId};

/// A take's place in the strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub id: TakeId,
    /// The place in the strip of the take's parent.
    pub parent: Option<usize>,
}

/// The takes that match `filter`, every branch in one piece: a take is followed by all that was made from it, the
/// oldest first. The parent of a take is its nearest ancestor that matches.
pub fn places(takes: &[Take], filter: &str) -> Vec<Place> {
    let places_of: HashMap<TakeId, usize> = takes.iter().enumerate().map(|(i, take)| (take.id, i)).collect();
    // For each take those made from it, the oldest first; last, those whose parent is missing.
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); takes.len() + 1];
    for (i, take) in takes.iter().enumerate() {
        let parent = take.parent.and_then(|id| places_of.get(&id)).copied();
        children[parent.unwrap_or(takes.len())].push(i);
    }
    let mut order = Vec::with_capacity(takes.len());
    let mut stack: Vec<(usize, Option<usize>)> = children[takes.len()].iter().rev().map(|&i| (i, None)).collect();
    while let Some((i, above)) = stack.pop() {
        let mut at = above;
        if matches(&takes[i], filter) {
            order.push(Place { id: takes[i].id, parent: above });
            at = Some(order.len() - 1);
        }
        stack.extend(children[i].iter().rev().map(|&child| (child, at)));
    }
    order
}

/// Lines to heads of branches run in at most this many lanes, which separate the lines from different takes.
const LANES: usize = 3;

/// The lane of the line to the head of a branch at `at`: the same for all that were made from one take, another for
/// the next take that branches.
pub fn lane(places: &[Place], at: usize) -> usize {
    let head = |at: usize| places[at].parent.filter(|parent| parent + 1 != at);
    let mut branching: Vec<usize> = (0..places.len()).filter_map(head).collect();
    branching.sort_unstable();
    branching.dedup();
    head(at).and_then(|parent| branching.binary_search(&parent).ok()).map_or(0, |lane| lane % LANES)
}

/// The number of takes from which nothing was made.
pub fn branches(takes: &[Take]) -> usize {
    let parents: HashSet<TakeId> = takes.iter().filter_map(|take| take.parent).collect();
    takes.iter().filter(|take| !parents.contains(&take.id)).count()
}

/// Asks for takes with a star, among the words of a filter.
pub const STARRED: &str = "*";

/// Whether a take's name, prompt, concepts or seed contain every word of the filter; `*` asks for a star.
fn matches(take: &Take, filter: &str) -> bool {
    if filter.trim().is_empty() {
        return true;
    }
    let recipe = &take.track.recipe;
    let concepts = recipe.active_concepts().map(|c| c.text.as_str());
    let said: String = [take.name.as_str(), recipe.prompt.as_str(), &format!("seed {}", recipe.seed)]
        .into_iter()
        .chain(concepts)
        .flat_map(|text| [text, "\n"])
        .collect();
    let said = said.to_lowercase();
    filter
        .split_whitespace()
        .all(|word| if word == STARRED { take.starred } else { said.contains(&word.to_lowercase()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recipe::Recipe, studio::document::track::Track};

    /// Takes named 1, 2, …, each with its parent's number.
    fn takes(parents: &[Option<u64>]) -> Vec<Take> {
        let take = |(i, parent): (usize, &Option<u64>)| Take {
            id: TakeId(i as u64 + 1),
            name: format!("take {}", i + 1),
            track: Track::new(Recipe { prompt: format!("prompt {}", i + 1), ..Recipe::default() }),
            elapsed: Default::default(),
            created: 0,
            parent: parent.map(TakeId),
            starred: false,
        };
        parents.iter().enumerate().map(take).collect()
    }

    fn order(takes: &[Take], filter: &str) -> Vec<(u64, Option<usize>)> {
        places(takes, filter).into_iter().map(|place| (place.id.0, place.parent)).collect()
    }

    #[test]
    fn branches_stay_together() {
        let takes = takes(&[None, Some(1), Some(1), Some(2), Some(3), Some(9)]);
        let expected = [(1, None), (2, Some(0)), (4, Some(1)), (3, Some(0)), (5, Some(3)), (6, None)];
        assert_eq!(order(&takes, ""), expected, "take 6 lost its parent and stands alone");
        assert_eq!(branches(&takes), 3);
    }

    #[test]
    fn branches_of_one_take_share_a_lane_and_others_have_their_own() {
        // 1 - 2 - 3, 1 - 4 - 5, 4 - 6, 1 - 7
        let takes = takes(&[None, Some(1), Some(2), Some(1), Some(4), Some(4), Some(1)]);
        let places = places(&takes, "");
        let heads: Vec<_> = (0..places.len()).filter(|&at| places[at].parent.is_some_and(|p| p + 1 != at)).collect();
        let lanes: Vec<_> = heads.iter().map(|&at| (places[at].id.0, lane(&places, at))).collect();
        assert_eq!(lanes, [(4, 0), (6, 1), (7, 0)]);
    }

    #[test]
    fn a_filter_hides_takes_but_keeps_the_line() {
        let mut takes = takes(&[None, Some(1), Some(2)]);
        takes[1].name = "other".into();
        assert_eq!(order(&takes, "TAKE"), [(1, None), (3, Some(0))]);
        takes[2].starred = true;
        assert_eq!(order(&takes, "* take"), [(3, None)]);
        assert_eq!(order(&takes, "prompt 2"), [(2, None)]);
        assert_eq!(order(&takes, "nowhere"), []);
    }
}
