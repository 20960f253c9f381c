//! Registry credentials: what servers log in to container registries with.

mod edit;
mod list;
mod remove;
mod test_connection;

use reoclo_http::Registrar;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/registry-credentials", list::show)
        .page_post("/registry-credentials", edit::create)
        .page("/registry-credentials/new", edit::show_new)
        .page("/registry-credentials/{id}", edit::show)
        .page_post("/registry-credentials/{id}", edit::change)
        .page_post("/registry-credentials/test", test_connection::of_new)
        .page_post("/registry-credentials/{id}/test", test_connection::of_kept)
        .page("/registry-credentials/{id}/remove", remove::confirm)
        .page_post("/registry-credentials/{id}/remove", remove::remove)
}

const WHAT: &str = "the registry credential";
