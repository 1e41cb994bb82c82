//! The output of a few fixed operations, the same whatever models are loaded: where two devices' outputs agree to the
//! bit, their runs can be expected to agree.
//!
//! Separate from the networks, of which it uses two blocks with made-up weights.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    NetError, ParamError, Params, TensorSource, kernels,
    resnet::{ResnetBlock, ResnetNorm},
    transformer::SpatialTransformer,
    unet_config::Level,
};

const SIDE: usize = 6;
const INPUTS: usize = 24;
const WIDTH: usize = 48;
const TIME: usize = 40;
const CONTEXT: usize = 32;
const TOKENS: usize = 11;

/// Weights of any shape, made from their names alone: whole numbers scaled by a power of two, which is exact on every
/// machine.
struct Made;

impl TensorSource for Made {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        let (layer, kind) = name.rsplit_once('.')?;
        let bias = kind == "bias";
        let matrix = |rows, columns| if bias { vec![rows] } else { vec![rows, columns] };
        let kernel = |rows, columns, side| if bias { vec![rows] } else { vec![rows, columns, side, side] };
        let last = layer.rsplit('.').find(|part| part.parse::<usize>().is_err())?;
        let is_cross_attention = layer.contains("attn2");
        Some(match last {
            "norm1" if !layer.contains("blocks") => vec![INPUTS],
            "norm" | "norm1" | "norm2" | "norm3" => vec![WIDTH],
            "conv1" => kernel(WIDTH, INPUTS, 3),
            "conv2" => kernel(WIDTH, WIDTH, 3),
            "conv_shortcut" => kernel(WIDTH, INPUTS, 1),
            "time_emb_proj" => matrix(WIDTH, TIME),
            "to_k" | "to_v" if is_cross_attention => matrix(WIDTH, CONTEXT),
            "proj_in" | "proj_out" | "to_q" | "to_k" | "to_v" | "to_out" => matrix(WIDTH, WIDTH),
            "proj" => matrix(8 * WIDTH, WIDTH),
            "net" => matrix(WIDTH, 4 * WIDTH),
            _ => return None,
        })
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let shape = self.shape_of(name).ok_or_else(|| ParamError::Missing { name: name.to_owned() })?;
        Ok(made(name, shape.iter().product()))
    }
}

/// Pseudo-random numbers in -1/4..1/4, seeded by `name`.
fn made(name: &str, count: usize) -> Vec<f32> {
    let mut state =
        name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 - (1 << 23) as f32) / (1 << 25) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// The output of `device` for a resnet block and a transformer of fixed weights: convolutions, products, normalisations,
/// attention and activations on sizes that fill no tile evenly. Takes some milliseconds; the same device always gives
/// the same bits.
///
/// # Errors
/// [`NetError::Device`] when the device does not deliver.
pub fn probe_output(device: &Device) -> Result<Vec<f32>, NetError> {
    let input = |name: &str, shape: [usize; 3]| {
        Tensor::<3>::from_data(TensorData::new(made(name, shape.iter().product()), shape), device)
    };
    let params = Params::root(&Made, device);
    let norm = ResnetNorm { groups: 8, epsilon: 1e-5, time: Some(TIME) };
    let level = Level {
        factor: 1,
        channels: WIDTH,
        layers: 1,
        heads: 3,
        transformer_layers: 1,
        context: CONTEXT,
        down_attention: true,
        up_attention: true,
    };
    let blocks = ResnetBlock::load(&params.at("resnet"), INPUTS, WIDTH, norm)
        .and_then(|resnet| Ok((resnet, SpatialTransformer::load(&params.at("transformer"), &level, 8)?)));
    // `Made` has every tensor in its shape; the test below loads them all.
    let Ok((resnet, transformer)) = blocks else { return Ok(Vec::new()) };
    let x = input("input", [1, INPUTS, SIDE * SIDE]).reshape([1, INPUTS, SIDE, SIDE]);
    let (time, text) = (input("time", [1, TIME, 1]), input("text", [1, CONTEXT, TOKENS]));
    let output = kernels::with_workers(device, || {
        let hidden = resnet.forward(x, resnet.shift(&time));
        let texts: Vec<_> = transformer.text_key_values(&text).collect();
        transformer.finish(transformer.run_prefix(hidden, false), texts.iter(), false, &mut Vec::new())
    });
    Ok(output.try_into_vec_as::<f32>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_device_gives_the_same_bits_and_every_value_differs() {
        let output = probe_output(&Device::flex()).expect("the CPU delivers");
        assert_eq!(output.len(), WIDTH * SIDE * SIDE);
        assert!(output.iter().all(|v| v.is_finite()) && output.windows(2).all(|pair| pair[0] != pair[1]));
        let again = probe_output(&Device::flex()).expect("the CPU delivers");
        assert!(output.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
