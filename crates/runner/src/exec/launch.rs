//! Starts a process as vfork(2) does: the child borrows this process's memory until it becomes
//! the program, so the cost does not grow with what the supervisor holds.
//!
//! The standard library does that too, but only where nothing has to be done in between, and it
//! can neither place a process in a cgroup nor reset every signal. Here the child enters its
//! group before it runs anything, has every signal's disposition at its default and none blocked,
//! whatever the supervisor was started with (`nohup` makes SIGHUP ignored).

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::ptr;

use rustix::process::Pid;

mod clone3;

/// Far more than the child's few frames need.
const STACK: usize = 64 * 1024;
/// The highest number of a signal on Linux.
const LAST_SIGNAL: c_int = 64;
/// Bytes of the kernel's own `struct sigaction`, on every architecture at most.
const KERNEL_SIGACTION: usize = 64;

/// What is done in the child before it becomes the program; as in `pre_exec`, it makes system
/// calls only, allocates nothing and takes no lock. It must not call the C library's `set*id`,
/// which would change this process too.
pub(super) type Before = Box<dyn Fn() -> io::Result<()> + Send + Sync>;

/// A process to start.
pub(super) struct Launch<'a> {
    /// The program, its arguments, all of its environment and its directory; nothing else of it
    /// counts.
    pub(super) command: &'a Command,
    /// Its first argument, where that is not the program.
    pub(super) known_as: Option<&'a str>,
    /// Its standard input, output and error.
    pub(super) stdio: [BorrowedFd<'a>; 3],
    pub(super) entry: Entry<'a>,
    pub(super) before: Option<&'a Before>,
    pub(super) detachment: Detachment,
}

/// How the child gets into its cgroup.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    /// It stays in ours.
    None,
    /// It is born in this one (version 2), or else moves there through `cgroup.procs`.
    Born {
        directory: BorrowedFd<'a>,
        processes: &'a CStr,
    },
    /// It writes itself into this file: `tasks` of version 1, which takes no lock.
    Written(BorrowedFd<'a>),
}

/// How far the process is from the one that starts it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detachment {
    /// It leads a process group.
    Group,
    /// It leads a session, and no signal but KILL and STOP ends or stops it.
    Session,
}

/// A process that was not started.
#[derive(Debug)]
pub(super) struct NotLaunched {
    /// It was the cgroup that it could not enter.
    pub(super) at_group: bool,
    pub(super) source: io::Error,
}

impl From<io::Error> for NotLaunched {
    fn from(source: io::Error) -> Self {
        Self {
            at_group: false,
            source,
        }
    }
}

/// Starts the process, and comes back once it is the program.
pub(super) fn launch(launch: &Launch<'_>) -> Result<Pid, NotLaunched> {
    let texts = Texts::of(launch.command, launch.known_as)?;
    let programs = pointers(&texts.programs);
    let (arguments, environment) = (pointers(&texts.arguments), pointers(&texts.environment));
    let mut plan = Plan {
        programs: programs.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        directory: texts.directory.as_deref().map_or(ptr::null(), CStr::as_ptr),
        stdio: launch.stdio.map(|end| end.as_raw_fd()),
        enter: None,
        before: launch.before,
        detachment: launch.detachment,
        failed_at_group: false,
        errno: 0,
    };
    let file;
    let pid = match launch.entry {
        Entry::None => start(&mut plan)?,
        Entry::Written(tasks) => {
            plan.enter = Some(tasks.as_raw_fd());
            start(&mut plan)?
        }
        Entry::Born {
            directory,
            processes,
        } => {
            if let Some(pid) = start_in(&mut plan, directory) {
                pid
            } else {
                file = open_to_write(directory, processes)?;
                plan.enter = Some(file.as_fd().as_raw_fd());
                start(&mut plan)?
            }
        }
    };
    if plan.errno == 0 {
        return Ok(pid);
    }
    // It has ended already, and nobody else waits for it.
    let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    Err(NotLaunched {
        at_group: plan.failed_at_group,
        source: io::Error::from_raw_os_error(plan.errno),
    })
}

