//! Zoom and pan: where a picture lies in its part of the canvas.
//!
//! Apart from the canvas because all its pictures share one zoom.

use egui::{Pos2, Rect, Vec2, vec2};

/// Free space around a picture that is fitted into its area, in points.
const AIR: f32 = 26.0;
const LARGEST: f32 = 64.0;
const SMALLEST: f32 = 0.25;

/// The zoom of all pictures on the canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// 1 fits the picture into its area.
    pub factor: f32,
    /// The point of the picture, as a share of its sides, that lies in the middle of the area.
    pub center: Vec2,
}

impl Default for Zoom {
    fn default() -> Self {
        Self { factor: 1.0, center: vec2(0.5, 0.5) }
    }
}

impl Zoom {
    /// Where a picture of `size` texels lies when shown in `area`.
    pub fn place(&self, area: Rect, size: [usize; 2]) -> Rect {
        let texels = vec2(size[0].max(1) as f32, size[1].max(1) as f32);
        let room = (area.size() - Vec2::splat(2.0 * AIR)).max(Vec2::splat(16.0));
        let scale = (room.x / texels.x).min(room.y / texels.y) * self.factor;
        let extent = texels * scale;
        Rect::from_min_size(area.center() - self.center * extent, extent)
    }

    /// Zooms by `factor`, keeping what is under `pointer` there.
    pub fn zoom_at(&mut self, area: Rect, size: [usize; 2], pointer: Pos2, factor: f32) {
        let before = self.place(area, size);
        let held = (pointer - before.min) / before.size();
        self.factor = (self.factor * factor).clamp(SMALLEST, LARGEST);
        let extent = self.place(area, size).size();
        self.center = held - (pointer - area.center()) / extent;
        self.clamp_center();
    }

    /// Moves the picture by `delta` points.
    pub fn pan(&mut self, area: Rect, size: [usize; 2], delta: Vec2) {
        self.center -= delta / self.place(area, size).size();
        self.clamp_center();
    }

    /// Keeps part of the picture visible.
    fn clamp_center(&mut self) {
        self.center = self.center.clamp(Vec2::ZERO, Vec2::splat(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    const AREA: Rect = Rect { min: pos2(100.0, 50.0), max: pos2(700.0, 450.0) };

    #[test]
    fn a_fitting_picture_is_centred_and_keeps_its_aspect() {
        let placed = Zoom::default().place(AREA, [192, 96]);
        assert!((placed.center() - AREA.center()).length() < 1e-3);
        assert!((placed.width() / placed.height() - 2.0).abs() < 1e-3);
        assert!(AREA.contains_rect(placed));
    }

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let mut zoom = Zoom::default();
        let pointer = pos2(330.0, 210.0);
        let before = zoom.place(AREA, [64, 64]);
        let held = (pointer - before.min) / before.size();
        zoom.zoom_at(AREA, [64, 64], pointer, 1.7);
        let after = zoom.place(AREA, [64, 64]);
        assert!(((pointer - after.min) / after.size() - held).length() < 1e-4);
        assert!(after.width() > before.width());
    }

    #[test]
    fn panning_moves_by_the_pointer_and_never_loses_the_picture() {
        let mut zoom = Zoom { factor: 3.0, ..Zoom::default() };
        let before = zoom.place(AREA, [64, 64]);
        zoom.pan(AREA, [64, 64], vec2(12.0, -7.0));
        assert!((zoom.place(AREA, [64, 64]).min - before.min - vec2(12.0, -7.0)).length() < 1e-3);
        zoom.pan(AREA, [64, 64], vec2(1e6, 1e6));
        assert!(zoom.place(AREA, [64, 64]).intersects(AREA));
    }
}
