//! Names in LoRA files: which module of which network a tensor belongs to, and which part of its update it is.
//!
//! Separate from the arithmetic: kohya's, LyCORIS's, PEFT's and diffusers' names end here.

/// A network that a LoRA can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::weights) enum Network {
    UNet,
    /// The first text encoder, and SDXL's second.
    Text,
    Text2,
}

/// A tensor's name, taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct PartName {
    /// The module as the file names it, with its prefix.
    pub module: String,
    /// Which part of the update it is, as in [`PARTS`].
    pub part: &'static str,
}

/// Where a module is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub network: Network,
    /// The module's name with underscores for dots: so kohya's names, those of diffusers and LDM's can be looked up alike.
    pub key: String,
}

/// Ends of tensor names, each with the part of an update that it stands for. PEFT may put the adapter's name before the last
/// word, and diffusers `_lora` for `.lora`.
const PARTS: &[(&str, &str)] = &[
    (".lora_down.weight", "down"),
    (".lora_up.weight", "up"),
    (".lora_mid.weight", "mid"),
    (".lora_A.weight", "down"),
    (".lora_B.weight", "up"),
    (".lora_B.bias", "up_bias"),
    (".lora_linear_layer.down.weight", "down"),
    (".lora_linear_layer.up.weight", "up"),
    (".lora.down.weight", "down"),
    (".lora.up.weight", "up"),
    (".lora_embedding_A", "embedding_down"),
    (".lora_embedding_B", "embedding_up"),
    (".lora_magnitude_vector.weight", "output_magnitude"),
    (".lora_magnitude_vector", "output_magnitude"),
    (".dora_scale", "magnitude"),
    (".alpha", "alpha"),
    (".scalar", "scalar"),
    (".hada_w1_a", "w1_a"),
    (".hada_w1_b", "w1_b"),
    (".hada_w2_a", "w2_a"),
    (".hada_w2_b", "w2_b"),
    (".hada_t1", "t1"),
    (".hada_t2", "t2"),
    (".lokr_w1", "kron_w1"),
    (".lokr_w1_a", "kron_w1_a"),
    (".lokr_w1_b", "kron_w1_b"),
    (".lokr_w2", "kron_w2"),
    (".lokr_w2_a", "kron_w2_a"),
    (".lokr_w2_b", "kron_w2_b"),
    (".lokr_t2", "kron_t2"),
    (".on_input", "on_input"),
    (".ia3_l", "ia3"),
    (".diff", "difference"),
    (".diff_b", "bias_difference"),
    (".w_norm", "difference"),
    (".b_norm", "bias_difference"),
];

/// Parts of tensor names that show another kind of update, each with that kind's name.
const UNSUPPORTED: [(&str, &str); 8] = [
    (".oft_", "an OFT"),
    (".boft_", "a BOFT"),
    (".a1.weight", "a GLoRA"),
    (".b1.weight", "a GLoRA"),
    (".vera_lambda", "a VeRA"),
    (".bias_indices", "a LoCon with a sparse part"),
    (".reshape_weight", "a LoRA that reshapes weights"),
    (".modules_to_save.", "an adapter that replaces whole modules"),
];

/// The kind of update that a tensor's name shows, where it is one that cannot be added here.
pub(super) fn unsupported(name: &str) -> Option<&'static str> {
    UNSUPPORTED.iter().find(|(part, _)| name.contains(part)).map(|(_, kind)| *kind)
}

/// Whether a tensor is part of an embedding that A1111 or sd-scripts stores with a LoRA.
pub(super) fn is_embedding(name: &str) -> bool {
    name.starts_with("bundle_emb.") || matches!(name, "emb_params" | "clip_l" | "clip_g")
}

/// Takes a tensor's name apart; `None` for tensors that are no part of an update.
pub(super) fn part_of(name: &str) -> Option<PartName> {
    let plain = without_adapter_name(name);
    let found = PARTS.iter().find_map(|(end, part)| Some((plain.strip_suffix(end)?.to_owned(), *part)));
    let (module, part) = found.or_else(|| attention_processor(&plain))?;
    Some(PartName { module, part })
}

/// PEFT's `lora_A.default.weight` as `lora_A.weight`, and `hada_w1_a.default` as `hada_w1_a`.
fn without_adapter_name(name: &str) -> String {
    for (end, tail) in [(".weight", ".weight"), (".bias", ".bias"), ("", "")] {
        let Some((head, _adapter)) = name.strip_suffix(end).and_then(|rest| rest.rsplit_once('.')) else { continue };
        let of_peft =
            [".lora_A", ".lora_B", ".lora_magnitude_vector", ".lora_embedding_A", ".lora_embedding_B", ".ia3_l"];
        let is_adapter = of_peft.iter().any(|part| head.ends_with(part))
            || head.rsplit_once('.').is_some_and(|(_, last)| last.starts_with("hada_") || last.starts_with("lokr_"));
        if is_adapter {
            let whole = PARTS.iter().any(|(known, _)| name.ends_with(known));
            return if whole { name.to_owned() } else { format!("{head}{tail}") };
        }
    }
    name.to_owned()
}

