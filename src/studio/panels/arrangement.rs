//! Where the parts of the window lie: a toolbar, two columns around the canvas, the timeline and the takes.
//!
//! Apart from drawing them, because they are drawn in the order of the Tab key and laid out from the outside in.

use egui::{Rect, pos2};

use crate::studio::view::{layout::COLUMN, state::Appearance, theme::size};

/// The canvas keeps this width as long as the columns can give it, in points.
const CANVAS: f32 = 480.0;

/// The rectangle of each part; one that is folded away has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrangement {
    pub toolbar: Option<Rect>,
    pub left: Option<Rect>,
    pub right: Option<Rect>,
    pub canvas: Rect,
    pub timeline: Option<Rect>,
    pub takes: Option<Rect>,
}

impl Arrangement {
    /// Of the window's contents `whole`; `timeline` is the height that the timeline asks for.
    pub fn new(whole: Rect, appearance: &Appearance, timeline: f32) -> Self {
        let folded = appearance.folded;
        if folded.alone {
            return Self { toolbar: None, left: None, right: None, canvas: whole, timeline: None, takes: None };
        }
        let toolbar = whole.with_max_y(whole.top() + size::TOOLBAR);
        let takes = whole.with_min_y(whole.bottom() - size::TAKES);
        let timeline = (!folded.timeline).then(|| takes.translate(-egui::vec2(0.0, timeline)).with_max_y(takes.top()));
        let bottom = timeline.map_or(takes.top(), |rect| rect.top());
        let middle = Rect::from_min_max(toolbar.left_bottom(), pos2(whole.right(), bottom));
        let [left, right] = columns(middle.width(), appearance);
        let canvas = Rect::from_min_max(
            pos2(middle.left() + left.unwrap_or(0.0), middle.top()),
            pos2(middle.right() - right.unwrap_or(0.0), middle.bottom()),
        );
        Self {
            toolbar: Some(toolbar),
            left: left.map(|_| middle.with_max_x(canvas.left())),
            right: right.map(|_| middle.with_min_x(canvas.right())),
            canvas,
            timeline,
            takes: Some(takes),
        }
    }
}

/// The widths of both columns in a window of this width: as they were set, or narrower where the canvas has no room.
fn columns(window: f32, appearance: &Appearance) -> [Option<f32>; 2] {
    let folded = [appearance.folded.left, appearance.folded.right];
    let shown = [0, 1].map(|k| if folded[k] { 0.0 } else { appearance.columns[k] });
    let least = [0, 1].map(|k| if folded[k] { 0.0 } else { COLUMN.start().min(appearance.columns[k]) });
    let missing = (CANVAS - (window - shown[0] - shown[1])).max(0.0);
    let spare = [0, 1].map(|k| shown[k] - least[k]);
    let share = (missing / (spare[0] + spare[1]).max(1.0)).min(1.0);
    [0, 1].map(|k| (!folded[k]).then(|| (shown[k] - share * spare[k]).round()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::view::state::Folded;

    const TIMELINE: f32 = 190.0;

    fn window(width: f32, height: f32, folded: Folded) -> Arrangement {
        let whole = Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height));
        Arrangement::new(whole, &Appearance { folded, ..Appearance::default() }, TIMELINE)
    }

    #[test]
    fn the_parts_fill_every_window_and_none_lies_on_another() {
        for (width, height) in [(1000.0, 700.0), (1280.0, 800.0), (1920.0, 1080.0), (3840.0, 2160.0)] {
            for k in 0..8 {
                let folded = Folded { left: k & 1 > 0, right: k & 2 > 0, timeline: k & 4 > 0, alone: false };
                let a = window(width, height, folded);
                let parts: Vec<Rect> =
                    [a.toolbar, a.left, a.right, Some(a.canvas), a.timeline, a.takes].into_iter().flatten().collect();
                let area: f32 = parts.iter().map(|part| part.area()).sum();
                assert!((area - width * height).abs() < 1.0, "{width}x{height} {folded:?}: {area}");
                assert!(a.canvas.width() >= CANVAS && a.canvas.height() >= 300.0, "{width}x{height}: {:?}", a.canvas);
            }
        }
    }

    #[test]
    fn wide_windows_keep_the_columns_as_they_were_set() {
        let a = window(1440.0, 900.0, Folded::default());
        assert_eq!((a.left.map(|r| r.width()), a.right.map(|r| r.width())), (Some(size::LEFT), Some(size::RIGHT)));
        let alone = window(1000.0, 700.0, Folded { alone: true, ..Folded::default() });
        assert_eq!((alone.canvas.width(), alone.canvas.height(), alone.toolbar), (1000.0, 700.0, None));
    }
}
