//! Parameters of a statement, for any database of sqlx.

use super::StoreError;

/// Parameters in the order of their numbers.
#[derive(Default)]
pub(in crate::store) struct Parameters<A>(A, Option<StoreError>);

impl<A: sqlx::Arguments> Parameters<A> {
    /// Adds the next one.
    pub(in crate::store) fn with<'q, T>(mut self, value: T) -> Self
    where
        T: sqlx::Encode<'q, A::Database> + sqlx::Type<A::Database>,
    {
        if let Err(error) = self.0.add(value) {
            self.1 = Some(StoreError::Invalid(format!("a value cannot be stored: {error}")));
        }
        self
    }

    /// All of them, unless one could not be encoded.
    pub(in crate::store) fn done(self) -> Result<A, StoreError> {
        self.1.map_or(Ok(self.0), Err)
    }
}
