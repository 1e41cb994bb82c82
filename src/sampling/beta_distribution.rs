//! Quantiles of the symmetric Beta distribution that the "beta" schedules are laid by (Lee et al. 2024, arXiv 2407.12173).
//!
//! Separate as a function of numbers alone.

/// Both parameters of the distribution.
const SHAPE: f64 = 0.6;

/// The value in 0..=1 below which the share `p` of the distribution lies.
pub(super) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return 1.0 - quantile(1.0 - p);
    }
    if p <= 0.0 || p == 0.5 {
        // Exactly, because it is rounded to a timestep.
        return p.max(0.0);
    }
    let target = 2.0 * p * lower_part(0.5);
    let (mut low, mut high) = (0.0, 0.5);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        *(if lower_part(middle) < target { &mut low } else { &mut high }) = middle;
    }
    0.5 * (low + high)
}

/// The incomplete Beta function up to `x` in 0..=0.5, by its power series.
fn lower_part(x: f64) -> f64 {
    let (mut sum, mut factor) = (0.0, 1.0);
    for k in 0..64 {
        let k = f64::from(k);
        sum += factor / (SHAPE + k);
        factor *= (k + 1.0 - SHAPE) / (k + 1.0) * x;
    }
    sum * x.powf(SHAPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_symmetric_and_invert_the_distribution() {
        assert_eq!((quantile(0.0), quantile(1.0)), (0.0, 1.0));
        assert!((quantile(0.5) - 0.5).abs() < 1e-12);
        for p in [1e-3, 0.1, 0.3, 0.49] {
            let x = quantile(p);
            assert!((lower_part(x) / (2.0 * lower_part(0.5)) - p).abs() < 1e-12, "{p}");
            assert!((quantile(1.0 - p) - (1.0 - x)).abs() < 1e-12, "{p}");
        }
    }
}
