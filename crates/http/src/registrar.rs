//! The only way to add a route (rule 7).
//!
//! A handler's first argument is the proof of what it demands: `Authorized<P>`, or an explicit
//! `Public`. The bound on [`Guarded`] makes a route without one a compile error, and the table
//! that fills here is what the walk, the permission matrix and the OpenAPI document read.

use std::borrow::Cow;

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use http::Method;
use reoclo_control::{Authorized, Permission, Requirement};

use crate::page::{PageForm, PageRoute, PublicForm, RefusalPage};
use crate::public::Public;
use crate::query::KnownQuery;
use crate::signature::{Documented, Signature};
use crate::state::AppState;

/// What a route is, for its document; what it takes and answers is in its handler's signature.
#[derive(Clone)]
pub struct Doc {
    pub(crate) summary: &'static str,
    pub(crate) query: &'static [QueryParameter],
}

/// A parameter behind the `?`, with what it does.
pub type QueryParameter = (&'static str, &'static str);

impl Doc {
    /// A route that does what `summary` says.
    pub const fn new(summary: &'static str) -> Self {
        Self {
            summary,
            query: &[],
        }
    }

    /// Takes parameters behind the `?`, none of which has to be there.
    #[must_use]
    pub const fn takes_query(mut self, query: &'static [QueryParameter]) -> Self {
        self.query = query;
        self
    }
}

/// One route of the table.
#[derive(Clone)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{names}`.
    pub path: Cow<'static, str>,
    /// What it demands; none is public.
    pub requirement: Option<Requirement>,
    pub(crate) doc: Doc,
    /// What its handler takes and answers; none where it is in no document.
    pub(crate) signature: Option<Signature>,
}

impl Route {
    /// The parameters behind the `?` that it is documented with.
    pub const fn query(&self) -> &'static [QueryParameter] {
        self.doc.query
    }
}

/// Arguments of a handler that begin with a proof; implemented for nothing else.
///
/// ```
/// use reoclo_http::{Doc, Public, Registrar};
///
/// async fn hello(_: Public) {}
/// let _ = Registrar::default().unlisted_get("/hello", Doc::new("Says hello."), hello);
/// ```
///
/// Without a permission there is no route:
///
/// ```compile_fail,E0277
/// use reoclo_http::{Doc, Registrar};
///
/// async fn hello() {}
/// let _ = Registrar::default().unlisted_get("/hello", Doc::new("Says hello."), hello);
/// ```
pub trait Guarded {
    /// What the proof is of; none is public.
    const REQUIREMENT: Option<Requirement>;
}

macro_rules! guarded {
    ($($argument:ident),*) => {
        impl<M, P: Permission, $($argument),*> Guarded for (M, Authorized<P>, $($argument,)*) {
            const REQUIREMENT: Option<Requirement> = Some(P::REQUIREMENT);
        }

        impl<M, $($argument),*> Guarded for (M, Public, $($argument,)*) {
            const REQUIREMENT: Option<Requirement> = None;
        }
    };
}

guarded!();
guarded!(A);
guarded!(A, B);
guarded!(A, B, C);
guarded!(A, B, C, D);
guarded!(A, B, C, D, E);
guarded!(A, B, C, D, E, F);

/// Arguments of a handler that takes a page's form: they end with what reads it and checks that a
/// page of ours sent it.
///
/// ```compile_fail,E0277
/// use reoclo_http::{Public, Registrar};
///
/// async fn forgets_the_form(_: Public) {}
/// let _ = Registrar::default().page_post("/hello", forgets_the_form);
/// ```
///
/// A form of somebody who is signed in carries their session's token, so it is not read by what
/// reads a stranger's:
///
/// ```compile_fail,E0277
/// use reoclo_control::{Authorized, Member};
/// use reoclo_http::{PublicForm, Registrar};
///
/// async fn forgets_the_token(_: Authorized<Member>, _: PublicForm) {}
/// let _ = Registrar::default().page_post("/hello", forgets_the_token);
/// ```
pub trait TakesForm: Guarded {}

