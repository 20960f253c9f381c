//! The OpenAPI document, made from the table of routes: `/api/openapi.json`.

use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::ErrorBody;
use reoclo_control::{CredentialKind, Requirement};
use reoclo_domain::KeyKind;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, ObjectBuilder, OpenApiBuilder,
    Paths, Ref, RefOr, Required, ResponseBuilder, Schema, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::answer::Bytes;
use crate::body::json_response;
use crate::public::Public;
use crate::registrar::{Doc, Registrar, Route};
use crate::sessions::cookie;
use crate::signature::{Content, Signature};
use crate::state::AppState;

const SCHEME: &str = "api_key";
const SESSION_SCHEME: &str = "session";
const DOCUMENTED: [&str; 2] = ["/api/", "/mcp/tenants/"];

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar.get("/api/openapi.json", Doc::new("This document."), show)
}

async fn show(_: Public, State(state): State<AppState>) -> Bytes {
    Bytes(json_response(StatusCode::OK, state.openapi.clone()))
}

/// The document of every route under `/api` and `/mcp/tenants`, as JSON.
pub fn document(routes: &[Route]) -> String {
    let mut paths = Paths::new();
    let mut components = ComponentsBuilder::new()
        .security_scheme(SCHEME, bearer())
        .security_scheme(SESSION_SCHEME, session())
        .schema(ErrorBody::name(), ErrorBody::schema());
    for (route, signature) in listed(routes) {
        let operation = operation(route, signature);
        paths.add_path_operation(&*route.path, vec![method(route)], operation);
        components = components.schemas_from_iter(schemas(signature));
    }
    let info = InfoBuilder::new()
        .title("Reoclo")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Operate your own servers with scoped, audited API keys.",
        ))
        .build();
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components.build()))
        .build();
    document.to_pretty_json().unwrap_or_default()
}

fn bearer() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "An integration key (`rk_t_…`) for /api, an automation key (`rca_…`) for /api/automation.",
    ));
    SecurityScheme::Http(scheme.build())
}

fn session() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
        cookie::NAME,
        "A person's session. A request that changes something also sends its `csrf_token` as \
         `X-CSRF-Token`.",
    )))
}

/// The routes of the surfaces that have a document.
fn listed(routes: &[Route]) -> impl Iterator<Item = (&Route, &Signature)> {
    let is_listed = |route: &&Route| DOCUMENTED.iter().any(|start| route.path.starts_with(start));
    let listed = routes.iter().filter(is_listed);
    listed.filter_map(|route| Some((route, route.signature.as_ref()?)))
}

fn schemas(signature: &Signature) -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    let answer = signature.answered.content.shape();
    for shape in signature.request.into_iter().chain(answer) {
        (shape.collect)(&mut schemas);
    }
    schemas
}

fn method(route: &Route) -> HttpMethod {
    match route.method.as_str() {
        "POST" => HttpMethod::Post,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(route: &Route, signature: &Signature) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .summary(Some(route.doc.summary))
        .description(Some(needs(route.requirement)))
        .response("default", json("An error.", &ErrorBody::name()));
    for name in parameters(&route.path) {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        );
    }
    for (name, description) in route.doc.query {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(*name)
                .description(Some(*description))
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        );
    }
    if let Some(shape) = signature.request {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name((shape.name)())));
        let body = RequestBodyBuilder::new()
            .content("application/json", content.build())
            .required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    if route.requirement.is_some() {
        for scheme in schemes(route) {
            let none: [&str; 0] = [];
            operation = operation.security(SecurityRequirement::new(scheme, none));
        }
    }
    let answered = &signature.answered;
    if let Some(shape) = answered.content.shape() {
        for (status, description) in answered.others {
            operation = operation.response(status.to_string(), json(description, &(shape.name)()));
        }
    }
    operation.response(answered.status.as_str(), success(answered.content))
}

/// What can be shown there; either will do.
fn schemes(route: &Route) -> Vec<&'static str> {
    let takes = |kind| route.requirement.is_some_and(|needed| needed.takes(kind));
    let keys = [KeyKind::Integration, KeyKind::Automation].map(CredentialKind::Key);
    let by_key = keys.into_iter().any(takes).then_some(SCHEME);
    let by_session = takes(CredentialKind::Session) && cookie::counts_at(&route.path);
    by_key
        .into_iter()
        .chain(by_session.then_some(SESSION_SCHEME))
        .collect()
}

fn success(content: Content) -> ResponseBuilder {
    match content {
        Content::Other => ResponseBuilder::new().description("Success."),
        Content::Many(shape) => {
            let items = ArrayBuilder::new().items(Ref::from_schema_name((shape.name)()));
            let content = ContentBuilder::new().schema(Some(items)).build();
            ResponseBuilder::new()
                .description("Success.")
                .content("application/json", content)
        }
        Content::One(shape) => json("Success.", &(shape.name)()),
    }
}

fn json(description: &str, schema: &str) -> ResponseBuilder {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
}

fn needs(requirement: Option<Requirement>) -> String {
    match requirement {
        None => "Needs no credential.".into(),
        Some(requirement @ Requirement::Cell(_)) => {
            let name = requirement.name();
            format!("Needs an integration key with `{name}`, or a person whose role grants it.")
        }
        Some(Requirement::Both(first, second)) => {
            format!("Needs an integration key with `{first}` and `{second}`.")
        }
        Some(Requirement::Operation(kind)) => {
            format!("Needs an automation key with the operation `{kind}`.")
        }
        Some(Requirement::AnyKey) => "Needs a key of either kind.".into(),
        Some(Requirement::OwnOperations) => {
            "Needs an automation key; shows only what that key started.".into()
        }
        Some(Requirement::Person(role)) => {
            format!("Needs a person who is signed in, with the role `{role}` or higher.")
        }
        Some(Requirement::OwnSession) => "Needs a person who is signed in.".into(),
    }
}

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
