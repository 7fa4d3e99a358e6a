//! The model file: a fixed header, a manifest as sorted-key JSON, a table of
//! named sections and the sections themselves, little-endian, 64-byte aligned.
//!
//! ```text
//! 0   magic "SAPAMODL"          16  manifest length  u64
//! 8   format version  u32       24  file length      u64
//! 12  section count   u32       32  SHA-256 of bytes 0..32, manifest and table
//! 64  manifest, table, then each section at the next multiple of 64
//! table entry: name length u32, name, offset u64, length u64, SHA-256 of the section
//! ```
//!
//! The header's hash covers the sections' hashes, so it names the whole content:
//! it is the model's id. Gaps must be zero, so that every byte counts.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write as _;

const MAGIC: &[u8; 8] = b"SAPAMODL";
/// The format this code writes and reads.
pub const FORMAT_VERSION: u32 = 3;
const HEADER: usize = 64;
const ALIGNMENT: usize = 64;
/// A table entry without its name.
const ENTRY: usize = 4 + 8 + 8 + 32;

/// Why bytes are not a model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContainerError {
    /// Another kind of file.
    #[error("not a Sapa model file")]
    Foreign,
    /// Written by another version.
    #[error("model format version {0}; this program reads version {FORMAT_VERSION}: train the model again")]
    Version(u32),
    /// Shorter than it says.
    #[error("the model file is cut off: {actual} of {expected} bytes")]
    Truncated {
        /// Bytes the file should have.
        expected: u64,
        /// Bytes it has.
        actual: u64,
    },
    /// Longer than it says.
    #[error("the model file has {0} bytes after its end")]
    Trailing(u64),
    /// A hash or a length does not fit.
    #[error("the model file is damaged: {0}")]
    Damaged(String),
}

/// A section's name and bytes.
type Section<'a> = (String, Cow<'a, [u8]>);

/// A model's manifest and named sections; those that were read are borrowed from
/// the file's bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container<'a> {
    manifest: Value,
    sections: Vec<Section<'a>>,
}

impl<'a> Container<'a> {
    /// An empty container; the manifest's keys are sorted when it is written.
    pub fn new(manifest: Value) -> Self {
        Self { manifest: sort_keys(manifest), sections: Vec::new() }
    }

    /// Adds a section; one of the same name is replaced.
    pub fn add(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        let (name, bytes) = (name.into(), Cow::Owned(bytes));
        match self.sections.iter_mut().find(|(known, _)| *known == name) {
            Some(section) => section.1 = bytes,
            None => self.sections.push((name, bytes)),
        }
    }

    /// The manifest, keys sorted.
    pub fn manifest(&self) -> &Value {
        &self.manifest
    }

    /// A section's bytes.
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        self.sections.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_ref())
    }

    /// All sections in file order.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.sections.iter().map(|(name, bytes)| (name.as_str(), bytes.as_ref()))
    }

    /// Hex of the SHA-256 that names the content.
    pub fn model_id(&self) -> String {
        id_of_file(&self.head().0)
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mut bytes, total) = self.head();
        bytes.reserve_exact(total.saturating_sub(bytes.len()));
        for (_, section) in &self.sections {
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
            bytes.extend_from_slice(section);
        }
        bytes
    }

    /// Header, manifest and table, and the length of the whole file.
    fn head(&self) -> (Vec<u8>, usize) {
        let manifest = self.manifest.to_string();
        let table: usize = self.sections.iter().map(|(name, _)| ENTRY + name.len()).sum();
        let mut end = HEADER + manifest.len() + table;
        let mut body = manifest.clone().into_bytes();
        for (name, bytes) in &self.sections {
            let offset = end.next_multiple_of(ALIGNMENT);
            end = offset + bytes.len();
            body.extend_from_slice(&(name.len() as u32).to_le_bytes());
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(&(offset as u64).to_le_bytes());
            body.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            body.extend_from_slice(&Sha256::digest(bytes));
        }
        let mut head = Vec::with_capacity(HEADER + body.len());
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        head.extend_from_slice(&(self.sections.len() as u32).to_le_bytes());
        head.extend_from_slice(&(manifest.len() as u64).to_le_bytes());
        head.extend_from_slice(&(end as u64).to_le_bytes());
        let digest = content_digest(&head, &body);
        head.extend_from_slice(&digest);
        head.extend_from_slice(&body);
        (head, end)
    }

    /// Reads a file, checking every length and hash.
    ///
    /// # Errors
    /// If the bytes are not exactly what [`Container::to_bytes`] wrote.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ContainerError> {
        let magic = bytes.get(..MAGIC.len().min(bytes.len())).unwrap_or(bytes);
        if magic.is_empty() || !MAGIC.starts_with(magic) {
            return Err(ContainerError::Foreign);
        }
        let mut reader = Reader { bytes, at: MAGIC.len() };
        let cut = || ContainerError::Truncated { expected: HEADER as u64, actual: bytes.len() as u64 };
        let version = reader.u32().ok_or_else(cut)?;
        if version != FORMAT_VERSION {
            return Err(ContainerError::Version(version));
        }
        let count = reader.u32().ok_or_else(cut)?;
        let manifest_length = reader.u64().ok_or_else(cut)?;
        let expected = reader.u64().ok_or_else(cut)?;
        let digest = reader.take(32).ok_or_else(cut)?;
        let actual = bytes.len() as u64;
        if actual < expected {
            return Err(ContainerError::Truncated { expected, actual });
        }
        if actual > expected {
            return Err(ContainerError::Trailing(actual - expected));
        }
        let manifest = reader.take_u64(manifest_length).ok_or_else(|| damaged("manifest length"))?;
        let entries = read_table(&mut reader, count)?;
        let head_end = reader.at;
        let (head, body) = (bytes.get(..32), bytes.get(HEADER..head_end));
        if head.zip(body).is_none_or(|(head, body)| content_digest(head, body) != digest) {
            return Err(damaged("hash of manifest and table"));
        }
        let manifest = serde_json::from_slice(manifest).map_err(|_| damaged("manifest"))?;
        let sections = read_sections(bytes, head_end, entries)?;
        Ok(Self { manifest, sections })
    }
}