macro_rules! takes_form {
    ($($argument:ident),*) => {
        impl<M, P: Permission, $($argument),*> TakesForm
            for (M, Authorized<P>, $($argument,)* PageForm) {}

        impl<M, $($argument),*> TakesForm for (M, Public, $($argument,)* PublicForm) {}
    };
}

takes_form!();
takes_form!(A);
takes_form!(A, B);
takes_form!(A, B, C);
takes_form!(A, B, C, D);
takes_form!(A, B, C, D, E);

/// Where the existing clients ask for an organization's resources (clients.md 3).
pub(crate) const TENANT: &str = "/mcp/tenants/{tid}";

/// The parameter in it.
pub(crate) const TENANT_ID: &str = "tid";

/// Where published clients ask, of whatever version: what they send more is left alone.
const PUBLISHED: &str = "/api/automation/v1/";

const PAGE: Doc = Doc::new("A page.");

/// Collects routes.
#[derive(Default)]
pub struct Registrar {
    router: Router<AppState>,
    routes: Vec<Route>,
    refusal_page: Option<RefusalPage>,
}

impl Registrar {
    /// Adds a page: a `GET` route for people, with whom no key counts.
    #[must_use]
    pub fn page<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Guarded + 'static,
    {
        let handler = on(MethodFilter::GET, handler).layer(Extension(PageRoute::Shown));
        self.add::<T>(Method::GET, path, PAGE, None, handler)
    }

    /// Adds a `POST` route that takes a page's form, and nothing else.
    #[must_use]
    pub fn page_post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: TakesForm + 'static,
    {
        let handler = on(MethodFilter::POST, handler).layer(Extension(PageRoute::TakesForm));
        self.add::<T>(Method::POST, path, PAGE, None, handler)
    }

    /// Shows refusals to people as pages.
    #[must_use]
    pub fn refusals_as(mut self, page: RefusalPage) -> Self {
        self.refusal_page = Some(page);
        self
    }

