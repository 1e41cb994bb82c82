//! Steps read back from a session.
//!
//! Apart from packing: everything is checked here, since a session can be damaged or made by another program.

use std::{sync::Arc, time::Duration};

use super::{
    names::{CHROMA_KEY, CONCEPT_NUMBERS, FORMAT, LEDGER_KEY, LUMA_KEY, NUMBERS, NUMBERS_KEY, SHARE_LEVELS},
    preview::{self, Coded, Planes},
};
use crate::{
    engine::{ConceptReport, FusionReport, Ledger, Norms, ScfgReport, StepReport, Token, TokenKind},
    files::one_printable_line,
    recipe::Recipe,
    session::{Packed, UnpackBudget},
    studio::document::track::Track,
    tensor::{
        Picture, Plane,
        arrays::{Arrays, ArraysError},
        maps::{StepArray, StepKeys},
    },
};

/// A run with more steps than this is refused.
const MOST_CALLS: usize = 10_000;

/// Puts packed steps of a run of `track`'s recipe into it.
///
/// # Errors
/// In a few words, what is wrong with them; the track is then as it was.
pub fn unpack(track: &mut Track, packed: &Packed, budget: &mut UnpackBudget) -> Result<(), String> {
    let file = packed.unpack(budget)?;
    let arrays = Arrays::from_safetensors(&file).map_err(text)?;
    if arrays.read("format").map_err(text)?.1 != [f32::from(FORMAT)] {
        return Err("they were kept by a newer Sextant".into());
    }
    let calls = arrays.read("calls").map_err(text)?.1.first().map_or(0, |&calls| calls as usize);
    if !(1..=MOST_CALLS).contains(&calls) {
        return Err(format!("{calls} steps are no run"));
    }
    let tokens = read_tokens(&arrays)?;
    let most = [track.recipe.height, track.recipe.width];
    let mut reports = vec![None; calls];
    let mut before = Planes::default();
    for (step, place) in reports.iter_mut().enumerate() {
        if arrays.has(&StepKeys::new(step).named(NUMBERS_KEY)) {
            let preview;
            (preview, before) = read_preview(&arrays, step, &before)?;
            let report = read_report(&arrays, &track.recipe, step, calls, preview)?;
            check_largest(&report, most)?;
            *place = Some(Arc::new(report));
        }
    }
    (track.tokens, track.reports, track.kept) = (Arc::new(tokens), reports, Some(packed.clone()));
    Ok(())
}

/// Names of arrays come from the file.
fn text(error: ArraysError) -> String {
    one_printable_line(&error.to_string()).into_owned()
}

fn read_preview(arrays: &Arrays, step: usize, before: &Planes) -> Result<(Arc<Picture>, Planes), String> {
    let keys = StepKeys::new(step);
    let codes = |plane: &[u8]| plane.iter().map(|&byte| byte as i8).collect();
    let luma = arrays.read_bytes(&keys.named(LUMA_KEY)).map_err(text)?;
    let (_, chroma) = arrays.read_raw(&keys.named(CHROMA_KEY)).map_err(text)?;
    let coded = Coded { size: [luma.height, luma.width], luma: codes(&luma.values), chroma: codes(chroma) };
    let (picture, planes) =
        preview::decode(&coded, before).ok_or_else(|| format!("the preview of step {} does not fit", step + 1))?;
    Ok((Arc::new(picture), planes))
}

fn read_report(
    arrays: &Arrays,
    recipe: &Recipe,
    step: usize,
    calls: usize,
    preview: Arc<Picture>,
) -> Result<StepReport, String> {
    let keys = &StepKeys::new(step);
    let one = |array| arrays.read(&keys.key(array)).map_err(text).map(|(_, values)| values.first().copied());
    let (_, numbers) = arrays.read(&keys.named(NUMBERS_KEY)).map_err(text)?;
    let concepts = numbers.len().checked_sub(NUMBERS).filter(|rest| rest % CONCEPT_NUMBERS == 0);
    let short = || format!("step {} has {} numbers, which is not what belongs there", step + 1, numbers.len());
    let concepts = concepts.ok_or_else(short)? / CONCEPT_NUMBERS;
    let [guidance, sega, guided, evaluations, elapsed, approximate, share] = numbers[..NUMBERS] else {
        return Err(short());
    };
    let report = StepReport {
        step,
        calls,
        timestep: one(StepArray::Timestep)?.ok_or_else(short)?,
        sigma: one(StepArray::Sigma)?.ok_or_else(short)?,
        preview,
        approximate: approximate != 0.0,
        scfg: read_scfg(arrays, keys)?,
        concepts: (0..concepts)
            .map(|k| read_concept(arrays, recipe, keys, k, &numbers[NUMBERS + CONCEPT_NUMBERS * k..]))
            .collect::<Result<_, _>>()?,
        fusion: read_fusion(arrays, keys, share)?,
        norms: Norms { guidance, sega, guided },
        ledger: read_ledger(arrays, keys)?,
        evaluations: evaluations as usize,
        elapsed: Duration::try_from_secs_f32(elapsed).unwrap_or_default(),
    };
    check_sizes(&report)?;
    Ok(report)
}

