//! Output of commands as plain text: bytes of others, that can be anything.

use reoclo_control::{LogPart, LogStream, OperationLog, Refusal};

use super::terminal;

/// What a page shows of a stream without a script.
const SHOWN: u64 = 64 * 1024;

/// A stream's name, the end of its text, and whether there is more before that.
pub(super) type Written = (&'static str, String, bool);

/// The end of what each stream has, for those that have something.
pub(super) async fn written(log: &OperationLog) -> Result<Vec<Written>, Refusal> {
    let mut written = Vec::new();
    for (stream, name) in [
        (LogStream::Stdout, "Standard output"),
        (LogStream::Stderr, "Standard error"),
    ] {
        let end = log.end(stream).await?;
        let from = end.saturating_sub(SHOWN);
        let bytes = between(log, stream, from, end).await?;
        if !bytes.is_empty() {
            written.push((name, plain(&bytes), from > 0));
        }
    }
    Ok(written)
}

async fn between(
    log: &OperationLog,
    stream: LogStream,
    from: u64,
    end: u64,
) -> Result<Vec<u8>, Refusal> {
    let (mut at, mut all) = (from, Vec::new());
    while at < end
        && let LogPart::Bytes { position, bytes } = log.read(stream, at).await?
    {
        at = position + bytes.len() as u64;
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// Readable text: lines as a terminal leaves them, without what would move its cursor or change
/// its colours.
pub(super) fn plain(bytes: &[u8]) -> String {
    terminal::text_of(&String::from_utf8_lossy(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_left() {
        assert_eq!(plain(b"\x1b[1;31mred\x1b[0m\r\n\tdone\x07"), "red\n\tdone");
        assert_eq!(plain(b"\x1b]0;title\x07shell"), "shell");
        assert_eq!(plain(b"a\xffb\x1b["), "a\u{fffd}b");
        assert_eq!(plain("a\u{202e}b".as_bytes()), "a<U+202E>b");
    }

    #[test]
    fn a_progress_bar_is_left_as_it_was_last() {
        assert_eq!(
            plain(b"begin\n10%\r50%\r100%\nend\r\n"),
            "begin\n100%\nend\n"
        );
        assert_eq!(plain(b"10%\r99%\r"), "99%");
        assert_eq!(plain(b"line\r\r\nnext\r\x1b[0m"), "line\nnext");
    }
}
