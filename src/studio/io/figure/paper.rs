//! A white page that text, pictures and maps are drawn on, pixel by pixel, off screen.
//!
//! Apart from the window's GPU: a figure is drawn in the thread that writes it.

use std::sync::Arc;

use egui::{
    Align2, Color32, FontId, Galley, Vec2,
    epaint::{TextOptions, text::Fonts},
};

use crate::{
    studio::view::{style, theme},
    tensor::Picture,
};

/// Pixels per point. Figures are printed and zoomed into, so a point has several pixels.
pub const SCALE: f32 = 2.0;

/// Lays out text in the window's fonts.
pub struct Typesetter {
    fonts: Fonts,
}

impl Typesetter {
    pub fn new() -> Self {
        Self { fonts: Fonts::new(TextOptions::default(), style::fonts()) }
    }

    /// A text that breaks into lines at `width` points.
    pub fn lay(&mut self, text: &str, font: FontId, width: f32) -> Arc<Galley> {
        self.fonts.with_pixels_per_point(SCALE).layout(text.to_owned(), font, theme::LIGHT.ink.text, width)
    }
}

/// The page. Positions and sizes are in points, from the upper left corner.
pub struct Paper {
    pub picture: Picture,
}

impl Paper {
    pub fn new(size: Vec2) -> Self {
        let [width, height] = [size.x, size.y].map(|side| (side * SCALE).ceil().max(1.0) as usize);
        Self { picture: Picture { width, height, rgb: vec![255; 3 * width * height] } }
    }

    fn blend(&mut self, x: i64, y: i64, color: Color32, cover: f32) {
        let inside = |at: i64, side: usize| usize::try_from(at).ok().filter(|&at| at < side);
        let (Some(x), Some(y)) = (inside(x, self.picture.width), inside(y, self.picture.height)) else { return };
        let at = 3 * (y * self.picture.width + x);
        for (below, above) in self.picture.rgb[at..at + 3].iter_mut().zip([color.r(), color.g(), color.b()]) {
            *below = (f32::from(*below) + (f32::from(above) - f32::from(*below)) * cover).round() as u8;
        }
    }

    /// Draws texts, each with its position, the alignment to that position, and its colour. All texts must be laid out
    /// before: laying out adds glyphs to the typesetter's atlas, and the atlas is copied here.
    pub fn texts(&mut self, setter: &Typesetter, texts: &[(Vec2, Align2, Arc<Galley>, Color32)]) {
        let atlas = setter.fonts.image();
        for (at, align, galley, color) in texts {
            let corner = align.anchor_size(at.to_pos2(), galley.size()).min;
            for row in &galley.rows {
                for glyph in row.row.glyphs.iter().filter(|glyph| !glyph.uv_rect.is_nothing()) {
                    let place = (corner + row.pos.to_vec2() + glyph.pos.to_vec2() + glyph.uv_rect.offset) * SCALE;
                    let (left, top) = (place.x.round() as i64, place.y.round() as i64);
                    let [u, v] = glyph.uv_rect.min.map(usize::from);
                    let [right, bottom] = glyph.uv_rect.max.map(usize::from);
                    for y in v..bottom {
                        for x in u..right {
                            let cover = f32::from(atlas.pixels[y * atlas.size[0] + x].a()) / 255.0;
                            if cover > 0.0 {
                                self.blend(left + (x - u) as i64, top + (y - v) as i64, *color, cover);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Fills a rectangle with `color(u, v)`, where `u` and `v` are the position in the rectangle in 0..1.
    pub fn fill(&mut self, at: Vec2, size: Vec2, color: impl Fn(f32, f32) -> Color32) {
        let [left, top, width, height] = [at.x, at.y, size.x, size.y].map(|v| (v * SCALE).round() as i64);
        for y in 0..height {
            for x in 0..width {
                let place = |i: i64, of: i64| (i as f32 + 0.5) / of as f32;
                self.blend(left + x, top + y, color(place(x, width), place(y, height)), 1.0);
            }
        }
    }
}
