//! Figures as Markdown.

use super::measure::Figures;
use super::peers::Peer;

/// Columns of [`line`].
pub(super) const HEAD: &str = "\
| set | examples | intents | accuracy | macro F1 | in scope | OOS recall | OOS precision | best MCC | entity F1 exact | overlap | train s | with entities | peak MiB | model kB | parse µs | p99 |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// One set, a line.
pub(super) fn line(name: &str, figures: &Figures) -> String {
    let score = &figures.intents;
    let entities = figures.entities.as_ref();
    let cells = [
        name.to_owned(),
        figures.examples.to_string(),
        figures.labels.to_string(),
        percent(Some(score.accuracy)),
        percent(Some(score.macro_f1)),
        percent(Some(score.in_scope)),
        percent(score.recall),
        percent(score.precision),
        score.correlation.map(|(value, at)| format!("{value:.3} @{at:.2}")).unwrap_or_default(),
        percent(entities.map(|(score, _)| score.exact_f1())),
        percent(entities.map(|(score, _)| score.overlap_f1())),
        format!("{:.2}", figures.trained.seconds),
        entities.map(|(_, cost)| format!("{:.2}", cost.seconds)).unwrap_or_default(),
        figures.trained.peak.map(|peak| format!("{peak:.0}")).unwrap_or_default(),
        (figures.trained.bytes / 1000).to_string(),
        format!("{:.1}", figures.parse.0),
        format!("{:.1}", figures.parse.1),
    ];
    format!("| {} |", cells.join(" | "))
}

/// Columns of [`peer_line`].
pub(super) const PEERS_HEAD: &str = "\
| set | peer | accuracy | macro F1 | in scope | OOS recall | OOS precision | best MCC | entity F1 exact | overlap | train s | predict µs |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// One peer on one set, a line.
pub(super) fn peer_line(set: &str, peer: &Peer) -> String {
    if let Some(absent) = &peer.absent {
        return format!("| {set} | {}: {absent} | | | | | | | | | | |", peer.name);
    }
    let score = peer.intents.as_ref();
    let cells = [
        set.to_owned(),
        peer.name.clone(),
        percent(score.map(|s| s.accuracy)),
        percent(score.map(|s| s.macro_f1)),
        percent(score.map(|s| s.in_scope)),
        percent(score.and_then(|s| s.recall)),
        percent(score.and_then(|s| s.precision)),
        score.and_then(|s| s.correlation).map(|(value, at)| format!("{value:.3} @{at:.2}")).unwrap_or_default(),
        percent(peer.entities.map(|s| s.exact_f1())),
        percent(peer.entities.map(|s| s.overlap_f1())),
        format!("{:.2}", peer.seconds),
        format!("{:.0}", peer.micros),
    ];
    format!("| {} |", cells.join(" | "))
}

/// A share with one decimal; nothing for none.
fn percent(share: Option<f64>) -> String {
    share.map(|share| format!("{:.1}", 100.0 * share)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_cells_as_its_head() {
        let cells = |line: &str| line.matches(" |").count();
        let absent = Peer { name: "x".into(), absent: Some("no".into()), ..Peer::default() };
        let columns = |head: &str| head.lines().next().map_or(0, cells);
        assert_eq!(cells(&peer_line("s", &absent)), columns(PEERS_HEAD));
        assert_eq!(cells(&peer_line("s", &Peer::default())), columns(PEERS_HEAD));
        assert_eq!(percent(Some(0.1234)), "12.3");
    }
}
