//! `sapa bench`: every figure stands beside its limit of the same run.

use serde_json::Value;

use crate::support::{Cluster, PASSWORD, Project, USER};

/// What the bench prints of the small bot, with these arguments.
fn figures(arguments: &[&str]) -> (Vec<Value>, String) {
    let project = Project::tiny();
    let few = ["bench", "--requests", "30", "--repeat", "1", "--message", "hi", "--json"];
    let output = project.sapa(&[&few, arguments].concat());
    assert_eq!(output.code, Some(0), "{}", output.err);
    let printed: Value = serde_json::from_str(&output.out).expect("JSON");
    assert!(!project.path("models").exists() && !project.path("sapa.db").exists(), "nothing of the project is touched");
    (printed["measured"].as_array().expect("rows").clone(), output.err)
}

/// Every row is a limit, or stands beside one that was measured.
fn check(rows: &[Value]) {
    for row in rows {
        let what = row["what"].as_str().expect("a name");
        assert!(row["value"].is_f64(), "{row}");
        // Processor time comes in ticks of 10 ms: a few requests may have none.
        let counted = row["limit_value"].as_f64() == Some(0.0) || row["ratio"].as_f64().is_some();
        if let (Some(ratio), Some(limit)) = (row["ratio"].as_f64(), row["limit_value"].as_f64()) {
            assert!((ratio * limit - row["value"].as_f64().expect("a value")).abs() <= 1e-6 * ratio * limit, "{row}");
        }
        assert!(what.starts_with("limit: ") != (row["limit"].is_string() && counted), "{row}");
        if !what.ends_with("CPU") {
            assert!(row["value"].as_f64() > Some(0.0), "{row}");
        }
    }
    let named = |start: &str| rows.iter().any(|row| row["what"].as_str().is_some_and(|what| what.starts_with(start)));
    for start in ["training, wall", "training, peak", "start,", "resident memory", "parse request"] {
        assert!(named(start), "no row `{start}`");
    }
    for start in ["REST turn (memory)", "durable REST turn (SQLite)", "Telegram turn (SQLite)"] {
        assert!(named(&format!("{start}, wall")), "no row `{start}`");
    }
}

#[test]
fn every_figure_stands_beside_its_limit() {
    let Some(cluster) = Cluster::shared() else {
        let (rows, notes) = figures(&[]);
        check(&rows);
        return assert!(notes.contains("name an empty database with `--postgres`"), "{notes}");
    };
    let database = cluster.database();
    let address = format!("127.0.0.1:{}/{}", cluster.port, database.replace(' ', "%20"));
    let url = format!("postgresql://{USER}:{PASSWORD}@{address}");
    let (rows, notes) = figures(&["--postgres", &url]);
    check(&rows);
    let turn = rows.iter().find(|row| row["what"] == "durable REST turn (PostgreSQL), wall").expect("a row");
    assert_eq!(turn["limit"], "bare handler + its insert");
    assert!(!notes.contains("--postgres"), "{notes}");
    let left = cluster.sql(&database, "SELECT count(*) FROM pg_tables WHERE tablename = 'sapa_bench_bare'");
    assert_eq!(left, "0");
    // Conversations may be in it by now: nothing is measured there any more.
    let rows = || cluster.sql(&database, "SELECT count(*) FROM events");
    let before = rows();
    let output = Project::tiny().sapa(&["bench", "--requests", "1", "--repeat", "1", "--postgres", &url]);
    assert!(output.code == Some(1) && output.err.contains("name an empty one"), "{output:?}");
    assert!(before != "0" && rows() == before, "{before}");
}

#[test]
fn a_measurement_that_fails_says_why() {
    let project = Project::tiny();
    let line = ["bench", "--requests", "1", "--repeat", "1", "--postgres", "mysql://ann:geheim@127.0.0.1/x"];
    let output = project.sapa(&line);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("`--postgres` is not a PostgreSQL URL"), "{}", output.err);
    assert!(!output.err.contains("geheim") && !output.out.contains("geheim"), "{output:?}");
    project.write("data/nlu.yml", "nlu: [");
    let output = project.sapa(&["bench", "--requests", "1", "--repeat", "1"]);
    assert!(output.code == Some(1) && output.err.contains("data/nlu.yml:1"), "{output:?}");
}

#[test]
fn turns_a_second_stand_beside_the_writer_alone() {
    let project = Project::tiny().trained();
    let mut line = vec!["bench", "turns", "--seconds", "0.3", "--connections", "1", "4", "--message", "hi", "--json"];
    let url = Cluster::shared().map(|cluster| {
        let address = format!("127.0.0.1:{}/{}", cluster.port, cluster.database().replace(' ', "%20"));
        format!("postgresql://{USER}:{PASSWORD}@{address}")
    });
    line.extend(url.iter().flat_map(|url| ["--postgres", url]));
    let output = project.sapa(&line);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let printed: Vec<Value> = serde_json::from_str(&output.out).expect("JSON");
    let doors = printed.iter().map(|row| format!("{} {} {}", row["store"], row["door"], row["connections"]));
    let stores = if url.is_some() { &["\"SQLite\"", "\"PostgreSQL\""][..] } else { &["\"SQLite\""] };
    let expected = stores.iter().flat_map(|store| {
        [1, 4].into_iter().flat_map(move |n| [format!("{store} \"REST\" {n}"), format!("{store} \"Telegram\" {n}")])
    });
    assert_eq!(doors.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    for row in &printed {
        let figure = |key: &str| row[key].as_f64().filter(|figure| *figure > 0.0).unwrap_or_else(|| panic!("{row}"));
        assert!((figure("ratio") - figure("turns") / figure("limit")).abs() < 1e-9, "{row}");
        assert!(figure("p50_ms") <= figure("p99_ms"), "{row}");
    }
}

#[test]
fn much_of_something_stands_beside_little_of_it() {
    let project = Project::tiny().trained();
    let few = ["--turns", "120", "--conversations", "40", "--connections", "5", "--seconds", "0.3", "--message", "hi"];
    let output = project.sapa(&[&["bench", "scale", "--json"], &few[..]].concat());
    assert_eq!(output.code, Some(0), "{}", output.err);
    let printed: Value = serde_json::from_str(&output.out).expect("JSON");
    let rows = printed["measured"].as_array().expect("rows");
    let (limits, figures): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row["what"].as_str().is_some_and(|what| what.starts_with("limit: ")));
    assert_eq!((limits.len(), figures.len()), (4, 7), "{rows:?}");
    assert!(rows.iter().all(|row| row["value"].as_f64().is_some_and(|value| value > 0.0)), "{rows:?}");
    assert!(figures.iter().all(|row| row["ratio"].as_f64().is_some()), "{figures:?}");
}
