//! The broker `file` (spec §6.3): one line of JSON an event.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use sapa_project::StoreEndpoint;

use super::{OpenError, Opened};
use crate::agent::{Broker, BrokerError, Message};

/// Rasa's name of the file.
const DEFAULT_PATH: &str = "rasa_event.log";

struct FileBroker {
    file: Arc<File>,
}

pub(super) fn open(section: StoreEndpoint) -> Opened {
    Box::pin(async move {
        let path = match section.rest.get("path") {
            None => DEFAULT_PATH,
            Some(path) => path.as_str().ok_or_else(|| OpenError("`path` must be a text".to_owned()))?,
        };
        let failed = |error: &dyn std::fmt::Display| OpenError(format!("`{path}` cannot be written to: {error}"));
        // Events hold what users wrote.
        crate::store::secure_file(Path::new(path)).map_err(|error| failed(&error))?;
        let file = OpenOptions::new().append(true).open(path).map_err(|error| failed(&error))?;
        Ok(Arc::new(FileBroker { file: Arc::new(file) }) as Arc<dyn Broker>)
    })
}

impl Broker for FileBroker {
    fn name(&self) -> &'static str {
        "file"
    }

    fn publish<'a>(
        &'a self,
        messages: &'a [Message],
    ) -> Pin<Box<dyn Future<Output = Result<(), BrokerError>> + Send + 'a>> {
        let lines: String = messages.iter().map(|message| format!("{}\n", message.body)).collect();
        let file = Arc::clone(&self.file);
        Box::pin(async move {
            let write = move || {
                // One write: another process' lines stay whole.
                (&*file).write_all(lines.as_bytes())?;
                file.sync_data()
            };
            let failed = |reason: String| BrokerError(format!("the file cannot be written: {reason}"));
            match tokio::task::spawn_blocking(write).await {
                Ok(done) => done.map_err(|error| failed(error.to_string())),
                Err(error) => Err(failed(error.to_string())),
            }
        })
    }
}
