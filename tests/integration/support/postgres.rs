//! PostgreSQL servers for tests: made in a temporary folder, on a free port of
//! this machine, gone with the process that asked for them.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::keeper::{Keeper, own, unprivileged};

/// The superuser of the test servers, and its password.
pub const USER: &str = "sapa";
pub const PASSWORD: &str = "Rahasia-2718";

/// Where Debian and others put the server's programs.
const ROOTS: [&str; 2] = ["/usr/lib/postgresql", "/usr/local/pgsql"];

/// Words: `start`, `stop` (as a service manager does), `kill` (as a power cut
/// does), `freeze` (it keeps its connections and says nothing, as behind a broken
/// network), `thaw`. Each is answered with a line.
const KEEPER: &str = r#"
trap '' INT TERM HUP
bin=$1 folder=$2 port=$3 sync=$4
family() { echo "$server"; grep -ls "^PPid:[[:space:]]*$server\$" /proc/[0-9]*/status | cut -d/ -f3; }
end() { [ -z "$server" ] || { kill -s "$1" "$server" 2>/dev/null; wait "$server"; server=; }; }
while read -r word; do
  case $word in
    start)
      "$bin/postgres" -D "$folder/data" -p "$port" -h 127.0.0.1 -k "$folder" -c "fsync=$sync" \
        -c max_connections=200 -c log_min_messages=fatal >>"$folder/log" 2>&1 </dev/null &
      server=$!
      tries=0
      until "$bin/pg_isready" -q -h "$folder" -p "$port"; do
        kill -0 "$server" 2>/dev/null && [ $tries -lt 600 ] || { server=; break; }
        tries=$((tries + 1))
        sleep 0.05
      done
      [ -n "$server" ] && echo started || echo failed ;;
    stop) end INT; echo stopped ;;
    kill) end QUIT; echo killed ;;
    freeze) kill -s STOP $(family); echo frozen ;;
    thaw) kill -s CONT $(family); echo thawed ;;
  esac
done
[ -z "$server" ] || kill -s CONT $(family)
end QUIT
cd / && rm -rf "$folder"
"#;

/// A server of its own.
pub struct Cluster {
    pub port: u16,
    bin: PathBuf,
    pub folder: PathBuf,
    keeper: Keeper,
    databases: AtomicU32,
}

impl Cluster {
    /// The server that the tests of a process share; `None` when PostgreSQL is
    /// not installed, and the test is to pass over what it wanted to show.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(|| Cluster::made("off"));
        SHARED.as_ref()
    }

    /// A server that a test may stop and start; it writes to the disk as in
    /// service.
    pub fn own() -> Option<Self> {
        Self::made("on")
    }

    /// Decides what a missing PostgreSQL means: a notice, or with
    /// `SAPA_REQUIRE_ALL=1` a failure.
    fn made(sync: &str) -> Option<Self> {
        if let Some(bin) = programs() {
            return Some(Self::start_new(bin, sync));
        }
        let required = std::env::var("SAPA_REQUIRE_ALL").is_ok_and(|value| value == "1");
        assert!(!required, "PostgreSQL is not installed (Debian: apt-get install postgresql)");
        eprintln!("notice: PostgreSQL is not installed; this test shows nothing");
        None
    }

    fn start_new(bin: PathBuf, sync: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("sapa-pg-").tempdir().expect("a folder").keep();
        own(&folder);
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let port_text = port.to_string();
        let keeper = Keeper::start(KEEPER, [bin.as_os_str(), folder.as_os_str(), port_text.as_ref(), sync.as_ref()]);
        // From here on the keeper removes the folder, whatever goes wrong.
        let cluster = Self { port, bin, folder, keeper, databases: AtomicU32::new(0) };
        cluster.init();
        cluster.start();
        cluster
    }

    fn init(&self) {
        let password = self.folder.join("password");
        std::fs::write(&password, PASSWORD).expect("a file");
        let output = unprivileged(self.bin.join("initdb"))
            .args(["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "-U", USER])
            .arg("--pwfile")
            .arg(&password)
            .arg("-D")
            .arg(self.folder.join("data"))
            .current_dir("/")
            .output()
            .expect("initdb");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts the server and waits until it takes connections.
    pub fn start(&self) {
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert_eq!(self.tell("start"), "started", "{}", log());
    }

    /// Stops the server; open connections are told.
    pub fn stop(&self) {
        assert_eq!(self.tell("stop"), "stopped");
    }

    /// Stops the server in the middle of everything.
    pub fn kill(&self) {
        assert_eq!(self.tell("kill"), "killed");
    }

    /// Gives the keeper a word; its answer.
    pub fn tell(&self, word: &str) -> String {
        self.keeper.tell(word)
    }

    /// A new database, and its name.
    pub fn database(&self) -> String {
        self.database_with("")
    }

    /// A new database made with these options.
    pub fn database_with(&self, options: &str) -> String {
        let name = format!("uji {}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\" {options}"));
        name
    }

    /// Runs SQL as another program does; the rows it gives, as text.
    pub fn sql(&self, database: &str, text: &str) -> String {
        let output = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", USER, "-d", database])
            .args(["-p", &self.port.to_string(), "-c", text])
            .env("PGPASSWORD", PASSWORD)
            .current_dir("/")
            .output()
            .expect("psql");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

/// The newest server's programs.
fn programs() -> Option<PathBuf> {
    let folders = ROOTS.iter().flat_map(|root| std::fs::read_dir(root).into_iter().flatten().flatten());
    let mut found: Vec<_> = folders
        .map(|entry| entry.path())
        .map(|path| if path.ends_with("bin") { path } else { path.join("bin") })
        .filter(|bin| ["initdb", "postgres", "psql", "pg_isready"].iter().all(|program| bin.join(program).is_file()))
        .collect();
    let version = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    found.sort_by_key(version);
    found.pop()
}