/// The length of the model file that begins so, in bytes; `None` where too little
/// of it is there. For readers that would rather not read the rest of what is no
/// model.
///
/// # Errors
/// It is no model, or one of another format.
pub fn announced_length(beginning: &[u8]) -> Result<Option<u64>, ContainerError> {
    let magic = beginning.get(..MAGIC.len().min(beginning.len())).unwrap_or(beginning);
    if !MAGIC.starts_with(magic) {
        return Err(ContainerError::Foreign);
    }
    let mut reader = Reader { bytes: beginning, at: MAGIC.len() };
    if let Some(version) = reader.u32().filter(|version| *version != FORMAT_VERSION) {
        return Err(ContainerError::Version(version));
    }
    // The number of sections and the manifest's length stand in between.
    reader.at = MAGIC.len() + 4 + 4 + 8;
    Ok(reader.u64())
}

/// A line of the table.
struct Entry<'a> {
    name: &'a str,
    offset: u64,
    length: u64,
    digest: &'a [u8],
}

fn read_table<'a>(reader: &mut Reader<'a>, count: u32) -> Result<Vec<Entry<'a>>, ContainerError> {
    let wrong = || damaged("table");
    let left = reader.bytes.len().saturating_sub(reader.at);
    if count as usize > left / ENTRY {
        return Err(wrong());
    }
    let mut entries = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let length = reader.u32().ok_or_else(wrong)?;
        let name = reader.take(length as usize).and_then(|name| std::str::from_utf8(name).ok()).ok_or_else(wrong)?;
        let offset = reader.u64().ok_or_else(wrong)?;
        let length = reader.u64().ok_or_else(wrong)?;
        let digest = reader.take(32).ok_or_else(wrong)?;
        entries.push(Entry { name, offset, length, digest });
    }
    Ok(entries)
}

fn read_sections<'a>(bytes: &'a [u8], start: usize, entries: Vec<Entry>) -> Result<Vec<Section<'a>>, ContainerError> {
    let mut sections = Vec::with_capacity(entries.len());
    let mut reader = Reader { bytes, at: start };
    for entry in entries {
        let wrong = || damaged(&format!("section {}", entry.name));
        let gap = reader.at.next_multiple_of(ALIGNMENT) - reader.at;
        let gap = reader.take(gap).ok_or_else(wrong)?;
        if gap.iter().any(|&byte| byte != 0) || reader.at as u64 != entry.offset {
            return Err(wrong());
        }
        let section = reader.take_u64(entry.length).ok_or_else(wrong)?;
        if Sha256::digest(section)[..] != *entry.digest {
            return Err(wrong());
        }
        sections.push((entry.name.to_owned(), Cow::Borrowed(section)));
    }
    if reader.at == bytes.len() { Ok(sections) } else { Err(damaged("file length")) }
}

/// [`Container::model_id`] of a file that [`Container::to_bytes`] wrote or
/// [`Container::from_bytes`] has read: it stands in the header, so that nothing
/// needs to be hashed again. Empty for fewer bytes than a header has.
pub fn id_of_file(bytes: &[u8]) -> String {
    hex(bytes.get(32..HEADER).unwrap_or_default())
}

fn content_digest(head: &[u8], body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(head).chain_update(body).finalize().into()
}

fn damaged(what: &str) -> ContainerError {
    ContainerError::Damaged(what.to_owned())
}

