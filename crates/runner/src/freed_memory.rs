//! Memory that was freed and that the allocator keeps.

/// Gives the system back whatever this process has freed.
///
/// The allocator of glibc keeps what it got at a peak: without this, a minute of strangers is
/// paid for until the next start. It takes some milliseconds for a large heap, so it is not for a
/// thread that others wait for. Other allocators give back by themselves.
#[cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "the C library offers it in no other way")
)]
pub fn return_freed_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) takes no pointer, touches free blocks alone, and may be called at any
    // time by any thread (MT-Safe).
    unsafe {
        libc::malloc_trim(0);
    }
}
