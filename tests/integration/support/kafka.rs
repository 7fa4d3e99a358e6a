//! A Kafka server for tests: the one that librdkafka brings along, in a consumer (kcat)
//! that prints what it holds. It keeps records in memory only.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::is_installed;

const PROGRAM: &str = "/usr/bin/kcat";

/// Where a record's parts end, and where it does.
const FORMAT: &str = "%p\t%k\t%h\t%s\n";

/// A record as it was taken out.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub partition: u32,
    pub key: String,
    /// `name=value`, with commas between several.
    pub headers: String,
    pub event: Value,
}

/// A server of its own, gone with this.
pub struct Kafka {
    /// `host:port`.
    pub address: String,
    process: Child,
    records: Arc<Mutex<Vec<Record>>>,
}

impl Kafka {
    /// A running server whose topic is looked at; `None` when kcat is not installed,
    /// which is a failure with `SAPA_REQUIRE_ALL=1`.
    pub fn start(topic: &str) -> Option<Self> {
        if !is_installed(PROGRAM, "kcat") {
            return None;
        }
        let mut process = Command::new(PROGRAM)
            .args(["-X", "test.mock.num.brokers=1", "-d", "mock", "-b", "replaced"])
            .args(["-C", "-u", "-o", "beginning", "-t", topic, "-f", FORMAT])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kcat");
        let mut said = BufReader::new(process.stderr.take().expect("its log")).lines();
        let line = said.by_ref().map(|line| line.expect("a line")).find(|line| line.contains("bootstrap.servers="));
        let line = line.expect("kcat says where its server listens");
        let address = line.split("bootstrap.servers=").nth(1).expect("an address").trim().to_owned();
        // Read on: a full pipe would stop it.
        std::thread::spawn(move || said.for_each(drop));
        let records = Arc::new(Mutex::new(Vec::new()));
        let (output, all) = (process.stdout.take().expect("its output"), Arc::clone(&records));
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                all.lock().expect("the records").push(record(&line));
            }
        });
        Some(Self { address, process, records })
    }

    /// What came so far.
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().expect("the records").clone()
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn record(line: &str) -> Record {
    let mut parts = line.splitn(4, '\t');
    let mut part = || parts.next().unwrap_or_else(|| panic!("no record: {line}")).to_owned();
    let (partition, key, headers) = (part().parse().expect("a number"), part(), part());
    Record { partition, key, headers, event: serde_json::from_str(&part()).expect("JSON") }
}
