//! A client that costs little, as it shares the machine with what it measures: HTTP/1.1
//! on connections that stay open, one request at a time on each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest head and body of an answer, bytes.
const MOST: usize = 1 << 20;

/// What one load showed.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// From the first request to the last answer.
    pub(super) time: Duration,
    /// Of each request, from sending to the whole answer, seconds.
    pub(super) latencies: Vec<f64>,
}

/// Posts on so many connections for so long. `request` gives path, header and body, by
/// connection and number.
pub(super) async fn load<F>(address: &str, connections: usize, time: Duration, request: F) -> Result<Load>
where
    F: Fn(usize, usize) -> String + Clone + Send + Sync + 'static,
{
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|connection| {
            let (address, request) = (address.to_owned(), request.clone());
            tokio::spawn(async move { post(&address, started + time, |number| request(connection, number)).await })
        })
        .collect();
    let mut load = Load::default();
    for task in tasks {
        load.latencies.extend(task.await.context("a connection ended")??);
    }
    load.time = started.elapsed();
    Ok(load)
}

/// Posts on one connection until that time; the latencies.
async fn post(address: &str, until: Instant, request: impl Fn(usize) -> String) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut buffer) = (Vec::new(), Vec::with_capacity(8 << 10));
    while Instant::now() < until {
        let text = request(latencies.len());
        let sent = Instant::now();
        stream.write_all(text.as_bytes()).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        if status != 200 {
            bail!("a request got {status}");
        }
        latencies.push(sent.elapsed().as_secs_f64());
    }
    Ok(latencies)
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
