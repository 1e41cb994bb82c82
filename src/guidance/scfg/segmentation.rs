//! The segmentation of one step: which token owns each element, and what is foreground (algorithms.md §1.2, Owners).
//!
//! Apart as the value that the engine caches, corrects by the user's settings, and reports.

use super::{
    maps::{Layer, MapsOf},
    owners::Owners,
    refine::refine,
};
use crate::{
    guidance::tasks::Tasks,
    recipe::Profile,
    tensor::{AttentionError, Plane},
};

/// Who owns what: on the attention grid, and at latent size.
#[derive(Clone, Debug)]
pub struct Segmentation {
    /// Refined, normalised token maps of the prompt branch, averaged over layers: L maps on the finest grid.
    pub tokens: Vec<Plane>,
    /// Start-token map and rest map of the unconditional branch, likewise. `None` where the text has no start token
    /// to tell foreground by: then the whole picture takes the foreground's part.
    pub fore: Option<[Plane; 2]>,
    /// At latent size.
    pub(super) owners: Owners,
    /// 1 where an element is foreground, at latent size.
    pub foreground: Plane<u8>,
}

/// Regions and foreground, from the attention of both branches at the chosen [`super::levels`].
///
/// `start` is the position of the start token in the unconditional text, if it has one. Foreground is where its map,
/// divided by its mean, is below that of all other positions: the paper's test. Without a start token `reference` puts
/// position 0 in its place, as the authors' code does, and `fixed` compares with the whole picture.
///
/// # Errors
/// [`AttentionError`] when the device does not give the maps.
pub fn segment(
    profile: Profile,
    cond: &[Layer],
    uncond: &[Layer],
    start: Option<usize>,
    latent_size: [usize; 2],
    tasks: Tasks<'_>,
) -> Result<Segmentation, AttentionError> {
    segment_chunks(profile, cond, uncond, start.as_slice(), latent_size, tasks)
}

/// As [`segment`], for an unconditional text of several chunks: each has a start token, at ascending positions, and their maps
/// are summed.
///
/// # Errors
/// As [`segment`].
pub fn segment_chunks(
    profile: Profile,
    cond: &[Layer],
    uncond: &[Layer],
    starts: &[usize],
    latent_size: [usize; 2],
    tasks: Tasks<'_>,
) -> Result<Segmentation, AttentionError> {
    let starts = if starts.is_empty() && profile == Profile::Reference { &[0] } else { starts };
    let mut requested = vec![(cond, MapsOf::EveryToken)];
    requested.extend((!starts.is_empty()).then_some((uncond, MapsOf::StartAndRest { starts })));
    let mut refined = refine(profile, &requested, tasks)?.into_iter();
    let tokens = refined.next().unwrap_or_default();
    let fore: Option<[Plane; 2]> = refined.next().and_then(|maps| maps.try_into().ok());

    let owners = Owners::new(profile, &tokens).resized(latent_size);
    let [h, w] = latent_size;
    let foreground = match &fore {
        Some([start, rest]) => {
            let is_fore = start.values.iter().zip(&rest.values).map(|(s, r)| u8::from(s < r)).collect();
            Plane::new(start.height, start.width, is_fore).resize_nearest(h, w)
        }
        None => Plane::filled(h, w, 1),
    };
    Ok(Segmentation { tokens, fore, owners, foreground })
}

impl Segmentation {
    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let planes = self.tokens.iter().chain(self.fore.iter().flatten());
        let maps: usize = planes.map(|plane| size_of_val(plane.values.as_slice())).sum();
        maps + self.owners.bytes() + self.foreground.values.len()
    }

    /// The first owning token position of each element: `[height, width]`.
    pub fn region(&self) -> Plane<u16> {
        self.owners.first()
    }

    /// The same maps with other owners. `united` names the token that each token counts as; `may_own` the tokens that
    /// may own an element at latent size, `None` where attention decides alone.
    pub fn with_owners(&self, profile: Profile, united: &[u16], may_own: &dyn Fn(usize) -> Option<Vec<bool>>) -> Self {
        let owners = self.owners.corrected(profile, &self.tokens, united, may_own);
        Self { owners, ..self.clone() }
    }
}
