//! Named pieces of a stored model: JSON with sorted keys, floats as raw
//! little-endian bytes.

use crate::LoadError;
use sapa_learn::container::{decode_f32, encode_f32, sort_keys};
use serde::{Deserialize, Serialize};

/// Collects sections, each name behind the component's prefix.
#[derive(Default)]
pub(crate) struct SectionWriter {
    /// Name and bytes, in the order written.
    pub sections: Vec<(String, Vec<u8>)>,
    prefix: String,
}

impl SectionWriter {
    /// Puts `prefix` before the names that follow.
    pub fn enter(&mut self, prefix: String) {
        self.prefix = prefix;
    }

    /// Writes a value as JSON with sorted keys.
    pub fn json(&mut self, name: &str, value: &impl Serialize) {
        // Our own plain structures: serialising them cannot fail.
        let value = sort_keys(serde_json::to_value(value).unwrap_or_default());
        self.sections.push((format!("{}{name}.json", self.prefix), value.to_string().into_bytes()));
    }

    /// Writes whole numbers, little-endian; `bytes` gives those of one.
    pub fn numbers<T: Copy, const N: usize>(&mut self, name: &str, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
        let bytes = values.iter().flat_map(|&value| bytes(value)).collect();
        self.sections.push((format!("{}{name}.i{}", self.prefix, N * 8), bytes));
    }

    /// Writes floats.
    pub fn floats(&mut self, name: &str, values: &[f32]) {
        self.sections.push((format!("{}{name}.f32", self.prefix), encode_f32(values)));
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, name: &str, bytes: Vec<u8>) {
        self.sections.push((format!("{}{name}.bin", self.prefix), bytes));
    }
}

/// Reads sections behind a prefix.
pub(crate) struct SectionReader<'r, 'a> {
    /// Finds a section by its full name.
    pub find: &'r (dyn Fn(&str) -> Option<&'a [u8]> + 'r),
    /// Put before each name.
    pub prefix: String,
}

impl<'a> SectionReader<'_, 'a> {
    fn bytes(&self, name: &str) -> Result<&'a [u8], LoadError> {
        (self.find)(name).ok_or_else(|| LoadError::Missing(name.to_owned()))
    }

    /// Reads what [`SectionWriter::json`] wrote.
    pub fn json<T: Deserialize<'a>>(&self, name: &str) -> Result<T, LoadError> {
        let name = format!("{}{name}.json", self.prefix);
        serde_json::from_slice(self.bytes(&name)?).map_err(|_| LoadError::Malformed(name))
    }

    /// Reads what [`SectionWriter::numbers`] wrote.
    pub fn numbers<T, const N: usize>(&self, name: &str, value: impl Fn([u8; N]) -> T) -> Result<Vec<T>, LoadError> {
        let name = format!("{}{name}.i{}", self.prefix, N * 8);
        let (values, rest) = self.bytes(&name)?.as_chunks::<N>();
        if !rest.is_empty() {
            return Err(LoadError::Malformed(name));
        }
        Ok(values.iter().map(|bytes| value(*bytes)).collect())
    }

    /// Reads what [`SectionWriter::floats`] wrote; there must be `length`.
    pub fn floats(&self, name: &str, length: usize) -> Result<Vec<f32>, LoadError> {
        let name = format!("{}{name}.f32", self.prefix);
        let values = decode_f32(self.bytes(&name)?).filter(|values| values.len() == length);
        values.ok_or(LoadError::Malformed(name))
    }

    /// What [`SectionWriter::bytes`] wrote.
    pub fn raw(&self, name: &str) -> Result<&'a [u8], LoadError> {
        self.bytes(&format!("{}{name}.bin", self.prefix))
    }

    /// The error for content that cannot be.
    pub fn malformed(&self, name: &str) -> LoadError {
        LoadError::Malformed(format!("{}{name}", self.prefix))
    }
}
