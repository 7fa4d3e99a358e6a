//! Connections to PostgreSQL that nobody on the way can read.

use crate::support::{Authority, Cluster, Output, PASSWORD, Project, Server, USER};

/// The small bot with these parameters of the connection.
fn bot(cluster: &Cluster, query: &str) -> Project {
    let project = Project::tiny().trained();
    project.write(
        "endpoints.yml",
        format!(
            "tracker_store:\n  type: SQL\n  dialect: postgresql\n  url: 127.0.0.1\n  port: {}\n  db: {}\n  \
             username: {USER}\n  password: {PASSWORD}\n  query: {{{query}}}\n",
            cluster.port,
            cluster.database(),
        ),
    );
    project
}

fn refused(cluster: &Cluster, query: &str, authority: &str) -> Output {
    let project = bot(cluster, query);
    project.write("ca.pem", authority);
    let output = project.sapa_that_ends(&["run", "-p", "0"]);
    assert_eq!(output.code, Some(1), "{query}: {output:?}");
    assert!(!format!("{output:?}").contains(PASSWORD), "{output:?}");
    output
}

fn answers(cluster: &Cluster, query: &str, authority: &str) {
    let project = bot(cluster, &format!("{query}, application_name: {}", query.len()));
    project.write("ca.pem", authority);
    let server = Server::with_api(&project);
    assert_eq!(server.texts("u", "hi"), ["Hello!"], "{query}");
    let secured = format!(
        "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = '{}'",
        query.len()
    );
    assert_eq!(cluster.sql("postgres", &secured), "t", "{query}");
}

#[test]
fn a_connection_is_secured_and_the_server_checked_as_far_as_sslmode_says() {
    let Some(cluster) = Cluster::own() else { return };
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.sign("127.0.0.1");
    cluster.require_tls(&certificate, &key);

    answers(&cluster, "sslmode: prefer", "");
    answers(&cluster, "sslmode: require", "");
    answers(&cluster, "sslmode: verify-full, sslrootcert: ca.pem", &authority.certificate);

    let output = refused(&cluster, "sslmode: disable", "");
    assert!(output.err.contains("no encryption"), "{output:?}");
    let output = refused(&cluster, "sslmode: verify-ca, sslrootcert: ca.pem", &stranger.certificate);
    assert!(output.err.contains("certificate"), "{output:?}");

    // Signed by the right authority for another name.
    let (certificate, key) = authority.sign("basisdata.example");
    cluster.require_tls(&certificate, &key);
    answers(&cluster, "sslmode: verify-ca, sslrootcert: ca.pem", &authority.certificate);
    let output = refused(&cluster, "sslmode: verify-full, sslrootcert: ca.pem", &authority.certificate);
    assert!(output.err.contains("127.0.0.1"), "{output:?}");
}
