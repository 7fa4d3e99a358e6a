//! Three processes on one database behind a balancer, restarted one after the other
//! while messages come: no client sees an error.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::kills::{bot, check};
use super::storm::Storm;
use super::{report, rounds};
use crate::support::{BotApi, Cluster, FakeActions, Nginx, poll};

/// Ports that were free a moment ago.
fn free_ports() -> [u16; 3] {
    let listeners = [0; 3].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

#[test]
fn a_rolling_restart_of_three_processes_shows_no_client_an_error() {
    let Some(cluster) = Cluster::shared() else { return };
    let ports = free_ports();
    let Some(balancer) = Nginx::start(&ports) else { return };
    let (api, actions, runs) = (BotApi::start(), FakeActions::start(), rounds(1, 20));
    let project = bot(&api, &actions);
    crate::postgres::serve_from(&project, cluster, &cluster.database());
    let began = Instant::now();
    let mut storm = Storm::begin_behind(&api, &project, &balancer.base, &ports);
    let tell = |storm: &Storm, what: &str| {
        let (sent, refused) = storm.so_far();
        println!(
            "{:6.2} s  {what:<28} {sent:5} messages acknowledged, {refused} errors",
            began.elapsed().as_secs_f64()
        );
    };
    std::thread::sleep(Duration::from_millis(500));
    for run in 0..runs * ports.len() {
        let server = run % ports.len();
        tell(&storm, &format!("process {}: told to stop", server + 1));
        storm.terminate(server);
        tell(&storm, &format!("process {}: has stopped", server + 1));
        storm.start_again(server, ports[server]);
        poll("the process to be ready", || (storm.health(server) == 200).then_some(()));
        tell(&storm, &format!("process {}: ready again", server + 1));
        std::thread::sleep(Duration::from_millis(300));
    }
    tell(&storm, "all restarted");
    let (_, errors) = storm.so_far();
    let toll = storm.end();
    report("rolling restart of three processes behind nginx, PostgreSQL", runs, &toll);
    assert_eq!(errors, 0, "a client saw an error");
    check(&toll, &actions);
    assert_eq!(toll.doubled_answers, 0);
}
