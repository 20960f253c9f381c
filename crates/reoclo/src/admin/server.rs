use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use reoclo_api_types::AddServerRequest;
use reoclo_control::{AddedServer, Control, LocalOwner, Refusal};
use reoclo_domain::{ErrorCode, Reach};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Answer, AuditPlace, MAX_LINE, Request, socket_path};

const REQUEST_TIME: Duration = Duration::from_secs(10);

/// Serves the socket of a data directory that this process has locked.
pub(crate) fn serve(control: Control, data_dir: &Path) -> io::Result<JoinHandle<()>> {
    let directory = File::open(data_dir)?;
    let path = socket_path(&directory);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // The directory is 0700, so nobody else connects before the mode is set.
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(accept(control, listener)))
}

async fn accept(control: Control, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let control = control.clone();
                tokio::spawn(async move {
                    // Whoever went away needs no answer.
                    let _ = timeout(REQUEST_TIME, answer(&control, stream)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "admin.sock could not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(control: &Control, stream: UnixStream) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(MAX_LINE))
        .read_line(&mut line)
        .await?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => act(control, request)
            .await
            .unwrap_or_else(|refusal| refused(&refusal)),
        Err(error) => Answer::Refused {
            code: ErrorCode::InvalidRequest.as_str().into(),
            detail: error.to_string(),
        },
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await
}

async fn act(control: &Control, request: Request) -> Result<Answer, Refusal> {
    let owner = LocalOwner::over_admin_socket();
    match request {
        Request::AddServer { name, slug } => {
            let organization = control.instance().first_organization().await?;
            let form = AddServerRequest { name, slug };
            control
                .servers()
                .create_for_owner(&owner, organization, form)
                .await
                .map(|server| added(control, server))
        }
        Request::MaskOperations { after, apply } => {
            let after = after.map(|id| id.parse()).transpose();
            let after = after.map_err(|_| Refusal::field("after", "must be an operation's id"))?;
            let masked = control
                .operations()
                .mask_stored(&owner, after, apply)
                .await?;
            Ok(Answer::OperationsMasked {
                examined: masked.examined,
                found: masked.found.iter().map(ToString::to_string).collect(),
                next: masked.next.map(|id| id.to_string()),
            })
        }
        Request::FindAuditRows { after } => {
            let after = after.map(|place| reoclo_store::AuditPlace {
                chain: place.chain,
                seq: place.seq,
            });
            let rows = control
                .operations()
                .unmasked_audit_rows(&owner, after.as_ref())
                .await?;
            Ok(Answer::AuditRowsFound {
                examined: rows.examined,
                found: rows.found.into_iter().map(place).collect(),
                next: rows.next.map(place),
            })
        }
        Request::ResetPassword { email } => {
            let (password, until) = control
                .users()
                .reset_password_for_owner(&owner, &email)
                .await?;
            Ok(Answer::PasswordReset {
                temporary_password: password.expose().to_owned(),
                expires_at: until.to_string(),
            })
        }
    }
}

fn place(place: reoclo_store::AuditPlace) -> AuditPlace {
    AuditPlace {
        chain: place.chain,
        seq: place.seq,
    }
}

fn added(control: &Control, server: AddedServer) -> Answer {
    let url = &control.settings().public_url;
    Answer::ServerAdded {
        id: server.id.to_string(),
        slug: server.slug,
        enrolment_token: server.token.expose().to_owned(),
        expires_at: server.expires_at.to_string(),
        install_command: server.install_command,
        hindrance: Reach::of(url).hindrance(url),
    }
}

fn refused(refusal: &Refusal) -> Answer {
    Answer::Refused {
        code: refusal.code().as_str().into(),
        detail: refusal.to_string(),
    }
}
