//! Projects made of several (spec §1.1): which paths a configuration imports.
//! The caller reads them, as nothing here touches a file.

use crate::yaml::{self, Env, Map, Node};
use crate::{Diagnostic, FileId, codes, shape};

/// How configurations are called that are found below an imported folder.
const CONFIG_NAMES: [&str; 2] = ["config.yml", "config.yaml"];
/// The importer of the files that the command line names, and the one that
/// follows `imports:` besides.
const FILE_IMPORTER: &str = "RasaFileImporter";
const MULTI_PROJECT_IMPORTER: &str = "MultiProjectImporter";
/// Modules that the two may be written with.
const MODULES: [(&str, &str); 2] = [
    ("rasa.shared.importers.rasa.RasaFileImporter", FILE_IMPORTER),
    ("rasa.shared.importers.multi_project.MultiProjectImporter", MULTI_PROJECT_IMPORTER),
];

/// The importers of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Importers {
    /// How many are listed.
    count: usize,
    /// Whether one follows `imports:`.
    is_multi: bool,
}

impl Importers {
    /// Whether an empty `pipeline` or `policies` is filled with the defaults:
    /// not where it could be another project's.
    pub fn fill_in_defaults(self) -> bool {
        self.count <= 1 && !self.is_multi
    }
}

/// The paths under `imports:`, relative to the configuration's folder; none
/// where nothing follows them. `is_root` says that this is the project's own
/// configuration; those of imported projects need no importer. Mistakes are
/// found when the project is loaded.
pub fn paths(config: &[u8], is_root: bool, env: Env<'_>) -> Vec<String> {
    let mut unheard = Vec::new();
    let text = String::from_utf8_lossy(config);
    let root = yaml::parse(FileId::default(), &text, env, &mut unheard);
    let Some(map) = root.as_ref().and_then(Node::as_map) else { return Vec::new() };
    if is_root && !importers(map, &mut unheard).is_multi {
        return Vec::new();
    }
    import_paths(map, &mut unheard)
}

/// Whether a file of an imported folder is a configuration: by its name.
pub fn is_config(path: &str) -> bool {
    path.rsplit(['/', '\\']).next().is_some_and(|name| CONFIG_NAMES.contains(&name))
}

fn import_paths(map: &Map, out: &mut Vec<Diagnostic>) -> Vec<String> {
    let texts = map.get("imports").map(|node| shape::texts(node, "a path under `imports`", out)).unwrap_or_default();
    texts.into_iter().map(|(path, _)| path).collect()
}

/// Reads `importers` and checks `imports`.
pub(crate) fn read(map: &Map, out: &mut Vec<Diagnostic>) -> Importers {
    let importers = importers(map, out);
    import_paths(map, out);
    if let Some((key, _)) = map.entry("imports").filter(|(_, node)| !importers.is_multi && !node.is_null()) {
        out.push(
            Diagnostic::warning(codes::IDLE_IMPORTS, "nothing follows `imports`")
                .at(key.span, "")
                .help("add `importers: [{name: MultiProjectImporter}]`"),
        );
    }
    importers
}

fn importers(map: &Map, out: &mut Vec<Diagnostic>) -> Importers {
    let mut found = Importers::default();
    let Some(node) = map.get("importers").filter(|node| !node.is_null()) else { return found };
    for item in shape::seq(node, "`importers`", out).unwrap_or_default() {
        let Some(name) = item.as_map().and_then(|map| map.get("name")).and_then(Node::as_str) else {
            let what = item.as_str().unwrap_or(FILE_IMPORTER);
            out.push(
                Diagnostic::error(codes::WRONG_TYPE, "an importer is a mapping with a `name`")
                    .at(item.span, "")
                    .help(format!("write `- name: {what}`")),
            );
            continue;
        };
        let class = MODULES.iter().find(|(module, _)| *module == name).map_or(name, |(_, class)| class);
        match class {
            FILE_IMPORTER => found.count += 1,
            MULTI_PROJECT_IMPORTER => found = Importers { count: found.count + 1, is_multi: true },
            _ => out.push(
                Diagnostic::error(codes::REFUSED_COMPONENT, format!("the importer `{name}` cannot be served"))
                    .at(item.span, "")
                    .help(
                        "use `RasaFileImporter` or `MultiProjectImporter`; a Python class cannot be loaded: write what it would make into files, and name them with --data and --domain",
                    ),
            ),
        }
    }
    found
}
