//! The key `version` of a file (spec §1.3).

use crate::yaml::Map;
use crate::{Diagnostic, codes};

/// The newest format that is read.
const CURRENT: (u64, u64) = (3, 1);

/// Whether the file is to be read. Quirk: only a version that is *greater*
/// skips the file, with a warning; a missing, older or unreadable one does not.
/// Without its configuration or domain a project would be another one: there the
/// warning is an error.
pub(crate) fn is_readable(map: &Map, path: &str, is_mandatory: bool, out: &mut Vec<Diagnostic>) -> bool {
    let Some(node) = map.get("version").filter(|node| !node.is_null()) else { return true };
    let help = "write `version: \"3.1\"`";
    let Some(parsed) = node.as_str().and_then(parse) else {
        out.push(
            Diagnostic::warning(
                codes::VERSION_NOT_TEXT,
                "`version` must be text such as \"3.1\"; the file is read as 3.1",
            )
            .at(node.span, format!("this is {}", node.kind()))
            .help(help),
        );
        return true;
    };
    if parsed > CURRENT {
        let message = format!("the version of `{path}` is greater than 3.1; the whole file is skipped");
        let finding = match is_mandatory {
            true => Diagnostic::error(codes::MANDATORY_TOO_NEW, message),
            false => Diagnostic::warning(codes::VERSION_TOO_NEW, message),
        };
        out.push(finding.at(node.span, "nothing below is read").help(help));
        return false;
    }
    if parsed < CURRENT {
        out.push(
            Diagnostic::warning(codes::VERSION_OLD, "this file's version is older than 3.1; it is read as 3.1")
                .at(node.span, "")
                .help(help),
        );
    }
    true
}

fn parse(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
