//! Every colour, font size and distance of the window, in its dark and its light theme.
//!
//! Apart from the widgets so that exported figures use the same colours and fonts.

use egui::{Color32, FontFamily, FontId, RichText, Ui};

/// The colours of one theme.
pub struct Theme {
    pub ground: Ground,
    pub ink: Ink,
    /// Lines between panels.
    pub line: Color32,
    pub slider: SliderColors,
    pub accent: Accent,
    pub danger: Danger,
    pub on_picture: OnPicture,
    pub tooltip: TooltipColors,
}

/// Backgrounds.
pub struct Ground {
    /// Behind the picture.
    pub canvas: Color32,
    pub panel: Color32,
    /// The strip of takes.
    pub strip: Color32,
    /// Text fields, cards, segmented controls.
    pub input: Color32,
    /// Plain buttons, the chosen segment, slider rails.
    pub raised: Color32,
    pub raised_hover: Color32,
}

/// Text, from the most to the least important.
pub struct Ink {
    pub text: Color32,
    pub dim: Color32,
    pub faint: Color32,
}

/// Sliders.
pub struct SliderColors {
    /// The filled part of a slider that has no colour of its own.
    pub fill: Color32,
    pub knob: Color32,
}

/// What stands out: the main button, and what is switched on.
pub struct Accent {
    pub plain: Color32,
    pub hover: Color32,
    /// Text on it.
    pub ink: Color32,
}

/// Errors.
pub struct Danger {
    pub ink: Color32,
    pub ground: Color32,
}

/// Text on pictures, and what lies under it.
pub struct OnPicture {
    pub ink: Color32,
    pub ground: Color32,
}

/// The tooltip over the canvas.
pub struct TooltipColors {
    pub ground: Color32,
    pub line: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

pub const DARK: Theme = Theme {
    ground: Ground {
        canvas: rgb(0x0e1012),
        panel: rgb(0x1a1d21),
        strip: rgb(0x131518),
        input: rgb(0x22262b),
        raised: rgb(0x2b3036),
        raised_hover: rgb(0x343a42),
    },
    ink: Ink { text: rgb(0xe7e9ec), dim: rgb(0x9aa3ad), faint: rgb(0x757e88) },
    line: rgb(0x2a2e34),
    slider: SliderColors { fill: rgb(0x9aa3ad), knob: rgb(0xe7e9ec) },
    accent: Accent { plain: rgb(0xe8a33d), hover: rgb(0xf2b559), ink: rgb(0x1b1408) },
    danger: Danger { ink: rgb(0xf0806a), ground: rgb(0x3a2320) },
    on_picture: OnPicture { ink: rgb(0xe7e9ec), ground: Color32::from_rgba_premultiplied(10, 11, 12, 190) },
    tooltip: TooltipColors { ground: Color32::from_rgba_premultiplied(14, 16, 18, 240), line: rgb(0x343a42) },
};

pub const LIGHT: Theme = Theme {
    ground: Ground {
        canvas: rgb(0xd9dce0),
        panel: rgb(0xf6f7f8),
        strip: rgb(0xeceef0),
        input: rgb(0xe7eaed),
        raised: rgb(0xd6dbe0),
        raised_hover: rgb(0xc9cfd6),
    },
    ink: Ink { text: rgb(0x1a1d21), dim: rgb(0x515a64), faint: rgb(0x6f7883) },
    line: rgb(0xdde1e5),
    slider: SliderColors { fill: rgb(0x68727d), knob: rgb(0x2b3036) },
    accent: Accent { plain: rgb(0xb36b00), hover: rgb(0x9a5c00), ink: rgb(0xffffff) },
    danger: Danger { ink: rgb(0xb3311a), ground: rgb(0xf8ddd7) },
    on_picture: OnPicture { ink: rgb(0xe7e9ec), ground: Color32::from_rgba_premultiplied(10, 11, 12, 190) },
    tooltip: TooltipColors { ground: Color32::from_rgba_premultiplied(250, 250, 251, 245), line: rgb(0xc9cfd6) },
};

impl Theme {
    /// The theme that `ui` is drawn in.
    pub fn of(ui: &Ui) -> &'static Self {
        Self::choose(ui.visuals().dark_mode)
    }

