//! What figures show: the steps of a run, or a grid.
//!
//! Apart from the page, which knows rows and columns but not what they mean.

use std::sync::Arc;

use egui::{Color32, Vec2, vec2};

use super::page::{Cell, Figure, Row};
use crate::{
    engine::{StepReport, Token, TokenKind},
    recipe::Recipe,
    studio::{
        document::{
            difference,
            grid::{CellStatus, Grid},
            regions::labels::RegionLabels,
            track::{Playhead, Track},
        },
        io::exports::colored,
        view::{
            colormap,
            maps::{region_color, scaled},
            theme,
        },
    },
    tensor::{Plane, maps::StepArray},
};

/// The largest numbers of steps side by side and of words below each other.
const STEPS: usize = 6;
const WORDS: usize = 12;
/// The longer side of a cell, in points.
const STEP_CELL: f32 = 88.0;
const GRID_CELL: f32 = 128.0;

/// The figure of a run. Columns are steps; rows are the picture, regions, every word's share of the attention, concepts
/// and the fusion mask.
///
/// # Errors
/// A sentence, when no steps are kept.
pub fn steps(track: &Track) -> Result<Figure, &'static str> {
    const MISSING: &str = "The steps of this picture were not kept: generate it again, then export the figure.";
    let reports = chosen(track);
    let first = reports.first().ok_or(MISSING)?;
    let mut rows = vec![pictures(track, &reports)];
    let names = RegionLabels::new(track.tokens.clone(), track.recipe.groups.clone());
    rows.extend(regions(&reports, &names));
    rows.extend(words(&reports, &track.tokens));
    for k in 0..first.concepts.len() {
        rows.extend(concept(track, &reports, k));
    }
    rows.extend(fusion_mask(&reports));
    let recipe = &track.recipe;
    Ok(Figure {
        name: "steps",
        across: "step".into(),
        down: String::new(),
        columns: reports.iter().map(|report| column_title(report, track.calls())).collect(),
        rows,
        cell: cell(recipe, STEP_CELL),
        caption: caption(recipe),
        recipe: recipe.clone(),
    })
}

/// The figure of the grid over two parameters, with an empty cell where a picture is not rendered yet.
///
/// # Errors
/// A sentence, when nothing of it is rendered.
pub fn grid(grid: &Grid) -> Result<Figure, &'static str> {
    const MISSING: &str = "There is no grid to export yet: choose Grid, then Render grid.";
    let (Some([across, down]), Some(first)) = (grid.made, grid.cells.first()) else { return Err(MISSING) };
    if !grid.cells.iter().any(|cell| matches!(cell.status, CellStatus::Done(_))) {
        return Err(MISSING);
    }
    let recipe = &first.recipe;
    let columns: Vec<String> = across.values().into_iter().map(|v| across.parameter.label(v)).collect();
    let lines = grid.cells.chunks(columns.len().max(1)).zip(down.values());
    let shown = |status: &CellStatus| match status {
        CellStatus::Done(picture) => Cell::Picture(picture.clone()),
        CellStatus::Waiting | CellStatus::Rendering(_) | CellStatus::Failed(_) => Cell::Nothing,
    };
    let rows = lines.map(|(cells, value)| Row {
        title: down.parameter.label(value),
        note: String::new(),
        color: None,
        cells: cells.iter().map(|cell| shown(&cell.status)).collect(),
    });
    Ok(Figure {
        name: "grid",
        across: across.parameter.title(recipe),
        down: down.parameter.title(recipe),
        rows: rows.collect(),
        columns,
        cell: cell(recipe, GRID_CELL),
        // The caption gives the settings of the first cell.
        caption: format!("First cell: {}", caption(recipe)),
        recipe: recipe.clone(),
    })
}

/// The step, and whether its picture is a draft; at the last step stands the finished one.
fn column_title(report: &StepReport, calls: usize) -> String {
    let is_draft = report.approximate && report.step + 1 < calls;
    format!("{}{}", report.step + 1, if is_draft { " (draft)" } else { "" })
}

fn cell(recipe: &Recipe, longer: f32) -> Vec2 {
    let size = vec2(recipe.width as f32, recipe.height as f32);
    (size * (longer / size.max_elem().max(1.0))).round()
}

/// Reports spread evenly over those that exist, the first and the last included.
fn chosen(track: &Track) -> Vec<Arc<StepReport>> {
    let all: Vec<_> = track.reports.iter().flatten().cloned().collect();
    let count = all.len().min(STEPS);
    let at = |i: usize| if count == 1 { 0 } else { (i * (all.len() - 1) + (count - 1) / 2) / (count - 1) };
    (0..count).map(|i| all[at(i)].clone()).collect()
}

fn row(title: impl Into<String>, note: impl Into<String>, color: Option<Color32>, cells: Vec<Cell>) -> Row {
    Row { title: title.into(), note: note.into(), color, cells }
}

fn pictures(track: &Track, reports: &[Arc<StepReport>]) -> Row {
    let shown = |report: &Arc<StepReport>| track.frame(Playhead::At(report.step)).map(|frame| frame.picture);
    let cells = reports.iter().map(|report| shown(report).map_or(Cell::Nothing, Cell::Picture));
    row("picture", "x0 as predicted", None, cells.collect())
}