fn open_to_write(
    directory: BorrowedFd<'_>,
    name: &CStr,
) -> Result<std::os::fd::OwnedFd, NotLaunched> {
    use rustix::fs::{Mode, OFlags, openat};
    openat(
        directory,
        name,
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(|error| NotLaunched {
        at_group: true,
        source: error.into(),
    })
}

/// The texts that the program gets, as C wants them.
struct Texts {
    /// Where the program may be.
    programs: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: Option<CString>,
}

impl Texts {
    fn of(command: &Command, known_as: Option<&str>) -> io::Result<Self> {
        let program = command.get_program();
        let name = known_as.map_or(program, OsStr::new);
        let arguments = std::iter::once(name).chain(command.get_args());
        let mut environment = Vec::new();
        let mut path = None;
        for (name, value) in command.get_envs() {
            let Some(value) = value else { continue };
            if name == "PATH" {
                path = Some(value);
            }
            environment.push(text([name, OsStr::new("="), value])?);
        }
        Ok(Self {
            programs: candidates(program, path)?,
            arguments: arguments
                .map(|word| text([word]))
                .collect::<Result<_, _>>()?,
            environment,
            directory: command
                .get_current_dir()
                .map(|directory| text([directory.as_os_str()]))
                .transpose()?,
        })
    }
}

/// A name without a slash is looked for as the command's own environment says.
fn candidates(program: &OsStr, path: Option<&OsStr>) -> io::Result<Vec<CString>> {
    if program.as_bytes().contains(&b'/') || program.is_empty() {
        return Ok(vec![text([program])?]);
    }
    let path = path.unwrap_or_default();
    std::env::split_paths(path)
        .map(|directory| text([Path::new(&directory).join(program).as_os_str()]))
        .collect()
}

fn text<const N: usize>(parts: [&OsStr; N]) -> io::Result<CString> {
    let bytes: Vec<u8> = parts
        .iter()
        .flat_map(|part| part.as_bytes())
        .copied()
        .collect();
    Ok(CString::new(bytes)?)
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    let all = texts.iter().map(|text| text.as_ptr());
    all.chain(std::iter::once(ptr::null())).collect()
}

/// What the child does, in memory that both have.
struct Plan<'a> {
    /// Each ends with a null pointer.
    programs: *const *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    /// Null to stay where we are.
    directory: *const c_char,
    stdio: [RawFd; 3],
    /// The file into which it writes itself.
    enter: Option<RawFd>,
    before: Option<&'a Before>,
    detachment: Detachment,
    /// Written by the child when it cannot become the program.
    failed_at_group: bool,
    errno: c_int,
}

/// Starts the child where this process is.
fn start(plan: &mut Plan<'_>) -> io::Result<Pid> {
    with_signals_blocked(|| with_stack(|top, _| clone_with(plan, top)))
}

/// Starts the child in a cgroup of version 2; `None` where this kernel or its rules do not allow
/// it in this way.
fn start_in(plan: &mut Plan<'_>, group: BorrowedFd<'_>) -> Option<Pid> {
    let pid = with_signals_blocked(|| {
        with_stack(|top, bottom| {
            let data = ptr::from_mut(plan).cast();
            clone3::into_cgroup(bottom, top as usize - bottom as usize, group, child, data)
        })
    })?;
    Pid::from_raw(pid)
}

#[expect(unsafe_code, reason = "the child shares this process's memory")]
fn clone_with(plan: &mut Plan<'_>, top: *mut c_void) -> io::Result<Pid> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: `top` is the aligned end of a stack that outlives the child's use of it, since
    // CLONE_VFORK suspends this thread until the child has become a program or ended. Signals are
    // blocked, so that no handler runs on that stack. `child` keeps to system calls.
    let pid = unsafe { libc::clone(child, top, flags, ptr::from_mut(plan).cast()) };
    Pid::from_raw(pid)
        .filter(|_| pid > 0)
        .ok_or_else(io::Error::last_os_error)
}

/// Gives a stack for the child: its end and its beginning.
fn with_stack<T>(run: impl FnOnce(*mut c_void, *mut c_void) -> T) -> T {
    /// What the processor's calling convention wants of a stack's end.
    #[derive(Clone, Copy)]
    #[repr(align(16))]
    struct Line(#[expect(dead_code, reason = "it is room")] [u8; 16]);
    let mut stack: Vec<MaybeUninit<Line>> = Vec::with_capacity(STACK / size_of::<Line>());
    let room = stack.spare_capacity_mut().as_mut_ptr_range();
    run(room.end.cast(), room.start.cast())
}

/// A handler of ours must not run in the child, where it would act on our memory.
#[expect(
    unsafe_code,
    reason = "there is no safe call for a thread's signal mask"
)]
fn with_signals_blocked<T>(run: impl FnOnce() -> T) -> T {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are this function's own; the second is filled before it is read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let result = run();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        result
    }
}