fn read_scfg(arrays: &Arrays, keys: &StepKeys) -> Result<Option<Arc<ScfgReport>>, String> {
    if !arrays.has(&keys.key(StepArray::Region)) {
        return Ok(None);
    }
    let region = arrays.read_owners(&keys.key(StepArray::Region)).map_err(text)?;
    let foreground = arrays.read_bytes(&keys.key(StepArray::Foreground)).map_err(text)?;
    let rate = arrays.read_plane(&keys.key(StepArray::Rate)).map_err(text)?;
    let attention = read_attention(arrays, &keys.key(StepArray::AttentionShares))?;
    Ok(Some(Arc::new(ScfgReport::new(region, foreground, rate, attention))))
}

/// Empty where none was kept.
fn read_attention(arrays: &Arrays, name: &str) -> Result<Vec<Plane>, String> {
    if !arrays.has(name) {
        return Ok(Vec::new());
    }
    let (shape, bytes) = arrays.read_raw(name).map_err(text)?;
    let [_, height, width] = *shape else { return Err(format!("{name} has {} axes, not three", shape.len())) };
    let shares = |map: &[u8]| map.iter().map(|&share| f32::from(share) / SHARE_LEVELS).collect();
    Ok(bytes.chunks_exact((height * width).max(1)).map(|map| Plane::new(height, width, shares(map))).collect())
}

/// Empty where none was kept.
fn read_ledger(arrays: &Arrays, keys: &StepKeys) -> Result<Ledger, String> {
    let key = keys.named(LEDGER_KEY);
    if !arrays.has(&key) {
        return Ok(Ledger::default());
    }
    let (_, json) = arrays.read_raw(&key).map_err(text)?;
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

fn read_concept(
    arrays: &Arrays,
    recipe: &Recipe,
    keys: &StepKeys,
    k: usize,
    numbers: &[f32],
) -> Result<Arc<ConceptReport>, String> {
    let concept = recipe.active_concepts().nth(k).ok_or("they have more concepts than their recipe")?;
    Ok(Arc::new(ConceptReport {
        id: concept.id,
        text: concept.text.clone(),
        active: numbers[0] != 0.0,
        magnitude: arrays.read_plane(&keys.concept(StepArray::Magnitude, k)).map_err(text)?,
        mask: arrays.read_plane(&keys.concept(StepArray::Touched, k)).map_err(text)?,
        share: numbers[1],
        norm: numbers[2],
    }))
}

fn read_fusion(arrays: &Arrays, keys: &StepKeys, share: f32) -> Result<Option<Arc<FusionReport>>, String> {
    if !arrays.has(&keys.key(StepArray::FusionMask)) {
        return Ok(None);
    }
    let plane = |array| arrays.read_plane(&keys.key(array)).map_err(text);
    Ok(Some(Arc::new(FusionReport {
        active: arrays.read(&keys.key(StepArray::FusionActive)).map_err(text)?.1 == [1.0],
        saliency_general: plane(StepArray::SaliencyGeneral)?,
        saliency_expert: plane(StepArray::SaliencyExpert)?,
        mask: arrays.read_bytes(&keys.key(StepArray::FusionMask)).map_err(text)?,
        share,
    })))
}

/// All maps of a step must have one size: panels look up an element of one map in all others.
fn check_sizes(report: &StepReport) -> Result<(), String> {
    fn size<T>(plane: &Plane<T>) -> [usize; 2] {
        [plane.height, plane.width]
    }
    let scfg = report.scfg.iter().flat_map(|s| [size(&s.region), size(&s.foreground), size(&s.rate)]);
    let concepts = report.concepts.iter().flat_map(|c| [size(&c.magnitude), size(&c.mask)]);
    let fusion =
        report.fusion.iter().flat_map(|f| [size(&f.saliency_general), size(&f.saliency_expert), size(&f.mask)]);
    let mut sizes = scfg.chain(concepts).chain(fusion);
    let first = sizes.next();
    if first.is_some_and(|[h, w]| h * w == 0) || sizes.any(|size| Some(size) != first) {
        return Err(format!("the maps of step {} are of different sizes", report.step + 1));
    }
    Ok(())
}

/// No picture or map may be larger than the picture that the recipe asks for: they become textures.
fn check_largest(report: &StepReport, [height, width]: [usize; 2]) -> Result<(), String> {
    let maps = report.scfg.iter().flat_map(|scfg| {
        let attention = scfg.attention.iter().map(|map| [map.height, map.width]);
        attention.chain([[scfg.region.height, scfg.region.width]])
    });
    let concepts = report.concepts.iter().map(|concept| [concept.mask.height, concept.mask.width]);
    let fusion = report.fusion.iter().map(|fusion| [fusion.mask.height, fusion.mask.width]);
    let preview = std::iter::once([report.preview.height, report.preview.width]);
    match preview.chain(maps).chain(concepts).chain(fusion).find(|[h, w]| *h > height || *w > width || h * w == 0) {
        None => Ok(()),
        Some([h, w]) => Err(format!(
            "step {} has a picture or map of {w}x{h}, which no picture of {width}x{height} has",
            report.step + 1
        )),
    }
}

fn read_tokens(arrays: &Arrays) -> Result<Vec<Token>, String> {
    let (_, json) = arrays.read_raw("tokens").map_err(text)?;
    let list: Vec<(usize, String, String)> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let token = |(position, kind, text): (usize, String, String)| {
        let kind = TokenKind::ALL.into_iter().find(|known| known.name() == kind);
        Ok(Token { position, text, kind: kind.ok_or("they have tokens of an unknown kind")? })
    };
    list.into_iter().map(token).collect()
}
