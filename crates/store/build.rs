//! Reads the migrations, so that one more is one more file: their texts, and the unique indexes
//! that they make, by whose names a refused value is told from another.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const DIRECTORY: &str = "migrations";
const UNIQUE_INDEX: &str = "CREATE UNIQUE INDEX ";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={DIRECTORY}");
    let mut files = fs::read_dir(DIRECTORY)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    files.sort();
    let (mut migrations, mut indexes, mut last) = (String::new(), String::new(), 0);
    for file in &files {
        let (version, name) = named(file)?;
        if version <= last {
            return Err(format!("two migrations have the number {version}").into());
        }
        last = version;
        let path = format!("/{}", file.display());
        writeln!(
            migrations,
            "    ({version}, {name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),"
        )?;
        write_indexes(&fs::read_to_string(file)?, &mut indexes)?;
    }
    let written = format!(
        "/// Every migration there ever was, in order; one that was released never changes.\n\
         pub(crate) const MIGRATIONS: &[(i64, &str, &str)] = &[\n{migrations}];\n\n\
         /// Every unique index with a name of its own.\n\
         pub(crate) const UNIQUE_INDEXES: &[UniqueIndex] = &[\n{indexes}];\n"
    );
    Ok(fs::write(out_dir()?.join("migrations.rs"), written)?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script there where it may write"
)]
fn out_dir() -> Result<PathBuf, env::VarError> {
    env::var("OUT_DIR").map(PathBuf::from)
}

/// `0007_registry_credentials.sql` is migration 7, "registry credentials".
fn named(file: &Path) -> Result<(i64, String), String> {
    let wrong = || format!("{} is not called NNNN_words.sql", file.display());
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.strip_suffix(".sql"));
    let (number, words) = name
        .and_then(|name| name.split_once('_'))
        .ok_or_else(wrong)?;
    if number.len() != 4 || words.is_empty() {
        return Err(wrong());
    }
    let version = number.parse().map_err(|_| wrong())?;
    Ok((version, words.replace('_', " ")))
}

/// `CREATE UNIQUE INDEX servers_slug ON servers (organization_id, slug)`: the last column is the
/// one that people choose, the others say among what it is unique.
fn write_indexes(text: &str, indexes: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    for statement in text.split(UNIQUE_INDEX).skip(1) {
        let statement = statement.split(';').next().unwrap_or_default();
        let (name, rest) = statement.split_once(" ON ").ok_or("an index without ON")?;
        let (table, columns) = rest.split_once('(').ok_or("an index without columns")?;
        let columns = columns.split(" WHERE ").next().unwrap_or_default();
        let columns: Vec<&str> = columns
            .split([',', '(', ')'])
            .map(str::trim)
            .filter(|part| !part.is_empty() && *part != "lower")
            .collect();
        writeln!(
            indexes,
            "    UniqueIndex {{ name: {:?}, table: {:?}, columns: &{columns:?} }},",
            name.trim(),
            table.trim(),
        )?;
    }
    Ok(())
}
