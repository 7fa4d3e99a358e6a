//! A RabbitMQ server for tests: made in a temporary folder, on free ports of this
//! machine, gone with the process that asked for it.

use std::net::TcpListener;
use std::path::PathBuf;

use super::is_installed;
use super::keeper::{Keeper, own};

/// The server's own script, which takes all it needs from the environment.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Words: `start`, `kill` (as a power cut does). Each is answered with a line. When
/// its input ends, server, port mapper and folder go.
const KEEPER: &str = r#"
trap '' INT TERM HUP
program=$1 folder=$2
export HOME=$folder RABBITMQ_NODENAME=sapa$3@localhost RABBITMQ_NODE_PORT=$3 RABBITMQ_DIST_PORT=$4 \
  RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_MNESIA_BASE=$folder/data RABBITMQ_LOG_BASE=$folder \
  RABBITMQ_LOGS=- RABBITMQ_ENABLED_PLUGINS_FILE=$folder/plugins RABBITMQ_CONF_ENV_FILE=/dev/null \
  RABBITMQ_CONFIG_FILE=$folder/none RABBITMQ_PID_FILE=$folder/pid ERL_EPMD_PORT=$5 ERL_EPMD_ADDRESS=127.0.0.1
echo '[].' >"$folder/plugins"
end() { [ -z "$server" ] || { kill -s KILL -- "-$server" 2>/dev/null; wait "$server" 2>/dev/null; server=; }; }
while read -r word; do
  case $word in
    start)
      : >"$folder/log"
      # A group of its own: the script starts others.
      setsid "$program" >"$folder/log" 2>&1 </dev/null &
      server=$!
      tries=0
      until grep -q 'Server startup complete' "$folder/log"; do
        kill -0 "$server" 2>/dev/null && [ $tries -lt 1200 ] || { end; break; }
        tries=$((tries + 1))
        sleep 0.05
      done
      [ -n "$server" ] && echo started || echo failed ;;
    kill) end; echo killed ;;
  esac
done
end
epmd -port "$5" -kill >/dev/null 2>&1
cd / && rm -rf "$folder"
"#;

/// A server of its own.
pub struct Rabbit {
    pub port: u16,
    folder: PathBuf,
    keeper: Keeper,
}

impl Rabbit {
    /// A running server; `None` when RabbitMQ is not installed, which is a failure
    /// with `SAPA_REQUIRE_ALL=1`.
    pub fn start() -> Option<Self> {
        if !is_installed(PROGRAM, "rabbitmq-server") {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("sapa-mq-").tempdir().expect("a folder").keep();
        own(&folder);
        let listeners = [0; 3].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let ports = listeners.map(|free| free.local_addr().expect("an address").port());
        let texts = ports.map(|port| port.to_string());
        let first = [PROGRAM.as_ref(), folder.as_os_str()];
        let keeper = Keeper::start(KEEPER, first.into_iter().chain(texts.iter().map(AsRef::as_ref)));
        let rabbit = Self { port: ports[0], folder, keeper };
        rabbit.again();
        Some(rabbit)
    }

    /// Starts the server on what it has on its disk.
    pub fn again(&self) {
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert_eq!(self.keeper.tell("start"), "started", "{}", log());
    }

    /// Kills the server at once.
    pub fn kill(&self) {
        assert_eq!(self.keeper.tell("kill"), "killed");
    }
}
