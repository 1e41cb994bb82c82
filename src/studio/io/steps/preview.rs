//! A lossy codec for the previews of consecutive steps.
//!
//! Each pixel is predicted from the preview before it, or in a first preview from its left neighbour. The difference is
//! quantised to a few grey values, and small differences are dropped. Predictions use the decoded values, so errors do
//! not accumulate: no brightness is off by more than one quantisation step. Colour is kept at half resolution (YCoCg;
//! Malvar and Sullivan, 2003). The codes are mostly zeros, which compress well. Finished pictures are not coded this
//! way.

use crate::tensor::Picture;

/// Quantisation steps of brightness and colour.
const LUMA_STEP: i16 = 6;
const CHROMA_STEP: i16 = 12;
/// Differences below this share of a quantisation step are dropped.
const LEAST: f32 = 0.9;

/// A coded preview: quantised differences from the prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Coded {
    /// Height and width.
    pub size: [usize; 2],
    /// `[h, w]`.
    pub luma: Vec<i8>,
    /// `[2, ceil(h / 2), ceil(w / 2)]`.
    pub chroma: Vec<i8>,
}

/// Brightness, and both colour planes at half resolution, as a decoder has them.
#[derive(Clone, Default)]
pub struct Planes {
    size: [usize; 2],
    luma: Vec<i16>,
    chroma: [Vec<i16>; 2],
}

fn halved([height, width]: [usize; 2]) -> [usize; 2] {
    [height.div_ceil(2), width.div_ceil(2)]
}

/// Codes `picture`, given the decoded planes of the preview before it; also returns its own decoded planes.
pub fn encode(picture: &Picture, before: &Planes) -> (Coded, Planes) {
    let target = planes(picture);
    let size = target.size;
    let before = Some(before).filter(|before| before.size == size);
    let mut chroma = Vec::new();
    let code = |plane: &[i16], width, step, before: Option<&[i16]>, codes: &mut Vec<i8>| {
        reconstruct(plane.len(), width, step, before, |at, predicted| {
            let off = f32::from(plane[at] - predicted) / f32::from(step);
            let code = if off.abs() < LEAST { 0 } else { off.round().clamp(-127.0, 127.0) as i8 };
            codes.push(code);
            code
        })
    };
    let mut luma = Vec::new();
    let kept_luma = code(&target.luma, size[1], LUMA_STEP, before.map(|b| b.luma.as_slice()), &mut luma);
    let half = halved(size)[1];
    let kept_chroma =
        [0, 1].map(|k| code(&target.chroma[k], half, CHROMA_STEP, before.map(|b| b.chroma[k].as_slice()), &mut chroma));
    (Coded { size, luma, chroma }, Planes { size, luma: kept_luma, chroma: kept_chroma })
}

/// The picture and its planes, for decoding the next preview; `None` where the counts do not fit the size.
pub fn decode(coded: &Coded, before: &Planes) -> Option<(Picture, Planes)> {
    let size = coded.size;
    let half = halved(size);
    let (area, half_area) = (size[0].checked_mul(size[1])?, half[0].checked_mul(half[1])?);
    if area == 0 || coded.luma.len() != area || coded.chroma.len() != 2 * half_area {
        return None;
    }
    let before = Some(before).filter(|before| before.size == size);
    let luma = reconstruct(area, size[1], LUMA_STEP, before.map(|b| b.luma.as_slice()), |at, _| coded.luma[at]);
    let chroma = [0, 1].map(|k| {
        let codes = &coded.chroma[k * half_area..(k + 1) * half_area];
        reconstruct(half_area, half[1], CHROMA_STEP, before.map(|b| b.chroma[k].as_slice()), |at, _| codes[at])
    });
    let planes = Planes { size, luma, chroma };
    Some((picture(&planes), planes))
}

