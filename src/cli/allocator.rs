//! The program's allocator.

use mimalloc::MiMalloc;

/// A fifth of a turn's instructions went to the C library's allocator, and that
/// of musl, which the shipped program is linked with, is slower still.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Returns memory that is free to the system: a model that is loaded leaves
/// behind about what its file takes, which would stay resident for long.
pub(super) fn give_back() {
    // SAFETY: `mi_collect` takes no pointers, frees nothing that is in use, and
    // may be called from every thread (mimalloc's API, "Extended Functions").
    #[expect(unsafe_code, reason = "the allocator has no safe door for it")]
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}
