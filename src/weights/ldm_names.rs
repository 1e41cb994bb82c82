//! LDM's and OpenCLIP's names for the modules of diffusers' and transformers' networks.
//!
//! Separate from the readers of single files, because LoRA files use these names too.

/// Layers of a U-Net's resnet block: names in LDM and diffusers.
pub(super) const RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// Modules of a U-Net outside its blocks: names in LDM and diffusers.
pub(super) const UNET_ENDS: [(&str, &str); 7] = [
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("label_emb.0.0", "add_embedding.linear_1"),
    ("label_emb.0.2", "add_embedding.linear_2"),
    ("input_blocks.0.0", "conv_in"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
];

/// Layers of a text encoder's block: names in OpenCLIP and transformers.
pub(super) const TEXT_LAYER: [(&str, &str); 5] = [
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("attn.out_proj", "self_attn.out_proj"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
];

/// How many blocks a U-Net's levels have, as its own names tell: LDM numbers blocks in the order in which they run.
pub(super) struct UNetLayout {
    /// Of each level on the way down, and on the way up: the number of its first block.
    down: Vec<usize>,
    up: Vec<usize>,
    /// Resnet blocks of each level on the way up, and whether they have attention.
    up_layers: Vec<(usize, bool)>,
    down_layers: Vec<usize>,
}

impl UNetLayout {
    /// Of the U-Net with the modules `names`, which are diffusers'.
    pub fn of<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let count = |start: String| -> usize {
            let number = |name: &str| name.strip_prefix(&start)?.split('.').next()?.parse::<usize>().ok();
            names.clone().filter_map(number).max().map_or(0, |last| last.saturating_add(1))
        };
        let has = |start: String| names.clone().any(|name| name.starts_with(&start));
        let mut layout = Self { down: vec![], up: vec![], up_layers: vec![], down_layers: vec![] };
        let mut block = 1;
        for level in 0..count("down_blocks.".to_owned()).min(MAX_LEVELS) {
            let layers = count(format!("down_blocks.{level}.resnets."));
            layout.down.push(block);
            layout.down_layers.push(layers);
            block += layers + usize::from(has(format!("down_blocks.{level}.downsamplers.")));
        }
        block = 0;
        for level in 0..count("up_blocks.".to_owned()).min(MAX_LEVELS) {
            let layers = count(format!("up_blocks.{level}.resnets."));
            layout.up.push(block);
            layout.up_layers.push((layers, has(format!("up_blocks.{level}.attentions."))));
            block += layers;
        }
        layout
    }

    /// LDM's name for a module; `None` for one that has none.
    pub fn ldm_name(&self, module: &str) -> Option<String> {
        if let Some((ldm, _)) = UNET_ENDS.iter().find(|(_, diffusers)| *diffusers == module) {
            return Some((*ldm).to_owned());
        }
        let (block, rest) = module.split_once('.')?;
        if block == "mid_block" {
            let (kind, rest) = rest.split_once('.')?;
            let (index, rest) = split_number(rest)?;
            return match kind {
                "resnets" => Some(format!("middle_block.{}.{}", 2 * index, resnet_layer(rest)?)),
                _ => Some(format!("middle_block.1.{rest}")),
            };
        }
        let (level, rest) = rest.split_once('.')?;
        let (kind, rest) = rest.split_once('.')?;
        let (level, (index, rest)) = (level.parse::<usize>().ok()?, split_number(rest)?);
        let (name, first) = match block {
            "down_blocks" => ("input_blocks", *self.down.get(level)?),
            "up_blocks" => ("output_blocks", *self.up.get(level)?),
            _ => return None,
        };
        match kind {
            "resnets" => Some(format!("{name}.{}.0.{}", first.checked_add(index)?, resnet_layer(rest)?)),
            "attentions" => Some(format!("{name}.{}.1.{rest}", first.checked_add(index)?)),
            "downsamplers" => Some(format!("{name}.{}.0.op", first + self.down_layers.get(level)?)),
            "upsamplers" => {
                let (layers, attends) = *self.up_layers.get(level)?;
                Some(format!("{name}.{}.{}.conv", (first + layers).checked_sub(1)?, if attends { 2 } else { 1 }))
            }
            _ => None,
        }
    }
}

/// More levels than any known network has.
const MAX_LEVELS: usize = 16;

/// The number before the first dot, and what follows the dot.
fn split_number(text: &str) -> Option<(usize, &str)> {
    let (number, rest) = text.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

fn resnet_layer(name: &str) -> Option<&'static str> {
    RESNET.iter().find(|(_, diffusers)| *diffusers == name).map(|(ldm, _)| *ldm)
}

/// OpenCLIP's name for a module of transformers' text encoder, both without their roots; `None` for one that has none.
pub(super) fn open_clip_name(module: &str) -> Option<String> {
    let rest = module.strip_prefix("encoder.layers.")?;
    let (layer, rest) = rest.split_once('.')?;
    let (theirs, _) = TEXT_LAYER.iter().find(|(_, ours)| *ours == rest)?;
    Some(format!("transformer.resblocks.{layer}.{theirs}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_numbered_in_the_order_in_which_they_run() {
        let names = [
            "conv_in",
            "down_blocks.0.resnets.0.conv1",
            "down_blocks.0.resnets.1.conv1",
            "down_blocks.0.downsamplers.0.conv",
            "down_blocks.1.resnets.0.conv_shortcut",
            "down_blocks.1.attentions.0.proj_in",
            "mid_block.resnets.1.norm2",
            "mid_block.attentions.0.norm",
            "up_blocks.0.resnets.2.conv2",
            "up_blocks.0.attentions.0.norm",
            "up_blocks.0.upsamplers.0.conv",
            "up_blocks.1.resnets.0.time_emb_proj",
            "up_blocks.1.upsamplers.0.conv",
        ];
        let layout = UNetLayout::of(names.into_iter());
        let found = names.map(|name| layout.ldm_name(name).unwrap_or_else(|| panic!("{name}")));
        let wanted = [
            "input_blocks.0.0",
            "input_blocks.1.0.in_layers.2",
            "input_blocks.2.0.in_layers.2",
            "input_blocks.3.0.op",
            "input_blocks.4.0.skip_connection",
            "input_blocks.4.1.proj_in",
            "middle_block.2.out_layers.0",
            "middle_block.1.norm",
            "output_blocks.2.0.out_layers.3",
            "output_blocks.0.1.norm",
            "output_blocks.2.2.conv",
            "output_blocks.3.0.emb_layers.1",
            "output_blocks.3.1.conv",
        ];
        assert_eq!(found, wanted);
        assert_eq!(layout.ldm_name("down_blocks.7.resnets.0.conv1"), None);
        let text = open_clip_name("encoder.layers.3.mlp.fc1");
        assert_eq!(text.as_deref(), Some("transformer.resblocks.3.mlp.c_fc"));
    }
}
