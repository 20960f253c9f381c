//! The pages that people see, embedded in the binary.
//!
//! Sign-in and the dashboard are not built yet; the set-up page says so.
#![forbid(unsafe_code)]

/// A file of the pages, with what a browser needs to know about it.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is served.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its content.
    pub content: &'static str,
}

/// No page runs a script or a style of anybody else, is framed, or tells where it was.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page of the one-time link: it takes the first admin's name, e-mail and password.
pub const SETUP_PAGE: Asset = Asset {
    path: "/setup",
    content_type: "text/html; charset=utf-8",
    content: include_str!("../pages/setup.html"),
};

/// Sends the set-up page's form.
pub const SETUP_SCRIPT: Asset = Asset {
    path: "/assets/setup.js",
    content_type: "text/javascript; charset=utf-8",
    content: include_str!("../pages/setup.js"),
};

/// How the pages look.
pub const STYLE: Asset = Asset {
    path: "/assets/style.css",
    content_type: "text/css; charset=utf-8",
    content: include_str!("../pages/style.css"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_only_for_files_that_are_served() {
        for asset in [SETUP_SCRIPT, STYLE] {
            assert!(
                SETUP_PAGE.content.contains(&format!("\"{}\"", asset.path)),
                "{}",
                asset.path
            );
        }
        assert!(!SETUP_PAGE.content.contains("<style") && !SETUP_PAGE.content.contains("onclick"));
    }
}
