use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reoclo_control::{Control, Refusal};
use reoclo_wire::enrolment::{EnrolReply, EnrolRequest};
use reoclo_wire::handshake::public_key;

use crate::answer::Answer;
use crate::body::JsonBody;
use crate::edge::Source;
use crate::error::ApiError;
use crate::public::Public;

pub(super) async fn enrol(
    _: Public,
    State(control): State<Control>,
    Source(source): Source,
    JsonBody(request): JsonBody<EnrolRequest>,
) -> Result<Answer<EnrolReply>, ApiError> {
    let key = STANDARD
        .decode(&request.public_key)
        .map_err(|_| Refusal::field("public_key", "must be base64"))?;
    let (server, organization) = control
        .servers()
        .enrol(&request.token, &key, source)
        .await?;
    Ok(Answer(EnrolReply {
        server_id: server.to_string(),
        organization_id: organization.to_string(),
        control_plane_id: control.store().instance().control_plane_id.to_string(),
        control_plane_key: Some(public_key(control.store().own_key())),
    }))
}
