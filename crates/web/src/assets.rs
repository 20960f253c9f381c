//! The files that pages load: named by what is in them, so that a browser keeps them for good.

use std::io::Write;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, header};
use reoclo_control::Refusal;
use reoclo_http::{ApiError, ItemId, Public, Registrar};
use sha2::{Digest, Sha256};

use crate::pages::Pages;

const HASH_CHARS: usize = 16;

/// A file of the pages.
pub(crate) struct Asset {
    /// Where it is served.
    pub(crate) path: String,
    content_type: &'static str,
    /// Shared by all who read it.
    plain: Bytes,
    zipped: Bytes,
}

/// How the pages look.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let plain = include_str!("../assets/style.css");
    Asset::new("style", "css", "text/css; charset=utf-8", plain)
});

/// What makes the pages quicker to use.
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::script("app", include_str!("../assets/app.js")));

/// The sign in the browser's tab.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let plain = include_str!("../assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", plain)
});

/// Follows the output of an operation.
pub(crate) static LIVE_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let mut plain = include_str!("../assets/live.js").to_owned();
    for (written, part) in LIVE_PARTS {
        plain = plain.replace(written, &part.path);
    }
    Asset::script("live", &plain)
});

/// What it imports, as it writes that.
pub(crate) static LIVE_PARTS: [(&str, &LazyLock<Asset>); 4] = [
    ("./live/events.js", &LIVE_EVENTS),
    ("./live/lines.js", &LIVE_LINES),
    ("./live/screen.js", &LIVE_SCREEN),
    ("./live/search.js", &LIVE_SEARCH),
];

static LIVE_EVENTS: LazyLock<Asset> =
    LazyLock::new(|| Asset::script("live-events", include_str!("../assets/live/events.js")));
static LIVE_LINES: LazyLock<Asset> =
    LazyLock::new(|| Asset::script("live-lines", include_str!("../assets/live/lines.js")));
static LIVE_SCREEN: LazyLock<Asset> =
    LazyLock::new(|| Asset::script("live-screen", include_str!("../assets/live/screen.js")));
static LIVE_SEARCH: LazyLock<Asset> =
    LazyLock::new(|| Asset::script("live-search", include_str!("../assets/live/search.js")));

static ALL: [&LazyLock<Asset>; 8] = [
    &STYLE,
    &SCRIPT,
    &LIVE_SCRIPT,
    &LIVE_EVENTS,
    &LIVE_LINES,
    &LIVE_SCREEN,
    &LIVE_SEARCH,
    &ICON,
];

pub(crate) const PAGES: Pages = Pages::of(add);

fn add(registrar: Registrar) -> Registrar {
    registrar.page("/assets/{id}", serve)
}

async fn serve(_: Public, ItemId(name): ItemId, headers: HeaderMap) -> Result<Response, ApiError> {
    let found = ALL
        .iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(&name));
    let asset = found.ok_or(Refusal::NotFound("the file"))?;
    Ok(asset.answer(takes_gzip(&headers)))
}

impl Asset {
    fn script(name: &str, plain: &str) -> Self {
        Self::new(name, "js", "text/javascript; charset=utf-8", plain)
    }

    fn new(name: &str, ending: &str, content_type: &'static str, plain: &str) -> Self {
        let digest = Sha256::digest(plain);
        let hash = format!("{digest:x}");
        Self {
            path: format!("/assets/{name}-{}.{ending}", &hash[..HASH_CHARS]),
            content_type,
            plain: Bytes::copy_from_slice(plain.as_bytes()),
            zipped: zip(plain).unwrap_or_default().into(),
        }
    }

    fn answer(&self, takes_gzip: bool) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "Accept-Encoding"),
        ];
        if takes_gzip && !self.zipped.is_empty() {
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            (headers, encoding, self.zipped.clone()).into_response()
        } else {
            (headers, self.plain.clone()).into_response()
        }
    }
}

fn zip(plain: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain.as_bytes())?;
    encoder.finish()
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT_ENCODING).iter();
    values.any(|value| value.to_str().is_ok_and(|value| value.contains("gzip")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_content() {
        let (one, other) = (
            Asset::new("a", "css", "text/css", "a {}"),
            Asset::new("a", "css", "text/css", "b {}"),
        );
        assert_ne!(one.path, other.path);
        let name = one.path.strip_prefix("/assets/a-").unwrap();
        let hash = name.strip_suffix(".css").unwrap();
        assert_eq!(hash.len(), HASH_CHARS);
    }

    #[test]
    fn what_a_script_imports_is_served() {
        let script = std::str::from_utf8(&LIVE_SCRIPT.plain).unwrap();
        let imports: Vec<&str> = script
            .lines()
            .filter(|line| line.starts_with("import"))
            .collect();
        assert_eq!(imports.len(), LIVE_PARTS.len());
        for line in imports {
            let path = line.split('"').nth(1).unwrap();
            assert!(ALL.iter().any(|asset| asset.path == path), "{line}");
        }
    }
}
