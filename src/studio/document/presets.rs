//! Settings that are offered ready-made.

use crate::recipe::{Fusion, FusionMode, ModelRef};

/// The bundled expert over the same words: fused at every step, it draws in its flat style what it finds the more
/// salient. Switched off until it is asked for.
pub fn bundled_expert() -> Fusion {
    Fusion {
        enabled: false,
        expert: ModelRef::PocketToon,
        prompt: None,
        t0: 0.0,
        k_g: 1.0,
        k_e: 4.0,
        mode: FusionMode::High,
        ..Fusion::default()
    }
}
