//! Icons drawn as lines: they look the same on every system and need no font.
//!
//! Apart from the other widgets because each is a drawing of its own.

use std::f32::consts::{PI, TAU};

use egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::studio::view::theme::{Theme, size};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Play,
    Pause,
    Stop,
    Dice,
    Reuse,
    Close,
    Eye,
    EyeOff,
    Undo,
    Redo,
    Down,
    Up,
    Right,
    Folder,
    Lock,
    Unlock,
    Star,
    Starred,
    Loop,
    Brush,
    Key,
    Keyed,
    Card,
}

/// A square button with a sign; `name` is its accessible name and its tooltip.
pub fn icon_button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    button(ui, icon, name, None)
}

/// A sign that stands for a state.
pub fn icon_toggle(ui: &mut Ui, icon: Icon, name: &str, on: bool) -> Response {
    button(ui, icon, name, Some(on))
}

fn button(ui: &mut Ui, icon: Icon, name: &str, on: Option<bool>) -> Response {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| match on {
        Some(on) => WidgetInfo::selected(Role::Button, enabled, on, name),
        None => WidgetInfo::labeled(Role::Button, enabled, name),
    });
    if response.hovered() && enabled {
        ui.painter().rect_filled(rect, CornerRadius::same(size::RADIUS), theme.ground.raised);
    }
    if response.has_focus() {
        let rim = Stroke::new(1.0, theme.accent.plain);
        ui.painter().rect_stroke(rect, CornerRadius::same(size::RADIUS), rim, egui::StrokeKind::Inside);
    }
    let ink = match (enabled, on, response.hovered()) {
        (false, ..) => theme.ink.faint.gamma_multiply(0.6),
        (_, Some(true), _) => theme.accent.plain,
        (_, _, true) => theme.ink.text,
        _ => theme.ink.dim,
    };
    paint(ui.painter(), icon, rect.center(), ink);
    response.on_hover_text(name)
}

/// The sign, about 12 points wide, around `at`.
pub fn paint(painter: &Painter, icon: Icon, at: Pos2, ink: Color32) {
    let pen = Stroke::new(1.4, ink);
    let line = |points: &[(f32, f32)]| {
        painter.add(Shape::line(points.iter().map(|&(x, y)| at + vec2(x, y)).collect(), pen));
    };
    let fill = |points: &[(f32, f32)]| {
        let points = points.iter().map(|&(x, y)| at + vec2(x, y)).collect();
        painter.add(Shape::convex_polygon(points, ink, Stroke::NONE));
    };
    let block = |x: f32, y: f32, w: f32, h: f32| {
        painter.rect_filled(Rect::from_center_size(at + vec2(x, y), vec2(w, h)), 1.0, ink);
    };
    match icon {
        Icon::Play => fill(&[(-3.5, -5.0), (5.0, 0.0), (-3.5, 5.0)]),
        Icon::Pause => [-2.5, 2.5].iter().for_each(|&x| block(x, 0.0, 2.5, 9.0)),
        Icon::Stop => block(0.0, 0.0, 9.0, 9.0),
        Icon::Dice => dice(painter, at, ink),
        Icon::Reuse => turn(painter, at, pen, 0.25 * PI, 1.6 * PI, true),
        Icon::Close => {
            line(&[(-3.5, -3.5), (3.5, 3.5)]);
            line(&[(-3.5, 3.5), (3.5, -3.5)]);
        }
        Icon::Eye | Icon::EyeOff => {
            line(&[(-6.0, 0.0), (-3.0, -3.0), (0.0, -4.0), (3.0, -3.0), (6.0, 0.0)]);
            line(&[(-6.0, 0.0), (-3.0, 3.0), (0.0, 4.0), (3.0, 3.0), (6.0, 0.0)]);
            painter.circle_filled(at, 1.9, ink);
            if icon == Icon::EyeOff {
                line(&[(-5.0, 5.0), (5.0, -5.0)]);
            }
        }
        Icon::Undo => hook(painter, at, pen, -1.0),
        Icon::Redo => hook(painter, at, pen, 1.0),
        Icon::Down => line(&[(-3.5, -1.5), (0.0, 2.0), (3.5, -1.5)]),
        Icon::Up => line(&[(-3.5, 1.5), (0.0, -2.0), (3.5, 1.5)]),
        Icon::Right => line(&[(-1.5, -3.5), (2.0, 0.0), (-1.5, 3.5)]),
        Icon::Lock => padlock(painter, at, pen, true),
        Icon::Unlock => padlock(painter, at, pen, false),
        Icon::Star | Icon::Starred => star(painter, at, ink, icon == Icon::Starred),
        Icon::Key => drop(painter.add(Shape::closed_line(diamond(at, 3.6), Stroke::new(1.2, ink)))),
        Icon::Keyed => drop(painter.add(Shape::convex_polygon(diamond(at, 4.0), ink, Stroke::NONE))),
        Icon::Loop => {
            turn(painter, at, pen, 1.1 * PI, 0.75 * PI, true);
            turn(painter, at, pen, 0.1 * PI, 0.75 * PI, true);
        }
        Icon::Brush => {
            line(&[(5.0, -5.5), (-0.5, 0.0)]);
            fill(&[(-1.6, -1.2), (1.2, 1.6), (-1.0, 4.2), (-5.0, 5.0), (-4.2, 1.0)]);
        }
        Icon::Card => {
            line(&[(-5.5, -4.0), (5.5, -4.0), (5.5, 4.0), (-5.5, 4.0), (-5.5, -4.0)]);
            line(&[(-3.0, -1.2), (3.0, -1.2)]);
            line(&[(-3.0, 1.4), (1.0, 1.4)]);
        }
        Icon::Folder => {
            line(&[(-5.5, 4.0), (-5.5, -4.0), (-2.0, -4.0), (-0.5, -2.5), (5.5, -2.5), (5.5, 4.0), (-5.5, 4.0)])
        }
    }
}

