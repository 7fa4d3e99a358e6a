//! What only tests of the whole program do to a PostgreSQL server.

use std::os::unix::fs::PermissionsExt as _;

use super::keeper::own;
use super::postgres::Cluster;

impl Cluster {
    /// Holds the server and all its connections still.
    pub fn freeze(&self) {
        assert_eq!(self.tell("freeze"), "frozen");
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        assert_eq!(self.tell("thaw"), "thawed");
    }

    /// Takes connections over TLS only from now on, with that certificate and key
    /// (PEM).
    pub fn require_tls(&self, certificate: &str, key: &str) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = self.folder.join("data").join(name);
            std::fs::write(&file, text).expect("a file");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
            own(&file);
        }
        let hosts = self.folder.join("data/pg_hba.conf");
        std::fs::write(&hosts, "local all all scram-sha-256\nhostssl all all all scram-sha-256\n").expect("a file");
        self.sql("postgres", "ALTER SYSTEM SET ssl = on");
        self.sql("postgres", "SELECT pg_reload_conf()");
    }
}
