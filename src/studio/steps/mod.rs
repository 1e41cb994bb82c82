//! The steps of a run as named arrays: for a session, packed, and for export, as they are.
//!
//! Names are those of a trace (`sextant render --trace`) wherever a trace has the same array; what only the window has
//! is named beside them. In a session, maps are rounded to half floats, which is more than any panel shows, and previews
//! are coded coarsely ([`preview`]).

mod preview;

use std::{sync::Arc, time::Duration};

use safetensors::Dtype;

use self::preview::{Coded, Planes};
use super::track::Track;
use crate::{
    arrays::{Arrays, ArraysError},
    engine::{ConceptReport, FusionReport, Norms, ScfgReport, StepReport, Token, TokenKind},
    field::{Picture, Plane},
    recipe::Recipe,
    session::Packed,
};

/// The form in which a session keeps steps.
const FORMAT: u8 = 1;
/// More steps than this are no run of ours.
const MOST_CALLS: usize = 10_000;

/// Numbers of a step in the order in which they are kept, before those of its concepts.
const NUMBERS: usize = 7;
const CONCEPT_NUMBERS: usize = 3;

/// The maps of all steps of `track` that are there, as exact as they are.
pub fn exact(track: &Track) -> Arrays {
    let recipe = ron::ser::to_string_pretty(&track.recipe, ron::ser::PrettyConfig::default()).unwrap_or_default();
    let mut arrays = Arrays::of(recipe);
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
    arrays.put("format", Dtype::U8, &[1], vec![FORMAT]);
    arrays.floats("calls", &[1], &[track.calls() as f32]);
    tokens_in(&mut arrays, &track.tokens);
    let mut before = Planes::default();
    for report in track.reports.iter().flatten() {
        maps(&mut arrays, report, false);
        numbers(&mut arrays, report);
        let (coded, planes) = preview::encode(&report.preview, &before);
        put_preview(&mut arrays, report.step, coded);
        before = planes;
    }
    arrays.to_file().ok().map(|file| Packed::of(&file))
}

/// About how many bytes the steps of a run take in a session: exact once they were packed.
pub fn size(track: &Track) -> usize {
    if let Some(kept) = &track.kept {
        return kept.len();
    }
    track.reports.iter().flatten().map(|report| super::apply::bytes(report)).sum::<usize>() / RATIO
}

/// Bytes of a step in memory over bytes in a session, about; a test holds it to the demo.
const RATIO: usize = 10;

/// Puts packed steps of a run of `track`'s recipe into it.
///
/// # Errors
/// In a few words, what is wrong with them; the track is then as it was.
pub fn unpack(track: &mut Track, packed: &Packed) -> Result<(), String> {
    let file = packed.unpack()?;
    let arrays = Arrays::from_file(&file).map_err(|error| error.to_string())?;
    if arrays.read("format").map_err(said)?.1 != [f32::from(FORMAT)] {
        return Err("they were kept by a newer Sextant".into());
    }
    let calls = arrays.read("calls").map_err(said)?.1.first().map_or(0, |&calls| calls as usize);
    if !(1..=MOST_CALLS).contains(&calls) {
        return Err(format!("{calls} steps are no run"));
    }
    let tokens = read_tokens(&arrays)?;
    let mut reports = vec![None; calls];
    let mut before = Planes::default();
    for (step, place) in reports.iter_mut().enumerate() {
        if arrays.has(&named(step, "numbers")) {
            let preview;
            (preview, before) = read_preview(&arrays, step, &before)?;
            *place = Some(Arc::new(read_report(&arrays, &track.recipe, step, calls, preview)?));
        }
    }
    (track.tokens, track.reports, track.kept) = (Arc::new(tokens), reports, Some(packed.clone()));
    Ok(())
}

fn said(error: ArraysError) -> String {
    error.to_string()
}

fn named(step: usize, rest: &str) -> String {
    format!("step.{step:03}.{rest}")
}

