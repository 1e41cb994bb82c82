//! Named arrays as one safetensors file: the form of traces, exported maps and the steps in a session.
//!
//! They stand beside the tensors because traces and sessions both write them and must not name each other.

use std::collections::{BTreeMap, HashMap};

use half::f16;
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use super::{latents::Latents, plane::Plane};

/// The one key of the metadata. There is no other, so that equal arrays always give equal bytes.
const RECIPE: &str = "recipe";

/// Arrays by name, each with its element type and shape, and the recipe they belong to as text.
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

/// Why arrays cannot be written or read: a part of a longer sentence.
#[derive(Debug, thiserror::Error)]
pub enum ArraysError {
    #[error(transparent)]
    Layout(#[from] SafeTensorError),
    #[error("the array \"{0}\" is missing")]
    Missing(String),
    #[error("the array \"{name}\" is {dtype:?} {shape:?}, which is not what belongs there")]
    WrongType { name: String, dtype: Dtype, shape: Vec<usize> },
}

impl Arrays {
    /// No arrays yet; `recipe` describes those to come.
    pub fn with_recipe(recipe: impl Into<String>) -> Self {
        Self { by_name: BTreeMap::new(), recipe: recipe.into() }
    }

    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Inserts `bytes`, row-major and little-endian, as `dtype` and `shape` describe them. An array of the same name is
    /// replaced, here and below.
    pub fn insert(&mut self, name: impl Into<String>, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) {
        let name = name.into();
        self.by_name.insert(name.clone(), Array { name, dtype, shape: shape.to_vec(), bytes });
    }

    /// Inserts values as f32.
    pub fn insert_f32(&mut self, name: impl Into<String>, shape: &[usize], values: &[f32]) {
        self.insert(name, Dtype::F32, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    /// Inserts values rounded to f16: eleven significant bits.
    pub fn insert_f16(&mut self, name: impl Into<String>, shape: &[usize], values: &[f32]) {
        self.insert(name, Dtype::F16, shape, values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect());
    }

    /// Inserts latents as f32 `[1, C, h, w]`.
    pub fn insert_latents(&mut self, name: impl Into<String>, x: &Latents) {
        self.insert_f32(name, &[1, x.channels, x.height, x.width], &x.values);
    }

    /// Inserts a map as f32 `[h, w]`.
    pub fn insert_plane(&mut self, name: impl Into<String>, p: &Plane) {
        self.insert_f32(name, &[p.height, p.width], &p.values);
    }

    /// Inserts a map of bytes as u8 `[h, w]`.
    pub fn insert_bytes(&mut self, name: impl Into<String>, p: &Plane<u8>) {
        self.insert(name, Dtype::U8, &[p.height, p.width], p.values.clone());
    }

    /// Inserts the token position that owns each element as i32 `[h, w]`.
    pub fn insert_owners(&mut self, name: impl Into<String>, p: &Plane<u16>) {
        let bytes = p.values.iter().flat_map(|&owner| i32::from(owner).to_le_bytes());
        self.insert(name, Dtype::I32, &[p.height, p.width], bytes.collect());
    }

    /// The bytes of a safetensors file.
    ///
    /// # Errors
    /// [`ArraysError::Layout`] if the bytes of an array do not fit its shape.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ArraysError> {
        let view = |a| -> Result<_, SafeTensorError> {
            let Array { name, dtype, shape, bytes }: &Array = a;
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?))
        };
        let views = self.by_name.values().map(view).collect::<Result<Vec<_>, _>>()?;
        let metadata = HashMap::from([(RECIPE.to_owned(), self.recipe.clone())]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads the bytes of a safetensors file.
    ///
    /// # Errors
    /// [`ArraysError::Layout`] if they are none, or not complete.
    pub fn from_safetensors(file: &[u8]) -> Result<Self, ArraysError> {
        let (_, header) = SafeTensors::read_metadata(file)?;
        let recipe = header.metadata().as_ref().and_then(|texts| texts.get(RECIPE)).cloned().unwrap_or_default();
        let found = SafeTensors::deserialize(file)?;
        let mut arrays = Self::with_recipe(recipe);
        for (name, view) in found.iter() {
            arrays.insert(name, view.dtype(), view.shape(), view.data().to_vec());
        }
        Ok(arrays)
    }

    /// Whether there is an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Shape and values of an array of f32, f16 or u8, as f32.
    ///
    /// # Errors
    /// [`ArraysError::Missing`], or [`ArraysError::WrongType`] for other elements.
    pub fn read(&self, name: &str) -> Result<(&[usize], Vec<f32>), ArraysError> {
        let array = self.find(name)?;
        let values = match array.dtype {
            Dtype::F32 => array.bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => array.bytes.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Dtype::U8 => array.bytes.iter().map(|&b| f32::from(b)).collect(),
            _ => return Err(array.wrong_type()),
        };
        Ok((&array.shape, values))
    }

    /// Shape and bytes of an array of u8.
    ///
    /// # Errors
    /// As [`Arrays::read`].
    pub fn read_raw(&self, name: &str) -> Result<(&[usize], &[u8]), ArraysError> {
        let array = self.find(name)?;
        if array.dtype == Dtype::U8 { Ok((&array.shape, &array.bytes)) } else { Err(array.wrong_type()) }
    }

    /// A map `[h, w]`.
    ///
    /// # Errors
    /// As [`Arrays::read`]; [`ArraysError::WrongType`] also for another number of axes.
    pub fn read_plane(&self, name: &str) -> Result<Plane, ArraysError> {
        let (shape, values) = self.read(name)?;
        let [height, width] = *shape else { return Err(self.find(name)?.wrong_type()) };
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
            _ => Err(array.wrong_type()),
        }
    }