    /// Adds a `GET` route.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        let signature = Some(H::signature());
        self.add::<T>(
            Method::GET,
            path,
            doc,
            signature,
            on(MethodFilter::GET, handler),
        )
    }

    /// Adds a `GET` route that is in no document: of a protocol that has one of its own, or for what
    /// is no client of the API.
    #[must_use]
    pub fn unlisted_get<H, T>(self, path: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Guarded + 'static,
    {
        let handler = on(MethodFilter::GET, handler);
        self.add::<T>(Method::GET, path, doc, None, handler)
    }

    /// Adds such a `POST` route.
    #[must_use]
    pub fn unlisted_post<H, T>(self, path: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: Guarded + 'static,
    {
        let handler = on(MethodFilter::POST, handler);
        self.add::<T>(Method::POST, path, doc, None, handler)
    }

    /// Adds a `GET` route of an organization's resource, on both of its surfaces: as
    /// `/api/servers` and, as the existing clients call it, `/mcp/tenants/{tid}/servers`.
    ///
    /// The proof that the handler begins with holds `{tid}` against the caller's organization, so
    /// a handler without a permission has no such route:
    ///
    /// ```compile_fail,E0080
    /// use std::convert::Infallible;
    ///
    /// use reoclo_http::{Doc, Public, Registrar};
    ///
    /// async fn hello(_: Public) -> Infallible { loop {} }
    /// let _ = Registrar::default().tenant_get("/hello", Doc::new("Says hello."), hello);
    /// ```
    #[must_use]
    pub fn tenant_get<H, T>(self, resource: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        self.add_tenant::<T>(
            Method::GET,
            resource,
            doc,
            H::signature(),
            on(MethodFilter::GET, handler),
        )
    }

    fn add_tenant<T: Guarded>(
        self,
        method: Method,
        resource: &'static str,
        doc: Doc,
        signature: Signature,
        handler: MethodRouter<AppState>,
    ) -> Self {
        const {
            assert!(
                T::REQUIREMENT.is_some(),
                "a tenant's resource is not public"
            );
        }
        let (own, named) = (format!("/api{resource}"), format!("{TENANT}{resource}"));
        let signature = Some(signature);
        let (method_too, doc_too) = (method.clone(), doc.clone());
        let (signature_too, handler_too) = (signature.clone(), handler.clone());
        self.add::<T>(method_too, own, doc_too, signature_too, handler_too)
            .add::<T>(method, named, doc, signature, handler)
    }

    /// Adds a `POST` route.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        let signature = Some(H::signature());
        self.add::<T>(
            Method::POST,
            path,
            doc,
            signature,
            on(MethodFilter::POST, handler),
        )
    }

    /// Adds a `PATCH` route.
    #[must_use]
    pub fn patch<H, T>(self, path: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        let signature = Some(H::signature());
        self.add::<T>(
            Method::PATCH,
            path,
            doc,
            signature,
            on(MethodFilter::PATCH, handler),
        )
    }

    /// Adds a `DELETE` route.
    #[must_use]
    pub fn delete<H, T>(self, path: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        let signature = Some(H::signature());
        self.add::<T>(
            Method::DELETE,
            path,
            doc,
            signature,
            on(MethodFilter::DELETE, handler),
        )
    }

    /// Adds a `POST` route of an organization's resource; otherwise as [`Self::tenant_get`].
    #[must_use]
    pub fn tenant_post<H, T>(self, resource: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        self.add_tenant::<T>(
            Method::POST,
            resource,
            doc,
            H::signature(),
            on(MethodFilter::POST, handler),
        )
    }

    /// Adds a `PATCH` route of an organization's resource; otherwise as [`Self::tenant_get`].
    #[must_use]
    pub fn tenant_patch<H, T>(self, resource: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        self.add_tenant::<T>(
            Method::PATCH,
            resource,
            doc,
            H::signature(),
            on(MethodFilter::PATCH, handler),
        )
    }

    /// Adds a `DELETE` route of an organization's resource; otherwise as [`Self::tenant_get`].
    #[must_use]
    pub fn tenant_delete<H, T>(self, resource: &'static str, doc: Doc, handler: H) -> Self
    where
        H: Handler<T, AppState> + Documented<T>,
        T: Guarded + 'static,
    {
        self.add_tenant::<T>(
            Method::DELETE,
            resource,
            doc,
            H::signature(),
            on(MethodFilter::DELETE, handler),
        )
    }

    /// Both slash forms are served, since clients use both and follow no redirects here.
    #[expect(clippy::disallowed_methods, reason = "this is the registrar")]
    fn add<T: Guarded>(
        mut self,
        method: Method,
        path: impl Into<Cow<'static, str>>,
        doc: Doc,
        signature: Option<Signature>,
        handler: MethodRouter<AppState>,
    ) -> Self {
        let path = path.into();
        let handler = if takes_known_parameters_alone(&path) {
            handler.layer(Extension(KnownQuery(doc.query)))
        } else {
            handler
        };
        let with_slash = format!("{path}/");
        self.router = self
            .router
            .route(&path, handler.clone())
            .route(&with_slash, handler);
        self.routes.push(Route {
            method,
            path,
            requirement: T::REQUIREMENT,
            doc,
            signature,
        });
        self
    }

    pub(crate) fn finish(self) -> (Router<AppState>, Vec<Route>, Option<RefusalPage>) {
        (self.router, self.routes, self.refusal_page)
    }
}

/// Whether a route is our own: what its document does not name is refused.
fn takes_known_parameters_alone(path: &str) -> bool {
    path.starts_with("/api/") && !path.starts_with(PUBLISHED)
}
