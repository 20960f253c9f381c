use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The most that is read of any one file: a host with a thousand cores has about 200 KiB.
const MOST: u64 = 4 << 20;

/// A file's text; none when it cannot be read.
pub(super) fn read(path: impl AsRef<Path>) -> Option<String> {
    let mut text = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}
