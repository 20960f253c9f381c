use axum::extract::State;
use reoclo_api_types::{
    AuditLogFault, AuditLogVerification, CheckpointFault, VerifyAuditLogRequest,
};
use reoclo_control::{AuditLogsRead, AuditVerification, Authorized, Control, Fault};

use crate::answer::Answer;
use crate::body::OptionalJsonBody;
use crate::error::ApiError;

/// Always 200: that the log does not hold is an answer.
pub(super) async fn verify(
    proof: Authorized<AuditLogsRead>,
    State(control): State<Control>,
    OptionalJsonBody(request): OptionalJsonBody<VerifyAuditLogRequest>,
) -> Result<Answer<AuditLogVerification>, ApiError> {
    let checkpoint = request.checkpoint.map(|checkpoint| checkpoint.to_string());
    let checkpoint = checkpoint.unwrap_or_default();
    let found = control.audit_logs().verify(&proof, &checkpoint).await?;
    Ok(Answer(body(found)))
}

fn body(found: AuditVerification) -> AuditLogVerification {
    AuditLogVerification {
        intact: found.chain.fault.is_none() && found.strange.is_none(),
        rows: found.chain.rows,
        head: found.chain.head_hex(),
        checkpoints: found.checkpoints,
        duration_ms: i64::try_from(found.took.as_millis()).unwrap_or(i64::MAX),
        fault: found.chain.fault.map(fault),
        checkpoint_fault: found.strange.map(|why| CheckpointFault {
            kind: why.as_str().into(),
            message: why.to_string(),
        }),
    }
}

fn fault(fault: Fault) -> AuditLogFault {
    AuditLogFault {
        seq: fault.seq,
        kind: fault.kind.as_str().into(),
        message: fault.kind.to_string(),
        id: fault.id,
    }
}
