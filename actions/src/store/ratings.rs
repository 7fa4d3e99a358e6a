//! Ratings of the service, 1 to 5.

use super::Store;

impl Store {
    /// Keeps one rating. A repeated key is the same rating.
    ///
    /// # Errors
    /// The database refuses, for example a value outside 1 to 5.
    pub async fn rate(&self, sender_id: &str, value: u8, at: &str, key: Option<&str>) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO penilaian (sender_id, nilai, dibuat_pada, idempotency_key) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (idempotency_key) DO NOTHING",
        )
        .bind(sender_id)
        .bind(value)
        .bind(at)
        .bind(key)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All ratings, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn ratings(&self) -> sqlx::Result<Vec<u8>> {
        sqlx::query_scalar("SELECT nilai FROM penilaian ORDER BY id").fetch_all(&self.pool).await
    }
}
