//! An embedded database in this process, with an organization, a person and a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use reoclo_control::{Control, Drain, Settings};
use reoclo_domain::{Clock, Entropy, OrganizationId, Role, Secret, ServerId, UserId};
use reoclo_store::{
    DatabaseAddress, Expected, MasterKey, NewOrganization, NewServer, NewUser, Sharing, Store,
    StoreOptions,
};

use crate::ambient;

/// An open database.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) organization: OrganizationId,
    pub(crate) admin: UserId,
    pub(crate) server: ServerId,
}

impl Database {
    /// Makes one in a new directory.
    pub(crate) async fn create(directory: &Path) -> Result<Self> {
        fs::create_dir(directory)?;
        let master_key = MasterKey::load(&PathBuf::new(), Some(&Secret::new("5a".repeat(32))))?;
        let store = open(file(directory), master_key).await?;
        let (clock, entropy) = (ambient::clock(), ambient::entropy());
        let database = Self {
            store,
            organization: OrganizationId::new(&*clock, &*entropy),
            admin: UserId::new(&*clock, &*entropy),
            server: ServerId::new(&*clock, &*entropy),
            clock,
            entropy,
        };
        database.fill().await?;
        Ok(database)
    }

    /// The use cases on it, without anything in the background.
    pub(crate) fn control(&self) -> Control {
        Control::new(
            self.store.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
            Settings::new("http://127.0.0.1"),
            Drain::new(),
        )
    }

    async fn fill(&self) -> Result<()> {
        let created_at = self.clock.now();
        let organization = NewOrganization {
            id: self.organization,
            slug: "bench".into(),
            name: "Bench".into(),
            created_at,
        };
        let admin = NewUser {
            id: self.admin,
            email: Some("ada@bench.example".into()),
            name: Some("Ada".into()),
            password_hash: None,
            temporary_until: None,
            created_at,
        };
        let server = NewServer {
            id: self.server,
            organization: self.organization,
            slug: "web".parse()?,
            name: "web".parse()?,
            created_at,
        };
        let (store, id) = (&self.store, self.organization);
        store.create_organization(organization, vec![]).await?;
        store.create_user(admin, id, Role::Admin, vec![]).await?;
        store.create_server(server, None, vec![]).await?;
        Ok(())
    }
}

/// Opens the database of a control plane that has ended.
pub(crate) async fn reopen(data_dir: &Path) -> Result<Store> {
    let master_key = MasterKey::load(&data_dir.join("master.key"), None)?;
    open(file(data_dir), master_key).await
}

fn file(directory: &Path) -> DatabaseAddress {
    DatabaseAddress::Sqlite(directory.join("reoclo.db"))
}

/// Opens any database.
pub(crate) async fn open(database: DatabaseAddress, master_key: MasterKey) -> Result<Store> {
    let options = StoreOptions {
        database,
        master_key,
        clock: ambient::clock(),
        entropy: ambient::entropy(),
        sharing: Sharing::Shared,
        wait_for_database: Duration::ZERO,
        expected: Expected::default(),
    };
    Ok(Store::open(options).await?)
}
