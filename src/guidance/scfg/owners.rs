//! Who owns each element: the token whose refined map is the largest there (algorithms.md §1.2, Owners).
//!
//! Apart because attention decides it first, and the user's merged and painted regions decide it again.

use crate::{recipe::Profile, tensor::Plane};

/// The owning token positions of every element: one each; several only in `reference`, on exact ties.
#[derive(Clone, Debug)]
pub(super) struct Owners {
    /// Index into `sets`.
    index: Plane<usize>,
    /// Each occurring set once, ascending.
    sets: Vec<Vec<u16>>,
}

impl Owners {
    /// The positions with the largest of the token `maps` at each element.
    pub(super) fn new(profile: Profile, maps: &[Plane]) -> Self {
        let mut largest = maps[0].map(|_| f32::NEG_INFINITY).values;
        // Position 0 where there is nothing but NaN: the run ends with an error for it, but not here.
        let mut first = vec![0; largest.len()];
        for (k, map) in maps.iter().enumerate() {
            for ((largest, first), &value) in largest.iter_mut().zip(&mut first).zip(&map.values) {
                if value > *largest {
                    (*largest, *first) = (value, k as u16);
                }
            }
        }
        let mut sets = Sets::default();
        let set_of = |(p, &first): (usize, &u16)| {
            let later = maps.iter().enumerate().skip(usize::from(first) + 1);
            let ties = later.filter(|(_, map)| profile == Profile::Reference && map.values[p] >= largest[p]);
            sets.index(std::iter::once(first).chain(ties.map(|(k, _)| k as u16)).collect())
        };
        let index = first.iter().enumerate().map(set_of).collect();
        Self { index: Plane::new(maps[0].height, maps[0].width, index), sets: sets.0 }
    }

    /// On another grid, by the nearest element.
    pub(super) fn resized(&self, [height, width]: [usize; 2]) -> Self {
        Self { index: self.index.resize_nearest(height, width), sets: self.sets.clone() }
    }

    /// With the user's corrections; [`super::Segmentation::with_owners`] says which.
    pub(super) fn corrected(
        &self,
        profile: Profile,
        maps: &[Plane],
        united: &[u16],
        may_own: &dyn Fn(usize) -> Option<Vec<bool>>,
    ) -> Self {
        let (h, w, grid) = (self.index.height, self.index.width, &maps[0]);
        let mut sets = Sets::default();
        let mut index = Vec::with_capacity(h * w);
        for (element, &known) in self.index.values.iter().enumerate() {
            let (y, x) = (element / w, element % w);
            let mut set = match may_own(element) {
                Some(allowed) => {
                    let place = (y * grid.height / h) * grid.width + x * grid.width / w;
                    best(profile, maps, place, |k| allowed.get(k).is_some_and(|&may| may))
                }
                None => self.sets[known].clone(),
            };
            set.iter_mut().for_each(|k| *k = united.get(usize::from(*k)).copied().unwrap_or(*k));
            set.sort_unstable();
            set.dedup();
            index.push(sets.index(set));
        }
        Self { index: Plane::new(h, w, index), sets: sets.0 }
    }

    /// The first owning position of each element.
    pub(super) fn first(&self) -> Plane<u16> {
        self.index.map(|set| self.sets[set][0])
    }

    /// A map of what `of` makes of each element's owning positions.
    pub(super) fn map(&self, of: impl Fn(&[u16]) -> f32) -> Plane {
        self.index.map(|set| of(&self.sets[set]))
    }

    /// Element by element, in row-major order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u16]> {
        self.index.values.iter().map(|&set| self.sets[set].as_slice())
    }

    /// Memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.index.values.as_slice())
    }
}

/// Owner sets, each once.
#[derive(Default)]
struct Sets(Vec<Vec<u16>>);

impl Sets {
    fn index(&mut self, set: Vec<u16>) -> usize {
        self.0.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.0.push(set);
            self.0.len() - 1
        })
    }
}

/// The tokens with the largest map at element `p` of those that `may` own it; one, or in `reference` all that tie.
fn best(profile: Profile, maps: &[Plane], p: usize, may: impl Fn(usize) -> bool) -> Vec<u16> {
    let of = || (0..maps.len()).filter(|&k| may(k));
    let most = of().map(|k| maps[k].values[p]).fold(f32::NEG_INFINITY, f32::max);
    let mut set: Vec<u16> = of().filter(|&k| maps[k].values[p] >= most).map(|k| k as u16).collect();
    if set.is_empty() {
        // Nothing but NaN: the run ends with an error for it, but not here.
        set.push(0);
    }
    if profile == Profile::Fixed {
        set.truncate(1);
    }
    set
}
