//! Verifying the chain: the answer to the form says what was found.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    AuditLogsRead, AuditVerification, Authorized, Control, Fault, FaultKind, Strangeness,
};
use reoclo_domain::counted;
use reoclo_http::{ApiError, PageForm};

use crate::form::Problems;
use crate::page::Page;
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "audit_logs/verify.html")]
struct Verify {
    found: Option<Found>,
    checkpoint: String,
    problems: Problems,
    shell: Shell,
}

/// What was found, in words.
struct Found {
    rows: String,
    head: String,
    took: String,
    checkpoints: usize,
    broken: Option<Broken>,
    /// Why the log was not held against the checkpoint.
    strange: Option<Strange>,
}

struct Strange {
    title: &'static str,
    sentence: &'static str,
}

struct Broken {
    title: String,
    sentence: &'static str,
    event: Option<String>,
}

pub(super) async fn show(_: Authorized<AuditLogsRead>, shell: Shell) -> Response {
    let page = Verify {
        found: None,
        checkpoint: String::new(),
        problems: Problems::default(),
        shell,
    };
    Page::ok(page).into_response()
}

pub(super) async fn verify(
    proof: Authorized<AuditLogsRead>,
    shell: Shell,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let checkpoint = fields.text("checkpoint").to_owned();
    let (found, problems) = match control.audit_logs().verify(&proof, &checkpoint).await {
        Ok(verification) => (Some(found(verification)), Problems::default()),
        Err(refusal) => (None, Problems::of(refusal)?),
    };
    let page = Verify {
        found,
        checkpoint,
        problems,
        shell,
    };
    Ok(Page(page.problems.status(), page).into_response())
}

fn found(verification: AuditVerification) -> Found {
    let chain = verification.chain;
    Found {
        head: chain.head_hex(),
        rows: counted(chain.rows, "row"),
        took: took(verification.took),
        checkpoints: verification.checkpoints,
        broken: chain.fault.map(broken),
        strange: verification.strange.map(strange),
    }
}

fn strange(why: Strangeness) -> Strange {
    match why {
        Strangeness::Changed => Strange {
            title: "This checkpoint was changed",
            sentence: "It is not what Reoclo signed, so the log was not held against it. Paste the \
                       last line of an export, all of it.",
        },
        Strangeness::OfAnotherLog => Strange {
            title: "This checkpoint is of another audit log",
            sentence: "Another installation signed it, so the log was not held against it. Take \
                       one from an export of your own.",
        },
    }
}

fn took(length: Duration) -> String {
    if length < Duration::from_secs(1) {
        format!("{} ms", length.as_millis())
    } else {
        format!("{:.1} s", length.as_secs_f64())
    }
}

fn broken(fault: Fault) -> Broken {
    let seq = fault.seq;
    let (title, sentence) = match fault.kind {
        FaultKind::Missing => (
            format!("Row {seq} is missing"),
            "It was written, and is no longer there. Every row before it is as it was written.",
        ),
        FaultKind::Changed => (
            format!("Row {seq} was changed"),
            "It is not what was written, or what stood before it was taken out. Every row before \
             it is as it was written.",
        ),
        FaultKind::Unreadable => (
            format!("Row {seq} cannot be read"),
            "Something that Reoclo never writes stands in it. Every row before it is as it was \
             written.",
        ),
        FaultKind::BehindHead => (
            format!("Row {seq} was added behind the end"),
            "The end that Reoclo recorded comes before it, so it was not written by Reoclo.",
        ),
        FaultKind::HeadMissing => (
            "The end of the log is missing".to_owned(),
            "Reoclo records where the log ends, and that record is gone: rows at the end may be \
             cut off.",
        ),
        FaultKind::HeadChanged => (
            format!("The end of the log was changed at row {seq}"),
            "Reoclo records where the log ends, and that record is not what was written: rows at \
             the end may be cut off.",
        ),
        FaultKind::Checkpoint => (
            format!("Row {seq} is not the one of the checkpoint"),
            "The log does not go on from what was exported: rows were cut off or written anew \
             since.",
        ),
        FaultKind::Extra => (
            format!("Row {seq} was slipped in"),
            "Rows are numbered from 1, so it was not written by Reoclo. All others are as they \
             were written.",
        ),
    };
    Broken {
        title,
        sentence,
        event: fault.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_the_unit_that_says_most() {
        assert_eq!(took(Duration::from_micros(12_345)), "12 ms");
        assert_eq!(took(Duration::from_millis(1_250)), "1.2 s");
    }
}
