//! A figure: rows of pictures and maps under common column titles, drawn as one picture.
//!
//! Apart from the contents, because all figures have the same layout.

use std::sync::Arc;

use egui::{Align2, Color32, Vec2, vec2};

use super::paper::{Paper, SCALE, Typesetter};
use crate::{
    recipe::Recipe,
    studio::view::theme::{self, LIGHT},
    tensor::{Picture, Plane},
};

/// The margin of the page and the gap between cells, in points.
const MARGIN: f32 = 16.0;
const GAP: f32 = 4.0;
/// The largest width of the column of row titles, in points.
const TITLES: f32 = 150.0;
const TITLE_SIZE: f32 = 12.0;
const SMALL_SIZE: f32 = 10.0;
/// The smallest width of the caption, in points.
const LEAST_CAPTION: f32 = 320.0;

/// Rows of pictures and maps under common column titles.
#[derive(Clone, Debug)]
pub struct Figure {
    pub(super) recipe: Recipe,
    pub(super) name: &'static str,
    /// The heading over the column titles.
    pub(super) across: String,
    /// The heading over the row titles.
    pub(super) down: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Width and height of a cell, in points.
    pub(super) cell: Vec2,
    pub(super) caption: String,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub title: String,
    /// The meaning of its colours.
    pub note: String,
    /// Colour of the square before the title.
    pub color: Option<Color32>,
    pub cells: Vec<Cell>,
}

/// The contents of a cell.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Nothing,
    Picture(Arc<Picture>),
    Map(Plane<Color32>),
}

/// The layout of the page, in points.
struct Arrangement {
    /// Width and height of the page.
    page: Vec2,
    /// The upper left corner of the first cell.
    first: Vec2,
    /// Width and height of the caption.
    caption: Vec2,
}

impl Figure {
    /// The suggested file name.
    pub fn file_name(&self) -> String {
        format!("{}.png", self.name)
    }

