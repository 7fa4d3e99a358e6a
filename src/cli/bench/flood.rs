//! What a turn costs others while somebody floods one conversation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use sapa_learn::Rng;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::process::{Server, percentile};
use super::table::Row;
use super::wire::{self, Load, Wire};

/// Users beside the one who floods, and how often each of them writes on average: at any
/// time, as users do.
const OTHERS: usize = 20;
const EVERY: Duration = Duration::from_millis(100);

/// The flood comes and goes: what the disk does meanwhile falls on both times alike. How
/// far it does not is seen by a second time without.
const LONGEST_SLICE: Duration = Duration::from_secs(1);

/// One server, what asks it, and how.
pub(super) struct Flood<'a, M> {
    pub(super) runtime: &'a Runtime,
    pub(super) server: Server,
    /// The request that says something, by sender.
    pub(super) message: M,
    /// The flood's connections.
    pub(super) connections: usize,
    /// How long others write, with the flood and without.
    pub(super) time: Duration,
}

impl<M: Fn(&str) -> String + Clone + Send + Sync + 'static> Flood<'_, M> {
    pub(super) fn measure(&self) -> Result<[Row; 4]> {
        let slice = self.time.min(LONGEST_SLICE);
        let slices = self.time.div_duration_f64(slice).ceil() as u64;
        // Conversations begin.
        self.runtime.block_on(others(self.server.address(), &self.message, 0, slice))?;
        let [mut alone, mut beside, mut again] = [const { Vec::new() }; 3];
        let mut flood = Load::default();
        for number in 0..slices {
            let seeds = 3 * number + 1;
            alone.extend(self.runtime.block_on(others(self.server.address(), &self.message, seeds, slice))?);
            let (load, latencies) = self.runtime.block_on(self.slice(seeds + 1, slice))?;
            beside.extend(latencies);
            flood.time += load.time;
            flood.latencies.extend(load.latencies);
            again.extend(self.runtime.block_on(others(self.server.address(), &self.message, seeds + 2, slice))?);
        }
        let p99 = |latencies: &mut [f64]| percentile(latencies, 0.99) * 1e3;
        let [alone, beside, again] = [p99(&mut alone), p99(&mut beside), p99(&mut again)];
        let turns = flood.latencies.len() as f64 / flood.time.as_secs_f64();
        let limit = Some(("without", alone));
        Ok([
            Row::plain("limit: others' turns without a flood, p99", alone, "ms"),
            Row { limit, ..Row::plain("the same without a flood again, p99", again, "ms") },
            Row { limit, ..Row::plain("others' turns beside a flood, p99", beside, "ms") },
            Row::plain("limit: the flood's turns", turns, "1/s"),
        ])
    }

    /// The flood, and others' latencies beside it.
    async fn slice(&self, seed: u64, time: Duration) -> Result<(Load, Vec<f64>)> {
        let over = Arc::new(AtomicBool::new(false));
        let (address, connections) = (self.server.address().to_owned(), self.connections);
        let request = {
            let (over, message) = (Arc::clone(&over), self.message.clone());
            move |_: usize, _: usize| (!over.load(Ordering::Relaxed)).then(|| message("flood"))
        };
        let flooding = tokio::spawn(async move { wire::load(&address, connections, request).await });
        let others = others(self.server.address(), &self.message, seed, time).await;
        over.store(true, Ordering::Relaxed);
        Ok((flooding.await.context("the flood ended")??, others?))
    }
}

/// Others' latencies for so long, seconds.
async fn others<M>(address: &str, message: &M, seed: u64, time: Duration) -> Result<Vec<f64>>
where
    M: Fn(&str) -> String + Clone + Send + Sync + 'static,
{
    let until = Instant::now() + time;
    let others: Vec<_> = (0..OTHERS)
        .map(|user| {
            let (address, message) = (address.to_owned(), message.clone());
            let random = Rng::new(seed * OTHERS as u64 + user as u64);
            tokio::spawn(
                async move { now_and_then(&address, random, until, || message(&format!("other {user}"))).await },
            )
        })
        .collect();
    let mut latencies = Vec::new();
    for other in others {
        latencies.extend(other.await.context("a user ended")??);
    }
    Ok(latencies)
}

/// A user who writes now and then, but not before there was an answer.
async fn now_and_then(
    address: &str,
    mut random: Rng,
    until: Instant,
    message: impl Fn() -> String + Sync,
) -> Result<Vec<f64>> {
    let (mut wire, mut latencies) = (Wire::open(address).await?, Vec::new());
    let mut next = Instant::now();
    loop {
        next += pause(&mut random);
        tokio::time::sleep_until(next.min(until)).await;
        if next >= until {
            return Ok(latencies);
        }
        let load = wire.post(|number| (number == 0).then(&message)).await?;
        latencies.extend(load.all_served()?.latencies);
    }
}

/// The time between two events of a Poisson process: exponentially distributed.
fn pause(random: &mut Rng) -> Duration {
    EVERY.mul_f64(-f64::from(1.0 - random.uniform()).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_so_long_on_average() {
        let mut random = Rng::new(7);
        let all: Vec<f64> = (0..20_000).map(|_| pause(&mut random).div_duration_f64(EVERY)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
        // An exponential distribution's median is ln 2.
        let below = all.iter().filter(|pause| **pause < std::f64::consts::LN_2).count();
        assert!((9_700..10_300).contains(&below), "{below}");
    }
}
