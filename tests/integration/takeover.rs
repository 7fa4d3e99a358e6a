//! Databases that a Rasa 3.6.21 wrote, with a form half filled in, are gone on with.
//!
//! `fixtures/rasa` is the bot as Rasa had trained it, but for its sessions, which
//! never end here, and what Rasa's SQLTrackerStore left of three conversations:
//! `sqlite.sql` with SQLite, `postgresql.sql` with PostgreSQL, as their programs for
//! dumps tell it.

use crate::support::{Cluster, PASSWORD, Project, RUNTIME, Server, USER, repository};

const FILES: [&str; 4] = ["domain.yml", "config.yml", "data/nlu.yml", "data/rules.yml"];

fn fixture(name: &str) -> String {
    let path = repository().join("tests/integration/fixtures/rasa").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bot, and where its conversations are.
fn bot(endpoints: &str) -> Project {
    let project = Project::empty();
    FILES.iter().for_each(|name| project.write(name, fixture(name)));
    project.write("credentials.yml", "rest:\n");
    project.write("endpoints.yml", endpoints);
    project.trained()
}

/// Goes on with what Rasa left, twice, with a start in between.
fn goes_on(project: &Project) {
    let mut server = Server::with_api(project);
    assert_eq!(server.tracker("a")["active_loop"]["name"], "pesan_form");
    assert_eq!(server.tracker("a")["slots"]["kota"], "Kendari");
    let events = server.events("a");
    assert_eq!(server.texts("a", "Wa Ode Sitti"), ["Berapa tiket?"]);
    assert_eq!(server.texts("b", "3"), ["Baik, 3 tiket ke Raha atas nama Sitti 😀 \"O'Neil\"."]);
    assert_eq!(server.texts("d", "pesan tiket ke Raha"), ["Atas nama siapa?"]);
    let now = server.events("a");
    assert_eq!(now[..events.len()], events, "what Rasa wrote stays as it was");
    server.stop();

    let server = Server::with_api(project);
    assert_eq!(server.events("a"), now);
    assert_eq!(server.texts("a", "2"), ["Baik, 2 tiket ke Kendari atas nama Wa Ode Sitti."]);
}

#[test]
fn a_file_that_rasa_wrote_is_taken_over_in_the_middle_of_a_form() {
    let project = bot("tracker_store:\n  type: SQL\n  dialect: sqlite\n  db: rasa.db\n");
    let url = format!("sqlite://{}?mode=rwc", project.path("rasa.db").display());
    RUNTIME.block_on(async {
        let pool = sqlx::SqlitePool::connect(&url).await.expect("the database");
        sqlx::raw_sql(sqlx::AssertSqlSafe(fixture("sqlite.sql"))).execute(&pool).await.expect("what Rasa left");
        pool.close().await;
    });
    goes_on(&project);
}

#[test]
fn a_postgresql_database_that_rasa_wrote_is_taken_over_in_the_middle_of_a_form() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    cluster.sql(&database, &fixture("postgresql.sql"));
    let port = cluster.port;
    goes_on(&bot(&format!(
        "tracker_store:\n  type: SQL\n  dialect: postgresql\n  url: 127.0.0.1\n  port: {port}\n  db: {database}\n  \
         username: {USER}\n  password: {PASSWORD}\n"
    )));
    // Rasa's own table has Rasa's own columns still: it can be started on it again.
    let columns = cluster.sql(
        &database,
        "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns \
         WHERE table_name = 'events'",
    );
    assert_eq!(columns, "id sender_id type_name timestamp intent_name action_name data");
}