/// Walks through bytes; `None` past the end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn take_u64(&mut self, length: u64) -> Option<&'a [u8]> {
        self.take(usize::try_from(length).ok()?)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

/// The value with all object keys sorted, at every depth.
pub fn sort_keys(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().map(|(k, v)| (k, sort_keys(v))).collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sort_keys).collect()),
        other => other,
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Little-endian bytes of floats.
pub fn encode_f32(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Floats from little-endian bytes; `None` if the length is not a multiple of
/// four or a value is not finite.
pub fn decode_f32(bytes: &[u8]) -> Option<Vec<f32>> {
    let (words, rest) = bytes.as_chunks::<4>();
    let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    (rest.is_empty() && values.iter().all(|value| value.is_finite())).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn sample() -> Container<'static> {
        let mut container = Container::new(json!({"b": 1, "a": {"d": [1, {"z": 1, "y": 2}], "c": null}}));
        container.add("weights", encode_f32(&[1.0, -2.5, 3.25]));
        container.add("empty", Vec::new());
        container.add("vocabulary.json", br#"["a","b"]"#.to_vec());
        container
    }

    #[test]
    fn a_container_survives_the_round_trip() {
        let container = sample();
        let bytes = container.to_bytes();
        let read = Container::from_bytes(&bytes).unwrap();
        assert_eq!(read, container);
        assert_eq!(read.manifest().to_string(), r#"{"a":{"c":null,"d":[1,{"y":2,"z":1}]},"b":1}"#);
        assert_eq!(decode_f32(read.section("weights").unwrap()).unwrap(), [1.0, -2.5, 3.25]);
        assert_eq!(read.section("nothing"), None);
        assert_eq!(read.model_id(), container.model_id());
        assert_eq!(id_of_file(&bytes), container.model_id());
        assert_eq!(read.model_id().len(), 64);
        assert_eq!(bytes, read.to_bytes());
    }

    #[test]
    fn the_beginning_tells_the_length_of_the_file() {
        let bytes = sample().to_bytes();
        assert_eq!(announced_length(&bytes[..32]).unwrap(), Some(bytes.len() as u64));
        assert_eq!(announced_length(&bytes[..31]).unwrap(), None);
        assert_eq!(announced_length(b"").unwrap(), None);
        assert_eq!(announced_length(b"\x1f\x8b").unwrap_err(), ContainerError::Foreign);
        let mut other = bytes.clone();
        other[8] = 9;
        assert_eq!(announced_length(&other).unwrap_err(), ContainerError::Version(9));
    }

    #[test]
    fn every_section_is_aligned() {
        let bytes = sample().to_bytes();
        let at = bytes.windows(12).position(|window| window == encode_f32(&[1.0, -2.5, 3.25])).unwrap();
        assert_eq!(at % 64, 0);
    }

    #[test]
    fn the_id_changes_with_any_content() {
        let id = sample().model_id();
        let mut other = sample();
        other.add("empty", vec![0]);
        assert_ne!(other.model_id(), id);
        let mut renamed = Container::new(json!({"b": 2}));
        sample().sections().for_each(|(name, bytes)| renamed.add(name, bytes.to_vec()));
        assert_ne!(renamed.model_id(), id);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = sample().to_bytes();
        for length in 0..bytes.len() {
            let error = Container::from_bytes(&bytes[..length]).unwrap_err();
            let expected = if length == 0 { "not a Sapa" } else { "cut off" };
            assert!(error.to_string().contains(expected), "{length}: {error}");
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        let bytes = sample().to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(Container::from_bytes(&damaged).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn foreign_newer_and_longer_files_are_named_as_such() {
        assert_eq!(Container::from_bytes(b"PK\x03\x04 a zip").unwrap_err(), ContainerError::Foreign);
        let mut newer = sample().to_bytes();
        newer[8] += 1;
        assert_eq!(Container::from_bytes(&newer).unwrap_err(), ContainerError::Version(FORMAT_VERSION + 1));
        let mut longer = sample().to_bytes();
        longer.push(0);
        assert_eq!(Container::from_bytes(&longer).unwrap_err(), ContainerError::Trailing(1));
    }

    #[test]
    fn floats_of_a_broken_length_or_value_are_refused() {
        assert_eq!(decode_f32(&[0; 5]), None);
        assert_eq!(decode_f32(&f32::NAN.to_le_bytes()), None);
        assert_eq!(decode_f32(&[]), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            tail in proptest::collection::vec(any::<u8>(), 0..300),
            keep in 0_usize..200,
        ) {
            let mut bytes = sample().to_bytes();
            bytes.truncate(keep);
            bytes.extend(tail);
            let _ = Container::from_bytes(&bytes);
        }
    }
}
