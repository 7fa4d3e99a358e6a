//! A data set on disk: messages to learn and messages to judge on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sapa_project::nlu::Example;
use sapa_project::{FileRole, NluData, ProjectFile};

use crate::cli::files::{PROJECT_FILES, walk_all};
use crate::evaluate::benchmark::intents::OUT_OF_SCOPE;

/// What public data calls messages that are none of the bot's.
const NAMES: [&str; 4] = ["oos", "out_of_scope", "nlu_fallback", "NO_NODES_DETECTED"];

/// One part in so many of the training data stands in for a missing `dev.yml`.
const DEV_SHARE: usize = 10;

/// Which messages figures are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// Those nobody tunes on.
    Test,
    /// Those for tuning.
    Dev,
}

impl Judged {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Dev => "dev",
        }
    }
}

/// A data set.
pub(super) struct Dataset {
    /// The folder's name.
    pub(super) name: String,
    /// What is learnt.
    pub(super) train: NluData,
    /// What is judged.
    pub(super) judged: Vec<Example>,
    /// Labels that mean "none of the bot's intents".
    out_of_scope: BTreeSet<String>,
}

impl Dataset {
    /// Reads a folder.
    ///
    /// # Errors
    /// A file is missing, cannot be read, or has no example.
    pub(super) fn read(folder: &Path, judged: Judged, out_of_scope: &[String]) -> Result<Self> {
        let dev = folder.join("dev.yml");
        let train = [folder.join("train.yml")];
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        if judged == Judged::Dev && dev.exists() {
            return Self::named(name, &train, &dev, out_of_scope);
        }
        Self::named(name, &train, &folder.join("test.yml"), out_of_scope)?.judged_on(judged).judgeable()
    }

    /// Reads files that are no folder's.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub(super) fn of(train: &[PathBuf], test: &Path, judged: Judged, out_of_scope: &[String]) -> Result<Self> {
        let name = test.file_stem().unwrap_or(test.as_os_str()).to_string_lossy().into_owned();
        Self::named(name, train, test, out_of_scope)?.judged_on(judged).judgeable()
    }

    fn named(name: String, train: &[PathBuf], judged: &Path, out_of_scope: &[String]) -> Result<Self> {
        let names = NAMES.iter().map(|name| (*name).to_owned()).chain(out_of_scope.iter().cloned());
        Ok(Self {
            train: examples(train)?,
            judged: examples(&[judged.to_path_buf()])?.examples,
            out_of_scope: names.collect(),
            name,
        })
    }

    /// # Errors
    /// There is nothing to judge on.
    fn judgeable(self) -> Result<Self> {
        if self.judged.is_empty() {
            bail!(
                "`{}` has no messages to judge on: with `--dev` and without `dev.yml` every tenth example of \
                 each intent is kept from learning, and no intent has ten",
                self.name
            );
        }
        Ok(self)
    }

    /// Where tuning has no messages of its own, every tenth example of each
    /// intent is kept from learning; the test messages are not looked at.
    fn judged_on(mut self, judged: Judged) -> Self {
        if judged == Judged::Test {
            return self;
        }
        let mut seen = std::collections::BTreeMap::new();
        let mut deal = |example: &Example| {
            let count = seen.entry(example.intent.clone()).or_insert(0_usize);
            *count += 1;
            *count % DEV_SHARE == 0
        };
        let (dev, rest) = std::mem::take(&mut self.train.examples).into_iter().partition(|e| deal(e));
        (self.judged, self.train.examples) = (dev, rest);
        self
    }

    /// The label that training knows for messages out of scope.
    pub(super) fn learnt_out_of_scope(&self) -> Option<&str> {
        self.train.examples.iter().map(Example::base_intent).find(|intent| self.out_of_scope.contains(*intent))
    }

    /// A label as it is judged: everything that training does not know, and every
    /// name of the out-of-scope intent, is [`OUT_OF_SCOPE`].
    pub(super) fn label<'a>(&self, known: &BTreeSet<&str>, label: &'a str) -> &'a str {
        if self.out_of_scope.contains(label) || !known.contains(label) { OUT_OF_SCOPE } else { label }
    }

    /// The intents that training knows.
    pub(super) fn intents(&self) -> BTreeSet<&str> {
        self.train.examples.iter().map(Example::base_intent).collect()
    }
}

fn examples(paths: &[PathBuf]) -> Result<NluData> {
    let mut files = Vec::new();
    for path in walk_all(paths, &PROJECT_FILES)? {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        files.push(ProjectFile { path: path.display().to_string(), bytes, role: FileRole::Data });
    }
    let nlu = sapa_project::load_nlu(files, "").nlu;
    if nlu.examples.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        bail!("{} has no NLU examples", names.join(", "));
    }
    Ok(nlu)
}
