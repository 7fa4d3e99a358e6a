//! A client that costs little, as it shares the machine with what it measures: HTTP/1.1
//! on connections that stay open, one request at a time on each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest head and body of an answer, bytes.
const MOST: usize = 1 << 20;

/// What a server says to whom it does not serve just now.
const TOO_MUCH: [u16; 2] = [429, 503];

/// What one load showed.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// From the first request to the last answer.
    pub(super) time: Duration,
    /// Of each request, from sending to the whole answer, seconds.
    pub(super) latencies: Vec<f64>,
    /// Requests that were turned away.
    pub(super) refused: usize,
}

impl Load {
    /// Fails when a request was turned away.
    pub(super) fn all_served(self) -> Result<Self> {
        if self.refused > 0 {
            bail!("{} requests were turned away", self.refused);
        }
        Ok(self)
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.refused += other.refused;
    }
}

/// Posts on so many connections. `request` gives path, header and body, by connection
/// and number; `None` ends the connection.
pub(super) async fn load<F>(address: &str, connections: usize, request: F) -> Result<Load>
where
    F: Fn(usize, usize) -> Option<String> + Clone + Send + Sync + 'static,
{
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|connection| {
            let (address, request) = (address.to_owned(), request.clone());
            tokio::spawn(async move { Wire::open(&address).await?.post(|number| request(connection, number)).await })
        })
        .collect();
    let mut load = Load::default();
    for task in tasks {
        load.add(task.await.context("a connection ended")??);
    }
    load.time = started.elapsed();
    Ok(load)
}

/// A connection.
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(super) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Posts one after the other, until there is none.
    pub(super) async fn post(&mut self, request: impl Fn(usize) -> Option<String>) -> Result<Load> {
        let mut load = Load::default();
        while let Some(text) = request(load.latencies.len() + load.refused) {
            let sent = Instant::now();
            self.stream.write_all(text.as_bytes()).await?;
            match answer(&mut self.stream, &mut self.buffer).await? {
                200 => load.latencies.push(sent.elapsed().as_secs_f64()),
                status if TOO_MUCH.contains(&status) => load.refused += 1,
                status => bail!("a request got {status}"),
            }
        }
        Ok(load)
    }
}

/// Reads an answer to its end; its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    buffer.clear();
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        more(stream, buffer).await?;
    };
    let head = std::str::from_utf8(&buffer[..end]).context("an answer's head is no text")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer has no status")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = end + length.context("an answer has no length")?;
    while buffer.len() < whole {
        more(stream, buffer).await?;
    }
    Ok(status)
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    if stream.read_buf(buffer).await? == 0 || buffer.len() > MOST {
        bail!("an answer ended early, or is too long");
    }
    Ok(())
}

/// A POST as it goes over the wire.
pub(super) fn request(path: &str, header: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: sapa\r\nContent-Type: application/json\r\n{header}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
