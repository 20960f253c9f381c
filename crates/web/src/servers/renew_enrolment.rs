//! A new install command for a server that still waits for its runner.

use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, OnceForm, ServersWrite};
use reoclo_http::{ApiError, ItemId, PageForm};

use super::create::waiting_page;
use crate::once::{once, taken};
use crate::shell::Shell;

pub(super) async fn renew(
    proof: Authorized<ServersWrite>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let sent = OnceForm::RenewEnrolment;
    if let Some(page) = taken(&shell, &control, &proof, sent, &fields).await? {
        return Ok(page);
    }
    match control
        .servers()
        .renew_enrolment(&proof, &id, once(&fields))
        .await
    {
        Ok((renewed, record)) => Ok(waiting_page(shell, &control, renewed, record, false)),
        Err(refusal) => {
            // Of two that came at once, one made it.
            let page = taken(&shell, &control, &proof, sent, &fields).await?;
            page.ok_or_else(|| refusal.into())
        }
    }
}