/// Everything of a step that is a map, and where in the run it is.
fn maps(arrays: &mut Arrays, report: &StepReport, exact: bool) {
    let name = |rest: &str| named(report.step, rest);
    let put = |arrays: &mut Arrays, name: String, plane: &Plane| {
        if exact { arrays.plane(name, plane) } else { arrays.halves(name, &[plane.height, plane.width], &plane.values) }
    };
    arrays.floats(name("timestep"), &[1], &[report.timestep]);
    arrays.floats(name("sigma"), &[1], &[report.sigma]);
    if let Some(scfg) = &report.scfg {
        arrays.owners(name("scfg.region"), &scfg.region);
        arrays.bytes(name("scfg.foreground"), &scfg.foreground);
        put(arrays, name("scfg.rate"), &scfg.rate);
    }
    for (k, concept) in report.concepts.iter().enumerate() {
        put(arrays, name(&format!("sega.magnitude.{k}")), &concept.magnitude);
        put(arrays, name(&format!("sega.touched.{k}")), &concept.mask);
    }
    if let Some(fusion) = &report.fusion {
        arrays.put(name("snb.active"), Dtype::U8, &[1], vec![u8::from(fusion.active)]);
        // Outside its window a trace has no maps of a fusion either.
        if fusion.active || !exact {
            put(arrays, name("snb.saliency_general"), &fusion.saliency_general);
            put(arrays, name("snb.saliency_expert"), &fusion.saliency_expert);
            arrays.bytes(name("snb.mask"), &fusion.mask);
        }
    }
}

fn numbers(arrays: &mut Arrays, report: &StepReport) {
    let Norms { guidance, sega, guided } = report.norms;
    let draft = f32::from(u8::from(report.draft));
    let share = report.fusion.as_ref().map_or(0.0, |fusion| fusion.share);
    let mut list = vec![guidance, sega, guided, report.evaluations as f32, report.elapsed.as_secs_f32(), draft, share];
    for concept in &report.concepts {
        list.extend([f32::from(u8::from(concept.active)), concept.share, concept.norm]);
    }
    arrays.floats(named(report.step, "numbers"), &[list.len()], &list);
}

fn put_preview(arrays: &mut Arrays, step: usize, coded: Coded) {
    let [height, width] = coded.size;
    let bytes = |codes: Vec<i8>| codes.into_iter().map(|code| code as u8).collect();
    arrays.put(named(step, "preview.luma"), Dtype::U8, &[height, width], bytes(coded.luma));
    let half = [2, height.div_ceil(2), width.div_ceil(2)];
    arrays.put(named(step, "preview.chroma"), Dtype::U8, &half, bytes(coded.chroma));
}

fn read_preview(arrays: &Arrays, step: usize, before: &Planes) -> Result<(Arc<Picture>, Planes), String> {
    let codes = |plane: &[u8]| plane.iter().map(|&byte| byte as i8).collect();
    let luma = arrays.read_bytes(&named(step, "preview.luma")).map_err(said)?;
    let (_, chroma) = arrays.read_raw(&named(step, "preview.chroma")).map_err(said)?;
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
    let name = |rest: &str| named(step, rest);
    let one = |rest: &str| arrays.read(&name(rest)).map_err(said).map(|(_, values)| values.first().copied());
    let (_, numbers) = arrays.read(&name("numbers")).map_err(said)?;
    let concepts = numbers.len().checked_sub(NUMBERS).filter(|rest| rest % CONCEPT_NUMBERS == 0);
    let short = || format!("step {} has {} numbers, which is not what belongs there", step + 1, numbers.len());
    let concepts = concepts.ok_or_else(short)? / CONCEPT_NUMBERS;
    let [guidance, sega, guided, evaluations, elapsed, draft, share] = numbers[..NUMBERS] else { return Err(short()) };
    let report = StepReport {
        step,
        calls,
        timestep: one("timestep")?.ok_or_else(short)?,
        sigma: one("sigma")?.ok_or_else(short)?,
        preview,
        draft: draft != 0.0,
        scfg: read_scfg(arrays, &name)?,
        concepts: (0..concepts)
            .map(|k| read_concept(arrays, recipe, &name, k, &numbers[NUMBERS + CONCEPT_NUMBERS * k..]))
            .collect::<Result<_, _>>()?,
        fusion: read_fusion(arrays, &name, share)?,
        norms: Norms { guidance, sega, guided },
        evaluations: evaluations as usize,
        elapsed: Duration::try_from_secs_f32(elapsed).unwrap_or_default(),
    };
    check_sizes(&report)?;
    Ok(report)
}