/// Goes over a plane in reading order. `code` gets each prediction (the value before, or else the left neighbour) and
/// returns the difference in quantisation steps. Returns the decoded values.
fn reconstruct(
    count: usize,
    width: usize,
    step: i16,
    before: Option<&[i16]>,
    mut code: impl FnMut(usize, i16) -> i8,
) -> Vec<i16> {
    let mut values: Vec<i16> = Vec::with_capacity(count);
    for at in 0..count {
        let neighbour = if at % width > 0 { at.checked_sub(1) } else { at.checked_sub(width) };
        let predicted = before.map_or_else(|| neighbour.map_or(0, |at| values[at]), |before| before[at]);
        values.push(predicted.saturating_add(i16::from(code(at, predicted)) * step));
    }
    values
}

fn planes(picture: &Picture) -> Planes {
    let size = [picture.height, picture.width];
    let half = halved(size);
    let mut luma = Vec::with_capacity(picture.height * picture.width);
    let mut sums = [vec![0_i16; half[0] * half[1]], vec![0; half[0] * half[1]]];
    let mut counts = vec![0_i16; half[0] * half[1]];
    for (at, pixel) in picture.rgb.as_chunks::<3>().0.iter().enumerate() {
        let [r, g, b] = pixel.map(i16::from);
        let orange = r - b;
        let middle = b + (orange >> 1);
        let green = g - middle;
        luma.push(middle + (green >> 1));
        let place = (at / picture.width / 2) * half[1] + (at % picture.width) / 2;
        sums[0][place] += orange;
        sums[1][place] += green;
        counts[place] += 1;
    }
    let chroma = sums.map(|sum| sum.iter().zip(&counts).map(|(s, n)| s / n.max(&1)).collect());
    Planes { size, luma, chroma }
}

fn picture(planes: &Planes) -> Picture {
    let [height, width] = planes.size;
    let half = halved(planes.size);
    let mut rgb = Vec::with_capacity(3 * height * width);
    for (at, luma) in planes.luma.iter().enumerate() {
        let place = (at / width / 2) * half[1] + (at % width) / 2;
        let [orange, green] = [0, 1].map(|k| planes.chroma[k][place]);
        let middle = luma.saturating_sub(green >> 1);
        let b = middle.saturating_sub(orange >> 1);
        let pixel = [b.saturating_add(orange), middle.saturating_add(green), b];
        rgb.extend(pixel.map(|v| v.clamp(0, 255) as u8));
    }
    Picture { width, height, rgb }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: usize, height: usize, turn: usize) -> Picture {
        let rgb = (0..width * height).flat_map(|p| {
            let (x, y) = (p % width, p / width);
            [(x * 3 + turn * 20) as u8 / 2, (y * 2) as u8, 200 - (turn * 9) as u8]
        });
        Picture { width, height, rgb: rgb.collect() }
    }

    fn furthest(a: &Picture, b: &Picture) -> u8 {
        a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
    }

    #[test]
    fn a_row_of_pictures_comes_back_closely_however_long_it_is() {
        let (mut writer, mut reader) = (Planes::default(), Planes::default());
        for turn in 0..12 {
            let original = gradient(31, 18, turn % 5);
            let (coded, kept) = encode(&original, &writer);
            let (decoded, planes) = decode(&coded, &reader).expect("fitting counts");
            assert!(furthest(&original, &decoded) <= 32, "turn {turn}: {}", furthest(&original, &decoded));
            (writer, reader) = (kept, planes);
        }
    }

    #[test]
    fn what_does_not_change_costs_zeros() {
        let original = gradient(24, 24, 1);
        let (_, kept) = encode(&original, &Planes::default());
        let (coded, _) = encode(&original, &kept);
        assert!(coded.luma.iter().chain(&coded.chroma).all(|code| *code == 0));
    }

    #[test]
    fn counts_that_do_not_fit_are_refused() {
        let (coded, _) = encode(&gradient(8, 8, 0), &Planes::default());
        let short = Coded { luma: coded.luma[1..].to_vec(), ..coded.clone() };
        assert!(decode(&short, &Planes::default()).is_none());
        assert!(decode(&Coded { size: [0, 8], ..coded.clone() }, &Planes::default()).is_none());
        assert!(decode(&Coded { size: [usize::MAX, 2], ..coded }, &Planes::default()).is_none());
    }
}