    /// The recipe that is written into the figure's file.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The number of rows and of columns.
    pub fn size(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    /// The titles of the rows, from top to bottom.
    pub fn row_titles(&self) -> Vec<&str> {
        self.rows.iter().map(|row| row.title.as_str()).collect()
    }

    /// The rectangle of a cell in the drawn picture: left, top, width and height, in pixels.
    pub fn cell(&self, row: usize, column: usize) -> [usize; 4] {
        let arranged = self.arrange(&mut Typesetter::new());
        let at = self.corner(&arranged, row, column);
        [at.x, at.y, self.cell.x, self.cell.y].map(|v| (v * SCALE).round() as usize)
    }

    fn corner(&self, arranged: &Arrangement, row: usize, column: usize) -> Vec2 {
        arranged.first + (self.cell + Vec2::splat(GAP)) * vec2(column as f32, row as f32)
    }

    fn arrange(&self, setter: &mut Typesetter) -> Arrangement {
        let title = |row: &Row| setter.lay(&row.title, font(TITLE_SIZE), TITLES).size().x + sign(row);
        let titles = self.rows.iter().map(title).fold(40.0, f32::max);
        let first = vec2(MARGIN + titles + 10.0, MARGIN + 2.0 * TITLE_SIZE + 14.0);
        let [rows, columns] = self.size().map(|n| n as f32);
        let end = first + (self.cell + Vec2::splat(GAP)) * vec2(columns, rows);
        let width = (end.x - MARGIN).max(LEAST_CAPTION);
        let caption = vec2(width, setter.lay(&self.caption, font(SMALL_SIZE), width).size().y);
        let page = vec2(width + 2.0 * MARGIN, end.y + 8.0 + caption.y + MARGIN);
        Arrangement { page, first, caption }
    }

    /// Draws the figure.
    pub fn draw(&self) -> Picture {
        let mut setter = Typesetter::new();
        let arranged = self.arrange(&mut setter);
        let mut paper = Paper::new(arranged.page);
        for (k, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.cells.iter().enumerate() {
                self.paint(&mut paper, self.corner(&arranged, k, column), cell);
            }
            if let Some(color) = row.color {
                let middle = self.corner(&arranged, k, 0).y + self.cell.y / 2.0;
                paper.fill(vec2(MARGIN, middle - 4.0), Vec2::splat(8.0), |_, _| color);
            }
        }
        let texts = self.texts(&mut setter, &arranged);
        paper.texts(&setter, &texts);
        paper.picture
    }

    fn paint(&self, paper: &mut Paper, at: Vec2, cell: &Cell) {
        match cell {
            Cell::Nothing => paper.fill(at, self.cell, |_, _| LIGHT.ground.input),
            Cell::Picture(picture) => paper.fill(at, self.cell, |u, v| sampled(picture, u, v)),
            Cell::Map(map) => paper
                .fill(at, self.cell, |u, v| map.at((v * map.height as f32) as usize, (u * map.width as f32) as usize)),
        }
    }

    /// All texts with position, alignment and colour.
    fn texts(&self, setter: &mut Typesetter, page: &Arrangement) -> Vec<(Vec2, Align2, Arc<egui::Galley>, Color32)> {
        let mut texts = Vec::new();
        let (ink, dim) = (LIGHT.ink.text, LIGHT.ink.dim);
        let wide = f32::INFINITY;
        let middle = page.first.x + (self.cell.x + GAP) * self.columns.len() as f32 / 2.0;
        let across = setter.lay(&self.across, theme::bold_font(TITLE_SIZE), wide);
        texts.push((vec2(middle, MARGIN), Align2::CENTER_TOP, across, ink));
        let down = setter.lay(&self.down, theme::bold_font(TITLE_SIZE), wide);
        texts.push((vec2(MARGIN, page.first.y - 6.0), Align2::LEFT_BOTTOM, down, ink));
        for (k, column) in self.columns.iter().enumerate() {
            let at = self.corner(page, 0, k) + vec2(self.cell.x / 2.0, -5.0);
            texts.push((at, Align2::CENTER_BOTTOM, setter.lay(column, font(SMALL_SIZE), wide), dim));
        }
        for (k, row) in self.rows.iter().enumerate() {
            let at = vec2(MARGIN + sign(row), self.corner(page, k, 0).y + self.cell.y / 2.0);
            let title = setter.lay(&row.title, font(TITLE_SIZE), TITLES);
            let half = title.size().y / 2.0;
            texts.push((at, Align2::LEFT_CENTER, title, ink));
            let note = setter.lay(&row.note, font(SMALL_SIZE), page.first.x - at.x - 4.0);
            texts.push((at + vec2(0.0, half + 1.0), Align2::LEFT_TOP, note, dim));
        }
        let caption = setter.lay(&self.caption, font(SMALL_SIZE), page.caption.x);
        let under = self.corner(page, self.rows.len(), 0).y + 8.0;
        texts.push((vec2(MARGIN, under), Align2::LEFT_TOP, caption, dim));
        texts
    }
}

fn font(points: f32) -> egui::FontId {
    egui::FontId::proportional(points)
}

/// The width of the coloured square before a row's title, with its gap, in points.
fn sign(row: &Row) -> f32 {
    if row.color.is_some() { 14.0 } else { 0.0 }
}

/// The colour of a picture at `u`, `v` in 0..=1, interpolated between texels.
fn sampled(picture: &Picture, u: f32, v: f32) -> Color32 {
    let place = |at: f32, side: usize| {
        let x = (at * side as f32 - 0.5).clamp(0.0, side as f32 - 1.0);
        (x as usize, (x as usize + 1).min(side - 1), x.fract())
    };
    let (left, right, s) = place(u, picture.width);
    let (top, bottom, t) = place(v, picture.height);
    let texel = |x: usize, y: usize| {
        let at = 3 * (y * picture.width + x);
        Color32::from_rgb(picture.rgb[at], picture.rgb[at + 1], picture.rgb[at + 2])
    };
    let row = |y| theme::mix(texel(left, y), texel(right, y), s);
    theme::mix(row(top), row(bottom), t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_caption_leave_ink_and_cells_show_their_colours() {
        let blue = Color32::from_rgb(10, 20, 200);
        let red = Arc::new(Picture { width: 1, height: 1, rgb: vec![200, 20, 10] });
        let row = |title: &str, cells| Row { title: title.into(), note: "0–1".into(), color: Some(blue), cells };
        let figure = Figure {
            recipe: Recipe::default(),
            name: "figure",
            across: "step".into(),
            down: String::new(),
            columns: vec!["1".into(), "2".into()],
            rows: vec![
                row("picture", vec![Cell::Picture(red), Cell::Nothing]),
                row("cat", vec![Cell::Map(Plane::filled(2, 2, blue)), Cell::Map(Plane::filled(1, 1, blue))]),
            ],
            cell: vec2(40.0, 30.0),
            caption: "a cat · seed 3".into(),
        };
        let drawn = figure.draw();
        let at = |x: usize, y: usize| {
            let at = 3 * (y * drawn.width + x);
            [drawn.rgb[at], drawn.rgb[at + 1], drawn.rgb[at + 2]]
        };
        let middle = |row, column| {
            let [x, y, w, h] = figure.cell(row, column);
            at(x + w / 2, y + h / 2)
        };
        assert_eq!((middle(0, 0), middle(1, 0), middle(1, 1)), ([200, 20, 10], [10, 20, 200], [10, 20, 200]));
        assert_eq!(middle(0, 1), [LIGHT.ground.input.r(), LIGHT.ground.input.g(), LIGHT.ground.input.b()]);
        let [x, y, w, h] = figure.cell(1, 1);
        assert!(x + w <= drawn.width && y + h <= drawn.height);
        let dark = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            ys.flat_map(|y| xs.clone().map(move |x| (x, y))).filter(|&(x, y)| at(x, y)[1] < 140).count()
        };
        let [left, top, ..] = figure.cell(0, 0);
        assert!(dark(left..drawn.width, 0..top) > 40, "column titles");
        assert!(dark(60..left, top..y) > 40, "row titles");
        assert!(dark(0..drawn.width, y + h + 4..drawn.height) > 100, "the caption");
    }
}
