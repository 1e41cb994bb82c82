//! Names of weights: from the variants that occur in files to those that `nets` asks for.
//!
//! Separate from the readers of files, because it is the one place for such renames.

/// The canonical name of a tensor. A name that is canonical already, or unknown, is returned as it is.
///
/// | in files | canonical | where |
/// |---|---|---|
/// | `attentions.0.query`, `.key`, `.value` | `.to_q`, `.to_k`, `.to_v` | autoencoders before diffusers 0.18 |
/// | `attentions.0.proj_attn` | `.to_out.0` | the same |
pub(super) fn canonical(name: &str) -> String {
    const OLD_ATTENTION: [(&str, &str); 4] =
        [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")];
    let mut parts = name.rsplitn(3, '.');
    if let (Some(kind @ ("weight" | "bias")), Some(layer), Some(owner)) = (parts.next(), parts.next(), parts.next())
        && owner.contains("mid_block.attentions.")
        && let Some((_, new)) = OLD_ATTENTION.iter().find(|(old, _)| *old == layer)
    {
        return format!("{owner}.{new}.{kind}");
    }
    name.to_owned()
}

/// Whether a tensor is known to be unused: some files contain it, and no network needs it.
pub(super) fn is_known_unused(name: &str) -> bool {
    // Buffers of old transformers versions, and the rest of CLIP where a whole CLIP model was exported.
    // ComfyUI's files of 8 bits have factors for inputs, which are for its own kernels.
    name.ends_with("position_ids")
        || name == "logit_scale"
        || name.starts_with("vision_model.")
        || name.ends_with(".scale_input")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_attention_names_become_new_ones() {
        for (old, new) in [
            ("decoder.mid_block.attentions.0.query.weight", "decoder.mid_block.attentions.0.to_q.weight"),
            ("encoder.mid_block.attentions.0.proj_attn.bias", "encoder.mid_block.attentions.0.to_out.0.bias"),
            ("encoder.mid_block.attentions.0.to_k.bias", "encoder.mid_block.attentions.0.to_k.bias"),
            ("down_blocks.0.resnets.0.conv1.weight", "down_blocks.0.resnets.0.conv1.weight"),
            ("weight", "weight"),
        ] {
            assert_eq!(canonical(old), new);
        }
    }
}
