//! A view as a session and the settings keep it.
//!
//! Apart from the view because names in files stay while names in the program change.

use super::{
    compare::Compare,
    ledger::Plot,
    overlay::{Overlay, SaliencyOf},
    state::{Appearance, Folded, View},
};
use crate::{
    session::{Layout, Settings},
    studio::document::track::Playhead,
};

const DARK: &str = "dark";
const LIGHT: &str = "light";
/// What can be folded.
const LEFT: &str = "left";
const RIGHT: &str = "right";
const TIMELINE: &str = "timeline";
/// The columns' narrowest and widest, in points.
pub const COLUMN: std::ops::RangeInclusive<f32> = 240.0..=420.0;
/// How small and how large the interface can be.
pub const SCALE: std::ops::RangeInclusive<f32> = 1.0..=2.0;

/// The name of the theme.
pub fn theme_name(appearance: &Appearance) -> &'static str {
    if appearance.dark { DARK } else { LIGHT }
}

/// Sets the view up as the user has set it before.
pub fn apply_settings(view: &mut View, settings: &Settings) {
    let appearance = &mut view.appearance;
    if !settings.theme.is_empty() {
        appearance.dark = settings.theme != LIGHT;
    }
    appearance.own_dialogs = settings.own_dialogs;
    appearance.films = !settings.no_films;
    appearance.scale = settings.scale.filter(|scale| SCALE.contains(scale)).unwrap_or(appearance.scale);
}

/// The layout that a session keeps of a view.
pub fn of(view: &View) -> Layout {
    Layout {
        step: if let Playhead::At(step) = view.playhead { Some(step) } else { None },
        overlay: view.overlay.kind.title().to_lowercase(),
        overlay_opacity: view.overlay.opacity,
        theme: theme_name(&view.appearance).to_owned(),
        left_width: Some(view.appearance.columns[0]),
        right_width: Some(view.appearance.columns[1]),
        bottom_height: None,
        ledger: view.ledger.plot.title().to_lowercase(),
        ledger_open: view.ledger.open,
        scale: Some(view.appearance.scale),
        compare: view.comparison.mode.title().to_lowercase(),
        wipe: Some(view.comparison.wipe),
        region: view.selection.region,
        concept: view.overlay.concept,
        expert_saliency: Some(view.overlay.saliency == SaliencyOf::Expert),
        outlines: Some(view.overlay.outlines),
        folded: folded_names(view.appearance.folded),
        ..Layout::default()
    }
}

/// The names of what is folded. The canvas alone is not kept.
fn folded_names(folded: Folded) -> Vec<String> {
    let all = [(folded.left, LEFT), (folded.right, RIGHT), (folded.timeline, TIMELINE)];
    all.into_iter().filter(|(folded, _)| *folded).map(|(_, name)| name.to_owned()).collect()
}

/// Sets a view up as `layout` says; what it does not say, or says wrongly, stays. The playhead is left to the caller,
/// since it needs a run to stand on.
pub fn restore(view: &mut View, layout: &Layout) {
    let named = |overlay: &Overlay| overlay.title().eq_ignore_ascii_case(&layout.overlay);
    view.overlay.kind = Overlay::ALL.into_iter().find(named).unwrap_or(view.overlay.kind);
    if (0.0..=1.0).contains(&layout.overlay_opacity) {
        view.overlay.opacity = layout.overlay_opacity;
    }
    view.appearance.dark = match layout.theme.as_str() {
        DARK => true,
        LIGHT => false,
        _ => view.appearance.dark,
    };
    let named = |compare: &Compare| compare.title().eq_ignore_ascii_case(&layout.compare);
    view.comparison.mode = Compare::ALL.into_iter().find(named).unwrap_or_default();
    let share = |value: Option<f32>| value.filter(|value| (0.0..=1.0).contains(value));
    view.comparison.wipe = share(layout.wipe).unwrap_or(view.comparison.wipe);
    view.appearance.scale = layout.scale.filter(|scale| SCALE.contains(scale)).unwrap_or(view.appearance.scale);
    (view.selection.region, view.overlay.concept) = (layout.region, layout.concept);
    let whose = |expert| if expert { SaliencyOf::Expert } else { SaliencyOf::General };
    view.overlay.saliency = layout.expert_saliency.map_or(view.overlay.saliency, whose);
    view.overlay.outlines = layout.outlines.unwrap_or(view.overlay.outlines);
    let named = |plot: &Plot| plot.title().eq_ignore_ascii_case(&layout.ledger);
    view.ledger.plot = Plot::ALL.into_iter().find(named).unwrap_or(view.ledger.plot);
    view.ledger.open = layout.ledger_open;
    let is_folded = |name: &str| layout.folded.iter().any(|folded| folded == name);
    let alone = view.appearance.folded.alone;
    view.appearance.folded =
        Folded { left: is_folded(LEFT), right: is_folded(RIGHT), timeline: is_folded(TIMELINE), alone };
    for (column, width) in view.appearance.columns.iter_mut().zip([layout.left_width, layout.right_width]) {
        *column = width.filter(|width| COLUMN.contains(width)).unwrap_or(*column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::view::{ledger::LedgerView, overlay::OverlayView};

    #[test]
    fn what_is_kept_comes_back_and_nonsense_is_left_out() {
        let overlay = OverlayView {
            kind: Overlay::FusionMask,
            concept: Some(crate::recipe::ConceptId(2)),
            saliency: SaliencyOf::Expert,
            opacity: 0.3,
            outlines: false,
            ..OverlayView::default()
        };
        let mut arranged = View { overlay, ..View::default() };
        (arranged.appearance.dark, arranged.appearance.scale) = (false, 1.5);
        (arranged.comparison.mode, arranged.comparison.wipe) = (Compare::Wipe, 0.25);
        arranged.selection.region = Some(7);
        (arranged.appearance.folded.left, arranged.appearance.folded.timeline) = (true, true);
        arranged.ledger = LedgerView { plot: Plot::Cosines, open: true };
        let mut view = View::default();
        restore(&mut view, &of(&arranged));
        assert_eq!(of(&view), of(&arranged));
        assert_eq!(view.overlay, arranged.overlay);
        assert_eq!(view.comparison, arranged.comparison);
        assert_eq!((view.appearance.scale, view.appearance.dark), (1.5, false));
        assert_eq!((view.selection.region, view.ledger), (Some(7), arranged.ledger));
        assert_eq!(view.appearance.folded, Folded { left: true, timeline: true, ..Folded::default() });
        let odd = Layout {
            overlay_opacity: f32::NAN,
            left_width: Some(-4.0),
            theme: "pink".into(),
            wipe: Some(3.0),
            scale: Some(0.0),
            ..Layout::default()
        };
        restore(&mut view, &odd);
        assert_eq!((view.overlay.kind, view.overlay.opacity, view.appearance.dark), (Overlay::FusionMask, 0.3, false));
        assert_eq!(
            (view.appearance.columns, view.comparison.wipe, view.appearance.scale),
            (View::default().appearance.columns, 0.25, 1.5)
        );
    }
}
