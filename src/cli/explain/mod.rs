//! `sapa explain`: what a code means and what to do about it; or why a text is
//! understood as it is.

mod pages;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use sapa_project::suggest;

use super::terminal;
use pages::PAGES;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The code of a finding, as `E0401`; or a text, in quotes.
    what: String,
    /// Model that understands the text: a file, or a folder whose newest is used.
    #[arg(short, long, default_value = "models")]
    model: PathBuf,
}

/// Shows the page of a code, or explains a text.
pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode> {
    let code = args.what.trim().to_uppercase();
    if let Some((_, page)) = PAGES.iter().find(|(known, _)| *known == code) {
        terminal::ask(page);
        return Ok(ExitCode::SUCCESS);
    }
    if !is_nearly_a_code(&code) {
        text::explain(&args.what, &args.model)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !is_code(&code) {
        bail!("`{}` is no code: codes are a letter (E, W or N) and four digits, as E0401", args.what);
    }
    match nearest(&code) {
        Some(near) => bail!("there is no code {code}; did you mean {near}?"),
        None => bail!("there is no code {code}"),
    }
}

/// A letter and digits, and perhaps a slip.
fn is_nearly_a_code(text: &str) -> bool {
    text.starts_with(['E', 'W', 'N']) && text.len() <= 7 && text.chars().filter(char::is_ascii_digit).count() >= 3
}

/// `^[EWN]\d{4}$`
fn is_code(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|letter| "EWN".contains(letter))
        && letters.clone().count() == 4
        && letters.all(|letter| letter.is_ascii_digit())
}

/// The same number under another letter, else the code that is nearest.
fn nearest(code: &str) -> Option<&'static str> {
    let known = || PAGES.iter().map(|(known, _)| *known);
    known().find(|known| known.get(1..) == code.get(1..)).or_else(|| suggest::nearest(code, known()))
}
