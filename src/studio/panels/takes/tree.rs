//! Takes as a tree: the parent of a take is the one that its recipe was changed from.
//!
//! Apart from drawing so that the order of takes follows without a window.

use std::collections::{HashMap, HashSet};

use super::search::Search;
use crate::studio::document::takes::{Take, TakeId};

/// A take's place in the strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub id: TakeId,
    /// The place in the strip of the take's parent.
    pub parent: Option<usize>,
    /// Takes before it that are folded into it, the oldest first.
    pub folded: Vec<TakeId>,
}

/// The takes that match `filter`, every branch in one piece: a take is followed by all that was made from it, the
/// oldest first. The parent of a take is its nearest ancestor that matches. A take that `folds` goes into the place of the
/// one that was made from it.
pub fn places(takes: &[Take], filter: &str, folds: impl Fn(&Take) -> bool) -> Vec<Place> {
    let by_id: HashMap<TakeId, &Take> = takes.iter().map(|take| (take.id, take)).collect();
    let mut children: HashMap<Option<TakeId>, Vec<TakeId>> = HashMap::new();
    for take in takes {
        // A take whose parent is missing stands alone.
        let parent = take.parent.filter(|id| by_id.contains_key(id));
        children.entry(parent).or_default().push(take.id);
    }
    let made_from = |id: Option<TakeId>| children.get(&id).map_or(&[][..], Vec::as_slice);
    let search = Search::new(filter);
    let mut order: Vec<Place> = Vec::with_capacity(takes.len());
    let mut stack: Vec<(TakeId, Option<usize>, Vec<TakeId>)> =
        made_from(None).iter().rev().map(|id| (*id, None, Vec::new())).collect();
    while let Some((id, above, mut folded)) = stack.pop() {
        let Some(take) = by_id.get(&id) else { continue };
        let next = made_from(Some(id));
        let mut at = above;
        if next.len() == 1 && filter.trim().is_empty() && folds(take) {
            folded.push(id);
            stack.push((next[0], above, folded));
            continue;
        }
        if search.matches(take) {
            order.push(Place { id, parent: above, folded });
            at = Some(order.len() - 1);
        }
        stack.extend(next.iter().rev().map(|child| (*child, at, Vec::new())));
    }
    order
}

/// Lines to heads of branches run in at most this many lanes, which separate the lines from different takes.
const LANES: usize = 3;

/// The lane of the line to the head of each branch: the same for all that were made from one take, another for the next take
/// that branches.
pub fn lanes(places: &[Place]) -> Vec<usize> {
    let head = |at: usize| places[at].parent.filter(|parent| parent + 1 != at);
    let mut branching: Vec<usize> = (0..places.len()).filter_map(head).collect();
    branching.sort_unstable();
    branching.dedup();
    let lane = |at| head(at).and_then(|parent| branching.binary_search(&parent).ok()).map_or(0, |lane| lane % LANES);
    (0..places.len()).map(lane).collect()
}

/// The number of takes from which nothing was made.
pub fn branches(takes: &[Take]) -> usize {
    let parents: HashSet<TakeId> = takes.iter().filter_map(|take| take.parent).collect();
    takes.iter().filter(|take| !parents.contains(&take.id)).count()
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
        places(takes, filter, |_| false).into_iter().map(|place| (place.id.0, place.parent)).collect()
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
        let places = places(&takes, "", |_| false);
        let heads: Vec<_> = (0..places.len()).filter(|&at| places[at].parent.is_some_and(|p| p + 1 != at)).collect();
        let lanes: Vec<_> = heads.iter().map(|&at| (places[at].id.0, lanes(&places)[at])).collect();
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

    #[test]
    fn the_steps_of_a_drag_go_into_the_place_of_its_end() {
        // 1 - 2 - 3 - 4, and 5 from 2.
        let takes = takes(&[None, Some(1), Some(2), Some(3), Some(2)]);
        let folded = |folds: &[u64]| -> Vec<(u64, Vec<u64>)> {
            let places = places(&takes, "", |take| folds.contains(&take.id.0));
            places.into_iter().map(|place| (place.id.0, place.folded.iter().map(|id| id.0).collect())).collect()
        };
        assert_eq!(folded(&[3]), [(1, vec![]), (2, vec![]), (4, vec![3]), (5, vec![])]);
        assert_eq!(folded(&[2, 3]), folded(&[3]), "where a branch begins stays");
        assert_eq!(folded(&[4]), folded(&[]), "the end of a branch stays");
        assert_eq!(folded(&[1])[0], (2, vec![1]));
        let found = places(&takes, "take 3", |_| true);
        assert_eq!(found.len(), 1, "what is searched for is not hidden");
    }
}
