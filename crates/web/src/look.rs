//! What every page has, whoever looks at it: its files and the chosen theme.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};

use crate::assets::{ICON, SCRIPT, STYLE};

const THEME_COOKIE: &str = "reoclo_theme";

/// The look of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    theme: Option<&'static str>,
}

impl<S: Sync> FromRequestParts<S> for Look {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[expect(clippy::unused_self, reason = "templates ask the page for them")]
impl Look {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::COOKIE).iter();
        let mut pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let theme = pairs.find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            let themes = ["light", "dark"];
            let known = themes.into_iter().find(|theme| *theme == value);
            known.filter(|_| name == THEME_COOKIE)
        });
        Self { theme }
    }

    /// The theme that this browser chose; none is the system's.
    pub(crate) const fn theme(self) -> Option<&'static str> {
        self.theme
    }

    pub(crate) fn style(self) -> &'static str {
        &STYLE.path
    }

    pub(crate) fn script(self) -> &'static str {
        &SCRIPT.path
    }

    pub(crate) fn icon(self) -> &'static str {
        &ICON.path
    }
}
