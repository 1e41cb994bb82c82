//! Fonts and widgets of egui in the window's own themes.
//!
//! Apart from the colours, which exported figures use without a window.

use std::sync::Arc;

use egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, Margin, Stroke, Style, TextStyle, Visuals,
    style::WidgetVisuals,
};

use super::theme::{DARK, LIGHT, Theme, body_font, bold_font, mix, mono_font, semibold, size, small_font};

/// Seconds before a tooltip appears, and after one in which the next appears at once.
const TOOLTIP_DELAY: f32 = 0.35;
const TOOLTIP_GRACE: f32 = 0.2;

/// Installs the fonts and both themes; called once per window.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(egui::Theme::Dark, style(&DARK, Visuals::dark()));
    ctx.set_style_of(egui::Theme::Light, style(&LIGHT, Visuals::light()));
}

/// Hides tooltips while something is moved with the pointer: they would cover it.
pub fn hide_tooltips(ctx: &Context, moving: bool) {
    let (delay, grace) = if moving { (f32::MAX, 0.0) } else { (TOOLTIP_DELAY, TOOLTIP_GRACE) };
    if ctx.global_style().interaction.tooltip_delay != delay {
        ctx.all_styles_mut(|style| {
            (style.interaction.tooltip_delay, style.interaction.tooltip_grace_time) = (delay, grace);
        });
    }
}

pub fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let own: [(&str, &'static [u8]); 3] = [
        ("inter", include_bytes!("../../../assets/fonts/Inter-Regular.otf")),
        ("inter-semibold", include_bytes!("../../../assets/fonts/Inter-SemiBold.otf")),
        ("jetbrains-mono", include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf")),
    ];
    for (name, bytes) in own {
        fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(bytes)));
    }
    // Egui's own fonts follow ours, for scripts and signs that ours lack.
    let rest = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let ahead = |name: &str, rest: &[String]| [&[name.to_owned()], rest].concat();
    let mono = fonts.families.get(&FontFamily::Monospace).cloned().unwrap_or_default();
    fonts.families.insert(FontFamily::Proportional, ahead("inter", &rest));
    fonts.families.insert(semibold(), ahead("inter-semibold", &rest));
    fonts.families.insert(FontFamily::Monospace, ahead("jetbrains-mono", &mono));
    fonts
}

fn style(theme: &Theme, visuals: Visuals) -> Style {
    let mut style = Style { visuals, ..Style::default() };
    style.text_styles = [
        (TextStyle::Body, body_font()),
        (TextStyle::Button, body_font()),
        (TextStyle::Small, small_font()),
        (TextStyle::Monospace, mono_font()),
        (TextStyle::Heading, bold_font(size::HEADING)),
    ]
    .into();
    style.drag_value_text_style = TextStyle::Monospace;
    let spacing = &mut style.spacing;
    spacing.item_spacing = egui::vec2(6.0, size::ROW_GAP);
    spacing.button_padding = egui::vec2(10.0, 3.0);
    spacing.interact_size = egui::vec2(20.0, size::ROW);
    spacing.icon_width = 14.0;
    spacing.menu_margin = Margin::same(6);
    spacing.scroll = egui::style::ScrollStyle::thin();
    (style.interaction.tooltip_delay, style.interaction.tooltip_grace_time) = (TOOLTIP_DELAY, TOOLTIP_GRACE);
    style.interaction.selectable_labels = false;
    paint(&mut style.visuals, theme);
    style
}

fn paint(v: &mut Visuals, t: &Theme) {
    v.panel_fill = t.ground.panel;
    v.window_fill = t.ground.panel;
    v.window_stroke = Stroke::new(1.0, t.ground.raised_hover);
    v.extreme_bg_color = t.ground.input;
    v.text_edit_bg_color = Some(t.ground.input);
    v.faint_bg_color = t.ground.input;
    v.code_bg_color = t.ground.input;
    v.hyperlink_color = t.accent.plain;
    v.warn_fg_color = t.accent.plain;
    v.error_fg_color = t.danger.ink;
    v.weak_text_color = Some(t.ink.faint);
    v.selection.bg_fill = mix(t.ground.panel, t.accent.plain, 0.35);
    v.selection.stroke = Stroke::new(1.0, t.accent.plain);
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(6);
    let look = |fill: Color32, text: Color32, rim: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, rim),
        corner_radius: CornerRadius::same(size::RADIUS),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    v.widgets.noninteractive = look(t.ground.panel, t.ink.dim, t.line);
    v.widgets.inactive = look(t.ground.raised, t.ink.text, Color32::TRANSPARENT);
    v.widgets.hovered = look(t.ground.raised_hover, t.ink.text, Color32::TRANSPARENT);
    v.widgets.active = look(t.ground.raised_hover, t.ink.text, t.accent.plain);
    v.widgets.open = look(t.ground.raised_hover, t.ink.text, Color32::TRANSPARENT);
}
