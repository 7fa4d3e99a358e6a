//! PostgreSQL's errors in the store's words. Only the first line of what the
//! server says is told: the details may hold stored values.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::store::StoreError;

// SQLSTATE, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
const NUL_CHARACTER: &str = "22021";
const UNIQUE_VIOLATION: &str = "23505";
const READ_ONLY: &str = "25006";
pub(super) const NO_SUCH_DATABASE: &str = "3D000";
const DEADLOCK: &str = "40P01";
const SERIALIZATION: &str = "40001";
const DUPLICATE_DATABASE: &str = "42P04";
const NO_PRIVILEGE: &str = "42501";
const DISK_FULL: &str = "53100";
const TOO_MANY_CONNECTIONS: &str = "53300";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const CANCELLED: &str = "57014";
/// Of our own function `sapa_commit_1`.
const TURN_REFUSED: &str = "SP001";

/// The code of what the server said, if it said anything.
pub(super) fn code(error: &sqlx::Error) -> Option<&str> {
    database(error).map(PgDatabaseError::code)
}

fn database(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Whether the connection is of no use any more.
pub(super) fn ends_connection(error: &sqlx::Error) -> bool {
    match database(error) {
        Some(said) => matches!(said.severity(), PgSeverity::Fatal | PgSeverity::Panic),
        None => !matches!(error, sqlx::Error::Encode(_)),
    }
}

/// Whether a turn was refused for its message's sake.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(TURN_REFUSED | UNIQUE_VIOLATION))
}

/// Whether a row with that unique key is there already.
pub(super) fn is_there_already(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(UNIQUE_VIOLATION | DUPLICATE_DATABASE))
}

/// Whether something was looked for by a text that no row can hold.
pub(super) fn is_nowhere(error: &sqlx::Error) -> bool {
    code(error) == Some(NUL_CHARACTER)
}

/// The store's error for a statement that the server refused.
pub(super) fn store_error(error: &sqlx::Error) -> StoreError {
    let said = match database(error) {
        Some(said) => format!("{} ({})", said.message(), said.code()),
        None => return StoreError::Invalid(format!("a value cannot be stored: {error}")),
    };
    let code = code(error).unwrap_or_default();
    match code {
        DISK_FULL => StoreError::DiskFull,
        READ_ONLY => StoreError::ReadOnly(said),
        LOCK_NOT_AVAILABLE | CANCELLED | DEADLOCK | SERIALIZATION => StoreError::Locked,
        _ => match code.get(..2) {
            Some("53") => StoreError::Busy,
            // Data exceptions, and more than an index or a row can hold.
            Some("22" | "54") => StoreError::Invalid(format!("a value cannot be stored: {said}")),
            Some("23" | "42" | "0A") => StoreError::Incompatible(said),
            _ => StoreError::Io(said),
        },
    }
}

/// The store's error for an attempt to connect, or to set the database up. What
/// may pass by itself is [`StoreError::Unreachable`].
pub(super) fn connect_error(error: &sqlx::Error, server: &str) -> StoreError {
    let server = server.to_owned();
    let Some(said) = database(error) else {
        let reason = match error {
            sqlx::Error::Tls(_) => format!("{error}; correct `sslmode` in `query`, or the server's TLS settings"),
            _ => error.to_string(),
        };
        return if may_pass(error) {
            StoreError::Unreachable { server, reason }
        } else {
            StoreError::Denied { server, reason }
        };
    };
    let reason = said.message().to_owned();
    match said.code() {
        TOO_MANY_CONNECTIONS => StoreError::Unreachable { server, reason },
        // The server is starting or stopping.
        code if code.starts_with("57P") => StoreError::Unreachable { server, reason },
        NO_SUCH_DATABASE => StoreError::Denied {
            server,
            reason: format!("{reason}; create it, correct `db`, or give `login_db` to have it created"),
        },
        code if code.starts_with("28") => {
            StoreError::Denied { server, reason: format!("{reason}; check `username` and `password`") }
        }
        NO_PRIVILEGE => StoreError::Denied {
            server,
            reason: format!("{reason}; the role must be able to make tables there (GRANT CREATE ON SCHEMA …)"),
        },
        DISK_FULL => StoreError::DiskFull,
        _ => StoreError::Denied { server, reason },
    }
}

/// Whether a failed attempt to connect may succeed later. A certificate that is
/// not trusted and a socket that is somebody else's stay what they are.
fn may_pass(error: &sqlx::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, PermissionDenied};
    match error {
        sqlx::Error::Io(error) => !matches!(error.kind(), InvalidData | InvalidInput | PermissionDenied),
        _ => false,
    }
}

/// The error for a server that takes the connection and says nothing.
pub(super) fn silent(server: &str) -> StoreError {
    StoreError::Unreachable { server: server.to_owned(), reason: "it does not answer".into() }
}
