//! Returns the memory that a job has freed to the system.
#![allow(unsafe_code)]

/// Releases the free pages of the C library's heaps. A job allocates tens of megabytes on threads of its own;
/// without this call glibc keeps the freed pages of each thread's heap resident. Does nothing with other C
/// libraries.
///
/// Each heap is locked while its free pages are released.
pub(crate) fn release_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) is thread-safe, takes a plain number, and changes only pages that no allocation
    // uses.
    unsafe {
        libc::malloc_trim(0);
    }
}
