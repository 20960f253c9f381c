//! What cargo says about the workspace.

use cargo_metadata::camino::Utf8Path;
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

/// The workspace's packages and what their manifests declare; dependencies are not resolved.
pub(crate) fn metadata() -> Metadata {
    // From the root: inside a member's folder, that member is the default.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let mut command = MetadataCommand::new();
    command.manifest_path(root).no_deps().exec().unwrap()
}

/// A crate is called by its folder here, as in the architecture: `http`, not `reoclo-http`.
pub(crate) fn name(package: &Package) -> &str {
    folder_name(package.manifest_path.parent().unwrap())
}

/// The last part of a crate's path.
pub(crate) fn folder_name(path: &Utf8Path) -> &str {
    path.file_name().unwrap()
}

/// The root files of the package's library and binaries.
pub(crate) fn roots(package: &Package) -> impl Iterator<Item = &Utf8Path> {
    package
        .targets
        .iter()
        .filter(|target| {
            target
                .kind
                .iter()
                .any(|kind| matches!(kind, TargetKind::Lib | TargetKind::Bin))
        })
        .map(|target| target.src_path.as_path())
}
