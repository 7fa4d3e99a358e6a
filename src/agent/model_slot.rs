//! The model being served, swapped without stopping.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use sapa_model::Model;

/// A model and the file it came from.
#[derive(Clone, Debug)]
pub struct LoadedModel {
    /// The model.
    pub model: Arc<Model>,
    /// Its file.
    pub path: PathBuf,
}

/// Holds the model; readers take a reference and never wait for a swap.
#[derive(Default)]
pub struct ModelSlot {
    loaded: RwLock<Option<LoadedModel>>,
}

impl ModelSlot {
    /// The model now.
    pub fn get(&self) -> Option<LoadedModel> {
        self.loaded.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Serves another model from now on. Turns that run keep theirs.
    pub fn set(&self, loaded: Option<LoadedModel>) {
        *self.loaded.write().unwrap_or_else(std::sync::PoisonError::into_inner) = loaded;
    }
}
