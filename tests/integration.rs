//! Sapa through the doors that users use: the program, HTTP, projects on disk.

#[path = "integration/arrows.rs"]
mod arrows;
#[path = "integration/bench.rs"]
mod bench;
#[path = "integration/bench_nlu.rs"]
mod bench_nlu;
#[path = "integration/broken.rs"]
mod broken;
#[path = "integration/brokers.rs"]
mod brokers;
#[path = "integration/convert.rs"]
mod convert;
#[path = "integration/coverage.rs"]
mod coverage;
#[path = "integration/deployment.rs"]
mod deployment;
#[path = "integration/diagnostics.rs"]
mod diagnostics;
#[path = "integration/dialogues.rs"]
mod dialogues;
#[path = "integration/disk.rs"]
mod disk;
#[path = "integration/doors.rs"]
mod doors;
#[path = "integration/events.rs"]
mod events;
#[path = "integration/explain.rs"]
mod explain;
#[path = "integration/failures.rs"]
mod failures;
#[path = "integration/faults/mod.rs"]
mod faults;
#[path = "integration/flags.rs"]
mod flags;
#[path = "integration/formats.rs"]
mod formats;
#[path = "integration/hooks.rs"]
mod hooks;
#[path = "integration/http.rs"]
mod http;
#[path = "integration/importers.rs"]
mod importers;
#[path = "integration/locks.rs"]
mod locks;
#[path = "integration/migrate.rs"]
mod migrate;
#[path = "integration/model_files.rs"]
mod model_files;
#[path = "integration/other_servers.rs"]
mod other_servers;
#[path = "integration/postgres.rs"]
mod postgres;
#[path = "integration/postgres_tls.rs"]
mod postgres_tls;
#[path = "integration/privacy.rs"]
mod privacy;
#[path = "integration/reminders.rs"]
mod reminders;
#[path = "integration/shell.rs"]
mod shell;
#[path = "integration/slips.rs"]
mod slips;
#[path = "integration/start.rs"]
mod start;
#[path = "integration/stories.rs"]
mod stories;
#[path = "integration/substitutes.rs"]
mod substitutes;
#[path = "integration/support/mod.rs"]
mod support;
#[path = "integration/takeover.rs"]
mod takeover;
#[path = "integration/telegram.rs"]
mod telegram;
#[path = "integration/telegram_faults.rs"]
mod telegram_faults;
#[path = "integration/training.rs"]
mod training;
#[path = "integration/two_processes.rs"]
mod two_processes;
#[path = "integration/understanding.rs"]
mod understanding;
