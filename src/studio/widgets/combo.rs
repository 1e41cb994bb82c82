//! A combo box without a frame until the pointer is on it.
//!
//! Apart from the panels because most of them have one.

use egui::{ComboBox, Response, Ui, vec2};

use crate::studio::view::theme::{Theme, size};

/// A combo box that reads as plain text until it is touched.
pub fn quiet_combo(ui: &mut Ui, name: &str, current: &str, list: impl FnOnce(&mut Ui)) -> Response {
    let theme = Theme::of(ui);
    ui.scope(|ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        widgets.inactive.weak_bg_fill = egui::Color32::TRANSPARENT;
        widgets.hovered.weak_bg_fill = theme.ground.raised;
        ui.spacing_mut().button_padding = vec2(4.0, 1.0);
        ui.spacing_mut().interact_size.y = size::ROW - 2.0;
        ui.add_space(-4.0);
        let combo = ComboBox::from_id_salt(name).selected_text(current.to_owned()).width(0.0).height(320.0);
        combo.show_ui(ui, list).response.accessible_name(name)
    })
    .inner
}
