//! A Redis server for tests: on a free port of this machine, gone with the process that
//! asked for it.

use std::net::TcpListener;

use super::is_installed;
use super::keeper::Keeper;

const PROGRAM: &str = "/usr/bin/redis-server";

/// Words: `start`, `kill`, `hang`, `wake`. Each is answered with a line. When its input ends, so does
/// the server.
const KEEPER: &str = r#"
trap '' INT TERM HUP
program=$1 port=$2 password=$3
end() { [ -z "$server" ] || { kill -s KILL "$server" 2>/dev/null; wait "$server" 2>/dev/null; server=; }; }
while read -r word; do
  case $word in
    start)
      "$program" --port "$port" --bind 127.0.0.1 --save '' --appendonly no --requirepass "$password" \
        --dir /tmp >/dev/null 2>&1 </dev/null &
      server=$!
      tries=0
      until redis-cli -p "$port" -a "$password" ping 2>/dev/null | grep -q PONG; do
        kill -0 "$server" 2>/dev/null && [ $tries -lt 400 ] || { end; break; }
        tries=$((tries + 1))
        sleep 0.02
      done
      [ -n "$server" ] && echo started || echo failed ;;
    kill) end; echo killed ;;
    hang) kill -s STOP "$server"; echo hangs ;;
    wake) kill -s CONT "$server"; echo awake ;;
  esac
done
end
"#;

/// A server of its own.
pub struct Redis {
    pub port: u16,
    keeper: Keeper,
}

impl Redis {
    pub const PASSWORD: &str = "sandi-redis";

    /// A running server; `None` when Redis is not installed, which is a failure with
    /// `SAPA_REQUIRE_ALL=1`.
    pub fn start() -> Option<Self> {
        if !is_installed(PROGRAM, "redis-server") {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let text = port.to_string();
        let keeper = Keeper::start(KEEPER, [PROGRAM.as_ref(), text.as_ref(), Self::PASSWORD.as_ref()]);
        let redis = Self { port, keeper };
        redis.again();
        Some(redis)
    }

    pub fn again(&self) {
        assert_eq!(self.keeper.tell("start"), "started");
    }

    /// The server takes commands and answers none.
    pub fn hang(&self) {
        assert_eq!(self.keeper.tell("hang"), "hangs");
    }

    /// It answers again.
    pub fn wake(&self) {
        assert_eq!(self.keeper.tell("wake"), "awake");
    }

    /// Sets a key of database 1 for good, as another program would.
    pub fn set(&self, key: &str, value: &str) {
        let port = self.port.to_string();
        let line = ["-p", &port, "-a", Self::PASSWORD, "--no-auth-warning", "-n", "1", "set", key, value];
        let output = std::process::Command::new("redis-cli").args(line).output().expect("redis-cli");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "OK");
    }

    /// Kills the server at once.
    pub fn kill(&self) {
        assert_eq!(self.keeper.tell("kill"), "killed");
    }
}
