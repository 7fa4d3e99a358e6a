//! The `sapa` program.

/// A fifth of a turn's instructions went to the C library's allocator, and that
/// of musl, which the shipped program would be linked with, is slower still.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sapa::cli::main()
}
