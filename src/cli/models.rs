//! Model files on disk: names, the newest one, writing without half files.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use sapa_model::Model;

const SUFFIX: &str = "sapa";

/// What Rasa puts between a configuration's name and the percentage of stories
/// left out, in the names of models that are to be compared.
pub(super) const PERCENTAGE: &str = "__percentage__";
/// The file beside such models that tells how many stories each percentage left.
pub(super) const STORY_COUNTS: &str = "num_stories.json";

const ADJECTIVES: [&str; 16] = [
    "amiable", "bright", "calm", "deft", "eager", "fair", "gentle", "hearty", "keen", "lively", "mellow", "nimble",
    "patient", "quick", "steady", "warm",
];
const NOUNS: [&str; 16] = [
    "anggrek", "batik", "cendana", "delima", "elang", "flores", "gamelan", "jati", "kenari", "lontar", "melati",
    "nuri", "padi", "rotan", "songket", "teratai",
];

/// A name that a model file can have.
pub(super) fn checked_name(name: &str) -> Result<String, String> {
    let stem = name.strip_suffix(".sapa").unwrap_or(name);
    let is_hidden = stem.is_empty() || stem.starts_with('.');
    match is_hidden || stem.contains(|c: char| c.is_control() || c == '/' || c == '\\') {
        true => Err("a file's name is needed: without folders, and not beginning with a dot".to_owned()),
        false => Ok(name.to_owned()),
    }
}

/// `<prefix><YYYYMMDD-HHMMSS>-<two words>.sapa`; the words come from the content.
pub(super) fn file_name(prefix: &str, model_id: &str, fixed: Option<&str>, now: SystemTime) -> String {
    if let Some(fixed) = fixed {
        let stem = fixed.strip_suffix(".sapa").unwrap_or(fixed);
        return format!("{stem}.{SUFFIX}");
    }
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let word = |at: usize| model_id.get(at..at + 1).and_then(|h| usize::from_str_radix(h, 16).ok()).unwrap_or(0);
    format!("{prefix}{}-{}-{}.{SUFFIX}", timestamp(seconds), ADJECTIVES[word(0)], NOUNS[word(1)])
}

/// `YYYYMMDD-HHMMSS` in UTC (days to a date: Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
fn timestamp(seconds: u64) -> String {
    let (days, rest) = ((seconds / 86_400) as i64, seconds % 86_400);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}-{:02}{:02}{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// Writes a model under a temporary name, syncs it, and gives it its name.
pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    sweep(folder);
    let path = folder.join(name);
    let temporary = folder.join(format!(".{name}.{}.part", std::process::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        sync_folder(folder)
    })();
    if let Err(error) = written {
        let _ = std::fs::remove_file(&temporary);
        bail!("cannot write `{}`: {error}", path.display());
    }
    Ok(path)
}

/// After that time nobody writes at a temporary file any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Removes what trainings that were killed have left.
fn sweep(folder: &Path) {
    let is_left = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let age = path.metadata().and_then(|file| file.modified()).map(|time| time.elapsed().unwrap_or_default());
        name.starts_with('.')
            && name.contains(".sapa.")
            && name.ends_with(".part")
            && age.is_ok_and(|age| age > ABANDONED)
    };
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    for path in files.filter(is_left) {
        // One that cannot be removed is in nobody's way.
        let _ = std::fs::remove_file(path);
    }
}

/// Makes a new name in a folder durable; only Unix opens folders as files.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The newest model of a folder; of a kind when `prefix` is given.
pub(super) fn newest(folder: &Path, prefix: Option<&str>) -> Option<PathBuf> {
    let models = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let is_partial = name.starts_with("nlu-") || name.starts_with("core-");
        let fits = match prefix {
            None => true,
            Some("") => !is_partial,
            Some(prefix) => name.starts_with(prefix),
        };
        fits && path.is_file() && !name.starts_with('.') && path.extension().is_some_and(|e| e == SUFFIX)
    });
    models.max_by_key(|path| {
        let modified = path.metadata().and_then(|m| m.modified()).unwrap_or(UNIX_EPOCH);
        (modified, path.file_name().map(std::ffi::OsStr::to_owned))
    })
}

/// The model file that `--model` means: the file, or the newest of the folder.
pub(super) fn find(path: &Path) -> Option<PathBuf> {
    if path.is_file() { Some(path.to_path_buf()) } else { newest(path, None) }
}

/// Loads a model file. The circuit breaker's limit comes from
/// `MAX_NUMBER_OF_PREDICTIONS` (spec §10).
pub(super) fn load(path: &Path) -> Result<Model> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let model = from_bytes(&bytes).with_context(|| format!("cannot load `{}`", path.display()));
    drop(bytes);
    super::allocator::give_back();
    model
}

/// [`load`] from bytes that are no file of ours.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Model> {
    let limit = super::dotenv::variable("MAX_NUMBER_OF_PREDICTIONS").and_then(|v| v.parse().ok());
    Ok(Model::from_bytes(bytes, limit.unwrap_or(sapa_dialogue::model::DEFAULT_MAX_PREDICTIONS))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_training_left_goes_once_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, age: Duration| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        file(".a.sapa.7.part", 2 * ABANDONED);
        file(".b.sapa.8.part", Duration::ZERO);
        file("c.part", 2 * ABANDONED);
        write(folder.path(), "d.sapa", b"x").unwrap();
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".b.sapa.8.part", "c.part", "d.sapa"]);
    }

    #[test]
    fn a_name_has_the_time_and_two_words_of_the_content() {
        let now = UNIX_EPOCH + std::time::Duration::from_secs(1_795_340_836);
        assert_eq!(file_name("nlu-", "3f00", None, now), "nlu-20261122-094716-deft-teratai.sapa");
        assert_eq!(file_name("", "3f00", Some("bot"), now), "bot.sapa");
        assert_eq!(timestamp(951_782_400), "20000229-000000");
    }
}
