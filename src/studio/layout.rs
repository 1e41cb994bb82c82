//! How the window was arranged, as a session keeps it.

use egui::{Context, CursorIcon, Id, Rect, Sense, Ui, WidgetInfo, pos2};

use super::{
    look::Plot,
    state::{Look, Overlay},
    theme::size,
};
use crate::session::Layout;

const DARK: &str = "dark";
const LIGHT: &str = "light";
/// The columns' narrowest and widest, in points.
pub const COLUMN: std::ops::RangeInclusive<f32> = 240.0..=420.0;

pub fn of(look: &Look) -> Layout {
    Layout {
        overlay: look.overlay.title().to_lowercase(),
        overlay_opacity: look.opacity,
        theme: if look.dark { DARK } else { LIGHT }.to_owned(),
        left_width: Some(look.columns[0]),
        right_width: Some(look.columns[1]),
        bottom_height: None,
        ledger: look.plot.title().to_lowercase(),
        ledger_open: look.ledger_open,
    }
}

/// Arranges the window as `layout` says; what it does not say, or says wrongly, stays.
pub fn restore(look: &mut Look, layout: &Layout) {
    let named = |overlay: &Overlay| overlay.title().eq_ignore_ascii_case(&layout.overlay);
    look.overlay = Overlay::ALL.into_iter().find(named).unwrap_or(look.overlay);
    if (0.0..=1.0).contains(&layout.overlay_opacity) {
        look.opacity = layout.overlay_opacity;
    }
    look.dark = match layout.theme.as_str() {
        DARK => true,
        LIGHT => false,
        _ => look.dark,
    };
    let named = |plot: &Plot| plot.title().eq_ignore_ascii_case(&layout.ledger);
    look.plot = Plot::ALL.into_iter().find(named).unwrap_or(look.plot);
    look.ledger_open = layout.ledger_open;
    for (column, width) in look.columns.iter_mut().zip([layout.left_width, layout.right_width]) {
        *column = width.filter(|width| COLUMN.contains(width)).unwrap_or(*column);
    }
}

/// Keeps the interface at `scale`, unless the keyboard (Ctrl with +, - and 0) has changed it since the last frame: then
/// `scale` follows. Both stay between 1 and 2.
pub fn follow_scale(ctx: &Context, scale: &mut f32) {
    let id = Id::unique("interface scale");
    let set: f32 = ctx.data(|d| d.get_temp(id)).unwrap_or(1.0);
    let now = ctx.zoom_factor();
    if (now - set).abs() > 1e-3 {
        *scale = now;
    }
    *scale = scale.clamp(1.0, 2.0);
    if (now - *scale).abs() > 1e-3 {
        ctx.set_zoom_factor(*scale);
    }
    ctx.data_mut(|d| d.insert_temp(id, *scale));
}

/// The borders between the columns and the canvas in `middle`: drag to make a column wider, double-click for the usual.
pub fn borders(ui: &Ui, columns: &mut [f32; 2], middle: Rect) {
    let usual = [size::LEFT, size::RIGHT];
    for (side, name) in ["Width of the left column", "Width of the right column"].into_iter().enumerate() {
        let x = if side == 0 { middle.left() } else { middle.right() };
        let grip = Rect::from_min_max(pos2(x - 3.0, middle.top()), pos2(x + 3.0, middle.bottom()));
        let response = ui.interact(grip, ui.scope_id().with(name), Sense::click_and_drag());
        let width = f64::from(columns[side]);
        response.widget_info(|| WidgetInfo::slider(true, width, name));
        if response.dragged() {
            let moved = response.drag_delta().x * if side == 0 { 1.0 } else { -1.0 };
            columns[side] = (columns[side] + moved).clamp(*COLUMN.start(), *COLUMN.end());
        }
        if response.double_clicked() {
            columns[side] = usual[side];
        }
        response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_nonsense_is_left_out() {
        let arranged = Look {
            overlay: Overlay::Territory,
            opacity: 0.3,
            dark: false,
            plot: Plot::Cosines,
            ledger_open: true,
            ..Look::default()
        };
        let mut look = Look::default();
        restore(&mut look, &of(&arranged));
        assert_eq!((look.overlay, look.opacity, look.dark), (Overlay::Territory, 0.3, false));
        assert_eq!((look.plot, look.ledger_open), (Plot::Cosines, true));
        let odd =
            Layout { overlay_opacity: f32::NAN, left_width: Some(-4.0), theme: "pink".into(), ..Layout::default() };
        restore(&mut look, &odd);
        assert_eq!((look.overlay, look.opacity, look.dark), (Overlay::Territory, 0.3, false));
        assert_eq!(look.columns, Look::default().columns);
    }
}
