//! The balancer of `deploy/nginx.conf` for tests, before servers of this machine.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::project::repository;
use super::{is_installed, poll};

const PROGRAM: &str = "/usr/sbin/nginx";

/// The balancer; it ends when this value goes.
pub struct Nginx {
    pub base: String,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Before servers at these ports; `None` when nginx is not installed, which is a
    /// failure with `SAPA_REQUIRE_ALL=1`.
    pub fn start(ports: &[u16]) -> Option<Self> {
        if !is_installed(PROGRAM, "nginx-light") {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config(ports, port, folder.path())).expect("a file");
        let child = Command::new(PROGRAM)
            .args(["-p".as_ref(), folder.path().as_os_str(), "-c".as_ref(), file.as_os_str()])
            .args(["-g", "daemon off; master_process off;"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx");
        let base = format!("http://127.0.0.1:{port}");
        let nginx = Self { base, child, _folder: folder };
        poll("the balancer", || std::net::TcpStream::connect(("127.0.0.1", port)).ok().map(drop));
        Some(nginx)
    }
}

/// The file that containers use, with the addresses of this machine for Docker's names.
fn config(ports: &[u16], port: u16, folder: &Path) -> String {
    let path = repository().join("deploy/nginx.conf");
    let text = std::fs::read_to_string(path).expect("the configuration");
    // As with Docker's names, a server that failed once is asked again.
    let servers: String = ports.iter().map(|port| format!("server 127.0.0.1:{port} max_fails=0;\n")).collect();
    let resolver = text.lines().find(|line| line.trim().starts_with("resolver ")).expect("a resolver");
    let replaced = text
        .replace(resolver, &format!("upstream workers {{\n{servers}}}"))
        .replace("http://sapa-worker:5005", "http://workers")
        .replace("listen 8080;", &format!("listen 127.0.0.1:{port};"))
        .replace("/tmp/", &format!("{}/", folder.display()));
    assert!(replaced.contains("http://workers;") && replaced.contains(&format!(":{port};")), "{replaced}");
    replaced
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
