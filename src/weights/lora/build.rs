//! From the parts of a module to the updates of its weight and its bias.
//!
//! Separate from reading: every part of a module is used here, or the module is refused.

use std::collections::BTreeMap;

use super::{
    factor::{Factor, Part},
    settings::Settings,
    update::{Change, Magnitude, Scale, Update},
};

/// The parts of one module, by the names of `names::PARTS`.
pub(super) type Parts = BTreeMap<&'static str, Part>;

/// The updates of one module.
#[derive(Debug, Default)]
pub(super) struct Updates {
    pub weight: Option<Update>,
    pub bias: Option<Update>,
}

/// The updates that the parts of `module` make.
///
/// # Errors
/// What is wrong, in words that complete "the LoRA cannot be used: …".
pub(super) fn updates(module: &str, mut parts: Parts, settings: &Settings) -> Result<Updates, String> {
    let apart = || format!("the matrices of \"{module}\" do not fit together");
    let alpha = number(&mut parts, "alpha", module)?;
    let scalar = number(&mut parts, "scalar", module)?.unwrap_or(1.0);
    let scale_of = |rank: Option<usize>| {
        let scale = match (alpha, rank) {
            (Some(alpha), Some(rank)) => Scale { alpha, divisor: rank as f32 },
            // LyCORIS gives alpha no meaning where no factor has a rank.
            (Some(_), None) => Scale::ONE,
            (None, _) => settings.scale(module, rank).unwrap_or(Scale::ONE),
        };
        Scale { alpha: scale.alpha * scalar, ..scale }
    };
    let magnitude = magnitude(&mut parts);
    let lost = settings.wants_magnitude(module) && magnitude.is_none() && parts.contains_key("down");
    if lost {
        return Err(format!("its configuration says that it is a DoRA, but \"{module}\" has no magnitude"));
    }
    let mut updates = Updates::default();
    if let Some((values, on_input)) = rescaling(&mut parts, module, settings)? {
        updates = rescaled(values, on_input, parts.remove("ia3").is_some());
    } else if let Some((change, rank)) = change(&mut parts).ok_or_else(apart)? {
        let scale = scale_of(rank);
        updates.weight = Some(Update { change, scale, magnitude });
        let bias = parts.remove("up_bias").map(|bias| Update::difference(bias, scale));
        updates.bias = bias;
    }
    if let Some(bias) = parts.remove("bias_difference") {
        updates.bias = Some(Update::difference(bias, Scale::ONE));
    }
    match parts.keys().next() {
        Some(_) if updates.weight.is_none() && updates.bias.is_none() => Err(apart()),
        Some(part) => {
            Err(format!("the part \"{part}\" of \"{module}\" belongs to another kind of update than the rest"))
        }
        None => Ok(updates),
    }
}

/// A part that is a single number.
fn number(parts: &mut Parts, name: &str, module: &str) -> Result<Option<f32>, String> {
    let Some(part) = parts.remove(name) else { return Ok(None) };
    match part.values[..] {
        [value] => Ok(Some(value)),
        _ => Err(format!("the {name} of \"{module}\" is {} numbers instead of one", part.values.len())),
    }
}

/// DoRA's magnitude. Its shape tells the axis; PEFT's always has one number for each output.
fn magnitude(parts: &mut Parts) -> Option<Magnitude> {
    if let Some(part) = parts.remove("output_magnitude") {
        return Some(Magnitude { values: part.values, on_input: false });
    }
    let part = parts.remove("magnitude")?;
    let on_input = part.rows() == 1 && part.shape.get(1).is_some_and(|&inputs| inputs > 1);
    Some(Magnitude { values: part.values, on_input })
}

/// The factors of an (IA)³, less 1, and whether they act on inputs.
fn rescaling(parts: &mut Parts, module: &str, settings: &Settings) -> Result<Option<(Vec<f32>, bool)>, String> {
    if let Some(on_input) = number(parts, "on_input", module)? {
        let Some(part) = parts.remove("rescaling") else { return Ok(None) };
        return Ok(Some((part.values, on_input != 0.0)));
    }
    let Some(part) = parts.get("ia3") else { return Ok(None) };
    let values = part.values.iter().map(|factor| factor - 1.0).collect();
    let on_input = match part.shape[..] {
        [1, inputs] => inputs > 1,
        [1, _, ..] => settings.is_on_input(module),
        _ => false,
    };
    Ok(Some((values, on_input)))
}

/// PEFT's (IA)³ scales a bias with its outputs, LyCORIS's leaves it.
fn rescaled(values: Vec<f32>, on_input: bool, of_peft: bool) -> Updates {
    let update = |values: Vec<f32>, on_input| {
        let change = Change::Rescale { values, on_input };
        Some(Update { change, scale: Scale::ONE, magnitude: None })
    };
    let bias = (of_peft && !on_input).then(|| values.clone()).and_then(|values| update(values, false));
    Updates { weight: update(values, on_input), bias }
}

/// The change and its rank; the outer `None` where parts are missing or do not fit, the inner one where there is no change of
/// a weight.
#[expect(clippy::option_option, reason = "an error without words, and nothing to do")]
fn change(parts: &mut Parts) -> Option<Option<(Change, Option<usize>)>> {
    let has = |name: &str| parts.contains_key(name);
    if has("down") || has("up") || has("mid") {
        let (up, down) = (parts.remove("up")?, parts.remove("down")?);
        let factor = match parts.remove("mid") {
            Some(core) => Factor::tucker(core, up, down)?,
            None => Factor::product(up, down)?,
        };
        let rank = factor.rank();
        return Some(Some((Change::Sum(factor), rank)));
    }
    if has("embedding_down") || has("embedding_up") {
        // An embedding's table is the transpose of a layer's matrix.
        let (down, up) = (parts.remove("embedding_down")?, parts.remove("embedding_up")?);
        let factor = Factor::product(down.transposed(), up.transposed())?;
        let rank = factor.rank();
        return Some(Some((Change::Sum(factor), rank)));
    }
    if has("w1_a") || has("w2_a") {
        let first = factor(parts, ["", "w1_a", "w1_b", "t1"])?;
        let second = factor(parts, ["", "w2_a", "w2_b", "t2"])?;
        let rank = first.rank();
        return (first.sides() == second.sides()).then_some(Some((Change::Hadamard(first, second), rank)));
    }
    if has("kron_w1") || has("kron_w1_a") {
        let first = factor(parts, ["kron_w1", "kron_w1_a", "kron_w1_b", ""])?;
        let second = factor(parts, ["kron_w2", "kron_w2_a", "kron_w2_b", "kron_t2"])?;
        let rank = second.rank().or_else(|| first.rank());
        return Some(Some((Change::Kronecker(first, second), rank)));
    }
    Some(parts.remove("difference").map(|part| (Change::Sum(Factor::Whole(part)), None)))
}

/// A factor from its parts: whole, a product, or with a core. In LyCORIS's Tucker form the rank is the first axis of both
/// matrices.
fn factor(parts: &mut Parts, [whole, up, down, core]: [&str; 4]) -> Option<Factor> {
    if let Some(part) = parts.remove(whole) {
        return (!part.values.is_empty()).then_some(Factor::Whole(part));
    }
    let (up, down) = (parts.remove(up)?, parts.remove(down)?);
    match parts.remove(core) {
        Some(core) => Factor::tucker(core, up.transposed(), down),
        None => Factor::product(up, down),
    }
}