/// A padlock; an open one has its shackle lifted and cut short at the right.
fn padlock(painter: &Painter, at: Pos2, pen: Stroke, closed: bool) {
    let body = Rect::from_min_max(at + vec2(-4.0, -0.5), at + vec2(4.0, 5.0));
    painter.rect_stroke(body, CornerRadius::same(1), pen, egui::StrokeKind::Middle);
    let (lift, right) = if closed { (0.0, -0.5) } else { (-1.5, -3.0) };
    let shackle =
        [(-2.5, -0.5), (-2.5, -3.0 + lift), (-1.2, -4.6 + lift), (1.2, -4.6 + lift), (2.5, -3.0 + lift), (2.5, right)];
    painter.add(Shape::line(shackle.iter().map(|&(x, y)| at + vec2(x, y)).collect(), pen));
}

/// The sign of keys on a timeline.
fn diamond(at: Pos2, radius: f32) -> Vec<Pos2> {
    [vec2(0.0, -radius), vec2(radius, 0.0), vec2(0.0, radius), vec2(-radius, 0.0)].map(|d| at + d).to_vec()
}

fn star(painter: &Painter, at: Pos2, ink: Color32, filled: bool) {
    let corner = |i: usize| {
        let angle = (i as f32 / 10.0 - 0.25) * TAU;
        let radius = if i.is_multiple_of(2) { 6.0 } else { 2.8 };
        at + vec2(angle.cos(), angle.sin()) * radius
    };
    if filled {
        // Not convex as a whole, so in triangles from the middle.
        for i in 0..10 {
            painter.add(Shape::convex_polygon(vec![at, corner(i), corner((i + 1) % 10)], ink, Stroke::NONE));
        }
    }
    painter.add(Shape::closed_line((0..10).map(corner).collect(), Stroke::new(1.2, ink)));
}

fn dice(painter: &Painter, at: Pos2, ink: Color32) {
    let face = Rect::from_center_size(at, Vec2::splat(11.0));
    painter.rect_stroke(face, CornerRadius::same(2), Stroke::new(1.3, ink), egui::StrokeKind::Middle);
    for (x, y) in [(-2.6, -2.6), (2.6, -2.6), (0.0, 0.0), (-2.6, 2.6), (2.6, 2.6)] {
        painter.circle_filled(at + vec2(x, y), 1.1, ink);
    }
}

/// An arc of `sweep` from `start` (clockwise from the right), with an arrow head at its end.
fn turn(painter: &Painter, at: Pos2, pen: Stroke, start: f32, sweep: f32, head: bool) {
    let radius = 4.8;
    let place = |angle: f32| pos2(at.x + radius * angle.cos(), at.y + radius * angle.sin());
    let points: Vec<Pos2> = (0..=16).map(|i| place(start + sweep * i as f32 / 16.0)).collect();
    painter.add(Shape::line(points, pen));
    if head {
        let end = (start + sweep) % TAU;
        let along = vec2(-end.sin(), end.cos());
        let out = vec2(end.cos(), end.sin());
        let tip = place(end) + along * 2.2;
        let (a, b) = (place(end) + out * 2.8 - along * 0.8, place(end) - out * 2.8 - along * 0.8);
        painter.add(Shape::convex_polygon(vec![tip, a, b], pen.color, Stroke::NONE));
    }
}

/// A curved arrow to the left (`side` -1) or right (1).
fn hook(painter: &Painter, at: Pos2, pen: Stroke, side: f32) {
    let p = |x: f32, y: f32| at + vec2(x * side, y);
    let curve = [p(5.0, -2.0), p(0.0, -2.0), p(-3.5, -1.0), p(-4.5, 1.5), p(-3.5, 4.0), p(-1.0, 4.5)];
    painter.add(Shape::line(curve.to_vec(), pen));
    painter.add(Shape::line(vec![p(2.2, -5.0), p(5.4, -2.0), p(2.2, 1.0)], pen));
}