    pub fn choose(dark: bool) -> &'static Self {
        if dark { &DARK } else { &LIGHT }
    }
}

/// Distances and sizes, in points.
pub mod size {
    pub const TOOLBAR: f32 = 43.0;
    pub const LEFT: f32 = 260.0;
    pub const RIGHT: f32 = 300.0;
    pub const TAKES: f32 = 98.0;
    pub const MARGIN: f32 = 12.0;
    /// One row of a settings section.
    pub const ROW: f32 = 22.0;
    pub const ROW_GAP: f32 = 3.0;
    /// Above and below the line between sections.
    pub const SECTION_GAP: f32 = 11.0;
    /// The label column of settings rows.
    pub const LABEL: f32 = 88.0;
    /// The number column of settings rows.
    pub const NUMBER: f32 = 46.0;
    pub const RADIUS: u8 = 5;
    pub const KNOB: f32 = 5.5;
    pub const RAIL: f32 = 3.0;
    /// The label column of the timeline.
    pub const LANE_LABEL: f32 = 142.0;
    pub const LANE: f32 = 19.0;
    /// A lane whose keys are drawn.
    pub const LANE_KEYED: f32 = 38.0;
    /// Above and below a lane's bar.
    pub const LANE_PAD: f32 = 4.5;
    /// The side of a timeline thumbnail, by the window's height.
    pub fn frame(window: f32) -> f32 {
        (0.066 * window).round().clamp(40.0, 60.0)
    }
    pub const TAKE: f32 = 76.0;

    pub const BODY: f32 = 13.0;
    pub const SMALL: f32 = 11.5;
    pub const HEADING: f32 = 12.0;
    pub const MONO: f32 = 11.5;
}

/// Colours that colour-blind people can tell apart: Okabe and Ito's eight without black, and further ones between them.
/// Neighbours in this order differ strongly, because neighbouring tokens are neighbouring words.
const TOKENS: [Color32; 12] = [
    rgb(0xe69f00),
    rgb(0x56b4e9),
    rgb(0xcc79a7),
    rgb(0x00a67a),
    rgb(0xf0e442),
    rgb(0x7b8cff),
    rgb(0xd55e00),
    rgb(0x88ccee),
    rgb(0xaa4499),
    rgb(0xb5c955),
    rgb(0x2f86c9),
    rgb(0xddaa88),
];

/// How many shades of a palette's colours follow each other before they repeat.
const SHADES: usize = 7;

/// Concepts, in their order of rows.
const CONCEPTS: [Color32; 6] =
    [rgb(0xcc79a7), rgb(0x7b8cff), rgb(0x56b4e9), rgb(0xf0e442), rgb(0xd55e00), rgb(0xb5c955)];

/// Start, end and padding tokens, which belong to no word.
pub const BACKGROUND_TOKEN: Color32 = rgb(0x8b919a);
pub const SCFG: Color32 = rgb(0xe8a33d);
pub const FUSION: Color32 = rgb(0x009e73);
/// Tints of pictures: unchanged, of what does not act at the shown step, and of steps that will be rendered anew.
pub const PLAIN: Color32 = Color32::WHITE;
pub const IDLE: Color32 = Color32::from_gray(110);
pub const STALE: Color32 = Color32::from_gray(90);
/// The general model's and the expert's ground on the small fusion mask.
pub const GENERAL_GROUND: Color32 = Color32::BLACK;
pub const EXPERT_GROUND: Color32 = Color32::WHITE;
/// Rates below, at and above 1.
pub const BELOW_ONE: Color32 = rgb(0x3b8fd6);
pub const AT_ONE: Color32 = rgb(0x26292e);
pub const ABOVE_ONE: Color32 = rgb(0xf5a623);
/// Rims of the takes that are compared.
pub const TAKE_A: Color32 = rgb(0x56b4e9);
pub const TAKE_B: Color32 = rgb(0xe8a33d);

