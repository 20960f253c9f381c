//! Which glibc a program needs: the newest version in `.gnu.version_r` (gABI, and Linux Standard
//! Base, "Symbol Versioning"). Only 64-bit little-endian files are understood.

use std::io;

pub(super) const HEADER: usize = 64;
const SEGMENT: usize = 56;
const SECTION: usize = 64;
/// `SHT_GNU_verneed`.
const VERSIONS_NEEDED: u32 = 0x6fff_fffe;
const MAGIC: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
/// A table of needed versions, or their names, is never larger.
const MOST: u64 = 1 << 20;

/// What of a file's begin says on which machines it runs: class, byte order and architecture.
type Target = ([u8; 2], [u8; 2]);

/// Why a file is not the program that it seems to be: for another machine than `own` is for, or
/// not whole. None for one that is, and for what is no ELF file, such as a script.
pub(super) fn problem(
    read_at: impl Fn(u64, &mut [u8]) -> io::Result<()>,
    size: u64,
    own: Option<Target>,
) -> Option<&'static str> {
    const CUT: Option<&str> = Some("it is not whole: copy it again");
    if size == 0 {
        return CUT;
    }
    let mut begin = [0; 4];
    if read_at(0, &mut begin).is_err() || begin != MAGIC[..4] {
        return None;
    }
    let mut header = [0; HEADER];
    if read_at(0, &mut header).is_err() {
        return CUT;
    }
    if own.is_some_and(|own| own != target(&header)) {
        return Some("it is for machines of another architecture than this one");
    }
    let end = |offset: usize, length: usize, count: usize| {
        let begin = u64_at(&header, offset).ok()?;
        let length = u64::from(u16_at(&header, length).ok()?);
        begin.checked_add(length * u64::from(u16_at(&header, count).ok()?))
    };
    // Where the table of segments ends, and that of sections, which is a file's end.
    let are_whole = [end(32, 54, 56), end(40, 58, 60)]
        .iter()
        .all(|end| end.is_some_and(|end| end <= size));
    if are_whole && segments_are_whole(&read_at, &header, size).unwrap_or(false) {
        None
    } else {
        CUT
    }
}

/// What a file with this begin is for.
pub(super) fn target(header: &[u8; HEADER]) -> Target {
    ([header[4], header[5]], [header[18], header[19]])
}

