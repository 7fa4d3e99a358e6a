//! The `sapa` program.

fn main() -> std::process::ExitCode {
    sapa::cli::main()
}
