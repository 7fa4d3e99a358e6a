//! Logging that cannot leak: every line is masked on its way out.

use std::io::{self, Write};

use sapa_sdk::pii::mask;
use tracing_subscriber::EnvFilter;

/// Masks each write. The formatter writes one event a call, so no number is
/// ever cut in two.
struct Masked<W>(W);

impl<W: Write> Write for Masked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(mask(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Starts logging to standard error, at the level of `RUST_LOG` (default
/// `info`).
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Masked(io::stderr())).init();
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_line_never_shows_personal_data() {
        let out = Shared::default();
        let writer = out.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || Masked(writer.clone())).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(nip = "19860926 201505 1 001", wa = "081200000999", "tiket HD-2026-000001, otp 123456");
        });
        let line = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        for secret in ["1986", "0812", "123456"] {
            assert!(!line.contains(secret), "{line}");
        }
        assert!(line.contains("HD-2026-000001"), "{line}");
    }
}
