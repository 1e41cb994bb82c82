//! Powers of a self-attention map applied to other maps, as S-CFG refines its token maps.
//!
//! Separate from the attention layer, which only returns the map.

use burn::tensor::{Tensor, TensorData, TensorReadError};

use super::{
    gpu,
    kernels::{self, Values},
};

/// The self-attention map S of one transformer block, as an operator on maps over its grid: `(S m)(p)` is the mean of map m,
/// weighted by the attention of position p.
pub struct SelfAttention(Held);

#[expect(clippy::large_enum_variant, reason = "a handful exist at a time, and none is moved about")]
enum Held {
    Cpu(Values),
    Gpu(Tensor<2>),
}

impl SelfAttention {
    /// From [`super::AttentionTap::self_map`], `[N, N]`.
    pub fn new(self_map: Tensor<2>) -> Self {
        Self(match Values::take(self_map) {
            Ok(values) => Held::Cpu(values),
            Err(tensor) => Held::Gpu(tensor),
        })
    }

    /// Whether `self_map` is in host memory. There, calls for a few maps each on several threads are faster than one call for
    /// all maps.
    pub fn is_cpu(self_map: &Tensor<2>) -> bool {
        kernels::is_cpu(&self_map.device())
    }

    /// `sum over r of weights[r - 1] S^r m` for each map m in `maps`: maps of N values, one after the other.
    ///
    /// # Errors
    /// [`TensorReadError`] when the device does not deliver the result.
    pub fn spread(&self, maps: &[f32], weights: &[f32]) -> Result<Vec<f32>, TensorReadError> {
        match &self.0 {
            Held::Cpu(attention) => Ok(spread_on_cpu(attention, maps, weights)),
            Held::Gpu(attention) => {
                let n = attention.dims()[0];
                let mut power =
                    Tensor::<2>::from_data(TensorData::new(maps.to_vec(), [maps.len() / n, n]), &attention.device());
                let mut sum = power.zeros_like();
                for &weight in weights {
                    power = gpu::matrix_product(&power, attention).unwrap_or_else(|| power.matmul(attention.clone()));
                    sum = sum + power.clone().mul_scalar(weight);
                }
                sum.try_into_vec_as::<f32>()
            }
        }
    }
}

fn spread_on_cpu(attention: &[f32], maps: &[f32], weights: &[f32]) -> Vec<f32> {
    let n = attention.len().isqrt();
    let mut sum = vec![0.0; maps.len()];
    let (mut power, mut next) = (maps.to_vec(), vec![0.0; maps.len()]);
    for &weight in weights {
        kernels::spread(attention, n, &power, &mut next);
        std::mem::swap(&mut power, &mut next);
        sum.iter_mut().zip(&power).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn powers_agree_with_plain_products() {
        // Sizes that are no multiples of a vector.
        for (n, count) in [(1, 1), (7, 3), (36, 32), (150, 9)] {
            let number = |i: usize| ((i * 7919) % 1013) as f32 / 1013.0 / n as f32;
            let attention: Vec<f32> = (0..n * n).map(number).collect();
            let maps: Vec<f32> = (0..count * n).map(|i| number(i + 5)).collect();
            let weights = [0.25, 0.75, -1.0];
            let tensor =
                |v: &[f32], rows| Tensor::<2>::from_data(TensorData::new(v.to_vec(), [rows, n]), &Device::flex());
            let attention = tensor(&attention, n);
            assert!(SelfAttention::is_cpu(&attention));
            let cpu = SelfAttention::new(attention.clone());
            let composed = SelfAttention(Held::Gpu(attention));
            let (found, expected) =
                (cpu.spread(&maps, &weights).expect("values"), composed.spread(&maps, &weights).expect("values"));
            for (f, e) in found.iter().zip(&expected) {
                assert!((f - e).abs() <= 1e-6 * e.abs().max(1e-3), "{n}: {f} for {e}");
            }
        }
    }
}