/// The colour of a word, by its position in the encoded prompt; the same in every run, and another one for each position of
/// a prompt of 77.
pub fn token_color(position: usize) -> Color32 {
    shaded(&TOKENS, position.wrapping_sub(1))
}

pub fn concept_color(row: usize) -> Color32 {
    shaded(&CONCEPTS, row)
}

/// The colours of a palette in their order, then the same lighter and darker in turn.
fn shaded(palette: &[Color32], at: usize) -> Color32 {
    let color = palette[at % palette.len()];
    let toward = |ink: u32, t: f32| mix(color, rgb(ink), t);
    match at / palette.len() % SHADES {
        0 => color,
        1 => toward(0x000000, 0.4),
        2 => toward(0xffffff, 0.5),
        3 => toward(0x000000, 0.2),
        4 => toward(0xffffff, 0.25),
        5 => toward(0xffffff, 0.7),
        _ => toward(0x000000, 0.6),
    }
}

/// Black or white, whichever reads better on `background`.
pub fn ink_on(background: Color32) -> Color32 {
    let [r, g, b, _] = background.to_array().map(f32::from);
    if 0.299 * r + 0.587 * g + 0.114 * b > 110.0 { rgb(0x0c1014) } else { rgb(0xffffff) }
}

/// `a` and `b` mixed, `t` of `b`.
pub fn mix(a: Color32, b: Color32, t: f32) -> Color32 {
    let lane = |x: u8, y: u8| (f32::from(x) + (f32::from(y) - f32::from(x)) * t).round() as u8;
    Color32::from_rgb(lane(a.r(), b.r()), lane(a.g(), b.g()), lane(a.b(), b.b()))
}

/// The family of the bold cut.
pub fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

pub fn bold_font(points: f32) -> FontId {
    FontId::new(points, semibold())
}

pub fn body_font() -> FontId {
    FontId::proportional(size::BODY)
}

pub fn small_font() -> FontId {
    FontId::proportional(size::SMALL)
}

pub fn mono_font() -> FontId {
    FontId::monospace(size::MONO)
}

/// Text in the bold cut.
pub fn bold(text: impl Into<String>, points: f32) -> RichText {
    RichText::new(text).font(bold_font(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(c: Color32) -> f32 {
        let lin = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * lin(c.r()) + 0.7152 * lin(c.g()) + 0.0722 * lin(c.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_is_readable_in_both_faces() {
        for t in [&DARK, &LIGHT] {
            for ground in [t.ground.panel, t.ground.input, t.ground.strip] {
                assert!(contrast(t.ink.text, ground) > 7.0);
                assert!(contrast(t.ink.dim, ground) > 4.5);
                assert!(contrast(t.ink.faint, ground) > 3.3, "{}", contrast(t.ink.faint, ground));
            }
            assert!(contrast(t.accent.ink, t.accent.plain) > 3.9);
        }
    }

    #[test]
    fn every_word_color_carries_readable_ink_and_neighbours_differ() {
        for position in 1..40 {
            assert!(contrast(ink_on(token_color(position)), token_color(position)) > 4.0, "position {position}");
            assert_ne!(token_color(position), token_color(position + 1));
        }
        assert_eq!(token_color(3), token_color(3));
    }

    #[test]
    fn no_two_words_of_a_prompt_have_the_same_color() {
        let far = |a: Color32, b: Color32| {
            let lane = |x: u8, y: u8| (f32::from(x) - f32::from(y)).powi(2);
            (lane(a.r(), b.r()) + lane(a.g(), b.g()) + lane(a.b(), b.b())).sqrt()
        };
        for a in 1..=77 {
            for b in 1..a {
                let distance = far(token_color(a), token_color(b));
                assert!(distance > 4.0, "positions {a} and {b}: {distance}");
                assert!(distance > 30.0 || a > 24, "positions {a} and {b}: {distance}");
            }
        }
    }
}