/// The child: it becomes the program, or says why not and ends.
#[expect(unsafe_code, reason = "it runs between vfork and exec")]
extern "C" fn child(data: *mut c_void) -> c_int {
    // SAFETY: the parent made it, and is suspended for as long as this runs.
    let plan = unsafe { &mut *data.cast::<Plan<'_>>() };
    if let Err(errno) = enter(plan) {
        plan.failed_at_group = true;
        plan.errno = errno;
    } else if let Err(errno) = become_program(plan) {
        plan.errno = errno;
    }
    // SAFETY: it ends this process and nothing else.
    unsafe { libc::_exit(127) }
}

#[expect(unsafe_code, reason = "it runs between vfork and exec")]
fn enter(plan: &Plan<'_>) -> Result<(), c_int> {
    let Some(file) = plan.enter else {
        return Ok(());
    };
    // SAFETY: one byte is written from a constant; 0 stands for the process that writes.
    match unsafe { libc::write(file, b"0".as_ptr().cast(), 1) } {
        1 => Ok(()),
        _ => Err(errno()),
    }
}

/// Comes back with the reason if it did not become the program.
#[expect(unsafe_code, reason = "it runs between vfork and exec")]
fn become_program(plan: &Plan<'_>) -> Result<(), c_int> {
    // SAFETY: system calls on values that were made before the fork. Nothing is allocated, no
    // lock is taken, and nothing is written but this thread's errno, whose owner is suspended.
    unsafe {
        match plan.detachment {
            Detachment::Group => check(libc::setpgid(0, 0))?,
            Detachment::Session => check(libc::setsid())?,
        }
        for (number, end) in (0..).zip(plan.stdio) {
            check(libc::dup2(end, number))?;
        }
        if !plan.directory.is_null() {
            check(libc::chdir(plan.directory))?;
        }
    }
    if let Some(before) = plan.before
        && let Err(error) = before()
    {
        return Err(error.raw_os_error().unwrap_or(libc::EIO));
    }
    set_signals(plan.detachment);
    // SAFETY: lists that end with a null pointer, of texts that end with a zero.
    unsafe {
        let mut found = libc::ENOENT;
        let mut program = plan.programs;
        while !(*program).is_null() {
            libc::execve(*program, plan.arguments, plan.environment);
            match errno() {
                libc::ENOENT | libc::ENOTDIR => {}
                // Another of that name may do.
                libc::EACCES => found = libc::EACCES,
                other => return Err(other),
            }
            program = program.add(1);
        }
        Err(found)
    }
}

/// Every signal at its default, and none blocked. The C library's own calls leave its internal
/// signals as they are, so these are the kernel's.
#[expect(unsafe_code, reason = "it runs between vfork and exec")]
fn set_signals(detachment: Detachment) {
    let nothing = [0_u64; KERNEL_SIGACTION / 8];
    let mut ignored = nothing;
    ignored[0] = libc::SIG_IGN as u64;
    let action = match detachment {
        Detachment::Group => &nothing,
        Detachment::Session => &ignored,
    };
    // SAFETY: the kernel reads its own `struct sigaction`, which begins with the handler and is
    // never longer than this. KILL and STOP are refused, which is as it should be.
    unsafe {
        for signal in 1..=LAST_SIGNAL {
            let action = match signal {
                // Its own faults end it, and its timers are its own.
                libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE | libc::SIGCHLD => {
                    &nothing
                }
                _ => action,
            };
            let none = ptr::null_mut::<c_void>();
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                action.as_ptr(),
                none,
                8_usize,
            );
        }
        let set = nothing.as_ptr();
        let none = ptr::null_mut::<c_void>();
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            set,
            none,
            8_usize,
        );
    }
}

fn check(result: c_int) -> Result<(), c_int> {
    if result < 0 { Err(errno()) } else { Ok(()) }
}

#[expect(unsafe_code, reason = "the standard library's way may allocate")]
fn errno() -> c_int {
    // SAFETY: the address of this thread's errno, which is there for as long as the thread is.
    unsafe { *libc::__errno_location() }
}
