//! `reoclo admin mask-stored`.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::bail;
use reoclo_domain::counted;
use serde_json::json;

use super::{Answer, AuditPlace, Request, ask};
use crate::args::{MaskStored, Output};

/// Exit code when secrets are left.
const LEFT: u8 = 1;

/// What was found.
#[derive(Default)]
struct Found {
    operations_examined: u64,
    operations: Vec<String>,
    rows_examined: u64,
    rows: Vec<AuditPlace>,
}

pub(super) fn run(options: &MaskStored) -> anyhow::Result<ExitCode> {
    let mut found = Found::default();
    look_through_operations(options, &mut found)?;
    look_through_audit_log(options, &mut found)?;
    let text = match options.output {
        Output::Json => json_report(options, &found),
        Output::Text => text_report(options, &found),
    };
    writeln!(stdout(), "{text}")?;
    let is_clean = found.rows.is_empty() && (options.apply || found.operations.is_empty());
    Ok(if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(LEFT)
    })
}

fn look_through_operations(options: &MaskStored, all: &mut Found) -> anyhow::Result<()> {
    let request = |after| Request::MaskOperations {
        after,
        apply: options.apply,
    };
    let looked = look_through(options, request, |answer| match answer {
        Answer::OperationsMasked {
            examined,
            found,
            next,
        } => Some((examined, found, next)),
        _ => None,
    });
    (all.operations_examined, all.operations) = looked?;
    Ok(())
}

fn look_through_audit_log(options: &MaskStored, all: &mut Found) -> anyhow::Result<()> {
    let request = |after| Request::FindAuditRows { after };
    let looked = look_through(options, request, |answer| match answer {
        Answer::AuditRowsFound {
            examined,
            found,
            next,
        } => Some((examined, found, next)),
        _ => None,
    });
    (all.rows_examined, all.rows) = looked?;
    Ok(())
}

/// Asks for one page after the other. How many things were looked at, and what was found.
fn look_through<Place, Thing>(
    options: &MaskStored,
    request: impl Fn(Option<Place>) -> Request,
    page: impl Fn(Answer) -> Option<(u64, Vec<Thing>, Option<Place>)>,
) -> anyhow::Result<(u64, Vec<Thing>)> {
    let (mut examined, mut found, mut after) = (0, Vec::new(), None);
    loop {
        let answer = ask(&options.data_dir, &request(after))?;
        let Some((looked_at, more, next)) = page(answer) else {
            bail!("the control plane answered something else: is it of this version?");
        };
        examined += looked_at;
        found.extend(more);
        if next.is_none() {
            return Ok((examined, found));
        }
        after = next;
    }
}

fn text_report(options: &MaskStored, found: &Found) -> String {
    let mut text = format!(
        "Looked at {} and {} of the audit log, for Reoclo's own keys and\n\
         tokens and for passwords and tokens in URLs. The values that came with a command were\n\
         never stored, so they cannot be looked for.\n\n",
        counted(found.operations_examined, "ended operation"),
        counted(found.rows_examined, "row")
    );
    text += &match (found.operations.len(), options.apply) {
        (0, _) => "No operation has any.\n".to_owned(),
        (count, true) => format!(
            "Masked in {} and in the output:\n",
            counted(count, "operation")
        ),
        (1, false) => "1 operation has some; --apply masks it:\n".to_owned(),
        (count, false) => format!("{count} operations have some; --apply masks them:\n"),
    };
    for id in &found.operations {
        text += &format!("  {id}\n");
    }
    if found.rows.is_empty() {
        text += "No row of the audit log has any.";
    } else {
        text += &match found.rows.len() {
            1 => "1 row of the audit log has some:\n".to_owned(),
            count => format!("{count} rows of the audit log have some:\n"),
        };
        for place in &found.rows {
            text += &format!("  {} row {}\n", place.chain, place.seq);
        }
        text += "They stay as they are: each row's hash is part of the next one, and changing one\n\
                 would break the chain from there on. Whoever may read the log can read them, and\n\
                 so can whoever has an export or a backup. Revoke or change these secrets.";
    }
    text
}

fn json_report(options: &MaskStored, found: &Found) -> String {
    json!({
        "applied": options.apply,
        "operations_examined": found.operations_examined,
        "operations": found.operations,
        "audit_rows_examined": found.rows_examined,
        "audit_rows": found.rows,
    })
    .to_string()
}
