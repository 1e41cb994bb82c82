//! Small pictures as egui textures: uploaded once for each picture or map, forgotten when no longer shown.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Weak},
};

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};

use crate::studio::view::colormap::{self, Table};
use crate::tensor::{Picture, Plane};

/// Beyond twice this many textures, those not shown lately are dropped.
const KEPT: u64 = 600;

/// Tells the maps of one report apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A picture made smaller, to at most so many texels a side.
    Thumbnail(usize),
    Mask,
    SaliencyGeneral,
    SaliencyExpert,
    FusionMask,
}

/// A cache whose keys are the addresses of the values shown. The weak reference keeps an address from being used anew
/// while its entry lives, and tells when the value is gone.
#[derive(Default)]
pub struct Textures {
    entries: HashMap<(usize, Kind), Entry>,
    clock: u64,
}

struct Entry {
    texture: TextureHandle,
    owner: Weak<dyn Any + Send + Sync>,
    used: u64,
}

impl Textures {
    /// The texture of `kind` for `owner`, made by `image` the first time.
    pub fn get<T: Any + Send + Sync>(
        &mut self,
        ctx: &Context,
        owner: &Arc<T>,
        kind: Kind,
        image: impl FnOnce() -> ColorImage,
    ) -> TextureHandle {
        self.clock += 1;
        let key = (Arc::as_ptr(owner) as usize, kind);
        let options = if matches!(kind, Kind::Thumbnail(_)) { TextureOptions::LINEAR } else { TextureOptions::NEAREST };
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            texture: ctx.load_texture(format!("{kind:?}"), image(), options),
            owner: weak(owner),
            used: 0,
        });
        entry.used = self.clock;
        let texture = entry.texture.clone();
        if self.clock.is_multiple_of(256) {
            self.forget();
        }
        texture
    }

    /// Drops what can never be shown again, and what was not shown for long when there is much.
    fn forget(&mut self) {
        let crowded = self.entries.len() as u64 > 2 * KEPT;
        let oldest = if crowded { self.clock.saturating_sub(KEPT) } else { 0 };
        self.entries.retain(|_, entry| entry.owner.strong_count() > 0 && entry.used >= oldest);
    }

    /// A thumbnail of at most `side` texels.
    pub fn thumbnail(&mut self, ctx: &Context, picture: &Arc<Picture>, side: usize) -> TextureHandle {
        self.get(ctx, picture, Kind::Thumbnail(side), || image(&picture.shrunk_to(side)))
    }
}

fn weak<T: Any + Send + Sync>(owner: &Arc<T>) -> Weak<dyn Any + Send + Sync> {
    let owner: Arc<dyn Any + Send + Sync> = owner.clone();
    Arc::downgrade(&owner)
}

/// A whole picture as an image.
pub fn image(picture: &Picture) -> ColorImage {
    ColorImage::from_rgb([picture.width, picture.height], &picture.rgb)
}

/// A map in colours, from `low` to `high`.
pub fn map_image(plane: &Plane, low: f32, high: f32, table: &Table) -> ColorImage {
    let pixels = plane.values.iter().map(|&v| table[colormap::index(v, low, high)]).collect();
    ColorImage::new([plane.width, plane.height], pixels)
}

/// A mask in two colours.
pub fn mask_image(plane: &Plane<u8>, off: Color32, on: Color32) -> ColorImage {
    let pixels = plane.values.iter().map(|&v| if v == 0 { off } else { on }).collect();
    ColorImage::new([plane.width, plane.height], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_upload_per_value_and_kind() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        let picture = Arc::new(Picture { width: 1, height: 1, rgb: vec![1, 2, 3] });
        let first = textures.thumbnail(&ctx, &picture, 8);
        let again = textures.get(&ctx, &picture, Kind::Thumbnail(8), || panic!("uploaded twice"));
        assert_eq!(first.id(), again.id());
        assert_ne!(textures.thumbnail(&ctx, &picture, 4).id(), first.id());
    }
}
