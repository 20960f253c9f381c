//! clone3(2) with a stack of the child's own, for which the C library has no function.

use std::ffi::{c_int, c_long, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};

/// The kernel's `struct clone_args` in its third form, which has the cgroup (Linux 5.7).
#[repr(C, align(8))]
#[derive(Default)]
struct Arguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const VFORK: u64 = (libc::CLONE_VM.unsigned_abs() | libc::CLONE_VFORK.unsigned_abs()) as u64;

/// Starts `child` with `data` on the given stack and in the given cgroup, as vfork does. `None`
/// when this kernel, this processor or the cgroup's rules do not allow it.
///
/// The caller has blocked all signals, and `child` never returns.
pub(super) fn into_cgroup(
    stack: *mut c_void,
    stack_size: usize,
    group: BorrowedFd<'_>,
    child: extern "C" fn(*mut c_void) -> c_int,
    data: *mut c_void,
) -> Option<i32> {
    let arguments = Arguments {
        flags: VFORK | CLONE_INTO_CGROUP,
        exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
        stack: stack as u64,
        stack_size: stack_size as u64,
        cgroup: u64::try_from(group.as_raw_fd()).ok()?,
        ..Arguments::default()
    };
    let result = call(&arguments, child, data);
    i32::try_from(result).ok().filter(|pid| *pid > 0)
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "the child begins in the middle of this function"
)]
fn call(
    arguments: &Arguments,
    child: extern "C" fn(*mut c_void) -> c_int,
    data: *mut c_void,
) -> c_long {
    let mut result = libc::SYS_clone3;
    // SAFETY: in the parent this is a system call that changes rax, rcx and r11. The child begins
    // behind it on its own stack, whose end is aligned to 16 bytes, and calls a function that
    // never returns; what it needs is in registers.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r9",
            "call r8",
            "ud2",
            "2:",
            inout("rax") result,
            in("rdi") std::ptr::from_ref(arguments),
            in("rsi") size_of::<Arguments>(),
            in("r8") child,
            in("r9") data,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
#[expect(
    unsafe_code,
    reason = "the child begins in the middle of this function"
)]
fn call(
    arguments: &Arguments,
    child: extern "C" fn(*mut c_void) -> c_int,
    data: *mut c_void,
) -> c_long {
    let result: c_long;
    // SAFETY: as on x86-64; the system call changes x0 alone.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x3",
            "blr x2",
            "brk #1",
            "2:",
            inout("x0") std::ptr::from_ref(arguments) => result,
            in("x1") size_of::<Arguments>(),
            in("x2") child,
            in("x3") data,
            in("x8") libc::SYS_clone3,
        );
    }
    result
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn call(
    _arguments: &Arguments,
    _child: extern "C" fn(*mut c_void) -> c_int,
    _data: *mut c_void,
) -> c_long {
    -1
}