    /// A map of token positions `[h, w]`.
    ///
    /// # Errors
    /// As [`Arrays::read_plane`]; [`ArraysError::WrongType`] also for a value that is no position.
    pub fn read_owners(&self, name: &str) -> Result<Plane<u16>, ArraysError> {
        let array = self.find(name)?;
        let (Dtype::I32, &[height, width]) = (array.dtype, array.shape.as_slice()) else {
            return Err(array.wrong_type());
        };
        let owners = array.bytes.as_chunks::<4>().0.iter().map(|b| u16::try_from(i32::from_le_bytes(*b)));
        let owners = owners.collect::<Result<_, _>>().map_err(|_| array.wrong_type())?;
        Ok(Plane::new(height, width, owners))
    }

    fn find(&self, name: &str) -> Result<&Array, ArraysError> {
        self.by_name.get(name).ok_or_else(|| ArraysError::Missing(name.to_owned()))
    }
}

impl Array {
    fn wrong_type(&self) -> ArraysError {
        ArraysError::WrongType { name: self.name.clone(), dtype: self.dtype, shape: self.shape.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays() -> Arrays {
        let mut arrays = Arrays::with_recipe("a recipe");
        arrays.insert_plane("rate", &Plane::new(1, 3, vec![0.8, 1.0, 2.5]));
        arrays.insert_f16("mask", &[2], &[0.25, 1.0]);
        arrays.insert_owners("region", &Plane::new(2, 1, vec![0, 76]));
        arrays.insert_bytes("foreground", &Plane::new(1, 2, vec![0, 1]));
        arrays
    }

    #[test]
    fn a_file_gives_back_what_was_put_and_always_has_the_same_bytes() {
        let file = arrays().to_safetensors().expect("fitting shapes");
        assert_eq!(file, arrays().to_safetensors().expect("fitting shapes"));
        let back = Arrays::from_safetensors(&file).expect("whole");
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
        odd.insert("odd", Dtype::F32, &[2], vec![0; 5]);
        assert!(odd.to_safetensors().is_err());
        assert!(Arrays::from_safetensors(b"not a file").is_err());
    }
}
