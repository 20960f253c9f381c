//! An automation key whose rate limit no benchmark reaches.

use std::path::Path;

use anyhow::{Context, Result, bail};
use reoclo_domain::{AutomationKeyId, PlainToken, TokenKind};
use reoclo_store::{AutomationKeyRecord, DatabaseAddress, KeyRecord, MasterKey, Store};

use crate::ambient;
use crate::database;

/// Requests a minute: more than a processor can answer.
pub(crate) const RATE_LIMIT: u32 = 1_000_000_000;

/// Makes one that may do what the key `like` may, in the database of an instance that has ended.
pub(super) async fn make(data_dir: &Path, like: &str) -> Result<PlainToken> {
    let store = database::reopen(data_dir).await?;
    let made = copy(&store, like).await;
    store.close().await;
    made
}

/// Makes several, in a database of any kind that nobody uses.
pub(crate) async fn make_on(
    database: DatabaseAddress,
    master_key: &Path,
    like: &str,
    many: usize,
) -> Result<Vec<PlainToken>> {
    let master_key = MasterKey::load(master_key, None)?;
    let store = database::open(database, master_key).await?;
    let mut made = Vec::new();
    for _ in 0..many {
        made.push(copy(&store, like).await?);
    }
    store.close().await;
    Ok(made)
}

async fn copy(store: &Store, like: &str) -> Result<PlainToken> {
    let known = store.find_key(&PlainToken::parse(like)?.hash()).await?;
    let known = known.context("the key of the first start is not stored")?;
    let KeyRecord::Automation(known) = &*known else {
        bail!("the key of the first start is no automation key");
    };
    let (clock, entropy) = (ambient::clock(), ambient::entropy());
    let token = PlainToken::generate(TokenKind::Automation, &*entropy);
    let key = AutomationKeyRecord {
        id: AutomationKeyId::new(&*clock, &*entropy),
        name: "bench".to_owned(),
        prefix: token.display_prefix().to_owned(),
        rate_limit_per_minute: RATE_LIMIT,
        ..known.clone()
    };
    store
        .create_automation_key(key, token.hash(), vec![])
        .await?;
    Ok(token)
}
