//! Servers whose runners are enrolled, in the database of a control plane that has ended.

use std::path::Path;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use reoclo_domain::{Clock, Entropy, OrganizationId, PlainToken, ServerId, TokenKind};
use reoclo_store::{EnrolOutcome, NewEnrolment, NewServer, RequestSource, Store};

use crate::fleet::{Roster, public_key};
use crate::{ambient, database};

/// Servers that are enrolled at a time.
const BATCH: usize = 1000;

/// Adds servers and enrols a runner for each, as the control plane itself would. `address` is
/// where it will listen.
pub(super) async fn enrol(
    data_dir: &Path,
    address: &str,
    organization: OrganizationId,
    count: usize,
) -> Result<Roster> {
    let store = database::reopen(data_dir).await?;
    let (clock, entropy) = (ambient::clock(), ambient::entropy());
    let mut servers = Vec::with_capacity(count);
    let places: Vec<usize> = (0..count).collect();
    for batch in places.chunks(BATCH) {
        let enrolled = batch
            .iter()
            .map(|place| enrol_one(&store, &*clock, &*entropy, organization, *place));
        servers.extend(try_join_all(enrolled).await?);
    }
    let control_plane_id = store.instance().control_plane_id.to_string();
    store.close().await;
    Ok(Roster {
        address: address.to_owned(),
        control_plane_id,
        servers,
    })
}

async fn enrol_one(
    store: &Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    organization: OrganizationId,
    place: usize,
) -> Result<String> {
    let name = format!("idle-{place}");
    let server = NewServer {
        id: ServerId::new(clock, entropy),
        organization,
        slug: name.parse()?,
        name: name.parse()?,
        created_at: clock.now(),
    };
    let id = server.id;
    let token = PlainToken::generate(TokenKind::Enrolment, entropy);
    let enrolment = NewEnrolment {
        token: token.hash(),
        expires_at: clock.now().plus(std::time::Duration::from_hours(1)),
    };
    store.create_server(server, Some(enrolment), vec![]).await?;
    let key = public_key(place)?;
    let source = RequestSource::default();
    let outcome = store.enrol(token.hash(), &key, clock.now(), source).await?;
    ensure!(matches!(outcome, EnrolOutcome::Enrolled { server, .. } if server == id));
    Ok(id.to_string())
}
