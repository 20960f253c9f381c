//! The data directory and the master key.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use reoclo_domain::Secret;
use reoclo_store::{DataDir, DataDirError, MasterKey, MasterKeyError};
use reoclo_testkit::SeededEntropy;
use tempfile::TempDir;

#[test]
fn a_data_directory_is_made_for_its_owner_alone() {
    let parent = TempDir::new().unwrap();
    let directory = DataDir::open(&parent.path().join("a/b")).unwrap();
    let mode = fs::metadata(directory.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(directory.database_path().starts_with(directory.path()));
}

#[test]
fn a_data_directory_is_used_by_one_at_a_time() {
    let parent = TempDir::new().unwrap();
    let first = DataDir::open(parent.path()).unwrap();
    let refused = DataDir::open(parent.path()).unwrap_err();
    let pid = std::process::id();
    let said = format!("is in use by another Reoclo (pid {pid})");
    assert!(refused.to_string().ends_with(&said), "{refused}");
    drop(first);
    DataDir::open(parent.path()).unwrap();
}

#[test]
fn a_data_directory_is_closed_to_others_whatever_was_there() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("data");
    fs::create_dir(&path).unwrap();
    let outside = parent.path().join("outside");
    fs::write(&outside, "").unwrap();
    for (file, mode) in [
        ("reoclo.db", 0o644),
        ("reoclo.db-wal", 0o666),
        ("old", 0o444),
    ] {
        fs::write(path.join(file), "").unwrap();
        fs::set_permissions(path.join(file), Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(&outside, Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink(&outside, path.join("link")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o2777)).unwrap();
    DataDir::open(&path).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o700);
    for file in ["reoclo.db", "reoclo.db-wal", "old", "lock"] {
        assert_eq!(mode(&path.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&outside), 0o644);
}

#[test]
fn a_master_key_waits_until_there_is_a_database_for_it() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("master.key");
    let waiting = parent.path().join("master.key.new");
    let prepare = |seed| {
        let prepared = MasterKey::load_or_prepare(&file, None, &SeededEntropy::new(seed));
        prepared.unwrap().1
    };
    prepare(1).discard();
    assert!(!file.exists() && !waiting.exists());
    // Killed before it was put into its place: a later start has the same, refused or not.
    drop(prepare(2));
    let text = fs::read_to_string(&waiting).unwrap();
    prepare(3).discard();
    prepare(4).keep().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert!(!waiting.exists());
}

#[test]
fn a_file_is_no_data_directory() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("file");
    fs::write(&path, "").unwrap();
    assert!(matches!(
        DataDir::open(&path),
        Err(DataDirError::NotADirectory(_))
    ));
    let below = DataDir::open(&path.join("below"));
    assert!(matches!(below, Err(DataDirError::Unwritable { .. })));
}

#[test]
fn a_master_key_is_made_once_and_kept() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("master.key");
    MasterKey::load_or_create(&file, None, &SeededEntropy::new(1)).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.trim().len(), 64);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    MasterKey::load_or_create(&file, None, &SeededEntropy::new(2)).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn a_master_key_from_the_environment_leaves_no_file() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("master.key");
    let entropy = SeededEntropy::new(1);
    let key = Secret::new("00".repeat(32));
    MasterKey::load_or_create(&file, Some(&key), &entropy).unwrap();
    assert!(!file.exists());
    let wrong = MasterKey::load_or_create(&file, Some(&Secret::new("secret")), &entropy);
    let wrong = wrong.err().unwrap();
    assert!(matches!(wrong, MasterKeyError::Environment));
    assert!(!wrong.to_string().contains("secret"));
}

#[test]
fn a_missing_damaged_or_exposed_master_key_is_refused() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("master.key");
    let load = || MasterKey::load(&file, None).err().unwrap();
    assert!(matches!(load(), MasterKeyError::Absent(_)));
    for damaged in ["", "00", &"xy".repeat(32)] {
        fs::write(&file, damaged).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(load(), MasterKeyError::Damaged(_)), "{damaged}");
    }
    fs::write(&file, "00".repeat(32)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(load(), MasterKeyError::Exposed(_)));
}
