//! How the window was arranged, as a session keeps it.

use egui::{Context, CursorIcon, Id, Rect, Sense, Ui, WidgetInfo, pos2};

use super::{
    look::Plot,
    state::{Compare, Look, Overlay, SaliencyOf, Studio},
    theme::size,
};
use crate::session::{Layout, Settings};

const DARK: &str = "dark";
const LIGHT: &str = "light";
/// The columns' narrowest and widest, in points.
pub const COLUMN: std::ops::RangeInclusive<f32> = 240.0..=420.0;
/// How small and how large the interface can be.
const SCALE: std::ops::RangeInclusive<f32> = 1.0..=2.0;

/// The name of the face that the window has.
pub fn theme_name(look: &Look) -> &'static str {
    if look.dark { DARK } else { LIGHT }
}

/// Sets the window up as the user has set it before.
pub fn apply_settings(studio: &mut Studio, settings: Settings) {
    if !settings.theme.is_empty() {
        studio.look.dark = settings.theme != LIGHT;
    }
    studio.look.scale = settings.scale.filter(|scale| SCALE.contains(scale)).unwrap_or(studio.look.scale);
    studio.keep_steps = settings.keep_steps;
    studio.settings = settings;
}

pub fn of(look: &Look) -> Layout {
    Layout {
        overlay: look.overlay.title().to_lowercase(),
        overlay_opacity: look.opacity,
        theme: theme_name(look).to_owned(),
        left_width: Some(look.columns[0]),
        right_width: Some(look.columns[1]),
        bottom_height: None,
        ledger: look.plot.title().to_lowercase(),
        ledger_open: look.ledger_open,
        scale: Some(look.scale),
        compare: look.compare.title().to_lowercase(),
        wipe: Some(look.wipe),
        region: look.region,
        concept: look.concept,
        expert_saliency: Some(look.saliency == SaliencyOf::Expert),
        outlines: Some(look.outlines),
        ..Layout::default()
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
    let named = |compare: &Compare| compare.title().eq_ignore_ascii_case(&layout.compare);
    look.compare = Compare::ALL.into_iter().find(named).unwrap_or_default();
    let share = |value: Option<f32>| value.filter(|value| (0.0..=1.0).contains(value));
    look.wipe = share(layout.wipe).unwrap_or(look.wipe);
    look.scale = layout.scale.filter(|scale| SCALE.contains(scale)).unwrap_or(look.scale);
    (look.region, look.concept) = (layout.region, layout.concept);
    let whose = |expert| if expert { SaliencyOf::Expert } else { SaliencyOf::General };
    look.saliency = layout.expert_saliency.map_or(look.saliency, whose);
    look.outlines = layout.outlines.unwrap_or(look.outlines);
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
    *scale = scale.clamp(*SCALE.start(), *SCALE.end());
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
    use crate::recipe::ConceptId;

    #[test]
    fn what_is_kept_comes_back_and_nonsense_is_left_out() {
        let arranged = Look {
            overlay: Overlay::FusionMask,
            opacity: 0.3,
            dark: false,
            scale: 1.5,
            compare: Compare::Wipe,
            wipe: 0.25,
            region: Some(7),
            concept: Some(ConceptId(2)),
            saliency: SaliencyOf::Expert,
            outlines: false,
            plot: Plot::Cosines,
            ledger_open: true,
            ..Look::default()
        };
        let mut look = Look::default();
        restore(&mut look, &of(&arranged));
        assert_eq!(of(&look), of(&arranged));
        assert_eq!((look.scale, look.compare, look.wipe, look.region), (1.5, Compare::Wipe, 0.25, Some(7)));
        assert_eq!((look.overlay, look.opacity, look.dark), (Overlay::FusionMask, 0.3, false));
        assert_eq!((look.plot, look.ledger_open), (Plot::Cosines, true));
        let odd = Layout {
            overlay_opacity: f32::NAN,
            left_width: Some(-4.0),
            theme: "pink".into(),
            wipe: Some(3.0),
            scale: Some(0.0),
            ..Layout::default()
        };
        restore(&mut look, &odd);
        assert_eq!((look.overlay, look.opacity, look.dark), (Overlay::FusionMask, 0.3, false));
        assert_eq!((look.columns, look.wipe, look.scale), (Look::default().columns, 0.25, 1.5));
    }
}
