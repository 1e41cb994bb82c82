//! The keys, as a list: F1 shows it.
//!
//! Apart from the reading of keys; those of commands come from the palette, which names each beside its command.

use egui::{Align2, Grid, RichText, ScrollArea, Ui, vec2};

use super::palette;
use crate::studio::view::theme::{self, Theme};

/// Keys and gestures that are no commands of the palette.
const FURTHER: [(&str, &[(&str, &str)]); 4] = [
    (
        "Sliders",
        &[
            ("Drag, ← →", "change; with Shift in finer steps"),
            ("Double-click", "back to the usual value"),
            ("Ctrl+click", "type the value"),
            ("Esc while dragging", "take the drag back"),
        ],
    ),
    (
        "Picture",
        &[
            ("Wheel, drag, F", "zoom, move, fit"),
            ("Click", "choose the region and say why the pixel is as it is"),
            ("1, 2, 3", "S-CFG, all concepts, the fusion off and on"),
            ("B, [ ], X", "brush, its size, add or take away"),
            ("H, I", "canvas alone; move the card under the pointer"),
        ],
    ),
    ("Timeline", &[("← →, Home, End", "step by step"), ("Space", "play")]),
    (
        "Takes",
        &[
            ("← → ↑ ↓", "along the strip, to the parent, to the first made from it"),
            ("A, B, S, R, Delete", "pin as A or B, star, restore, remove"),
            ("Shift+click", "compare with the shown take"),
            ("Double-click", "restore the recipe"),
        ],
    ),
];

/// The window, open or not.
#[derive(Debug, Default)]
pub struct KeysWindow {
    is_open: bool,
}

impl KeysWindow {
    pub fn toggle(&mut self) {
        self.is_open = !self.is_open;
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn close(&mut self) {
        self.is_open = false;
    }

    pub fn ui(&mut self, ui: &Ui) {
        let content = ui.ctx().content_rect();
        let window = egui::Window::new("Keys")
            .open(&mut self.is_open)
            .default_size(vec2(560.0, (content.height() - 160.0).min(560.0)))
            .pivot(Align2::CENTER_CENTER)
            .default_pos(content.center())
            .collapsible(false);
        window.show(ui.ctx(), |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let commands = palette::keys();
                let commands: Vec<(&str, &str)> =
                    commands.iter().map(|(keys, title)| (*keys, title.as_str())).collect();
                group(ui, "Commands", &commands);
                FURTHER.iter().for_each(|(title, keys)| group(ui, title, keys));
            });
        });
    }
}

fn group(ui: &mut Ui, title: &str, keys: &[(&str, &str)]) {
    let theme = Theme::of(ui);
    ui.spacing_mut().interact_size.y = 16.0;
    ui.add_space(4.0);
    ui.label(theme::bold(title, theme::size::HEADING).color(theme.ink.dim));
    Grid::new(title).num_columns(2).min_col_width(150.0).spacing(vec2(14.0, 3.0)).show(ui, |ui| {
        for (keys, what) in keys {
            ui.label(RichText::new(*keys).font(theme::mono_font()).color(theme.ink.text));
            ui.label(RichText::new(*what).color(theme.ink.dim));
            ui.end_row();
        }
    });
}
