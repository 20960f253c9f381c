//! Reading pipes with next to no memory.
//!
//! A program is moved to a random address when it is started, and all that holds an address in it
//! is written to: two megabytes in a large program, for each process. What reads pipes for as long
//! as a daemon lives needs none of it. So it gives that memory back, the program and its libraries
//! with it, and goes on in the few bytes that it has kept of itself. From then on there is nothing
//! that it could call: no library, no panic, no way to return.

use std::arch::asm;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

/// Ranges that can be given back: more than a program has mappings.
const MOST: usize = 128;
/// Bytes of the program that are kept before and after the beginning of [`run`], which is shorter.
const KEPT: usize = 64 * 1024;
/// As large as a page is anywhere.
const PAGE: usize = 64 * 1024;
/// Bytes that are moved at once: as much as a pipe holds at most by default.
const AT_ONCE: usize = 1 << 20;
/// What is read at once where nothing can be moved.
const BUFFER: usize = 4096;
/// No pipe; `ppoll` passes over it.
const NONE: RawFd = -1;
const READABLE: i16 = 1;
const WITHOUT_WAITING: usize = 2;
const INTERRUPTED: isize = -4;
const NOTHING_NOW: isize = -11;

/// The numbers of system calls.
mod number {
    pub(super) const READ: usize = 0;
    pub(super) const MUNMAP: usize = 11;
    pub(super) const EXIT_GROUP: usize = 231;
    pub(super) const PPOLL: usize = 271;
    pub(super) const SPLICE: usize = 275;
}

/// Memory that nobody needs any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: usize,
    pub(super) length: usize,
}

/// What is to be done, prepared while there still is a program.
pub(super) struct Task {
    polled: [Polled; 2],
    /// The pipes once more, as a call takes them.
    ends: [usize; 2],
    open: usize,
    /// What swallows everything.
    nothing: usize,
    ranges: [Range; MOST],
    count: usize,
    buffer: [u8; BUFFER],
}

/// As the kernel has it (poll(2)).
#[repr(C)]
struct Polled {
    end: RawFd,
    events: i16,
    returned: i16,
}

impl Task {
    /// Of `ends`, up to two are read.
    pub(super) fn new(ends: &[BorrowedFd<'_>], nothing: BorrowedFd<'_>) -> Self {
        let end = |number: usize| ends.get(number).map_or(NONE, AsRawFd::as_raw_fd);
        let polled = |number| Polled {
            end: end(number),
            events: READABLE,
            returned: 0,
        };
        let argument = |end: RawFd| usize::try_from(end).unwrap_or(usize::MAX);
        Self {
            polled: [polled(0), polled(1)],
            ends: [argument(end(0)), argument(end(1))],
            open: ends.len().min(2),
            nothing: argument(nothing.as_raw_fd()),
            ranges: [Range::default(); MOST],
            count: 0,
            buffer: [0; BUFFER],
        }
    }

    /// Has this given back as well, if there is room.
    pub(super) fn give_back(&mut self, range: Range) {
        if let Some(free) = self.ranges.get_mut(self.count)
            && range.length > 0
        {
            *free = range;
            self.count += 1;
        }
    }
}

/// What has to stay of the program's text, which is mapped at `start..end`: its parts before and
/// after that can go.
pub(super) fn text_to_let_go(start: usize, end: usize) -> Option<[Range; 2]> {
    let here = run as *const () as usize;
    if !(start..end).contains(&here) {
        return None;
    }
    let first = (here.saturating_sub(KEPT) / PAGE * PAGE).max(start);
    let last = ((here + KEPT).div_ceil(PAGE) * PAGE).min(end);
    let range = |start: usize, end: usize| Range {
        start,
        length: end - start,
    };
    Some([range(start, first), range(last, end)])
}

/// Gives back what the task names, reads until nobody can write any more, and ends the process.
///
/// # Safety
///
/// Of the ranges, the caller has named none that holds the task, this function, the stack or the
/// memory of the thread. No other thread runs.
#[expect(
    unsafe_code,
    reason = "there is no library any more that would make the calls"
)]
#[inline(never)]
pub(super) unsafe fn run(task: &mut Task) -> ! {
    // Whatever is done from here on is done without a call of another function, without a copy that
    // could become one, without a constant that is not in the text itself, and without anything
    // that may panic: an index is compared before it is used.
    let mut index = 0;
    while index < task.count && index < MOST {
        let (start, length) = (task.ranges[index].start, task.ranges[index].length);
        // SAFETY: as the caller has promised.
        unsafe { system_call(number::MUNMAP, start, length, 0, 0, 0) };
        index += 1;
    }
    let polled = (&raw mut task.polled) as usize;
    let buffer = (&raw mut task.buffer) as usize;
    while task.open > 0 {
        task.polled[0].returned = 0;
        task.polled[1].returned = 0;
        // SAFETY: there are two of them. An error leaves them as they are.
        unsafe { system_call(number::PPOLL, polled, 2, 0, 0, 0) };
        let mut index = 0;
        while index < 2 {
            if task.polled[index].returned != 0 {
                let (end, nothing) = (task.ends[index], task.nothing);
                // SAFETY: it has no pointers.
                let mut moved = unsafe { splice(end, nothing) };
                if moved < 0 && moved != INTERRUPTED && moved != NOTHING_NOW {
                    // Where it cannot be moved, it is read.
                    // SAFETY: the buffer is as long as it is said to be.
                    moved = unsafe { system_call(number::READ, end, buffer, BUFFER, 0, 0) };
                }
                if moved <= 0 && moved != INTERRUPTED && moved != NOTHING_NOW {
                    task.polled[index].end = NONE;
                    task.open -= 1;
                }
            }
            index += 1;
        }
    }
    loop {
        // SAFETY: it has no pointers, and does not come back.
        unsafe { system_call(number::EXIT_GROUP, 0, 0, 0, 0, 0) };
    }
}

