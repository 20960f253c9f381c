//! Which database a data directory was started with, for commands that read it later.
//!
//! The address may hold a password, so it is sealed with the master key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use reoclo_domain::{Entropy, Secret};

use crate::database::DatabaseAddress;
use crate::master_key::MasterKey;
use crate::sealing::AssociatedData;

const FILE: &str = "database";
const PLACE: AssociatedData<'static> = AssociatedData {
    purpose: "database_address",
    id: FILE,
};

/// The address of another database than the embedded one, as it is to be written down.
pub struct RememberedDatabase {
    file: PathBuf,
    /// `None` for the embedded one, which is found without a note.
    sealed: Option<Vec<u8>>,
}

/// What is written down of the database cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0} does not say which database was used: give --database-url")]
pub struct UnreadableNote(PathBuf);

impl RememberedDatabase {
    /// Seals the address; nothing is written yet.
    pub fn prepare(
        data_dir: &Path,
        address: &DatabaseAddress,
        key: &MasterKey,
        entropy: &dyn Entropy,
    ) -> io::Result<Self> {
        let url = match address {
            DatabaseAddress::Sqlite(path) if *path == data_dir.join("reoclo.db") => None,
            DatabaseAddress::Sqlite(path) => {
                let path = std::path::absolute(path)?;
                Some(Secret::new(format!("sqlite:{}", path.display())))
            }
            DatabaseAddress::Postgres(url) => Some(url.clone()),
        };
        let seal = |url: Secret| {
            let sealed = key.sealer().seal(PLACE, url.expose().as_bytes(), entropy);
            sealed.map_err(io::Error::other)
        };
        Ok(Self {
            file: data_dir.join(FILE),
            sealed: url.map(seal).transpose()?,
        })
    }

    /// Writes the address down, in the place of an earlier one.
    pub fn write(self) -> io::Result<()> {
        let Some(sealed) = self.sealed else {
            return match fs::remove_file(&self.file) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        };
        let beside = self.file.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&sealed)?;
        file.sync_all()?;
        fs::rename(&beside, &self.file)?;
        let directory = self.file.parent().unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }

    /// Whether a data directory was started with another database than the embedded one.
    pub fn is_in(data_dir: &Path) -> bool {
        data_dir.join(FILE).exists()
    }

    /// The database that a data directory was started with last.
    pub fn read(data_dir: &Path, key: &MasterKey) -> Result<DatabaseAddress, UnreadableNote> {
        let file = data_dir.join(FILE);
        let sealed = match fs::read(&file) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(DatabaseAddress::Sqlite(data_dir.join("reoclo.db")));
            }
            Err(_) => return Err(UnreadableNote(file)),
        };
        let opened = key.sealer().open(PLACE, &sealed).ok();
        let address = opened
            .as_ref()
            .and_then(|url| std::str::from_utf8(url).ok())
            .and_then(|url| DatabaseAddress::parse(url).ok());
        address.ok_or(UnreadableNote(file))
    }
}