/// A row of regions, and a row of rates where S-CFG is on.
fn regions(reports: &[Arc<StepReport>], names: &RegionLabels) -> Vec<Row> {
    if reports.iter().all(|report| report.scfg.is_none()) {
        return Vec::new();
    }
    let map = |f: &dyn Fn(&crate::engine::ScfgReport) -> Plane<Color32>| {
        reports.iter().map(|r| r.scfg.as_ref().map_or(Cell::Nothing, |s| Cell::Map(f(s)))).collect::<Vec<_>>()
    };
    let owners = map(&|s| s.region.map(|position| region_color(names, usize::from(position))));
    let mut rows = vec![row(StepArray::Region.info().label(), "grey: no word", None, owners)];
    let rates: Vec<Plane> = reports.iter().filter_map(|r| r.scfg.as_ref()).map(|s| s.rate.clone()).collect();
    if rates.iter().any(|rate| rate.values.iter().any(|&v| v != 1.0)) {
        let all: Vec<f32> = rates.iter().flat_map(|rate| rate.values.iter().copied()).collect();
        let scale = scaled(StepArray::Rate, &Plane::new(1, all.len(), all));
        let table = colormap::table(StepArray::Rate.info().palette);
        let cells = map(&|s| colored(&s.rate, scale.low, scale.high, &table));
        rows.push(row(StepArray::Rate.info().label(), format!("{:.2} to {:.2}", scale.low, scale.high), None, cells));
    }
    rows
}

/// A row for every word's share of the attention, for at most [`WORDS`] words: those with the largest shares.
fn words(reports: &[Arc<StepReport>], tokens: &[Token]) -> Vec<Row> {
    let maps = |position: usize| reports.iter().map(move |r| r.scfg.as_ref()?.attention.get(position));
    let most = |position: usize| maps(position).flatten().map(Plane::max).fold(0.0, f32::max);
    let words = tokens.iter().filter(|t| t.kind == TokenKind::Word && maps(t.position).flatten().count() > 0);
    let mut kept: Vec<(&Token, f32)> = words.map(|token| (token, most(token.position))).collect();
    if kept.len() > WORDS {
        kept.sort_by(|a, b| b.1.total_cmp(&a.1));
        kept.truncate(WORDS);
        kept.sort_by_key(|(token, _)| token.position);
    }
    let table = colormap::table(StepArray::AttentionShares.info().palette);
    // All words have the same scale, so that they can be compared.
    let high = kept.iter().map(|(_, most)| *most).fold(f32::MIN_POSITIVE, f32::max);
    let one = |(token, most): (&Token, f32)| {
        let colored = |map| Cell::Map(colored(map, 0.0, high, &table));
        let cells = maps(token.position).map(|map| map.map_or(Cell::Nothing, colored));
        let color = Some(theme::token_color(token.position));
        row(token.text.trim(), format!("up to {:.0} %", 100.0 * most), color, cells.collect())
    };
    kept.into_iter().map(one).collect()
}

/// A row of the elements that a concept may change; `None` if it acts at none of the shown steps.
fn concept(track: &Track, reports: &[Arc<StepReport>], k: usize) -> Option<Row> {
    let table = colormap::table(StepArray::Touched.info().palette);
    let cells: Vec<Cell> = reports
        .iter()
        .map(|report| match report.concepts.get(k) {
            Some(concept) if concept.active => Cell::Map(colored(&concept.mask, 0.0, 1.0, &table)),
            _ => Cell::Nothing,
        })
        .collect();
    let text = &reports.first()?.concepts.get(k)?.text;
    let shows = cells.iter().any(|cell| matches!(cell, Cell::Map(_)));
    let at = track.concept_rows().get(k).copied().unwrap_or(k);
    shows.then(|| row(text.trim(), "elements it moves", Some(theme::concept_color(at)), cells))
}

fn fusion_mask(reports: &[Arc<StepReport>]) -> Option<Row> {
    let ground = |draws: u8| if draws == 0 { theme::BACKGROUND_TOKEN } else { theme::FUSION };
    let fused = |report: &Arc<StepReport>| report.fusion.as_ref().filter(|fusion| fusion.active).cloned();
    let cells: Vec<Cell> = reports
        .iter()
        .map(|report| fused(report).map_or(Cell::Nothing, |fusion| Cell::Map(fusion.mask.map(ground))))
        .collect();
    let any = cells.iter().any(|cell| matches!(cell, Cell::Map(_)));
    any.then(|| row(StepArray::FusionMask.info().label(), "green: the expert", Some(theme::FUSION), cells))
}

/// The settings in words.
fn caption(recipe: &Recipe) -> String {
    let mut said = vec![format!("\"{}\"", recipe.prompt.trim())];
    if !recipe.negative.trim().is_empty() {
        said.push(format!("not \"{}\"", recipe.negative.trim()));
    }
    said.push(recipe.model.title());
    said.push(format!("{}, {} steps", recipe.sampler.title(), recipe.steps));
    said.push(format!("seed {}, {}×{}", recipe.seed, recipe.width, recipe.height));
    said.push(format!("scale {:.1}{}", recipe.cfg, if recipe.scfg.enabled { " with S-CFG" } else { "" }));
    said.extend(recipe.active_concepts().map(|c| format!("{} {:+.1}", c.text.trim(), c.strength)));
    if let Some(fusion) = recipe.active_fusion() {
        said.push(format!("with {}: {}", fusion.expert.title(), difference::rule(fusion)));
    }
    format!("{}. Profile {}, made with Sextant.", said.join(" · "), recipe.profile.title())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_the_aspect_and_steps_are_spread() {
        let recipe = Recipe { width: 192, height: 96, ..Recipe::default() };
        assert_eq!(cell(&recipe, 88.0), vec2(88.0, 44.0));
        assert!(chosen(&Track::default()).is_empty());
    }
}
