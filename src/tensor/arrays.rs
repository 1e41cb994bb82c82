//! Named arrays as one safetensors file: what a trace, an export of maps and the steps in a session are written as.

use std::collections::{BTreeMap, HashMap};

use half::f16;
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use crate::tensor::{Latents, Plane};

/// Key of the one text that goes along. One alone, so that the same arrays always give the same bytes.
const RECIPE: &str = "recipe";

/// Arrays under names, each with its element type and shape, and the recipe they belong to as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrays {
    by_name: BTreeMap<String, Array>,
    recipe: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Array {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    /// Row-major, little-endian.
    bytes: Vec<u8>,
}

/// Arrays that cannot be put together or taken apart: what is wrong, to be said in a longer sentence.
#[derive(Debug, thiserror::Error)]
pub enum ArraysError {
    #[error(transparent)]
    Layout(#[from] SafeTensorError),
    #[error("the array \"{0}\" is missing")]
    Missing(String),
    #[error("the array \"{name}\" is {dtype:?} {shape:?}, which is not what belongs there")]
    Unfit { name: String, dtype: Dtype, shape: Vec<usize> },
}

impl Arrays {
    /// No arrays yet; `recipe` is their description.
    pub fn of(recipe: impl Into<String>) -> Self {
        Self { by_name: BTreeMap::new(), recipe: recipe.into() }
    }

    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// `bytes` in the layout that `dtype` and `shape` say.
    pub fn put(&mut self, name: impl Into<String>, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) {
        let name = name.into();
        self.by_name.insert(name.clone(), Array { name, dtype, shape: shape.to_vec(), bytes });
    }