fn segments_are_whole(
    read_at: impl Fn(u64, &mut [u8]) -> io::Result<()>,
    header: &[u8],
    size: u64,
) -> io::Result<bool> {
    let (table, length) = (u64_at(header, 32)?, u64::from(u16_at(header, 54)?));
    for index in 0..u64::from(u16_at(header, 56)?) {
        let mut segment = [0; SEGMENT];
        read_at(table.saturating_add(index * length), &mut segment)?;
        let end = u64_at(&segment, 8)?.saturating_add(u64_at(&segment, 32)?);
        if end > size {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Major and minor number; none for a program that is linked without glibc, or is a script. `read_at` fills the
/// buffer from a position of the file.
pub(super) fn glibc(
    read_at: impl Fn(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<Option<(u32, u32)>> {
    let mut magic = [0; MAGIC.len()];
    read_at(0, &mut magic)?;
    if magic != MAGIC {
        return Ok(None);
    }
    let mut header = [0; HEADER];
    read_at(0, &mut header)?;
    let table = u64_at(&header, 40)?;
    let count = u64::from(u16_at(&header, 60)?);
    let section = |index: u64| -> io::Result<[u8; SECTION]> {
        let mut section = [0; SECTION];
        read_at(table.saturating_add(index * SECTION as u64), &mut section)?;
        Ok(section)
    };
    for index in 0..count {
        let needed = section(index)?;
        if u32_at(&needed, 4)? == VERSIONS_NEEDED {
            let names = section(u64::from(u32_at(&needed, 40)?))?;
            let contents = |section: &[u8]| contents(&read_at, section);
            return newest(&contents(&needed)?, &contents(&names)?);
        }
    }
    Ok(None)
}

fn contents(
    read_at: impl Fn(u64, &mut [u8]) -> io::Result<()>,
    section: &[u8],
) -> io::Result<Vec<u8>> {
    let size = u64_at(section, 32)?;
    if size > MOST {
        return Err(malformed());
    }
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| malformed())?];
    read_at(u64_at(section, 24)?, &mut bytes)?;
    Ok(bytes)
}

/// Walks the files that are needed and, for each, its versions.
fn newest(needed: &[u8], names: &[u8]) -> io::Result<Option<(u32, u32)>> {
    let mut newest = None;
    let mut file = 0;
    loop {
        let mut version = file + u32_at(needed, file + 8)? as usize;
        for _ in 0..u16_at(needed, file + 2)? {
            let name = name_at(names, u32_at(needed, version + 8)? as usize);
            newest = newest.max(name.and_then(parse));
            version += u32_at(needed, version + 12)? as usize;
        }
        match u32_at(needed, file + 12)? {
            0 => return Ok(newest),
            next => file += next as usize,
        }
    }
}

fn name_at(names: &[u8], from: usize) -> Option<&str> {
    let name = names.get(from..)?.split(|byte| *byte == 0).next()?;
    str::from_utf8(name).ok()
}

/// `GLIBC_2.34`, or `GLIBC_2.2.5`.
fn parse(name: &str) -> Option<(u32, u32)> {
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn part<const N: usize>(bytes: &[u8], from: usize) -> io::Result<[u8; N]> {
    let part = bytes.get(from..).and_then(|rest| rest.first_chunk());
    part.copied().ok_or_else(malformed)
}

fn u16_at(bytes: &[u8], from: usize) -> io::Result<u16> {
    part(bytes, from).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], from: usize) -> io::Result<u32> {
    part(bytes, from).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], from: usize) -> io::Result<u64> {
    part(bytes, from).map(u64::from_le_bytes)
}

fn malformed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "it is not a program that is understood",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> io::Result<Option<(u32, u32)>> {
        glibc(|from, buffer| {
            let from = usize::try_from(from).map_err(|_| malformed())?;
            let part = bytes.get(from..).and_then(|rest| rest.get(..buffer.len()));
            buffer.copy_from_slice(part.ok_or_else(malformed)?);
            Ok(())
        })
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parse("GLIBC_2.34") > parse("GLIBC_2.4"));
        assert_eq!(parse("GLIBC_2.2.5"), Some((2, 2)));
        for other in ["GCC_3.0", "GLIBC_PRIVATE", "GLIBC_", ""] {
            assert_eq!(parse(other), None);
        }
    }

    #[test]
    fn a_program_that_was_cut_or_is_for_another_machine_is_told() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        let begin: [u8; HEADER] = own[..HEADER].try_into().unwrap();
        let found = |bytes: &[u8]| {
            let read_at = |from: u64, buffer: &mut [u8]| {
                let from = usize::try_from(from).map_err(|_| malformed())?;
                let part = bytes.get(from..).and_then(|rest| rest.get(..buffer.len()));
                buffer.copy_from_slice(part.ok_or_else(malformed)?);
                Ok(())
            };
            problem(read_at, bytes.len() as u64, Some(target(&begin)))
        };
        assert_eq!(found(&own), None);
        assert_eq!(found(&[&own[..], b"more"].concat()), None);
        assert_eq!(found(b"#!/bin/sh\n"), None);
        for length in [0, 4, HEADER, own.len() / 2, own.len() - 1] {
            assert!(
                found(&own[..length]).is_some_and(|it| it.contains("whole")),
                "{length}"
            );
        }
        let mut foreign = own.clone();
        foreign[18] ^= 1;
        assert!(found(&foreign).unwrap().contains("architecture"));
    }

    #[test]
    fn a_damaged_program_is_refused() {
        assert_eq!(of(b"#!/bin/sh\n").unwrap(), None);
        assert!(of(b"").is_err());
        let mut damaged = vec![0xff; 4096];
        damaged[..6].copy_from_slice(&MAGIC);
        assert!(of(&damaged).is_err());
        let mut empty = vec![0; 64];
        empty[..6].copy_from_slice(&MAGIC);
        assert_eq!(of(&empty).unwrap(), None);
    }
}