#[expect(unsafe_code, reason = "a system call without a library")]
#[expect(clippy::inline_always, reason = "a function could not be called")]
#[inline(always)]
unsafe fn splice(from: usize, to: usize) -> isize {
    // SAFETY: the offsets are none.
    unsafe { six(number::SPLICE, from, 0, to, 0, AT_ONCE, WITHOUT_WAITING) }
}

#[expect(unsafe_code, reason = "a system call without a library")]
#[expect(clippy::inline_always, reason = "a function could not be called")]
#[inline(always)]
unsafe fn system_call(
    number: usize,
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
) -> isize {
    // SAFETY: up to the caller.
    unsafe { six(number, first, second, third, fourth, fifth, 0) }
}

#[expect(unsafe_code, reason = "the instruction itself")]
#[expect(clippy::inline_always, reason = "a function could not be called")]
#[inline(always)]
unsafe fn six(
    number: usize,
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
) -> isize {
    let result;
    // SAFETY: the kernel's convention (syscall(2)); what the call does is up to the caller.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            in("r8") fifth,
            in("r9") sixth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_kept_of_the_text_is_around_the_function() {
        let here = run as *const () as usize;
        let (start, end) = (
            here / PAGE * PAGE - 100 * PAGE,
            here / PAGE * PAGE + 100 * PAGE,
        );
        let [before, after] = text_to_let_go(start, end).unwrap();
        assert_eq!(before.start, start);
        assert!(before.start + before.length + KEPT <= here);
        assert!(after.start >= here + KEPT);
        assert_eq!(after.start + after.length, end);
        assert_eq!(text_to_let_go(start, start + PAGE), None);

        // Where there is not so much around it.
        let [before, after] = text_to_let_go(here / PAGE * PAGE, end).unwrap();
        assert_eq!((before.length, after.start > here), (0, true));
    }

    #[test]
    fn there_is_room_for_so_many_ranges_and_no_more() {
        let mut task = Task::new(&[], std::io::stderr().as_fd());
        let range = Range {
            start: PAGE,
            length: PAGE,
        };
        task.give_back(Range { length: 0, ..range });
        for _ in 0..=MOST {
            task.give_back(range);
        }
        assert_eq!((task.count, task.open), (MOST, 0));
    }
}
