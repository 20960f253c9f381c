use super::NONCE_BYTES;

/// Separates these signatures from any other use of the same key.
const LABEL: &[u8] = b"reoclo-runner-connect-v1";

/// The bytes that a proof signs: the label and then each part, every one behind its length as
/// four bytes, big-endian, so that no two sets of parts give the same bytes.
pub fn signed_bytes(control_plane_id: &str, server_id: &str, nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
    join(&[
        LABEL,
        control_plane_id.as_bytes(),
        server_id.as_bytes(),
        nonce,
    ])
}

/// Each part behind its length.
pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        // A part of 4 GiB does not exist: the WebSocket's messages end at 1 MiB.
        let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