/// The module and part of a tensor in diffusers' layout before PEFT, which kept LoRAs in attention processors.
fn attention_processor(name: &str) -> Option<(String, &'static str)> {
    let (module, end) = name.rsplit_once("_lora.")?;
    let part = match end {
        "down.weight" => "down",
        "up.weight" => "up",
        _ => return None,
    };
    let module = module.replace(".processor.", ".");
    // Text encoders had the U-Net's names for a while.
    if let Some((attention, layer)) = module.rsplit_once(".self_attn.to_") {
        return Some((format!("{attention}.self_attn.{layer}_proj"), part));
    }
    Some((if module.ends_with("to_out") { module + ".0" } else { module }, part))
}

/// Prefixes of module names.
const PREFIXES: [(&str, Network); 18] = [
    ("lora_unet_", Network::UNet),
    ("lora_te1_", Network::Text),
    ("lora_te2_", Network::Text2),
    ("lora_te_", Network::Text),
    ("unet.", Network::UNet),
    ("model.diffusion_model.", Network::UNet),
    ("diffusion_model.", Network::UNet),
    ("text_encoder_2.", Network::Text2),
    ("text_encoder.", Network::Text),
    ("text_encoders.clip_l.transformer.", Network::Text),
    ("text_encoders.clip_g.transformer.", Network::Text2),
    ("clip_l.transformer.", Network::Text),
    ("clip_g.transformer.", Network::Text2),
    ("clip_h.transformer.", Network::Text),
    ("cond_stage_model.transformer.", Network::Text),
    ("cond_stage_model.model.", Network::Text),
    ("conditioner.embedders.0.transformer.", Network::Text),
    ("conditioner.embedders.1.model.", Network::Text2),
];

/// Where the module of a file is; without a prefix, in the U-Net unless the name is one of a text encoder.
pub(super) fn place_of(module: &str) -> Place {
    let module = module.strip_prefix("base_model.model.").unwrap_or(module);
    let known = PREFIXES.iter().find_map(|(prefix, network)| Some((module.strip_prefix(prefix)?, *network)));
    if let Some((rest, network)) = known {
        return Place { network, key: key_of(network, rest) };
    }
    let rest = module.strip_prefix("lycoris_").unwrap_or(module);
    let of_text = ["text_model", "encoder.layers", "encoder_layers"].iter().any(|start| rest.starts_with(start));
    let network = if of_text { Network::Text } else { Network::UNet };
    Place { network, key: key_of(network, rest) }
}

/// The key of a network's module: its name with underscores for dots. Text encoders may be named with or without their
/// root.
pub(super) fn key_of(network: Network, module: &str) -> String {
    let key = module.replace('.', "_");
    match (network, key.strip_prefix("text_model_")) {
        (Network::Text | Network::Text2, Some(rest)) => rest.to_owned(),
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_naming_schemes_give_the_same_place() {
        let query = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
        let out = "mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0";
        let text = "encoder_layers_2_self_attn_q_proj";
        let long = "down_blocks.0.attentions.0.transformer_blocks.0.attn1";
        let long_text = "text_model.encoder.layers.2.self_attn";
        for (name, network, key, part) in [
            (format!("lora_unet_{query}.lora_down.weight"), Network::UNet, query, "down"),
            (format!("lora_unet_{query}.alpha"), Network::UNet, query, "alpha"),
            (format!("lycoris_{query}.hada_w1_a"), Network::UNet, query, "w1_a"),
            (format!("unet.{long}.to_q.lora_A.weight"), Network::UNet, query, "down"),
            (format!("base_model.model.{long}.to_q.lora_B.default.weight"), Network::UNet, query, "up"),
            (format!("base_model.model.unet.{long}.to_q.lora_B.style_2.weight"), Network::UNet, query, "up"),
            (format!("base_model.model.{long}.to_q.lokr_w2_b.default"), Network::UNet, query, "kron_w2_b"),
            (format!("{long}.to_q.lora_magnitude_vector.default.weight"), Network::UNet, query, "output_magnitude"),
            (format!("unet.{long}.processor.to_q_lora.up.weight"), Network::UNet, query, "up"),
            (
                "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out_lora.down.weight".into(),
                Network::UNet,
                out,
                "down",
            ),
            (format!("text_encoder.{long_text}.q_proj.lora_linear_layer.up.weight"), Network::Text, text, "up"),
            (format!("text_encoder.{long_text}.to_q_lora.up.weight"), Network::Text, text, "up"),
            ("text_encoder_2.encoder.layers.2.self_attn.q_proj.lora_A.weight".into(), Network::Text2, text, "down"),
            (format!("lora_te_text_model_{text}.lora_up.weight"), Network::Text, text, "up"),
            (format!("lora_te2_text_model_{text}.lora_up.weight"), Network::Text2, text, "up"),
            (format!("base_model.model.{long_text}.q_proj.lora_A.weight"), Network::Text, text, "down"),
        ] {
            let found = part_of(&name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.part, part, "{name}");
            assert_eq!(place_of(&found.module), Place { network, key: key.to_owned() }, "{name}");
        }
        assert_eq!(part_of("unet.conv_in.weight"), None);
        assert_eq!(unsupported("lora_unet_conv_in.oft_blocks"), Some("an OFT"));
    }
}