    /// As f32.
    pub fn floats(&mut self, name: impl Into<String>, shape: &[usize], values: &[f32]) {
        self.put(name, Dtype::F32, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    /// Rounded to half floats: eleven significant bits.
    pub fn halves(&mut self, name: impl Into<String>, shape: &[usize], values: &[f32]) {
        self.put(name, Dtype::F16, shape, values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect());
    }

    /// Whole numbers as i32.
    pub fn wholes(&mut self, name: impl Into<String>, shape: &[usize], values: impl Iterator<Item = i32>) {
        self.put(name, Dtype::I32, shape, values.flat_map(i32::to_le_bytes).collect());
    }

    /// `[1, C, h, w]`.
    pub fn latents(&mut self, name: impl Into<String>, x: &Latents) {
        self.floats(name, &[1, x.channels, x.height, x.width], &x.values);
    }

    /// `[h, w]`.
    pub fn plane(&mut self, name: impl Into<String>, p: &Plane) {
        self.floats(name, &[p.height, p.width], &p.values);
    }

    /// `[h, w]`.
    pub fn bytes(&mut self, name: impl Into<String>, p: &Plane<u8>) {
        self.put(name, Dtype::U8, &[p.height, p.width], p.values.clone());
    }

    /// `[h, w]`: the token position that owns each element.
    pub fn owners(&mut self, name: impl Into<String>, p: &Plane<u16>) {
        self.wholes(name, &[p.height, p.width], p.values.iter().map(|&owner| i32::from(owner)));
    }

    /// The safetensors file.
    ///
    /// # Errors
    /// [`ArraysError::Layout`] when an array has not the bytes that its shape asks for.
    pub fn to_file(&self) -> Result<Vec<u8>, ArraysError> {
        let view = |a| -> Result<_, SafeTensorError> {
            let Array { name, dtype, shape, bytes }: &Array = a;
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?))
        };
        let views = self.by_name.values().map(view).collect::<Result<Vec<_>, _>>()?;
        let metadata = HashMap::from([(RECIPE.to_owned(), self.recipe.clone())]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// [`ArraysError::Layout`] for what is none, or not whole.
    pub fn from_file(file: &[u8]) -> Result<Self, ArraysError> {
        let (_, header) = SafeTensors::read_metadata(file)?;
        let recipe = header.metadata().as_ref().and_then(|texts| texts.get(RECIPE)).cloned().unwrap_or_default();
        let found = SafeTensors::deserialize(file)?;
        let mut arrays = Self::of(recipe);
        for (name, view) in found.iter() {
            arrays.put(name, view.dtype(), view.shape(), view.data().to_vec());
        }
        Ok(arrays)
    }

    /// Whether there is an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Shape and values of an array of floats, halves or bytes.
    ///
    /// # Errors
    /// [`ArraysError::Missing`], or [`ArraysError::Unfit`] for other elements.
    pub fn read(&self, name: &str) -> Result<(&[usize], Vec<f32>), ArraysError> {
        let array = self.find(name)?;
        let values = match array.dtype {
            Dtype::F32 => array.bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => array.bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Dtype::U8 => array.bytes.iter().map(|&b| f32::from(b)).collect(),
            _ => return Err(array.unfit()),
        };
        Ok((&array.shape, values))
    }

    /// Shape and bytes of an array of bytes.
    ///
    /// # Errors
    /// As [`Arrays::read`].
    pub fn read_raw(&self, name: &str) -> Result<(&[usize], &[u8]), ArraysError> {
        let array = self.find(name)?;
        if array.dtype == Dtype::U8 { Ok((&array.shape, &array.bytes)) } else { Err(array.unfit()) }
    }

    /// A map `[h, w]`.
    ///
    /// # Errors
    /// As [`Arrays::read`]; another count of axes is [`ArraysError::Unfit`].
    pub fn read_plane(&self, name: &str) -> Result<Plane, ArraysError> {
        let (shape, values) = self.read(name)?;
        let [height, width] = *shape else { return Err(self.find(name)?.unfit()) };
        Ok(Plane::new(height, width, values))
    }

    /// A map of bytes `[h, w]`.
    ///
    /// # Errors
    /// As [`Arrays::read_plane`].
    pub fn read_bytes(&self, name: &str) -> Result<Plane<u8>, ArraysError> {
        let array = self.find(name)?;
        match (array.dtype, array.shape.as_slice()) {
            (Dtype::U8, &[height, width]) => Ok(Plane::new(height, width, array.bytes.clone())),
            _ => Err(array.unfit()),
        }
    }

    /// A map of token positions `[h, w]`.
    ///
    /// # Errors
    /// As [`Arrays::read_plane`]; also [`ArraysError::Unfit`] for what is no position.
    pub fn read_owners(&self, name: &str) -> Result<Plane<u16>, ArraysError> {
        let array = self.find(name)?;
        let (Dtype::I32, &[height, width]) = (array.dtype, array.shape.as_slice()) else { return Err(array.unfit()) };
        let owners = array.bytes.as_chunks::<4>().0.iter().map(|b| u16::try_from(i32::from_le_bytes(*b)));
        let owners = owners.collect::<Result<_, _>>().map_err(|_| array.unfit())?;
        Ok(Plane::new(height, width, owners))
    }

    fn find(&self, name: &str) -> Result<&Array, ArraysError> {
        self.by_name.get(name).ok_or_else(|| ArraysError::Missing(name.to_owned()))
    }
}

impl Array {
    fn unfit(&self) -> ArraysError {
        ArraysError::Unfit { name: self.name.clone(), dtype: self.dtype, shape: self.shape.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays() -> Arrays {
        let mut arrays = Arrays::of("a recipe");
        arrays.plane("rate", &Plane::new(1, 3, vec![0.8, 1.0, 2.5]));
        arrays.halves("mask", &[2], &[0.25, 1.0]);
        arrays.owners("region", &Plane::new(2, 1, vec![0, 76]));
        arrays.bytes("foreground", &Plane::new(1, 2, vec![0, 1]));
        arrays
    }

    #[test]
    fn a_file_gives_back_what_was_put_and_always_has_the_same_bytes() {
        let file = arrays().to_file().expect("fitting shapes");
        assert_eq!(file, arrays().to_file().expect("fitting shapes"));
        let back = Arrays::from_file(&file).expect("whole");
        assert_eq!((back.recipe(), back.has("rate"), back.has("rates")), ("a recipe", true, false));
        assert_eq!(back.read_plane("rate").expect("there"), Plane::new(1, 3, vec![0.8, 1.0, 2.5]));
        assert_eq!(back.read("mask").expect("there").1, [0.25, 1.0]);
        assert_eq!(back.read_owners("region").expect("there"), Plane::new(2, 1, vec![0, 76]));
        assert_eq!(back.read_bytes("foreground").expect("there"), Plane::new(1, 2, vec![0, 1]));
    }

    #[test]
    fn what_is_not_there_or_of_another_kind_is_said() {
        let arrays = arrays();
        let said = |error: ArraysError| error.to_string();
        assert!(said(arrays.read_plane("gone").expect_err("missing")).contains("\"gone\""));
        assert!(said(arrays.read_bytes("rate").expect_err("floats")).contains("F32"));
        assert!(said(arrays.read_plane("mask").expect_err("one axis")).contains("[2]"));
        let mut odd = Arrays::default();
        odd.put("odd", Dtype::F32, &[2], vec![0; 5]);
        assert!(odd.to_file().is_err());
        assert!(Arrays::from_file(b"not a file").is_err());
    }
}
