//! The steps of a run as named arrays: for a session, packed, and for export, as they are.
//!
//! Names are those of a trace (`sextant render --trace`) wherever a trace has the same array: both take them from
//! [`maps`](crate::tensor::maps). In a session, maps are rounded to half floats, which is more than any panel shows, and previews
//! are coded coarsely ([`preview`]).
//!
//! Apart from reading, which has to survive damaged files.

use safetensors::Dtype;

use super::{
    names::{CHROMA_KEY, FORMAT, LEDGER_KEY, LUMA_KEY, NUMBERS_KEY, SHARE_LEVELS},
    preview::{self, Coded, Planes},
};
use crate::{
    engine::{Norms, StepReport, Token},
    session::Packed,
    studio::document::track::Track,
    tensor::{
        Plane,
        arrays::Arrays,
        maps::{StepArray, StepKeys},
    },
};

/// The maps of all steps of `track` that are there, as exact as they are.
pub fn exact(track: &Track) -> Arrays {
    let recipe = ron::ser::to_string_pretty(&track.recipe, ron::ser::PrettyConfig::default()).unwrap_or_default();
    let mut arrays = Arrays::with_recipe(recipe);
    tokens_in(&mut arrays, &track.tokens);
    track.reports.iter().flatten().for_each(|report| maps(&mut arrays, report, true));
    arrays
}

/// The steps of a run for a session; `None` where none are there.
pub fn pack(track: &Track) -> Option<Packed> {
    if let Some(kept) = &track.kept {
        return Some(kept.clone());
    }
    track.newest_step()?;
    let mut arrays = Arrays::default();
    arrays.insert("format", Dtype::U8, &[1], vec![FORMAT]);
    arrays.insert_f32("calls", &[1], &[track.calls() as f32]);
    tokens_in(&mut arrays, &track.tokens);
    let mut before = Planes::default();
    for report in track.reports.iter().flatten() {
        maps(&mut arrays, report, false);
        numbers(&mut arrays, report);
        let (coded, planes) = preview::encode(&report.preview, &before);
        put_preview(&mut arrays, report.step, coded);
        before = planes;
    }
    arrays.to_safetensors().ok().map(|file| Packed::of(&file))
}

/// Everything of a step that is a map, and where in the run it is.
fn maps(arrays: &mut Arrays, report: &StepReport, exact: bool) {
    let keys = StepKeys::new(report.step);
    let put = |arrays: &mut Arrays, key: String, plane: &Plane| {
        if exact {
            arrays.insert_plane(key, plane)
        } else {
            arrays.insert_f16(key, &[plane.height, plane.width], &plane.values)
        }
    };
    arrays.insert_f32(keys.key(StepArray::Timestep), &[1], &[report.timestep]);
    arrays.insert_f32(keys.key(StepArray::Sigma), &[1], &[report.sigma]);
    if let Some(scfg) = &report.scfg {
        arrays.insert_owners(keys.key(StepArray::Region), &scfg.region);
        arrays.insert_bytes(keys.key(StepArray::Foreground), &scfg.foreground);
        put(arrays, keys.key(StepArray::Rate), &scfg.rate);
        attention(arrays, keys.key(StepArray::AttentionShares), &scfg.attention, exact);
    }
    for (k, concept) in report.concepts.iter().enumerate() {
        put(arrays, keys.concept(StepArray::Magnitude, k), &concept.magnitude);
        put(arrays, keys.concept(StepArray::Touched, k), &concept.mask);
    }
    if let Some(fusion) = &report.fusion {
        arrays.insert(keys.key(StepArray::FusionActive), Dtype::U8, &[1], vec![u8::from(fusion.active)]);
        // Outside its window a trace has no maps of a fusion either.
        if fusion.active || !exact {
            put(arrays, keys.key(StepArray::SaliencyGeneral), &fusion.saliency_general);
            put(arrays, keys.key(StepArray::SaliencyExpert), &fusion.saliency_expert);
            arrays.insert_bytes(keys.key(StepArray::FusionMask), &fusion.mask);
        }
    }
}

/// Every token's share of the attention, `[tokens, h, w]`; in a session in 255 levels.
fn attention(arrays: &mut Arrays, name: String, tokens: &[Plane], exact: bool) {
    let Some(first) = tokens.first() else { return };
    let shape = [tokens.len(), first.height, first.width];
    let values: Vec<f32> = tokens.iter().flat_map(|map| map.values.iter().copied()).collect();
    if exact {
        arrays.insert_f32(name, &shape, &values);
    } else {
        let bytes = values.iter().map(|share| (share * SHARE_LEVELS).round().clamp(0.0, SHARE_LEVELS) as u8);
        arrays.insert(name, Dtype::U8, &shape, bytes.collect());
    }
}

fn numbers(arrays: &mut Arrays, report: &StepReport) {
    let Norms { guidance, sega, guided } = report.norms;
    let approximate = f32::from(u8::from(report.approximate));
    let share = report.fusion.as_ref().map_or(0.0, |fusion| fusion.share);
    let (evaluations, elapsed) = (report.evaluations as f32, report.elapsed.as_secs_f32());
    let mut list = vec![guidance, sega, guided, evaluations, elapsed, approximate, share];
    for concept in &report.concepts {
        list.extend([f32::from(u8::from(concept.active)), concept.share, concept.norm]);
    }
    let keys = StepKeys::new(report.step);
    arrays.insert_f32(keys.named(NUMBERS_KEY), &[list.len()], &list);
    // Plain numbers always have a JSON form.
    let ledger = serde_json::to_vec(&report.ledger).unwrap_or_default();
    arrays.insert(keys.named(LEDGER_KEY), Dtype::U8, &[ledger.len()], ledger);
}

fn put_preview(arrays: &mut Arrays, step: usize, coded: Coded) {
    let [height, width] = coded.size;
    let bytes = |codes: Vec<i8>| codes.into_iter().map(|code| code as u8).collect();
    let keys = StepKeys::new(step);
    arrays.insert(keys.named(LUMA_KEY), Dtype::U8, &[height, width], bytes(coded.luma));
    let half = [2, height.div_ceil(2), width.div_ceil(2)];
    arrays.insert(keys.named(CHROMA_KEY), Dtype::U8, &half, bytes(coded.chroma));
}

/// The prompt's tokens as JSON: `[[position, kind, text], …]`.
fn tokens_in(arrays: &mut Arrays, tokens: &[Token]) {
    let list: Vec<_> = tokens.iter().map(|t| (t.position, t.kind.name(), &t.text)).collect();
    let text = serde_json::to_vec(&list).unwrap_or_default();
    arrays.insert("tokens", Dtype::U8, &[text.len()], text);
}