fn read_scfg(arrays: &Arrays, name: &dyn Fn(&str) -> String) -> Result<Option<Arc<ScfgReport>>, String> {
    if !arrays.has(&name("scfg.region")) {
        return Ok(None);
    }
    let region = arrays.read_owners(&name("scfg.region")).map_err(said)?;
    let foreground = arrays.read_bytes(&name("scfg.foreground")).map_err(said)?;
    let rate = arrays.read_plane(&name("scfg.rate")).map_err(said)?;
    Ok(Some(Arc::new(ScfgReport::new(region, foreground, rate))))
}

fn read_concept(
    arrays: &Arrays,
    recipe: &Recipe,
    name: &dyn Fn(&str) -> String,
    k: usize,
    numbers: &[f32],
) -> Result<Arc<ConceptReport>, String> {
    let concept = recipe.active_concepts().nth(k).ok_or("they have more concepts than their recipe")?;
    Ok(Arc::new(ConceptReport {
        text: concept.text.clone(),
        active: numbers[0] != 0.0,
        magnitude: arrays.read_plane(&name(&format!("sega.magnitude.{k}"))).map_err(said)?,
        mask: arrays.read_plane(&name(&format!("sega.touched.{k}"))).map_err(said)?,
        share: numbers[1],
        norm: numbers[2],
    }))
}

fn read_fusion(
    arrays: &Arrays,
    name: &dyn Fn(&str) -> String,
    share: f32,
) -> Result<Option<Arc<FusionReport>>, String> {
    if !arrays.has(&name("snb.mask")) {
        return Ok(None);
    }
    let plane = |rest: &str| arrays.read_plane(&name(rest)).map_err(said);
    Ok(Some(Arc::new(FusionReport {
        active: arrays.read(&name("snb.active")).map_err(said)?.1 == [1.0],
        saliency_general: plane("snb.saliency_general")?,
        saliency_expert: plane("snb.saliency_expert")?,
        mask: arrays.read_bytes(&name("snb.mask")).map_err(said)?,
        share,
    })))
}

/// Panels look up a place of one map in all others.
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

/// The prompt's tokens as JSON: `[[position, kind, text], …]`.
fn tokens_in(arrays: &mut Arrays, tokens: &[Token]) {
    let list: Vec<_> = tokens.iter().map(|t| (t.position, kind_name(t.kind), &t.text)).collect();
    let text = serde_json::to_vec(&list).unwrap_or_default();
    arrays.put("tokens", Dtype::U8, &[text.len()], text);
}

fn read_tokens(arrays: &Arrays) -> Result<Vec<Token>, String> {
    let (_, text) = arrays.read_raw("tokens").map_err(said)?;
    let list: Vec<(usize, String, String)> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let token = |(position, kind, text): (usize, String, String)| {
        let known = [TokenKind::Start, TokenKind::Word, TokenKind::End, TokenKind::Padding];
        let kind = known.into_iter().find(|known| kind_name(*known) == kind);
        Ok(Token { position, text, kind: kind.ok_or("they have tokens of an unknown kind")? })
    };
    list.into_iter().map(token).collect()
}

/// The name of a kind of token in files.
pub fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Start => "start",
        TokenKind::Word => "word",
        TokenKind::End => "end",
        TokenKind::Padding => "padding",
    }
}
