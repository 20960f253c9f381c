//! What a request asks for, as the audit log tells it of a refusal.

use std::sync::Arc;

use reoclo_domain::{ServerId, Slug};

/// The route of a request, and the server that its path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    route: Option<Route>,
}

/// A route by its template, so that there are few of them and none says what a caller made up.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    method: &'static str,
    template: Arc<str>,
    server: Option<Arc<str>>,
}

impl Asked {
    /// A request to `path`, which `template` fits.
    pub fn of(method: &str, template: &str, path: &str) -> Self {
        let template = template.trim_end_matches('/');
        let route = Route {
            method: known(method),
            template: if template.is_empty() { "/" } else { template }.into(),
            server: server_in(template, path).map(Arc::from),
        };
        Self { route: Some(route) }
    }

    /// `GET` and its like.
    pub(crate) fn method(&self) -> Option<&'static str> {
        Some(self.route.as_ref()?.method)
    }

    /// The path with `{names}`.
    pub(crate) fn template(&self) -> Option<&str> {
        Some(&self.route.as_ref()?.template)
    }

    /// The id or slug of the server that the path names; there may be no such server.
    pub(crate) fn server(&self) -> Option<&str> {
        self.route.as_ref()?.server.as_deref()
    }
}

fn known(method: &str) -> &'static str {
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let found = methods.into_iter().find(|known| *known == method);
    found.unwrap_or("other")
}

/// What stands where the template has a server, when it can be one.
fn server_in<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let (before, _) = template.split_once("/servers/{")?;
    let place = before.matches('/').count() + 2;
    let reference = path.split('/').nth(place)?;
    let can_be = reference.parse::<ServerId>().is_ok() || reference.parse::<Slug>().is_ok();
    can_be.then_some(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_where_the_template_has_it() {
        let asked = Asked::of("POST", "/api/servers/{id}/exec", "/api/servers/web-1/exec");
        assert_eq!(asked.method(), Some("POST"));
        assert_eq!(asked.template(), Some("/api/servers/{id}/exec"));
        assert_eq!(asked.server(), Some("web-1"));
        let template = "/mcp/tenants/{tid}/servers/{id}/";
        let asked = Asked::of("GET", template, "/mcp/tenants/x/servers/web-2/");
        assert_eq!(asked.template(), Some("/mcp/tenants/{tid}/servers/{id}"));
        assert_eq!(asked.server(), Some("web-2"));
        assert_eq!(Asked::of("GET", "/", "/").template(), Some("/"));
    }

    #[test]
    fn what_can_be_no_server_is_not_kept() {
        for path in [
            "/api/servers/%3Cscript%3E",
            "/api/servers/rk_t_x",
            "/api/servers/",
            "/api",
        ] {
            let asked = Asked::of("BREW", "/api/servers/{id}", path);
            assert_eq!(asked.server(), None, "{path}");
            assert_eq!(asked.method(), Some("other"));
        }
        let asked = Asked::of("GET", "/api/operations/{id}", "/api/operations/web-1");
        assert_eq!(asked.server(), None);
    }
}
